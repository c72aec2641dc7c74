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
	// gathered is reused for what one message carries.
	gathered []item
	// ahead is what was polled and is not dealt with yet.
	ahead polled

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
			if err := b.send(ctx, b.gather(i)); err != nil {
				return err
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
		if p := b.poll(); p.ok || p.err != nil {
			return p.item, p.err
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

// polled is what a source had at hand.
type polled struct {
	item item
	ok   bool
	err  error
}

func (b *batch) poll() (p polled) {
	if p = b.ahead; p.ok || p.err != nil {
		b.ahead = polled{}
		return p
	}
	p.item, p.ok, p.err = b.source.poll()
	return p
}

// gather adds to an event those that are at hand after it, as far as a bundle
// and the batch have room. At the end of the log each goes alone.
func (b *batch) gather(first item) []item {
	items, bytes := append(b.gathered[:0], first), first.size()
	room := min(b.opts.Bundle, b.opts.BatchSize-b.acked)
	for !b.live && len(items) < room && bytes < bundleBytes {
		p := b.poll()
		if !p.ok || p.item.stored == nil || strings.HasPrefix(p.item.stored.EventType, "$") {
			b.ahead = p
			break
		}
		items = append(items, p.item)
		bytes += p.item.size()
	}
	b.gathered = items
	return items
}

// bundleBytes is how many bytes of events fill a bundle.
const bundleBytes = 256 << 10

// send delivers events until all are acknowledged: those that come in one message
// one by one once that was refused, so that none waits for those after it.
func (b *batch) send(ctx context.Context, items []item) error {
	if len(items) > 1 {
		acked, err := b.sendOnce(ctx, items)
		if err != nil {
			return err
		}
		if acked {
			b.sent(items)
			return nil
		}
	}
	for i := range items {
		if err := b.sendAlone(ctx, items[i:i+1]); err != nil {
			return err
		}
		b.sent(items[i : i+1])
	}
	return nil
}

// sent notes that events were acknowledged.
func (b *batch) sent(items []item) {
	if b.acked == 0 {
		b.since = time.Now()
	}
	b.acked += len(items)
	for _, i := range items {
		b.bytes += i.size()
	}
	b.last = items[len(items)-1].stored
	b.reached = event.Position(b.last.Position)
}

// sendAlone delivers an event until it is acknowledged.
func (b *batch) sendAlone(ctx context.Context, one []item) error {
	var backOff interface{ NextBackOff() time.Duration }
	for {
		acked, err := b.sendOnce(ctx, one)
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

func (b *batch) sendOnce(ctx context.Context, items []item) (acked bool, err error) {
	traced := ctx
	if b.live { // Nobody traces what is read again from long ago.
		traced = withRemoteSpan(ctx, items[0].stored.UserMetadata)
	}
	m, cancel := newMessage(traced, items)
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
