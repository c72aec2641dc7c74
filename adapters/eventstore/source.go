package eventstore

import (
	"context"
	"fmt"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"

	"github.com/perfectworks/backend/domain/event"
)

// source gives a consumer the log's items in their order.
type source interface {
	// poll gives the next item, if there is one at hand. Its error is
	// errFellOut, or says why the source has ended.
	poll() (i item, ok bool, err error)
	// wait waits for the next item, but not longer than until the timeout. due
	// says that it gives none, because the time has passed or the caller should
	// poll again.
	wait(ctx context.Context, timeout <-chan time.Time) (i item, due bool, err error)
	// close ends the use of the source. What it still holds is lost.
	close()
}

// item is something that a subscription brought.
type item struct {
	stored     *esdb.RecordedEvent // nil for a checkpoint
	memo       *memo               // of the stored event, if several consumers share it
	checkpoint event.Position
	caughtUp   bool
	fellBehind bool
}

// position is that of the event or checkpoint.
func (i item) position() event.Position {
	if i.stored != nil {
		return event.Position(i.stored.Position)
	}
	return i.checkpoint
}

// structure is about what an item takes in memory beside its contents.
const structure = 300

// size is about what the item takes in memory, in bytes.
func (i item) size() int {
	if i.stored == nil {
		return structure
	}
	return structure + len(i.stored.Data) + len(i.stored.UserMetadata) + len(i.stored.StreamID)
}

// received is a subscription of a consumer's own. What it brings ahead of its
// delivery is bounded in number and bytes; the store waits meanwhile.
type received struct {
	items chan item // closed once the subscription is
	room  *room
	// dropped is why it was dropped; to be read once items is closed.
	dropped error
	life    *life
	// cancel ends the subscription. detach keeps it from ending with the
	// consumer's context, and tells whether it was in time.
	cancel context.CancelFunc
	detach func() bool
}

// open subscribes after a position. The subscription ends with ctx, and with the
// life of the log in which the consumer has made sure of its position.
func (c *consumer) open(ctx context.Context, life *life, after event.Position) (*received, error) {
	own, cancel := context.WithCancel(context.WithoutCancel(ctx))
	detach := context.AfterFunc(ctx, cancel)
	sub, err := c.client.subscribe(own, life, after, c.prefixes)
	if err != nil {
		detach()
		cancel()
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return nil, fmt.Errorf("subscribe: %w", err)
	}
	r := &received{
		items: make(chan item, c.opts.Buffer), room: newRoom(c.opts.BufferBytes),
		life: life, cancel: cancel, detach: detach,
	}
	go func() {
		sub.close(r.from(sub))
		close(r.items)
	}()
	return r, nil
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

func (r *received) poll() (item, bool, error) {
	select {
	case i, ok := <-r.items:
		return i, ok, r.took(i, ok)
	default:
		return item{}, false, nil
	}
}

func (r *received) wait(ctx context.Context, timeout <-chan time.Time) (item, bool, error) {
	select {
	case i, ok := <-r.items:
		return i, false, r.took(i, ok)
	case <-timeout:
		return item{}, true, nil
	case <-ctx.Done():
		return item{}, false, context.Cause(ctx)
	}
}

// took makes room for another item, or says why there is none.
func (r *received) took(i item, ok bool) error {
	if !ok {
		return droppedError(r.dropped)
	}
	r.room.leave(i.size())
	return nil
}

// close ends the subscription and waits for that.
func (r *received) close() {
	r.detach()
	r.cancel()
	for i := range r.items {
		r.room.leave(i.size())
	}
}

// droppedError is the error of a source whose subscription was dropped.
func droppedError(reason error) error { return fmt.Errorf("dropped: %w", reason) }
