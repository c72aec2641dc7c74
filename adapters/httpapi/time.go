package httpapi

import (
	"bytes"
	"errors"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// timeLayout is how times are written: RFC 3339 in UTC with milliseconds.
const timeLayout = "2006-01-02T15:04:05.000Z"

// exampleTime is the time that the documentation shows in answers.
const exampleTime = "2025-12-31T23:59:59.000Z"

// toCome replaces exampleTime in an example of a request by a time that lies
// ahead for at least a year, so that the example works as it is printed.
func toCome(example any) any {
	switch example := example.(type) {
	case string:
		if example == exampleTime {
			return time.Date(time.Now().Year()+2, time.January, 1, 0, 0, 0, 0, time.UTC).Format(timeLayout)
		}
	case map[string]any:
		for name, value := range example {
			example[name] = toCome(value)
		}
	case []any:
		for i, value := range example {
			example[i] = toCome(value)
		}
	}
	return example
}

// Time is an instant on the wire. It is written by timeLayout and read from any
// RFC 3339 form.
type Time struct{ time.Time }

// optionalTime is null for the zero time.
func optionalTime(t time.Time) *Time {
	if t.IsZero() {
		return nil
	}
	return &Time{t}
}

// MarshalText writes the time.
func (t Time) MarshalText() ([]byte, error) { return t.AppendText(make([]byte, 0, len(timeLayout))) }

// AppendText writes the time to the end of b.
func (t Time) AppendText(b []byte) ([]byte, error) { return t.UTC().AppendFormat(b, timeLayout), nil }

// MarshalJSON stands before that of time.Time.
func (t Time) MarshalJSON() ([]byte, error) {
	b := append(make([]byte, 0, len(timeLayout)+2), '"')
	b = t.UTC().AppendFormat(b, timeLayout)
	return append(b, '"'), nil
}

// UnmarshalJSON reads the time, with a refusal that does not quote it.
func (t *Time) UnmarshalJSON(b []byte) error {
	// The library also takes a comma before the fraction, which RFC 3339 does not.
	if err := t.Time.UnmarshalJSON(b); err != nil || bytes.IndexByte(b, ',') >= 0 {
		return errors.New("not an RFC 3339 time")
	}
	return nil
}

// Schema describes the type.
func (Time) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{
		Type: huma.TypeString, Format: "date-time",
		Description: "RFC 3339, answered in UTC with milliseconds.",
		Examples:    []any{exampleTime},
	}
}
