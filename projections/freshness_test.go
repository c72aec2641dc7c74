package projections

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/perfectworks/backend/domain/event"
)

func TestReadersWaitForTheirWrites(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	owner, other := h.engine(h.config(counters(1))), h.engine(h.config(counters(1)))
	h.run(owner)
	var waiting sync.WaitGroup
	for i := range 100 {
		last := h.log.Append("counter-a", counted{"a", i})
		for _, e := range []*Engine{owner, other} {
			waiting.Go(func() {
				h.waitFor(e, "counters", last)
				if n := h.count("SELECT count(*) FROM counters.counts WHERE by <= $1", i); n != i+1 {
					t.Errorf("%d of %d events are seen", n, i+1)
				}
			})
		}
		if i%10 == 0 {
			waiting.Wait()
		}
	}
	waiting.Wait()
}

func TestWaitingIsBounded(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	owner, other := h.engine(h.config(counters(1))), h.engine(h.config(counters(1)))
	h.run(owner)
	last := h.log.Append("counter-a", opened{"a", "A", 0})
	h.waitFor(owner, "counters", last)
	for _, e := range []*Engine{owner, other} {
		ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		err := e.WaitFor(ctx, "counters", event.Position{Commit: last.Commit + 1})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		// What is there needs no waiting, whatever the context.
		h.waitFor(e, "counters", last)
		if err := e.WaitFor(ctx, "counters", last); err != nil {
			t.Errorf("got %v", err)
		}
		cancel()
	}
	if err := owner.WaitFor(context.Background(), "absent", last); !errors.Is(err, ErrUnknownProjection) {
		t.Errorf("got %v", err)
	}
}

// Many who wait for another process's projection ask the database as one would.
func TestWaitersShareTheirQuestions(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	if _, err := ensureLive(context.Background(), h.pool, counters(1)); err != nil {
		t.Fatal(err)
	}
	e := h.engine(h.config(counters(1)))
	const waiters, timeout = 50, 300 * time.Millisecond
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	before := h.scans()
	var waiting sync.WaitGroup
	for range waiters {
		waiting.Go(func() { _ = e.WaitFor(ctx, "counters", event.Position{Commit: 1}) })
	}
	waiting.Wait()
	if scans := h.scans() - before; scans > int(3*timeout/pollInterval) {
		t.Errorf("the registry was read %d times in %v", scans, timeout)
	}
}

// scans is how often the registry was read.
func (h *harness) scans() int {
	h.t.Helper()
	return h.count(`SELECT seq_scan + idx_scan FROM pg_stat_user_tables
		WHERE schemaname = 'projection' AND relname = 'generations' AND pg_stat_clear_snapshot() IS NOT NULL`)
}
