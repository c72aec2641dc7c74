package eventstore

import (
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
	consumer := &consumer{client: c, opts: &SubscriberOptions{Buffer: 1024, BufferBytes: bytes}, prefixes: []string{"user-"}}
	r, err := consumer.open(tb.Context(), c.witness.current(), event.Position{})
	if err != nil {
		tb.Fatal(err)
	}
	defer r.close()
	n := 0
	for still := 0; still < 20; still++ { // Until nothing more comes for a while.
		time.Sleep(20 * time.Millisecond)
		if now := len(r.items); now != n || n == 0 {
			n, still = now, 0
		}
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
