package eventstore

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync/atomic"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/maypok86/otter/v2"

	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/event"
)

// Streams implements commands.Streams. It keeps the folded states of the
// streams used last; the store has the last word, for it checks the revision of
// every append. It is safe for concurrent use.
type Streams struct {
	client *Client
	codec  *Codec
	states *otter.Cache[stateKey, commands.Snapshot]
	// snapshots is nil when none are kept.
	snapshots *snapshotter
	// epoch counts calls of Forget: a state read before one is neither kept nor
	// written to.
	epoch atomic.Uint64
}

var _ commands.Streams = (*Streams)(nil)

// stateKey tells states of different types apart, should a stream be folded in
// more than one way.
type stateKey struct {
	stream string
	state  reflect.Type
}

// DefaultCachedStates is how many folded states NewStreams keeps by default.
const DefaultCachedStates = 10_000

// NewStreams returns streams that keep up to cachedStates folded states;
// DefaultCachedStates when it is 0, none when it is negative.
func NewStreams(client *Client, codec *Codec, cachedStates int) (*Streams, error) {
	if cachedStates == 0 {
		cachedStates = DefaultCachedStates
	}
	s := &Streams{client: client, codec: codec}
	client.OnWentBack(s.Forget)
	if cachedStates < 0 {
		return s, nil
	}
	states, err := otter.New(&otter.Options[stateKey, commands.Snapshot]{MaximumSize: cachedStates})
	if err != nil {
		return nil, fmt.Errorf("cache of folded states: %w", err)
	}
	s.states = states
	return s, nil
}

// Load folds a stream; see commands.Streams. A cached state answers unless
// fresh is asked for; then only the events after it are read. Without one a
// stored snapshot does for aggregates that have them, once the log has shown
// the event that the snapshot ends with.
func (s *Streams) Load(ctx context.Context, stream string, fold commands.Fold, fresh bool) (commands.Snapshot, error) {
	snapshot, err := s.load(ctx, stream, fold, fresh, s.snapshots)
	if errors.Is(err, errForeignSnapshot) {
		s.snapshots.drop(ctx, stream)
		return s.load(ctx, stream, fold, fresh, nil)
	}
	return snapshot, err
}

// load is Load, with a stored snapshot if there are some to choose from. Its
// error wraps errForeignSnapshot when the log does not know the one.
func (s *Streams) load(ctx context.Context, stream string, fold commands.Fold, fresh bool, snapshots *snapshotter) (commands.Snapshot, error) {
	begun := time.Now()
	key := stateKey{stream, reflect.TypeOf(fold.Zero)}
	snapshot, cached := s.cached(key)
	if cached && !fresh {
		s.client.opts.Metrics.Loaded(0, true, time.Since(begun), nil)
		return snapshot, nil
	}
	epoch, events := s.epoch.Load(), 0
	var last event.ID
	if !cached {
		snapshot, last = snapshots.find(ctx, stream, fold)
	}
	unproven := !cached && snapshot.Revision != event.NoStream
	from := snapshot.Revision + 1
	if unproven {
		from = snapshot.Revision
	}
	found, err := s.client.readForwards(ctx, stream, from, func(stored *esdb.RecordedEvent) error {
		if unproven {
			if !isLast(stored, last) {
				return errForeignSnapshot
			}
			unproven, snapshot.Position = false, event.Position(stored.Position)
			return nil
		}
		recorded, err := s.codec.DecodeRecorded(ctx, stored)
		if err != nil {
			return err
		}
		snapshot.State = fold.Apply(snapshot.State, recorded.Event)
		snapshot.Revision, snapshot.Position, last = recorded.Revision, recorded.Position, recorded.ID
		events++
		return nil
	})
	if err == nil && unproven {
		err = errForeignSnapshot // The stream ends before it.
	}
	if err != nil { // Reading may still be under way: leave what it touches alone.
		s.client.opts.Metrics.Loaded(0, false, time.Since(begun), err)
		return commands.Snapshot{}, err
	}
	s.client.opts.Metrics.Loaded(events, false, time.Since(begun), nil)
	if !found {
		s.drop(key)
		return commands.Snapshot{Stream: stream, Revision: event.NoStream, Stored: event.NoStream, State: fold.Zero, Fresh: true, Epoch: epoch}, nil
	}
	snapshot.Epoch = epoch
	if events > 0 {
		snapshot = s.snapshots.offer(ctx, snapshot, fold, last)
	}
	s.keep(key, snapshot, epoch)
	snapshot.Fresh = true
	return snapshot, nil
}

// Append writes drafts after a snapshot; see commands.Streams. Without drafts
// it returns the snapshot as it is.
func (s *Streams) Append(ctx context.Context, after commands.Snapshot, fold commands.Fold, drafts []event.Draft) (commands.Snapshot, error) {
	if len(drafts) == 0 {
		return after, nil
	}
	key := stateKey{after.Stream, reflect.TypeOf(fold.Zero)}
	epoch := s.epoch.Load()
	if after.Revision != event.NoStream && after.Epoch != epoch {
		s.drop(key)
		return commands.Snapshot{}, fmt.Errorf("append to %s: %w: what is cached of the log has become void",
			after.Stream, commands.ErrWrongRevision)
	}
	stored := make([]esdb.EventData, len(drafts))
	next := after
	for i, draft := range drafts {
		var err error
		if stored[i], err = s.codec.Encode(ctx, draft); err != nil {
			return commands.Snapshot{}, err
		}
		// The state follows from what is stored, as it will for everybody else;
		// and what could not be read back must not be stored.
		happened, err := s.codec.readBack(ctx, stored[i])
		if err != nil {
			return commands.Snapshot{}, err
		}
		next.State = fold.Apply(next.State, happened)
	}
	var err error
	if next.Revision, next.Position, err = s.client.Append(ctx, after.Stream, after.Revision, stored); err != nil {
		if errors.Is(err, commands.ErrWrongRevision) {
			s.drop(key)
		}
		return commands.Snapshot{}, err
	}
	next.Epoch = epoch
	next = s.snapshots.offer(ctx, next, fold, drafts[len(drafts)-1].ID)
	s.keep(key, next, epoch)
	next.Fresh = true
	return next, nil
}

// Find looks for an event by its id, from the end of the stream back to a
// revision.
func (s *Streams) Find(ctx context.Context, stream string, after event.Revision, id event.ID) (event.Recorded, bool, error) {
	var found *esdb.RecordedEvent
	err := s.client.readBackwards(ctx, stream, func(e *esdb.RecordedEvent) bool {
		if event.Revision(e.EventNumber) <= after { //nolint:gosec // The store counts in int64.
			return true
		}
		if event.ID(e.EventID) == id {
			found = e
		}
		return found != nil
	})
	if err != nil {
		return event.Recorded{}, false, err
	}
	if found == nil {
		return event.Recorded{}, false, nil
	}
	recorded, err := s.codec.DecodeRecorded(ctx, found)
	return recorded, err == nil, err
}

// Forget drops all cached states: when a person's key is destroyed, their texts
// are still in states that were folded before; and when the log went back, the
// states are of events that it no longer holds.
func (s *Streams) Forget() {
	s.epoch.Add(1)
	if s.states != nil {
		s.states.InvalidateAll()
	}
}

func (s *Streams) cached(key stateKey) (commands.Snapshot, bool) {
	if s.states == nil {
		return commands.Snapshot{}, false
	}
	return s.states.GetIfPresent(key)
}

// keep remembers a snapshot, unless a newer one is known or the epoch is over.
func (s *Streams) keep(key stateKey, snapshot commands.Snapshot, epoch uint64) {
	if s.states == nil {
		return
	}
	snapshot.Fresh = false
	s.states.Compute(key, func(old commands.Snapshot, found bool) (commands.Snapshot, otter.ComputeOp) {
		if s.epoch.Load() != epoch || found && old.Epoch == epoch && old.Revision > snapshot.Revision {
			return old, otter.CancelOp
		}
		return snapshot, otter.WriteOp
	})
}

func (s *Streams) drop(key stateKey) {
	if s.states != nil {
		s.states.Invalidate(key)
	}
}
