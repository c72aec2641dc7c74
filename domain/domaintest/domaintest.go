// Package domaintest tests decisions: given these events, when this is asked,
// then these events happen, or this failure. It also runs code that waits on a
// fake clock.
package domaintest

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/failure"
)

// Case is one decision. Neither Then nor Fails: nothing happens.
type Case[S any] struct {
	Name  string
	Given []event.Event
	When  func(S) ([]event.Event, error)
	Then  []event.Event
	// Fails is the failure expected, compared by its code.
	Fails error
	// Fields are those that a validation failure must name, in their order.
	Fields []string
}

// Run runs the cases, each as a subtest. It also checks that neither deciding
// nor applying what was decided changes the state that was there before.
func Run[S any](t *testing.T, apply func(S, event.Event) S, cases []Case[S]) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			given := Fold(apply, c.Given...)
			events, err := c.When(given)
			c.check(t, events, err)
			for s := given; len(events) > 0; events = events[1:] {
				s = apply(s, events[0])
			}
			if diff := Diff(Fold(apply, c.Given...), given); diff != "" {
				t.Errorf("the state given has changed (-before +after):\n%s", diff)
			}
		})
	}
}

func (c Case[S]) check(t *testing.T, events []event.Event, err error) {
	t.Helper()
	var fields []string
	if f := failure.Of(err); f != nil {
		for _, d := range f.Details {
			fields = append(fields, d.Field)
		}
	}
	switch {
	case !errors.Is(err, c.Fails):
		t.Fatalf("got error %v %v, want %v", err, fields, c.Fails)
	case err != nil && len(events) > 0:
		t.Fatalf("events beside a failure: %v", events)
	}
	if diff := cmp.Diff(c.Fields, fields); diff != "" {
		t.Errorf("fields of the failure (-want +got):\n%s", diff)
	}
	if diff := Diff(c.Then, events); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

// Diff shows how two values differ; an absent slice or map is an empty one.
func Diff(want, got any) string { return cmp.Diff(want, got, cmpopts.EquateEmpty()) }

// Invalid is any validation failure, for Case.Fails.
var Invalid = failure.New(failure.Invalid, failure.CodeValidation, "")

// Broken is "field CODE" of the first rule that a validation failure names;
// empty when there is no error.
func Broken(err error) string {
	f := failure.Of(err)
	switch {
	case err == nil:
		return ""
	case f == nil || len(f.Details) == 0:
		return err.Error()
	default:
		return f.Details[0].Field + " " + f.Details[0].Code
	}
}

// Fold is the state after the events.
func Fold[S any](apply func(S, event.Event) S, events ...event.Event) S {
	var s S
	for _, e := range events {
		s = apply(s, e)
	}
	return s
}
