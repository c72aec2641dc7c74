package projections

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

func TestJudge(t *testing.T) {
	t.Parallel()
	code := func(c string) error { return fmt.Errorf("flush: %w", &pgconn.PgError{Code: c}) }
	for name, c := range map[string]struct {
		err       error
		want      verdict
		transient bool
	}{
		"connection lost":        {io.ErrUnexpectedEOF, retry, true},
		"cannot connect":         {&pgconn.ConnectError{}, retry, true},
		"another mistake":        {errors.New("x"), retry, false},
		"serialization failure":  {code("40001"), retry, true},
		"deadlock":               {code("40P01"), retry, true},
		"shutdown":               {code("57P01"), retry, true},
		"starting up":            {code("57P03"), retry, true},
		"disk full":              {code("53100"), retry, true},
		"lock not available":     {code("55P03"), retry, true},
		"read only":              {code("25006"), retry, true},
		"no such table":          {code("42P01"), retry, false},
		"not permitted":          {code("42501"), retry, false},
		"moved on":               {code("PWF01"), fenced, false},
		"fenced":                 {errFenced, fenced, false},
		"not a number":           {code("22P02"), guilty, false},
		"null":                   {code("23502"), guilty, false},
		"too long for an index":  {code("54000"), guilty, false},
		"of another type":        {code("42804"), guilty, false},
		"raised by a function":   {code("P0001"), guilty, false},
		"an empty code survives": {code(""), retry, false},
	} {
		if got := judge(c.err); got != c.want {
			t.Errorf("%s: judged %d, want %d", name, got, c.want)
		}
		if got := transient(c.err); got != c.transient {
			t.Errorf("%s: transient %v", name, got)
		}
	}
}

func TestDescriptionsHoldNoValues(t *testing.T) {
	t.Parallel()
	const secret = "ada@example.org"
	for _, err := range []error{
		&pgconn.PgError{Code: "22P02", Message: `invalid input syntax for type integer: "` + secret + `"`},
		&pgconn.PgError{Code: "P0001", Message: secret},
		&pgconn.PgError{
			Code: "23505", Message: `duplicate key value violates unique constraint "x"`,
			Detail: "Key (email)=(" + secret + ") already exists.", Hint: secret, Where: secret, InternalQuery: secret,
		},
		panickedWith(secret), panickedWith(errors.New(secret)),
	} {
		if text := describe(fmt.Errorf("write: %w", err)); text == "" || strings.Contains(text, "ada") {
			t.Errorf("%T is described as %q", err, text)
		}
	}
	if got := describe(context.DeadlineExceeded); got != "the database did not answer in time" {
		t.Error(got)
	}
}

func panickedWith(value any) (err error) {
	defer func() { err = panicked(recover()) }()
	panic(value)
}

func TestPanicsNameTheirPlace(t *testing.T) {
	t.Parallel()
	err := func() (err error) {
		defer func() { err = panicked(recover()) }()
		var none []int
		_ = none[len(t.Name())]
		return nil
	}()
	for _, part := range []string{"index out of range", "TestPanicsNameTheirPlace"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not say %q", err, part)
		}
	}
}

// What is the database's state is no event's fault, passes, and is said in words.
func TestStatesOfTheDatabasePass(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]string{
		"53100": "the database's disk is full",
		"53200": "the database is out of memory",
		"53300": "the database has no connection left",
		"25006": "the database is read-only",
	} {
		err := error(&pgconn.PgError{Code: code, Message: "could not extend file"})
		if !transient(err) || judge(err) != retry {
			t.Errorf("%s does not pass", code)
		}
		if got := describe(err); got != want {
			t.Errorf("%s is described as %q, want %q", code, got, want)
		}
	}
}
