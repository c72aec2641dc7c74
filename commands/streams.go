package commands

import (
	"context"
	"errors"
	"time"

	"github.com/perfectworks/backend/domain/event"
)

// Streams is the event store as commands need it: load a stream, append to it
// at the revision seen.
type Streams interface {
	// Load folds a stream. A cached state may answer, and may then lag behind
	// other processes; with fresh the store is always asked. A stream that does
	// not exist gives fold.Zero at event.NoStream.
	Load(ctx context.Context, stream string, fold Fold, fresh bool) (Snapshot, error)

	// Append writes the drafts after the snapshot and returns the snapshot that
	// follows. Repeating it with the same ids at the same revision writes
	// nothing twice and gives the same answer. The error wraps ErrWrongRevision
	// when the stream has moved on.
	Append(ctx context.Context, after Snapshot, fold Fold, drafts []event.Draft) (Snapshot, error)

	// Find looks for an event by its id among those after a revision.
	Find(ctx context.Context, stream string, after event.Revision, id event.ID) (event.Recorded, bool, error)
}

// ErrWrongRevision says that the stream is not at the revision expected.
var ErrWrongRevision = errors.New("the stream has moved on")

// Fold turns a stream into a state. States are values: Apply returns a new one
// and leaves the old as it was, for others may hold it.
type Fold struct {
	Zero  any
	Apply func(state any, e event.Event) any
	// Snapshots says how states are stored; nil where they are not.
	Snapshots *event.Snapshots[any]
}

// Snapshot is a stream folded up to a revision.
type Snapshot struct {
	Stream   string
	Revision event.Revision
	// Position is that of the last event; zero when there is none.
	Position event.Position
	State    any
	// Fresh says that the store, not the cache, was asked.
	Fresh bool
	// Epoch is the store's, and no business of anybody else: after what was cached
	// has become void, an append on it is refused with ErrWrongRevision.
	Epoch uint64
	// Stored is the store's too: the revision of the last snapshot that was
	// stored of the stream, as far as is known here.
	Stored event.Revision
	// StoredAt is when that was.
	StoredAt time.Time
}
