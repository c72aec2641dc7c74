package act

import (
	"time"

	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/input"
	"github.com/perfectworks/backend/domain/personal"
)

// Bounds of texts, in characters.
const (
	shortestReason = 3
	longestReason  = 500
	longestText    = 500
)

// ErrEnded says that an act has ended already, or never began.
var ErrEnded = failure.New(failure.Conflict, "OPERATOR_ACT_ENDED",
	"this act has ended already")

// Beginning is what an act begins with.
type Beginning struct {
	ID      id.Act
	Kind    Kind
	Target  string
	Details map[string]string
	Account personal.Text
	Reason  personal.Text
}

// Begin begins an act. Repeated, it changes nothing.
func (s State) Begin(by access.Principal, b Beginning, at time.Time) ([]event.Event, error) {
	var wrong failure.Fields
	if !b.Kind.Valid() {
		wrong.Add("kind", input.CodeUnknown, "must be a kind of act")
		return nil, wrong.Err()
	}
	if err := by.Require(b.Kind.Permission()); err != nil {
		return nil, err
	}
	reason := b.Reason.Reveal()
	if reason != "" || b.Kind.NeedsReason() {
		reason = input.Line(&wrong, "reason", reason, shortestReason, longestReason)
	}
	if err := wrong.Err(); err != nil {
		return nil, err
	}
	if !s.BeganAt.IsZero() {
		return nil, nil
	}
	e := OperatorActBegan{ActID: b.ID, Kind: b.Kind, Target: cut(b.Target), Account: b.Account, OccurredAt: at}
	if reason != "" {
		e.Reason = personal.New(reason)
	}
	if len(b.Details) > 0 {
		e.Details = make(map[string]string, len(b.Details))
		for name, value := range b.Details {
			e.Details[name] = cut(value)
		}
	}
	return []event.Event{e}, nil
}

// End ends an act. Ended again in the same way, it changes nothing.
func (s State) End(how Outcome, note string, at time.Time) ([]event.Event, error) {
	switch {
	case !how.Valid():
		var wrong failure.Fields
		wrong.Add("outcome", input.CodeUnknown, "must be done, failed or interrupted")
		return nil, wrong.Err()
	case s.Outcome == how:
		return nil, nil
	case s.Outcome != Underway:
		return nil, ErrEnded
	}
	return []event.Event{OperatorActEnded{ActID: s.ID, Outcome: how, Note: cut(note), OccurredAt: at}}, nil
}

// cut bounds a text that a program wrote.
func cut(text string) string {
	if runes := []rune(text); len(runes) > longestText {
		return string(runes[:longestText])
	}
	return text
}
