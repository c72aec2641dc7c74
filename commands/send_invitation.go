package commands

import (
	"context"
	"strings"
	"time"

	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/domain/personal"
	"github.com/perfectworks/backend/domain/user"
)

// SendInvitation sends the mail of an invitation, unless the invitation has ended
// or was sent again since: then the mail would be void. It is for a policy, and
// may be repeated: the mail keeps its name.
type SendInvitation struct {
	OrganizationID id.Organization
	InvitationID   id.Invitation
	// Issue numbers the token of the mail.
	Issue int
}

// Mailer sends mails.
type Mailer interface {
	// SendInvitation returns when the mail is on its way. A mail of the same key is
	// the same one.
	SendInvitation(ctx context.Context, m InvitationMail) error
}

// InvitationMail is what the mail of an invitation tells.
type InvitationMail struct {
	// Key names the mail. At is the time that it bears.
	Key          string
	At           time.Time
	To           personal.Text
	Organization string
	// Inviter is the name of the member who invites; it is empty when a system
	// user does.
	Inviter  personal.Text
	Role     access.Role
	Token    organization.Token
	ExpireAt time.Time
}

// SentInvitation tells whether the mail was sent.
type SentInvitation struct {
	Sent bool
}

func (x *executor) sendInvitation(ctx context.Context, req Request, c SendInvitation) (Result[SentInvitation], error) {
	if err := req.Principal.Require(access.ManageMembers); err != nil {
		return Result[SentInvitation]{}, err
	}
	o, err := load(ctx, x, ref(organization.Aggregate, c.OrganizationID), true)
	if err != nil {
		return Result[SentInvitation]{}, err
	}
	i := o.State.Invitations.Get(c.InvitationID)
	if o.State.Status != organization.StatusActive || i.Issue != c.Issue || !i.Open(req.at()) || i.Email.IsZero() {
		return Result[SentInvitation]{}, nil
	}
	m := InvitationMail{
		Key: req.ID.String(), At: req.at(), To: i.Email, Organization: o.State.Profile.Name, Role: i.Role,
		Token: x.secrets.InvitationToken(c.InvitationID, c.Issue), ExpireAt: i.ExpireAt,
	}
	if i.InvitedBy != "" {
		inviter, err := load(ctx, x, ref(user.Aggregate, i.InvitedBy), false)
		if err != nil {
			return Result[SentInvitation]{}, err
		}
		m.Inviter = personal.New(strings.TrimSpace(inviter.State.FirstName.Reveal() + " " + inviter.State.LastName.Reveal()))
	}
	if err := x.mailer.SendInvitation(ctx, m); err != nil {
		return Result[SentInvitation]{}, err
	}
	return Result[SentInvitation]{Value: SentInvitation{Sent: true}}, nil
}
