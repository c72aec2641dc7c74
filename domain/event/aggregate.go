package event

import "github.com/perfectworks/backend/domain/id"

// Aggregate describes one kind of aggregate: all that codec, subscriptions and
// executor need to know about it. Each aggregate's package declares one, as a
// variable of that name, and package domain lists them.
//
// I is the type of the aggregate's id, S the state that its stream folds into.
type Aggregate[I id.Name, S any] struct {
	// Category is the part of the stream's name before the dash. It never
	// changes, and contains no dash.
	Category string
	// Schemas are the stored shapes of the aggregate's events.
	Schemas []Schema
	// Apply returns the state after an event. It changes nothing that the state
	// given refers to, for others may hold that one, and ignores events that are
	// not the aggregate's.
	Apply func(S, Event) S
	// Unfollowed says that no projection and no policy looks at the events: they are
	// not delivered to any, which spares each of them the work.
	Unfollowed bool
	// NotFound is the failure to return for an aggregate that does not exist. It
	// is nil where ids never come from a caller.
	NotFound error
	// Snapshots is set for aggregates whose streams grow long.
	Snapshots *Snapshots[S]
}

// Stream returns the name of the stream of one aggregate.
func (a Aggregate[I, S]) Stream(name I) string { return a.Category + "-" + string(name) }

// Check returns NotFound if the name cannot be that of an aggregate of this
// kind, and otherwise nil.
func (a Aggregate[I, S]) Check(name I) error {
	if a.NotFound == nil || id.Valid(name) {
		return nil
	}
	return a.NotFound
}

// Describe returns what does not depend on the types of id and state.
func (a Aggregate[I, S]) Describe() Kind {
	var name I
	var zero S
	return Kind{
		Category: a.Category, IDPrefix: name.Prefix(), Schemas: a.Schemas, Unfollowed: a.Unfollowed, Zero: zero,
		Apply: func(s any, e Event) any { return a.Apply(s.(S), e) }, //nolint:forcetypeassert // It is Zero, or what Apply returned.
	}
}

// Kind is an Aggregate without its types.
type Kind struct {
	Category string
	// IDPrefix is empty for ids that are not TypeIDs.
	IDPrefix   string
	Schemas    []Schema
	Unfollowed bool
	// Zero is the state of an aggregate without events, and Apply folds an event into
	// a state that began as Zero.
	Zero  any
	Apply func(state any, e Event) any
}

// StreamPrefix is what the names of all streams of this kind begin with.
func (k Kind) StreamPrefix() string { return k.Category + "-" }
