package mail

import (
	"bytes"
	"context"
	"fmt"
	"time"

	gomail "github.com/wneessen/go-mail"

	"github.com/perfectworks/backend/domain/personal"
)

// message is a mail, the same in each attempt.
type message struct {
	// key names the mail: lower-case letters, digits and dashes.
	key     string
	to      personal.Text
	subject string
	text    string
	html    string
	at      time.Time
}

// transport delivers mails. It is safe for concurrent use.
type transport interface {
	deliver(ctx context.Context, key string, m *gomail.Msg) error
}

// compose lays a mail out: plain text, and HTML for those who prefer it.
func (s *Sender) compose(m message) (*gomail.Msg, error) {
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	if err := msg.FromFormat(s.fromName, s.fromAddress); err != nil {
		return nil, fmt.Errorf("the sender of a mail: %w", err)
	}
	if err := msg.To(m.to.Reveal()); err != nil {
		return nil, errRecipient // The error of the library quotes the address.
	}
	msg.Subject(m.subject)
	msg.SetDateWithValue(m.at)
	msg.SetMessageIDWithValue(m.key + "@" + s.domain)
	msg.SetBoundary("pw-" + m.key)
	// RFC 3834: no vacation notes in return.
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	msg.SetBodyString(gomail.TypeTextPlain, m.text)
	msg.AddAlternativeString(gomail.TypeTextHTML, m.html)
	return msg, nil
}

// encode returns a mail as it goes over the wire.
func encode(m *gomail.Msg) ([]byte, error) {
	var out bytes.Buffer
	if _, err := m.WriteTo(&out); err != nil {
		return nil, fmt.Errorf("encode a mail: %w", err)
	}
	return out.Bytes(), nil
}
