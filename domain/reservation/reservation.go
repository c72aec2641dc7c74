package reservation

import (
	"time"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/failure"
)

// State is a value's reservation, folded from its stream.
type State struct {
	Kind      Kind
	ValueHash string
	// OwnerID is the holder, or the last one; empty if there never was one.
	OwnerID string
	// ReservedAt is when the holder last claimed the value.
	ReservedAt time.Time
	// Released says that the holder gave it up, to others from AvailableAt on.
	Released    bool
	AvailableAt time.Time
}

// Apply folds an event into the state. Events of other kinds change nothing.
func Apply(s State, e event.Event) State {
	switch e := e.(type) {
	case Reserved:
		return State{Kind: e.Kind, ValueHash: e.ValueHash, OwnerID: e.OwnerID, ReservedAt: e.OccurredAt}
	case Released:
		s.Released, s.AvailableAt = true, e.AvailableAt
	}
	return s
}

// Claim is a wish for a value.
type Claim struct {
	Kind      Kind
	ValueHash string
	OwnerID   string
}

// ErrHeld is the refusal of a value that somebody else has. Those who ask for
// one translate it into their own words.
var ErrHeld = failure.New(failure.Conflict, "VALUE_TAKEN", "this value is taken")

// Claim reserves the value. It is an event also for its present owner: whoever
// is about to take the value over sees by it that the owner is at work.
func (s State) Claim(c Claim, at time.Time) ([]event.Event, error) {
	if s.OwnerID != "" && s.OwnerID != c.OwnerID {
		return nil, ErrHeld
	}
	return []event.Event{c.reserved(at)}, nil
}

// Contestable tells whether the value may change hands, if its owner turns out
// not to use it: the owner has released it for others, or claimed it longer ago
// than the grace that a claim has to be used.
func (s State) Contestable(at time.Time, grace time.Duration) bool {
	if s.Released {
		return !at.Before(s.AvailableAt)
	}
	return !at.Before(s.ReservedAt.Add(grace))
}

// TakeOver gives the value to another owner. That the present one does not use
// it, and cannot begin to, is for the caller to see to.
func (s State) TakeOver(c Claim, at time.Time) []event.Event {
	if s.Released {
		return []event.Event{c.reserved(at)}
	}
	return []event.Event{
		Released{Kind: c.Kind, ValueHash: c.ValueHash, OwnerID: s.OwnerID, AvailableAt: at, OccurredAt: at},
		c.reserved(at),
	}
}

// Release gives a value up; others may have it from availableAt on. From
// anybody but its holder it does nothing.
func (s State) Release(c Claim, availableAt, at time.Time) []event.Event {
	if s.OwnerID != c.OwnerID || s.Released {
		return nil
	}
	return []event.Event{Released{
		Kind: c.Kind, ValueHash: c.ValueHash, OwnerID: c.OwnerID, AvailableAt: availableAt, OccurredAt: at,
	}}
}

func (c Claim) reserved(at time.Time) Reserved {
	return Reserved{Kind: c.Kind, ValueHash: c.ValueHash, OwnerID: c.OwnerID, OccurredAt: at}
}
