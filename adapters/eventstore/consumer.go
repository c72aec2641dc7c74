package eventstore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
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
	received := &received{items: make(chan item, c.opts.Buffer), room: newRoom(c.opts.BufferBytes)}
	go func() {
		sub.close(received.from(sub))
		close(received.items)
	}()
	batch := &batch{consumer: c, received: received, reached: position, committed: position}
	err = batch.deliver(ctx)
	cancel()
	for i := range received.items { // Until the subscription is closed.
		received.room.leave(i.size())
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
	room  *room
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
		if !r.room.enter(sub.ctx, i.size()) {
			r.dropped = context.Cause(sub.ctx)
			return nil
		}
		select {
		case r.items <- i:
		case <-sub.ctx.Done():
			r.dropped = context.Cause(sub.ctx)
			return nil
		}
	}
}
