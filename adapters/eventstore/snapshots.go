package eventstore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"

	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/event"
)

// StoredSnapshot is the folded state of a stream, kept outside of the process.
type StoredSnapshot struct {
	Stream string
	// Form is that of event.Snapshots.
	Form string
	// Revision and EventID are those of the last event folded. The log is asked
	// for that event before the state is believed.
	Revision event.Revision
	EventID  event.ID
	State    []byte
}

// SnapshotStore keeps the latest snapshot of each stream and form. It is safe
// for concurrent use, also by many processes.
type SnapshotStore interface {
	// Find returns the snapshot of a stream in a form, if there is one. The error
	// wraps ErrSnapshotDamaged for one that cannot be used.
	Find(ctx context.Context, stream, form string) (StoredSnapshot, bool, error)
	// Save keeps a snapshot, unless a later one is kept.
	Save(ctx context.Context, s StoredSnapshot) error
	// Drop deletes the snapshots of a stream.
	Drop(ctx context.Context, stream string) error
}

const (
	// snapshotEvents is how many events a snapshot saves reading, at least.
	snapshotEvents = 512
	// snapshotPause is how far apart two snapshots of a stream are, at least.
	snapshotPause = 10 * time.Second
	// snapshotTimeout bounds the work with a snapshot. Without one the stream is
	// folded from its beginning.
	snapshotTimeout = 5 * time.Second
	// maxSnapshot bounds a stored state, in bytes. Greater ones are not stored.
	maxSnapshot = 64 << 20
)

// ErrSnapshotDamaged says that a snapshot is not what was stored.
var ErrSnapshotDamaged = errors.New("the snapshot is damaged")

// errForeignSnapshot says that a snapshot is not of the stream that the log holds.
var errForeignSnapshot = errors.New("the snapshot is of another log")

// snapshotter stores snapshots beside the commands that make them. Its zero
// store keeps none.
type snapshotter struct {
	store SnapshotStore
	log   *slog.Logger
	// busy holds the one place in which a snapshot is stored.
	busy chan struct{}
	// events and pause are snapshotEvents and snapshotPause, but in tests.
	events event.Revision
	pause  time.Duration
}

// KeepSnapshots has states stored, and read from there, for aggregates that
// declare how. It is called before the streams are used.
func (s *Streams) KeepSnapshots(store SnapshotStore) {
	s.snapshots = &snapshotter{
		store: store, log: s.client.opts.Logger, busy: make(chan struct{}, 1), events: snapshotEvents, pause: snapshotPause,
	}
}

// find returns the snapshot to begin with, and the id of its last event; else
// the zero state.
func (k *snapshotter) find(ctx context.Context, stream string, fold commands.Fold) (commands.Snapshot, event.ID) {
	none := commands.Snapshot{Stream: stream, Revision: event.NoStream, Stored: event.NoStream, State: fold.Zero}
	if k == nil || fold.Snapshots == nil {
		return none, event.ID{}
	}
	ctx, cancel := context.WithTimeout(ctx, snapshotTimeout)
	defer cancel()
	stored, found, err := k.store.Find(ctx, stream, fold.Snapshots.Form)
	if err == nil && !found {
		return none, event.ID{}
	}
	var state any
	if err == nil {
		if state, err = fold.Snapshots.Load(stored.State); err != nil {
			err = fmt.Errorf("%w: %w", ErrSnapshotDamaged, err)
		}
	}
	if err != nil {
		k.report(ctx, "a snapshot cannot be used: the stream is folded from its beginning", stream, err)
		if errors.Is(err, ErrSnapshotDamaged) {
			k.drop(ctx, stream)
		}
		return none, event.ID{}
	}
	return commands.Snapshot{Stream: stream, Revision: stored.Revision, Stored: stored.Revision, State: state}, stored.EventID
}

// drop deletes the snapshots of a stream that are not of the log.
func (k *snapshotter) drop(ctx context.Context, stream string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), snapshotTimeout)
	defer cancel()
	k.report(ctx, "a snapshot could not be deleted", stream, k.store.Drop(ctx, stream))
}

// offer stores a state in the background if that is worth it, and returns the
// snapshot with what is known of it. Last is the event at its revision.
func (k *snapshotter) offer(ctx context.Context, s commands.Snapshot, fold commands.Fold, last event.ID) commands.Snapshot {
	if k == nil || fold.Snapshots == nil || s.Revision-s.Stored < k.events || time.Since(s.StoredAt) < k.pause {
		return s
	}
	select {
	case k.busy <- struct{}{}:
	default:
		return s // The next command offers a later one.
	}
	s.Stored, s.StoredAt = s.Revision, time.Now()
	go func() {
		defer func() { <-k.busy }()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), snapshotTimeout)
		defer cancel()
		k.report(ctx, "a snapshot could not be stored", s.Stream, k.save(ctx, s, fold, last))
	}()
	return s
}

func (k *snapshotter) save(ctx context.Context, s commands.Snapshot, fold commands.Fold, last event.ID) error {
	state, err := fold.Snapshots.Save(s.State)
	if err != nil || len(state) > maxSnapshot {
		return err
	}
	return k.store.Save(ctx, StoredSnapshot{
		Stream: s.Stream, Form: fold.Snapshots.Form, Revision: s.Revision, EventID: last, State: state,
	})
}

// report logs an error, if there is one. Nothing depends on a snapshot.
func (k *snapshotter) report(ctx context.Context, what, stream string, err error) {
	if err != nil {
		k.log.WarnContext(ctx, what, slog.String("stream", stream), slog.Any("error", err)) //nolint:sloglint // The callers' messages are constants.
	}
}

// isLast tells whether a stored event is the one that a snapshot ends with.
func isLast(stored *esdb.RecordedEvent, snapshot event.ID) bool {
	return event.ID(stored.EventID) == snapshot
}
