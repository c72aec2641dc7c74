package projections

import (
	"context"
	"sync"
	"time"

	"github.com/perfectworks/backend/domain/event"
)

// recountAfter is for how long the metrics use a count of unread events: scrapes may
// be frequent and come from several servers, and counting reads the log.
const recountAfter = 10 * time.Second

// backlog counts the events that projections have yet to take in, for the metrics. It
// reads little of the log, however often it is asked: a count is kept for
// recountAfter, and the count of a projection that did not advance is only extended by
// the events that are new. Its methods may be called concurrently; calls share one
// reading of the log.
type backlog struct {
	unreadAfter func(ctx context.Context, position, head event.Position, most int64) (unread, error)

	mu     sync.Mutex
	counts map[string]backlogCount
}

// backlogCount is a count for one projection.
type backlogCount struct {
	at time.Time
	// position is where the projection was, and head up to where events were counted.
	position, head event.Position
	events         int64
	// failed says that the log did not answer: there is no count.
	failed bool
}

func newBacklog(unreadAfter func(context.Context, event.Position, event.Position, int64) (unread, error)) *backlog {
	return &backlog{unreadAfter: unreadAfter, counts: map[string]backlogCount{}}
}

// count returns, for each projection that is behind, how many events are between its
// position and the head, up to maxCounted. It leaves out those for which the log did
// not answer in time. What it knew of other projections is forgotten.
func (b *backlog) count(behind map[string]event.Position, head event.Position, now time.Time) map[string]int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	counts := make(map[string]backlogCount, len(behind))
	var mu sync.Mutex
	var counting sync.WaitGroup
	for name, position := range behind {
		last, known := b.counts[name]
		if known && now.Sub(last.at) < recountAfter {
			counts[name] = last
			continue
		}
		counting.Go(func() {
			c := b.recount(last, position, head, now)
			mu.Lock()
			defer mu.Unlock()
			counts[name] = c
		})
	}
	counting.Wait()
	b.counts = counts
	events := make(map[string]int64, len(counts))
	for name, c := range counts {
		if !c.failed {
			events[name] = c.events
		}
	}
	return events
}

// recount counts the events from a position to the head, beginning with the last count
// if that is of the same position.
func (b *backlog) recount(last backlogCount, position, head event.Position, now time.Time) backlogCount {
	c := backlogCount{at: now, position: position, head: head}
	from := position
	if !last.failed && last.position == position && last.head.Compare(position) > 0 && last.head.Compare(head) <= 0 {
		from, c.events = last.head, last.events
	}
	if c.events >= maxCounted {
		return c
	}
	u, err := b.unreadAfter(context.Background(), from, head, maxCounted-c.events)
	c.events += u.events
	c.failed = err != nil
	return c
}
