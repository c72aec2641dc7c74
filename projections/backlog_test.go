package projections

import (
	"context"
	"errors"
	"maps"
	"sync/atomic"
	"testing"
	"time"

	"github.com/perfectworks/backend/domain/event"
)

// The lag in events is counted in the log.
func TestUnreadEventsAreCounted(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	e := h.engine(h.config(counters(1)))
	h.log.Append("counter-a", opened{"a", "A", 0}, counted{"a", 1})
	first := h.log.Append("counter-b", opened{"b", "B", 0})
	last := h.log.Append("counter-a", counted{"a", 1}, counted{"a", 2})
	got := e.metrics.backlog.count(map[string]event.Position{"new": {}, "behind": first, "live": last}, last, time.Now())
	if got["new"] != 5 || got["behind"] != 2 || got["live"] != 0 {
		t.Errorf("got %v", got)
	}
}

// A log in which each position is an event, and which counts what is read of it.
type countedLog struct {
	reads  atomic.Int64
	failed bool
}

func (l *countedLog) unreadAfter(_ context.Context, position, head event.Position, most int64) (unread, error) {
	if l.failed {
		return unread{}, errors.New("no answer")
	}
	n := min(most, int64(head.Commit-position.Commit))
	l.reads.Add(n)
	return unread{events: n}, nil
}

// at is a position after so many events.
func at(events uint64) event.Position { return event.Position{Commit: events, Prepare: events} }

// Scrapes read each event once for a projection that stands still, and none until a
// count is due again.
func TestUnreadEventsAreCountedSeldom(t *testing.T) {
	t.Parallel()
	log := &countedLog{}
	b := newBacklog(log.unreadAfter)
	start := time.Now()
	for _, step := range []struct {
		name           string
		after          time.Duration
		position, head uint64
		fails          bool
		want           map[string]int64
		reads          int64
	}{
		{"the first", 0, 10, 110, false, map[string]int64{"p": 100}, 100},
		{"too early for another", recountAfter - 1, 10, 150, false, map[string]int64{"p": 100}, 0},
		{"what is new", recountAfter, 10, 150, false, map[string]int64{"p": 140}, 40},
		{"nothing is new", 2 * recountAfter, 10, 150, false, map[string]int64{"p": 140}, 0},
		{"it has advanced", 3 * recountAfter, 120, 150, false, map[string]int64{"p": 30}, 30},
		{"the log went back", 4 * recountAfter, 120, 140, false, map[string]int64{"p": 20}, 20},
		{"up to the bound", 5 * recountAfter, 120, 5000, false, map[string]int64{"p": maxCounted}, maxCounted - 20},
		{"beyond the bound", 6 * recountAfter, 120, 9000, false, map[string]int64{"p": maxCounted}, 0},
		{"no answer", 7 * recountAfter, 8990, 9000, true, map[string]int64{}, 0},
		{"no answer is kept, too", 8*recountAfter - 1, 8990, 9000, false, map[string]int64{}, 0},
		{"an answer again", 8 * recountAfter, 8990, 9000, false, map[string]int64{"p": 10}, 10},
	} {
		log.failed = step.fails
		before := log.reads.Load()
		got := b.count(map[string]event.Position{"p": at(step.position)}, at(step.head), start.Add(step.after))
		if reads := log.reads.Load() - before; !maps.Equal(got, step.want) || reads != step.reads {
			t.Errorf("%s: got %v by %d events read, want %v by %d", step.name, got, reads, step.want, step.reads)
		}
	}
	// A projection that has caught up is forgotten, and counted at once when it is behind again.
	if got := b.count(nil, at(9000), start.Add(8*recountAfter+1)); len(got) != 0 {
		t.Errorf("got %v", got)
	}
	if got := b.count(map[string]event.Position{"p": at(8998)}, at(9000), start.Add(8*recountAfter+2)); got["p"] != 2 {
		t.Errorf("behind again: got %v", got)
	}
}
