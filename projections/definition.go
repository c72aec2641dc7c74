// Package projections builds Postgres read models from the event log: each
// projection is a set of tables and pure reducers, and one engine runs them
// all, live and in rebuilds.
package projections

import (
	"github.com/perfectworks/backend/domain/event"
)

// Definition is a read model.
type Definition struct {
	// Name is the projection's name, and its live tables' Postgres schema.
	Name string
	// Version is raised with every change to Tables, Indexes or Reducers. A
	// server that finds tables of another version builds its own beside them.
	Version int
	// Tables is SQL that creates the tables, with unqualified names. Each has a
	// primary key.
	Tables string
	// Indexes is SQL that is run once the tables are filled.
	Indexes string
	// Reducers are the effects of the event types that matter here; all others
	// leave the tables alone.
	Reducers Reducers
}

// Reducer says what an event changes. It is pure: no query, no clock, no side
// effect, so that a rebuild gives the same tables as the live run.
type Reducer func(event.Recorded) []Change

// Reducers is a reducer for each event type.
type Reducers map[string]Reducer

// On is the reducer for events of type E.
func On[E event.Event](reduce func(E, event.Recorded) []Change) Reducers {
	var zero E
	return Reducers{zero.EventType(): func(r event.Recorded) []Change {
		return reduce(r.Event.(E), r) //nolint:forcetypeassert // The registry decodes this name into E.
	}}
}

// Merge joins reducers of different event types. It panics when two speak for
// the same type, which is a mistake in the program.
func Merge(all ...Reducers) Reducers {
	merged := Reducers{}
	for _, rs := range all {
		for name, r := range rs {
			if _, taken := merged[name]; taken {
				panic("projections: two reducers for " + name)
			}
			merged[name] = r
		}
	}
	return merged
}
