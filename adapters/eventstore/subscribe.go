package eventstore

import (
	"context"
	"fmt"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"

	"github.com/perfectworks/backend/domain/event"
)

// Filtered subscriptions report their progress every checkpointInterval times
// searchWindow events that they passed over.
const (
	searchWindow       = 32
	checkpointInterval = 100
)

// subscription is one catch-up subscription, until it is dropped.
type subscription struct {
	inner *esdb.Subscription
	// ctx ends with the caller's, and with the client.
	ctx context.Context
	end func(dropped error)
}

// subscribe follows the whole log after a position, filtered to streams whose
// names begin with one of the prefixes. The subscription ends with ctx, with the
// client, and with the life of the log in which the caller has made sure of the
// position; the caller closes it in any case.
func (c *Client) subscribe(ctx context.Context, life *life, after event.Position, prefixes []string) (*subscription, error) {
	conn, err := c.joinPool()
	if err != nil {
		return nil, err
	}
	s, err := conn.acquire(ctx)
	if err != nil {
		c.leavePool(conn)
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(c.closing, func() { cancel(ErrClosed) }) //nolint:contextcheck // It ends with either.
	go func() {
		select {
		case <-life.ended:
			cancel(life.reason)
		case <-ctx.Done():
		}
	}()
	sub := &subscription{ctx: ctx, end: func(dropped error) {
		stop()
		cancel(nil)
		if dropped != nil && broken(dropped) {
			conn.retire(s)
		}
		conn.release(s)
		c.leavePool(conn)
	}}
	opts := esdb.SubscribeToAllOptions{
		From:               startAfter(after),
		MaxSearchWindow:    searchWindow,
		CheckpointInterval: checkpointInterval,
		Filter:             &esdb.SubscriptionFilter{Type: esdb.StreamFilterType, Prefixes: prefixes},
	}
	done := make(chan answer[*esdb.Subscription])
	go func() {
		a := guarded(conn.leaderOnly(ctx), s.client, func(ctx context.Context, client *esdb.Client) (*esdb.Subscription, error) {
			return client.SubscribeToAll(ctx, opts)
		})
		select {
		case done <- a:
		case <-ctx.Done(): // Nobody waits any more.
			if a.err == nil {
				_ = a.value.Close() // It always returns nil.
			}
			sub.end(a.err)
		}
	}()
	select {
	case a := <-done:
		if a.err != nil {
			sub.end(a.err)
			return nil, a.err
		}
		sub.inner = a.value
		return sub, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// startAfter: without a position the module would begin at the end.
func startAfter(p event.Position) esdb.AllPosition {
	if p.IsZero() {
		return esdb.Start{}
	}
	return esdb.Position(p)
}

// receive waits for what comes next. Panics of the module become a drop.
func (s *subscription) receive() (e *esdb.SubscriptionEvent) {
	defer func() {
		if p := recover(); p != nil {
			e = &esdb.SubscriptionEvent{SubscriptionDropped: &esdb.SubscriptionDropped{Error: fmt.Errorf("%w: %v", errPanic, p)}}
		}
	}()
	return s.inner.Recv()
}

// close ends the subscription, which dropped may have done already.
func (s *subscription) close(dropped error) {
	_ = s.inner.Close() // It always returns nil.
	s.end(dropped)
}

// joinPool finds a connection with room for another subscription.
func (c *Client) joinPool() (*pooledConnection, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, ErrClosed
	}
	for _, p := range c.subscriptions {
		if p.subscriptions < c.opts.SubscriptionsPerConnection {
			p.subscriptions++
			return p, nil
		}
	}
	p := &pooledConnection{connection: c.newConnection(), subscriptions: 1}
	c.subscriptions = append(c.subscriptions, p)
	return p, nil
}

func (c *Client) leavePool(p *pooledConnection) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p.subscriptions--
}
