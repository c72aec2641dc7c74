package eventstore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"

	"github.com/perfectworks/backend/domain/event"
)

// batch is what has been delivered and waits for its commit.
type batch struct {
	*consumer
	life   *life
	source source // nil when there is none

	// acked counts acknowledged messages since the last commit, the first of
	// them at since.
	acked int
	bytes int // of their events
	since time.Time
	// reached is the position to commit next, committed the last one.
	reached, committed event.Position
	// last is the last event since the last commit.
	last       *esdb.RecordedEvent
	commits    int
	lastCommit time.Time
	// live says that the end of the log was reached, told that Commit knows.
	live, told bool
}

func (b *batch) deliver(ctx context.Context) error {
	for {
		i, err := b.next(ctx)
		if errors.Is(err, errFellOut) {
			err = b.leave(ctx)
		}
		if err != nil {
			return err
		}
		switch {
		case i.caughtUp:
			b.live = true
		case i.fellBehind:
			b.live, b.told = false, false
		case i.stored == nil:
			if i.checkpoint.Compare(b.reached) > 0 {
				b.reached = i.checkpoint
			}
		case strings.HasPrefix(i.stored.EventType, "$"): // The store's own, in a stream of ours.
			b.reached, b.last = event.Position(i.stored.Position), i.stored
		default:
			if err := b.send(ctx, i); err != nil {
				return err
			}
			b.reached, b.last = event.Position(i.stored.Position), i.stored
			b.bytes += i.size()
			if b.acked++; b.acked == 1 {
				b.since = time.Now()
			}
		}
		b.join()
		if b.due() {
			if err := b.commit(ctx); err != nil {
				return err
			}
		}
	}
}

// due tells whether the commit can wait no longer, even if more is at hand.
func (b *batch) due() bool {
	switch {
	case b.live && !b.told, b.acked >= b.opts.BatchSize, b.bytes >= b.opts.BatchBytes:
		return true
	case b.acked > 0:
		return time.Since(b.since) >= b.opts.BatchDelay
	default:
		return b.reached != b.committed && time.Since(b.lastCommit) >= b.opts.CheckpointDelay
	}
}

// next takes what comes next, and commits while nothing does.
func (b *batch) next(ctx context.Context) (item, error) {
	for {
		if i, ok, err := b.source.poll(); ok || err != nil {
			return i, err
		}
		if b.acked > 0 && b.live {
			if err := b.commit(ctx); err != nil {
				return item{}, err
			}
			continue
		}
		i, due, err := b.source.wait(ctx, b.timeout())
		if err != nil || !due {
			return i, err
		}
		if err := b.commit(ctx); err != nil {
			return item{}, err
		}
	}
}

// timeout ends the wait for the next item when a commit is due.
func (b *batch) timeout() <-chan time.Time {
	switch {
	case b.acked > 0:
		return time.After(b.opts.BatchDelay - time.Since(b.since))
	case b.reached != b.committed:
		return time.After(b.opts.CheckpointDelay - time.Since(b.lastCommit))
	default:
		return nil
	}
}

func (b *batch) commit(ctx context.Context) error {
	mark := event.Mark{Position: b.reached, Last: placeOf(b.last)}
	if err := b.progress.Commit(ctx, mark, b.live); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	b.client.witness.saw(mark.Last)
	b.last = nil
	b.acked, b.bytes, b.committed, b.told = 0, 0, b.reached, b.live
	b.lastCommit = time.Now()
	b.commits++
	return nil
}

func placeOf(e *esdb.RecordedEvent) event.Place {
	if e == nil {
		return event.Place{}
	}
	return event.Place{
		ID: event.ID(e.EventID), Position: event.Position(e.Position), Stream: e.StreamID,
		Revision: event.Revision(e.EventNumber), //nolint:gosec // The store counts in int64.
	}
}

// send delivers an event until it is acknowledged.
func (b *batch) send(ctx context.Context, i item) error {
	var backOff interface{ NextBackOff() time.Duration }
	for {
		acked, err := b.sendOnce(ctx, i)
		if err != nil || acked {
			return err
		}
		if b.acked > 0 { // What came before need not wait for this one.
			if err := b.commit(ctx); err != nil {
				return err
			}
		}
		if backOff == nil {
			backOff = pauses(b.opts.NackPause, b.opts.LongestNackPause)
		}
		if !pause(ctx, backOff.NextBackOff()) {
			return context.Cause(ctx)
		}
	}
}

func (b *batch) sendOnce(ctx context.Context, i item) (acked bool, err error) {
	traced := ctx
	if b.live { // Nobody traces what is read again from long ago.
		traced = withRemoteSpan(ctx, i.stored.UserMetadata)
	}
	m, cancel := newMessage(traced, i)
	defer cancel()
	select {
	case b.out <- m:
	case <-ctx.Done():
		return false, context.Cause(ctx)
	}
	select {
	case <-m.Acked():
		return true, nil
	case <-m.Nacked():
		return false, nil
	case <-ctx.Done():
		return false, context.Cause(ctx)
	}
}
