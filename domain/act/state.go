package act

import (
	"time"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
)

// State is an act, folded from its stream.
type State struct {
	ID      id.Act
	Kind    Kind
	Target  string
	Outcome Outcome
	BeganAt time.Time
	EndedAt time.Time
	// Note is the sentence with which the act ended.
	Note string
}

// Apply folds an event into the state. Events of other kinds change nothing.
func Apply(s State, e event.Event) State {
	switch e := e.(type) {
	case OperatorActBegan:
		s.ID, s.Kind, s.Target, s.Outcome, s.BeganAt = e.ActID, e.Kind, e.Target, Underway, e.OccurredAt
	case OperatorActEnded:
		s.Outcome, s.Note, s.EndedAt = e.Outcome, e.Note, e.OccurredAt
	}
	return s
}
