package mail

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"time"

	gomail "github.com/wneessen/go-mail"

	"github.com/perfectworks/backend/adapters/loopback"
)

// serverTimeout bounds each step of a conversation with the mail server.
const serverTimeout = 30 * time.Second

// server sends by SMTP (RFC 5321). Each mail has a connection of its own: mails
// are rare, and a connection that is kept may be dead.
type server struct {
	host    string
	options []gomail.Option
}

var errServerURL = errors.New("SMTP_URL is not of the form smtp://user:password@host:587 or smtps://user:password@host:465")

// newServer reads an SMTP_URL. Its errors do not quote it: it holds a password.
func newServer(text string) (*server, error) {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "" {
		return nil, errServerURL
	}
	s := &server{host: u.Hostname(), options: []gomail.Option{gomail.WithTimeout(serverTimeout)}}
	port := 587
	switch u.Scheme {
	case "smtps":
		port = 465
		s.options = append(s.options, gomail.WithSSL())
	case "smtp":
		policy := gomail.TLSMandatory
		if loopback.Host(u.Hostname()) {
			policy = gomail.TLSOpportunistic
		}
		s.options = append(s.options, gomail.WithTLSPolicy(policy))
	default:
		return nil, errServerURL
	}
	if p := u.Port(); p != "" {
		if port, err = strconv.Atoi(p); err != nil {
			return nil, errServerURL
		}
	}
	s.options = append(s.options, gomail.WithPort(port))
	if u.User != nil {
		password, _ := u.User.Password()
		auth := gomail.SMTPAuthAutoDiscover
		s.options = append(s.options, gomail.WithSMTPAuth(auth), gomail.WithUsername(u.User.Username()), gomail.WithPassword(password))
	}
	if _, err := gomail.NewClient(s.host, s.options...); err != nil {
		return nil, errServerURL
	}
	return s, nil
}

// CheckServer returns nil for an SMTP_URL that can be used.
func CheckServer(text string) error {
	_, err := newServer(text)
	return err
}

func (s *server) deliver(ctx context.Context, _ string, m *gomail.Msg) error {
	client, err := gomail.NewClient(s.host, s.options...)
	if err != nil {
		return err
	}
	err = client.DialAndSendWithContext(ctx, m)
	var refused *gomail.SendError
	if errors.As(err, &refused) {
		// What the server says may quote the address.
		if refused.Reason == gomail.ErrSMTPRcptTo && !refused.IsTemp() {
			return errRefused
		}
		return errConversation(refused.Reason)
	}
	return err
}

// errConversation is at which step the server did not do what was asked.
func errConversation(reason gomail.SendErrReason) error {
	return errors.New("the mail server did not take a mail: " + reason.String())
}

// Reach connects to the server of an SMTP_URL, encrypts and authenticates as for a
// mail, and sends none.
func Reach(ctx context.Context, text string) error {
	s, err := newServer(text)
	if err != nil {
		return err
	}
	client, err := gomail.NewClient(s.host, s.options...)
	if err != nil {
		return errServerURL
	}
	if err := client.DialWithContext(ctx); err != nil {
		return fmt.Errorf("reach the mail server: %w", err)
	}
	return client.Close()
}
