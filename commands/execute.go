package commands

import (
	"context"
	"errors"
	"fmt"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/id"
)

// maxConflicts bounds how often a command decides again after losing a race
// for its stream. Each loss means that another writer got through.
const maxConflicts = 16

// ErrContended is the refusal after maxConflicts lost races.
var ErrContended = failure.New(failure.Unavailable, "CONTENDED",
	"too many others are changing this at the same time: try again")

// ErrStale is the answer to a revision that the caller saw and that has passed.
var ErrStale = failure.New(failure.Stale, "STALE_REVISION",
	"this has changed since it was read: read it again and repeat the change")

// aggregate ties a category of streams to the state that they fold into.
type aggregate[S any] struct {
	category string
	apply    func(S, event.Event) S
}

func (a aggregate[S]) fold() Fold {
	var zero S
	return Fold{
		Zero:  zero,
		Apply: func(s any, e event.Event) any { return a.apply(s.(S), e) }, //nolint:forcetypeassert // fold made it.
	}
}

// outcome is an aggregate after a command.
type outcome[S any] struct {
	State    S
	Revision event.Revision
	Position event.Position
}

func outcomeOf[S any](s Snapshot) outcome[S] {
	return outcome[S]{State: s.State.(S), Revision: s.Revision, Position: s.Position} //nolint:forcetypeassert // fold made it.
}

// load reads an aggregate without changing it.
func load[S any](ctx context.Context, streams Streams, agg aggregate[S], aggregateID string, fresh bool) (outcome[S], error) {
	snapshot, err := streams.Load(ctx, event.StreamName(agg.category, aggregateID), agg.fold(), fresh)
	if err != nil {
		return outcome[S]{}, fmt.Errorf("load %s: %w", agg.category, err)
	}
	return outcomeOf[S](snapshot), nil
}

// change is one use of execute: which aggregate, for which organization, what
// the caller saw, and the decision.
type change[S any] struct {
	agg          aggregate[S]
	id           string
	organization id.Organization
	// expected is the revision that the caller saw, or nil.
	expected *event.Revision
	decide   func(S) ([]event.Event, error)
}

// execute loads, decides and appends. It decides again when another writer was
// faster, and before it says no on the strength of a cached state. When an
// earlier attempt of the same request got through, it gives that answer.
func execute[S any](ctx context.Context, streams Streams, req Request, c change[S]) (outcome[S], error) {
	stream := event.StreamName(c.agg.category, c.id)
	fold := c.agg.fold()
	first := event.DeriveID(req.ID, stream, 0)
	fresh, repeated := false, req.Retry
	for range maxConflicts {
		snapshot, err := streams.Load(ctx, stream, fold, fresh || repeated)
		if err != nil {
			return outcome[S]{}, fmt.Errorf("load %s: %w", c.agg.category, err)
		}
		if repeated {
			_, written, err := streams.Find(ctx, stream, first)
			if err != nil {
				return outcome[S]{}, fmt.Errorf("look for an earlier attempt: %w", err)
			}
			if written {
				return outcomeOf[S](snapshot), nil
			}
		}
		events, err := c.decideAt(snapshot)
		if err == nil && len(events) > 0 {
			snapshot, err = streams.Append(ctx, snapshot, fold, drafts(req, stream, c.organization, events))
		} else if !snapshot.Fresh {
			fresh = true
			continue
		}
		switch {
		case err == nil:
			return outcomeOf[S](snapshot), nil
		case errors.Is(err, ErrWrongRevision):
			// The faster writer may have been ourselves, in an attempt whose
			// answer was lost.
			fresh, repeated = true, true
		default:
			return outcome[S]{}, err
		}
	}
	return outcome[S]{}, ErrContended
}

func (c change[S]) decideAt(s Snapshot) ([]event.Event, error) {
	if c.expected != nil && *c.expected != s.Revision {
		return nil, ErrStale
	}
	return c.decide(s.State.(S)) //nolint:forcetypeassert // fold made it.
}

func drafts(req Request, stream string, organization id.Organization, events []event.Event) []event.Draft {
	metadata := req.metadata(organization)
	out := make([]event.Draft, len(events))
	for i, e := range events {
		out[i] = event.Draft{ID: event.DeriveID(req.ID, stream, i), Event: e, Metadata: metadata}
	}
	return out
}
