package eventstore

import (
	"github.com/perfectworks/backend/domain"
	"github.com/perfectworks/backend/domain/event"
)

// Schemas returns the stored shapes of all events of this system.
func Schemas() []event.Schema {
	var all []event.Schema
	for _, kind := range domain.Aggregates() {
		all = append(all, kind.Schemas...)
	}
	return all
}

// StreamPrefixes returns the beginnings of the names of the streams that
// subscriptions follow, all of them the same, so that every write that somebody
// may wait for advances every projection. Events of kinds that are Unfollowed are
// delivered to nobody.
func StreamPrefixes() []string {
	var all []string
	for _, kind := range domain.Aggregates() {
		if !kind.Unfollowed {
			all = append(all, kind.StreamPrefix())
		}
	}
	return all
}

// Shapes are the versions of the stored shapes that this program can read, by
// event type.
func Shapes() map[string]int {
	shapes := map[string]int{}
	for _, s := range Schemas() {
		shapes[s.Type] = s.Version
	}
	return shapes
}

// AggregatePrefixes returns the beginnings of the names of the streams of all
// aggregates: those that subscriptions follow, and those of kinds that are Unfollowed.
func AggregatePrefixes() []string {
	var all []string
	for _, kind := range domain.Aggregates() {
		all = append(all, kind.StreamPrefix())
	}
	return all
}

// OwnPrefixes returns the beginnings of the names of all streams of this system: those
// of aggregates, and the one that identifies the log.
func OwnPrefixes() []string { return append(AggregatePrefixes(), identityStream) }
