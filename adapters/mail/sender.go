package mail

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/mail"
	"net/url"
	"strings"

	"github.com/perfectworks/backend/domain/failure"
)

// Refusals that come again: the job that sends the mail waits for an operator.
var (
	errRecipient = failure.New(failure.Unprocessable, "MAIL_ADDRESS_INVALID",
		"the address of a mail cannot be sent to")
	errRefused = failure.New(failure.Unprocessable, "MAIL_REFUSED",
		"the mail server does not accept the address of a mail")
)

// Config says how mails leave.
type Config struct {
	// SMTPURL is the server, as smtp://user:password@host:587 or
	// smtps://user:password@host:465; empty for files in Folder. With smtp the
	// connection is encrypted by STARTTLS; without it only to this machine.
	SMTPURL string
	// From is the sender, such as "PerfectWorks <no-reply@example.com>".
	From string
	// Folder is where files go.
	Folder string
	// InvitationURL is the page of the product on which an invitation is accepted.
	// The token follows in the fragment, which no server sees. If it is empty, the
	// mail shows the token itself.
	InvitationURL string
	Logger        *slog.Logger
}

// DefaultFrom is the sender where none is set: a domain that cannot receive.
const DefaultFrom = "PerfectWorks <no-reply@perfectworks.invalid>"

// Sender writes and sends mails. It is safe for concurrent use.
type Sender struct {
	transport     transport
	fromName      string
	fromAddress   string
	domain        string // of fromAddress
	invitationURL string
}

// New checks the configuration. It connects to nothing before the first mail.
func New(c Config) (*Sender, error) {
	if c.From == "" {
		c.From = DefaultFrom
	}
	from, err := mail.ParseAddress(c.From)
	if err != nil {
		return nil, CheckSender(c.From)
	}
	if c.InvitationURL != "" {
		if err := CheckPage(c.InvitationURL); err != nil {
			return nil, err
		}
	}
	s := &Sender{
		fromName: from.Name, fromAddress: from.Address, domain: from.Address[strings.LastIndexByte(from.Address, '@')+1:],
		invitationURL: c.InvitationURL,
	}
	if c.SMTPURL != "" {
		s.transport, err = newServer(c.SMTPURL)
	} else {
		s.transport = &folder{path: c.Folder, logger: c.Logger}
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// CheckSender returns nil for an address with or without a name.
func CheckSender(text string) error {
	if _, err := mail.ParseAddress(text); err != nil {
		return errors.New("the sender of mails is not an address such as PerfectWorks <no-reply@example.com>")
	}
	return nil
}

// CheckPage returns nil for an absolute http or https address without credentials
// and fragment.
func CheckPage(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.Fragment != "" {
		return errors.New("the page for invitations is not an https address without credentials and fragment")
	}
	return nil
}

func (s *Sender) send(ctx context.Context, m message) error {
	msg, err := s.compose(m)
	if err != nil {
		return err
	}
	if err := s.transport.deliver(ctx, m.key, msg); err != nil {
		return fmt.Errorf("send mail %s: %w", m.key, err)
	}
	return nil
}
