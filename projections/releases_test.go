package projections

import (
	"context"
	"fmt"
	"testing"

	"github.com/perfectworks/backend/domain/event"
)

// release is the configuration of a program that can read a version of Counted.
func (h *harness) release(version int) Config {
	config := h.config(counters(1))
	config.Shapes = map[string]int{"Opened": 1, "Counted": version, "Unheard": 7}
	return config
}

// unreadable appends events that the older release cannot decode, with others.
func (h *harness) unreadable() (last event.Position, readable func()) {
	h.log.Append("counter-a", opened{"a", "A", 1})
	h.log.Append("counter-b", opened{"b", "B", 1}, counted{"b", 1})
	h.log.Append("counter-a", counted{"a", 2}, counted{"a", 3})
	h.log.Append("counter-c", opened{"c", "C", 1})
	h.log.Append("counter-c", poisonous{"c", "panic"})
	events := h.log.Events()
	newer := []event.ID{events[2].ID, events[3].ID} // One in each stream; the next event of a waits.
	for _, id := range newer {
		h.log.Fail(id, fmt.Errorf("%w: version 2, not 1", ErrUndecodable))
	}
	return events[len(events)-1].Position, func() {
		for _, id := range newer {
			h.log.Fail(id, nil)
		}
	}
}

const parkedByStream = "SELECT count(DISTINCT stream) FROM projection.parked p JOIN projection.generations g ON g.id = p.generation_id WHERE state = 'live'"

// A release parks what only the next one can read. That one takes it in where it
// is, whether it has raised a version or mended a shape, and whether the tables
// are rebuilt for it or not.
func TestTheNextReleaseTakesInWhatWasParked(t *testing.T) {
	t.Parallel()
	for name, version := range map[string]int{"mended": 1, "raised": 2} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t)
			last, readable := h.unreadable()
			first := h.engine(h.release(1))
			stop := h.run(first)
			h.waitFor(first, "counters", last)
			if n := h.count(parkedByStream); n != 3 {
				t.Fatalf("%d streams are parked", n)
			}
			live := h.count("SELECT id FROM projection.generations WHERE state = 'live'")
			stop()

			// Nothing can be built meanwhile.
			building := newLocks(h.pool, first.config.Process)
			defer building.close(context.Background())
			if lock, err := building.try(t.Context(), lockKey(buildLock, "counters")); lock == nil || err != nil {
				t.Fatalf("%v, %v", lock, err)
			}
			readable()
			next := h.engine(h.release(version))
			h.run(next)
			h.waitFor(next, "counters", h.log.Append("counter-b", counted{"b", 4}))
			if n := h.count(parkedByStream); n != 1 {
				t.Errorf("%d streams are still parked, want the poisonous one", n)
			}
			if n := h.count("SELECT last FROM counters.counters WHERE id = 'a'") + h.count("SELECT last FROM counters.counters WHERE id = 'b'"); n != 3+4 {
				t.Errorf("the counters show %d", n)
			}
			if now := h.count("SELECT id FROM projection.generations WHERE state = 'live'"); now != live {
				t.Errorf("generation %d is live, want %d", now, live)
			}
			if n := h.count("SELECT count(*) FROM projection.decisions"); n != 0 {
				t.Error("it is noted as an operator's decision")
			}
			building.close(context.Background())
			if version > 1 { // Lifted events may show otherwise, so the tables are built anew.
				h.eventually("tables for the new shapes", func() bool {
					return h.count("SELECT id FROM projection.generations WHERE state = 'live'") != live
				})
			}
			h.waitFor(next, "counters", h.log.Append("counter-b", counted{"b", 5}))
			h.compareWithRebuild(next)
		})
	}
}

// What has to do with rows of other streams is not taken in too late: the tables
// that are built for the new shapes have it in its place.
func TestTheNextReleaseRebuildsSharedRows(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.log.Append("counter-a", opened{"a", "A", 1})
	h.log.Append("group-1", regrouped{1, 2})
	last := h.log.Append("group-2", regrouped{2, 3})
	id := h.log.Events()[1].ID
	h.log.Fail(id, fmt.Errorf("%w: version 2, not 1", ErrUndecodable))
	first := h.engine(h.release(1))
	stop := h.run(first)
	h.waitFor(first, "counters", last)
	stop()
	h.log.Fail(id, nil)
	next := h.release(1)
	next.Shapes = map[string]int{"Regrouped": 2}
	e := h.engine(next)
	h.run(e)
	h.eventually("the counter is in the right group", func() bool {
		return h.count("SELECT grp FROM counters.counters WHERE id = 'a'") == 3
	})
	if n := h.count(parkedByStream); n != 0 {
		t.Errorf("%d streams are parked", n)
	}
}

// A release does not take up the tables of one that can read more: it would park
// what is in them already.
func TestAnOlderReleaseLeavesTablesOfNewerShapes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		made, program map[string]int
		reduces       bool
	}{
		{nil, nil, true},
		{nil, map[string]int{"Counted": 2}, true},
		{map[string]int{"Counted": 2}, map[string]int{"Counted": 3, "Opened": 2}, true},
		{map[string]int{"Counted": 2}, nil, false},
		{map[string]int{"Counted": 2}, map[string]int{"Opened": 2}, false},
		{map[string]int{"Unheard": 2}, nil, true},
	} {
		made, program := counters(1).reading(test.made), counters(1).reading(test.program)
		g := Generation{Version: 1, fingerprint: made.fingerprint(), shapes: made.upgradedShapes()}
		if got := program.reduces(g); got != test.reduces {
			t.Errorf("tables for %v, a program with %v: %t", test.made, test.program, got)
		}
		g.Version = 2
		if program.reduces(g) {
			t.Error("another version is another definition")
		}
	}
	edited := counters(1)
	edited.Tables += "CREATE TABLE more (id text PRIMARY KEY);"
	if edited.reading(map[string]int{"Counted": 2}).reduces(Generation{Version: 1, fingerprint: counters(1).fingerprint()}) {
		t.Error("other tables are another definition")
	}
}
