package commands

import (
	"context"
	"fmt"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
)

// reference names one aggregate, with what is needed to load it and to append to
// it.
type reference[S any] struct {
	category string
	stream   string
	fold     Fold
	// malformed is the failure to answer with if the id cannot be one of the
	// category's, and otherwise nil.
	malformed error
}

func ref[I id.Name, S any](agg event.Aggregate[I, S], name I) reference[S] {
	var zero S
	return reference[S]{
		category: agg.Category, stream: agg.Stream(name), malformed: agg.Check(name),
		fold: Fold{
			Zero:  zero,
			Apply: func(s any, e event.Event) any { return agg.Apply(s.(S), e) }, //nolint:forcetypeassert // Zero is an S.

			Snapshots: untyped(agg.Snapshots),
		},
	}
}

// untyped is how states are stored, without their type.
func untyped[S any](of *event.Snapshots[S]) *event.Snapshots[any] {
	if of == nil {
		return nil
	}
	return &event.Snapshots[any]{
		Form: of.Form,
		Save: func(s any) ([]byte, error) { return of.Save(s.(S)) }, //nolint:forcetypeassert // The fold's states are S.
		Load: func(data []byte) (any, error) { return of.Load(data) },
	}
}

// load folds the stream. A malformed id is that of no aggregate.
func (r reference[S]) load(ctx context.Context, x *executor, fresh bool) (Snapshot, error) {
	if r.malformed != nil {
		return Snapshot{}, r.malformed
	}
	snapshot, err := x.streams.Load(ctx, r.stream, r.fold, fresh)
	if err != nil {
		return Snapshot{}, fmt.Errorf("load %s: %w", r.category, err)
	}
	return snapshot, nil
}

// append writes after a snapshot. Its error wraps ErrWrongRevision if the
// stream has moved on.
func (r reference[S]) append(ctx context.Context, x *executor, after Snapshot, drafts []event.Draft) (Snapshot, error) {
	next, err := x.streams.Append(ctx, after, r.fold, drafts)
	if err != nil {
		return Snapshot{}, fmt.Errorf("append to %s: %w", r.category, err)
	}
	return next, nil
}

// begin is append for a stream that does not exist yet.
func (r reference[S]) begin(ctx context.Context, x *executor, drafts []event.Draft) (Snapshot, error) {
	return r.append(ctx, x, Snapshot{
		Stream: r.stream, Revision: event.NoStream, State: r.fold.Zero, Fresh: true,
	}, drafts)
}

// load reads an aggregate without changing it.
func load[S any](ctx context.Context, x *executor, of reference[S], fresh bool) (outcome[S], error) {
	snapshot, err := of.load(ctx, x, fresh)
	if err != nil {
		return outcome[S]{}, err
	}
	return outcomeOf[S](snapshot), nil
}
