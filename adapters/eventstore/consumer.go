package eventstore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/perfectworks/backend/domain/event"
)

// consumer follows the log for one topic.
type consumer struct {
	client   *Client
	opts     *SubscriberOptions
	topic    string
	progress Progress
	prefixes []string
	out      chan *message.Message
	log      *slog.Logger
}

// Pauses before subscribing again.
const (
	firstResubscribePause   = 50 * time.Millisecond
	longestResubscribePause = 2 * time.Second
)

// run subscribes again and again until ctx ends or the client is closed.
func (c *consumer) run(ctx context.Context) {
	backOff := pauses(firstResubscribePause, longestResubscribePause)
	for ctx.Err() == nil {
		committed, err := c.follow(ctx)
		if ctx.Err() != nil || errors.Is(err, ErrClosed) {
			return
		}
		if committed {
			backOff.Reset()
		}
		c.client.opts.Metrics.Dropped(c.topic, err)
		c.log.WarnContext(ctx, "a subscription was dropped and begins again", slog.Any("error", err))
		if !pause(ctx, backOff.NextBackOff()) {
			return
		}
	}
}

// follow delivers what one subscription brings, until it fails. It tells
// whether something was committed.
func (c *consumer) follow(ctx context.Context) (committed bool, err error) {
	position, err := c.progress.Resume(ctx)
	if err != nil {
		return false, fmt.Errorf("resume: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	sub, err := c.client.subscribe(ctx, position, c.prefixes)
	if err != nil {
		return false, fmt.Errorf("subscribe: %w", err)
	}
	received := &received{items: make(chan item, c.opts.Buffer)}
	go func() {
		sub.close(received.from(sub))
		close(received.items)
	}()
	batch := &batch{consumer: c, received: received, reached: position, committed: position}
	err = batch.deliver(ctx)
	cancel()
	for range received.items { // Until the subscription is closed.
	}
	return batch.commits > 0, err
}

// item is something that a subscription brought.
type item struct {
	stored     *esdb.RecordedEvent // nil for a checkpoint
	checkpoint event.Position
	caughtUp   bool
	fellBehind bool
}

// received is what a subscription brought ahead of its delivery.
type received struct {
	items chan item // closed once the subscription is
	// dropped is why it was dropped; to be read once items is closed.
	dropped error
}

// from receives until the subscription is dropped, or ended from this side.
func (r *received) from(sub *subscription) (dropped error) {
	for {
		var i item
		switch e := sub.receive(); {
		case e.EventAppeared != nil:
			i.stored = e.EventAppeared.OriginalEvent()
		case e.CheckPointReached != nil:
			i.checkpoint = event.Position(*e.CheckPointReached)
		case e.CaughtUp != nil:
			i.caughtUp = true
		case e.FellBehind != nil:
			i.fellBehind = true
		case e.SubscriptionDropped != nil:
			r.dropped = e.SubscriptionDropped.Error
			return r.dropped
		}
		select {
		case r.items <- i:
		case <-sub.ctx.Done():
			r.dropped = context.Cause(sub.ctx)
			return nil
		}
	}
}

// batch is what has been delivered and waits for its commit.
type batch struct {
	*consumer
	*received

	// acked counts acknowledged messages since the last commit, the first of
	// them at since.
	acked int
	since time.Time
	// reached is the position to commit next, committed the last one.
	reached, committed event.Position
	commits            int
	lastCommit         time.Time
	// live says that the end of the log was reached, told that Commit knows.
	live, told bool
}

func (b *batch) deliver(ctx context.Context) error {
	for {
		i, err := b.next(ctx)
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
			b.reached = event.Position(i.stored.Position)
		default:
			if err := b.send(ctx, i.stored); err != nil {
				return err
			}
			b.reached = event.Position(i.stored.Position)
			if b.acked++; b.acked == 1 {
				b.since = time.Now()
			}
		}
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
	case b.live && !b.told, b.acked >= b.opts.BatchSize:
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
		select {
		case i, ok := <-b.items:
			return i, b.ended(ok)
		default:
		}
		if b.acked > 0 && b.live {
			if err := b.commit(ctx); err != nil {
				return item{}, err
			}
			continue
		}
		i, waited, err := b.wait(ctx)
		if err != nil || !waited {
			return i, err
		}
		if err := b.commit(ctx); err != nil {
			return item{}, err
		}
	}
}

// wait waits for the next item, but not longer than until a commit is due.
func (b *batch) wait(ctx context.Context) (i item, due bool, err error) {
	var timeout <-chan time.Time
	switch {
	case b.acked > 0:
		timeout = time.After(b.opts.BatchDelay - time.Since(b.since))
	case b.reached != b.committed:
		timeout = time.After(b.opts.CheckpointDelay - time.Since(b.lastCommit))
	}
	select {
	case i, ok := <-b.items:
		return i, false, b.ended(ok)
	case <-timeout:
		return item{}, true, nil
	case <-ctx.Done():
		return item{}, false, context.Cause(ctx)
	}
}

// ended is the error of a subscription that brings nothing more.
func (b *batch) ended(more bool) error {
	if more {
		return nil
	}
	return fmt.Errorf("dropped: %w", b.dropped)
}

func (b *batch) commit(ctx context.Context) error {
	if err := b.progress.Commit(ctx, b.reached, b.live); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	b.acked, b.committed, b.told = 0, b.reached, b.live
	b.lastCommit = time.Now()
	b.commits++
	return nil
}

// send delivers an event until it is acknowledged.
func (b *batch) send(ctx context.Context, stored *esdb.RecordedEvent) error {
	var backOff interface{ NextBackOff() time.Duration }
	for {
		acked, err := b.sendOnce(ctx, stored)
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

func (b *batch) sendOnce(ctx context.Context, stored *esdb.RecordedEvent) (acked bool, err error) {
	traced := ctx
	if b.live { // Nobody traces what is read again from long ago.
		traced = withRemoteSpan(ctx, stored.UserMetadata)
	}
	m, cancel := newMessage(traced, stored)
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
