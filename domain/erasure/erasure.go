// Package erasure is the aggregate of an erasure: the record that the personal
// data of a person or an organization was destroyed, with a certificate of what
// was destroyed, what is kept and why, and what remains for how long.
//
// The record holds ids and nothing personal, so that it can stay in the log.
package erasure

import (
	"slices"
	"time"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/failure"
)

// ID is the id of an erasure: that of the person or organization who is erased,
// of whom there is one erasure.
type ID string

// Prefix implements id.Name: these ids are those of several kinds of aggregates.
func (ID) Prefix() string { return "" }

// Kind is the kind of subject.
type Kind string

// The kinds of subjects.
const (
	KindUser         Kind = "user"
	KindOrganization Kind = "organization"
)

// ErrNotFound is the refusal of an id for which there is no erasure.
var ErrNotFound = failure.New(failure.NotFound, "ERASURE_NOT_FOUND", "there is no such erasure")

// State is an erasure, folded from its stream.
type State struct {
	ID   ID
	Kind Kind
	// Keys names the subjects whose keys are, or are to be, destroyed.
	Keys        []string
	BegunAt     time.Time
	Certificate Certificate
	// CompletedAt is zero while the erasure is under way.
	CompletedAt time.Time
}

// Certificate says what became of the data.
type Certificate struct {
	// DestroyedAt is when the keys had been destroyed.
	DestroyedAt time.Time
	Destroyed   []Statement
	Kept        []Statement
	Remains     []Remainder
}

// Apply folds an event into the state. Events of other kinds change nothing.
func Apply(s State, e event.Event) State {
	switch e := e.(type) {
	case Begun:
		return State{ID: e.SubjectID, Kind: e.Kind, Keys: slices.Clone(e.Keys), BegunAt: e.OccurredAt}
	case Completed:
		s.Keys, s.CompletedAt = slices.Clone(e.Keys), e.OccurredAt
		s.Certificate = Certificate{
			DestroyedAt: e.DestroyedAt, Destroyed: slices.Clone(e.Destroyed),
			Kept: slices.Clone(e.Kept), Remains: slices.Clone(e.Remains),
		}
	}
	return s
}

// Begin records whose keys are about to be destroyed. An erasure that has begun
// stays as it is.
func (s State) Begin(id ID, kind Kind, keys []string, at time.Time) []event.Event {
	if !s.BegunAt.IsZero() {
		return nil
	}
	return []event.Event{Begun{SubjectID: id, Kind: kind, Keys: keys, OccurredAt: at}}
}

// Complete records that the keys were destroyed at a time, with the certificate.
// An erasure that is complete stays as it is.
func (s State) Complete(keys []string, lives Lives, at time.Time) []event.Event {
	if s.BegunAt.IsZero() || !s.CompletedAt.IsZero() {
		return nil
	}
	c := s.Kind.certificate(lives, at)
	return []event.Event{Completed{
		SubjectID: s.ID, Kind: s.Kind, Keys: keys, DestroyedAt: at,
		Destroyed: c.Destroyed, Kept: c.Kept, Remains: c.Remains, OccurredAt: at,
	}}
}
