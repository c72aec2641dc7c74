package mail

import (
	"context"
	"embed"
	"fmt"
	htmltemplate "html/template"
	"strings"
	texttemplate "text/template"

	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/access"
)

var (
	//go:embed invitation.txt invitation.html
	templates embed.FS

	invitationText = texttemplate.Must(texttemplate.ParseFS(templates, "invitation.txt"))
	invitationHTML = htmltemplate.Must(htmltemplate.ParseFS(templates, "invitation.html"))
)

// invitation is what the templates show.
type invitation struct {
	Subject      string
	Organization string
	Inviter      string // empty if nobody is to be named
	Role         string
	Expires      string
	Link         htmltemplate.URL // empty if there is no page
	Token        string           // empty if there is a page
}

// roles are the roles as a mail names them.
var roles = map[access.Role]string{
	access.Owner: "an owner", access.Admin: "an admin", access.Billing: "a billing manager",
	access.Member: "a member", access.Viewer: "a viewer",
}

// SendInvitation implements commands.Mailer.
func (s *Sender) SendInvitation(ctx context.Context, m commands.InvitationMail) error {
	v := invitation{
		Subject:      "You are invited to join " + oneLine(m.Organization),
		Organization: oneLine(m.Organization), Inviter: oneLine(m.Inviter.Reveal()), Role: roles[m.Role],
		Expires: m.ExpireAt.UTC().Format("Monday, 2 January 2006 at 15:04 UTC"),
	}
	if s.invitationURL != "" {
		// The URL is the operator's own, and a token has no other characters than
		// those of base64url.
		v.Link = htmltemplate.URL(s.invitationURL + "#token=" + m.Token.Reveal()) //nolint:gosec // See above.
	} else {
		v.Token = m.Token.Reveal()
	}
	var text, html strings.Builder
	if err := invitationText.Execute(&text, v); err != nil {
		return fmt.Errorf("write an invitation: %w", err)
	}
	if err := invitationHTML.Execute(&html, v); err != nil {
		return fmt.Errorf("write an invitation: %w", err)
	}
	return s.send(ctx, message{
		key: "invitation-" + m.Key, to: m.To, subject: v.Subject, text: text.String(), html: html.String(), at: m.At,
	})
}

// oneLine keeps a name from looking like another line of the mail.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
