package eventstore

import (
	"context"
	"testing"
	"time"

	"github.com/perfectworks/backend/domain/event"
)

// Waiting counts the callers that hold on to the client's present connection,
// whether they are waiting for it or using it.
func (c *Client) Waiting() int {
	c.calls.mu.Lock()
	defer c.calls.mu.Unlock()
	if c.calls.current == nil {
		return 0
	}
	return c.calls.current.users
}

// Pooled counts the connections for subscriptions, and the subscriptions on
// them.
func (c *Client) Pooled() (connections, subscriptions int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range c.subscriptions {
		subscriptions += p.subscriptions
	}
	return len(c.subscriptions), subscriptions
}

// ReceivedAhead counts the events that a subscription receives while nobody
// takes them, within so many bytes.
func ReceivedAhead(tb testing.TB, c *Client, bytes int) int {
	tb.Helper()
	ctx, cancel := context.WithCancel(tb.Context())
	sub, err := c.subscribe(ctx, event.Position{}, []string{"user-"})
	if err != nil {
		tb.Fatal(err)
	}
	r := &received{items: make(chan item, 1024), room: newRoom(bytes)}
	go func() {
		sub.close(r.from(sub))
		close(r.items)
	}()
	n := 0
	for still := 0; still < 20; still++ { // Until nothing more comes for a while.
		time.Sleep(20 * time.Millisecond)
		if now := len(r.items); now != n || n == 0 {
			n, still = now, 0
		}
	}
	cancel()
	for i := range r.items {
		r.room.leave(i.size())
	}
	return n
}

// SnapshotEach lowers after how many events a snapshot is stored, with no pause
// in between.
func (s *Streams) SnapshotEach(events event.Revision) {
	s.snapshots.events, s.snapshots.pause = events, 0
}

// SnapshotsStored waits until no snapshot is being stored.
func (s *Streams) SnapshotsStored() {
	s.snapshots.busy <- struct{}{}
	<-s.snapshots.busy
}
