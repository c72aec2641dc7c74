// Package personal marks data about people, so that it cannot slip into a log,
// an error text or an event in the clear.
package personal

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
)

// Text is a text about a person: a name, an email address, a client address.
// Printing it in any way shows only that there is one; the codec of events is
// the one place that stores it, encrypted with the key of the person it is
// about. A field of this type names that person by a `subject` tag: the JSON
// name of the field beside it that holds their id.
//
// The zero Text is absent. A Text whose key has been destroyed is Erased.
type Text struct {
	value  string
	erased bool
}

// New marks a text as personal. The empty string gives the absent Text.
func New(s string) Text { return Text{value: s} }

// Erased is what a text reads as once its subject has been erased.
func Erased() Text { return Text{erased: true} }

// Reveal returns the text in the clear; "" when it is absent or erased. Each
// call is a decision to let personal data out: into a read model, into an
// answer to someone entitled to it.
func (t Text) Reveal() string { return t.value }

// IsErased tells whether the subject's key is gone, and the text with it.
func (t Text) IsErased() bool { return t.erased }

// IsZero tells whether there is no text at all.
func (t Text) IsZero() bool { return t == Text{} }

// Equal compares the texts themselves.
func (t Text) Equal(u Text) bool { return t == u }

const redacted = "[personal]"

// String hides the text.
func (t Text) String() string {
	switch {
	case t.erased:
		return "[erased]"
	case t.value == "":
		return ""
	default:
		return redacted
	}
}

// Format hides the text, whatever the verb: fmt would print the fields for one
// that is not meant for texts.
func (t Text) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, t.String()) }

// LogValue hides the text from structured logs.
func (t Text) LogValue() slog.Value { return slog.StringValue(t.String()) }

// Scan reads the text from a read model, which holds it in the clear. It is that
// of database/sql; the other direction is missing on purpose.
func (t *Text) Scan(stored any) error {
	s, ok := stored.(string)
	if !ok {
		return errors.New("a personal text is stored as text that is not null")
	}
	*t = New(s)
	return nil
}

// ErrClear is the refusal to write personal data in the clear.
var ErrClear = errors.New("personal text has no plain JSON form: only the event codec stores it")

// MarshalJSON refuses: a plain encoder must not meet personal data.
func (t Text) MarshalJSON() ([]byte, error) { return nil, ErrClear }

// UnmarshalJSON refuses for the same reason: what is read in the clear was
// stored in the clear.
func (t *Text) UnmarshalJSON([]byte) error { return ErrClear }
