package projections

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/perfectworks/backend/domain/event"
)

// park has an event of counter-a parked, with two behind it, because the first
// cannot be decoded for now.
func (h *harness) park(e *Engine) {
	h.t.Helper()
	h.log.Append("counter-a", opened{"a", "A", 1})
	h.log.Append("counter-a", counted{"a", 1})
	h.log.Fail(h.log.Events()[1].ID, fmt.Errorf("%w: version 2", ErrUndecodable))
	h.log.Append("counter-a", counted{"a", 2})
	h.waitFor(e, "counters", h.log.Append("counter-b", opened{"b", "B", 1}))
	if n := h.status(e).Parked; n != 2 {
		h.t.Fatalf("%d events are parked, want 2", n)
	}
}

func TestParkedEventsAreRetried(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h := newHarness(t)
	server, operator := h.engine(h.config(counters(1))), h.engine(h.config(counters(1)))
	h.run(server)
	h.park(server)
	// As long as it cannot be read, it stays.
	if n, err := operator.RetryParked(ctx, "counters", "counter-a"); n != 0 || err != nil {
		t.Errorf("%d were taken in, %v", n, err)
	}
	h.log.Fail(h.log.Events()[1].ID, nil)
	if n, err := operator.RetryParked(ctx, "counters", "counter-a"); n != 2 || err != nil {
		t.Errorf("%d were taken in, %v", n, err)
	}
	if _, err := operator.RetryParked(ctx, "counters", "counter-a"); !errors.Is(err, ErrNothingParked) {
		t.Errorf("once more: %v", err)
	}
	// The server goes on, with this stream too.
	h.waitFor(server, "counters", h.log.Append("counter-a", counted{"a", 3}))
	if s := h.status(server); s.Parked != 0 {
		t.Errorf("%d are parked", s.Parked)
	}
	h.compareWithRebuild(server)
	if n := h.count("SELECT count(*) FROM projection.decisions WHERE decision = 'retry' AND stream = 'counter-a'"); n != 2 {
		t.Errorf("%d decisions are kept, want 2", n)
	}
}

// Many parked events are taken in some at a time, so that few are held in memory. A
// retry that is interrupted leaves the rest parked, in their order; the checkpoint stays.
func TestManyParkedEventsAreRetriedInParts(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	server, operator := h.engine(h.config(counters(1))), h.engine(h.config(counters(1)))
	h.run(server)
	h.log.Append("counter-a", opened{"a", "A", 1})
	h.log.Append("counter-a", counted{"a", 0})
	poison := h.log.Events()[1].ID
	h.log.Fail(poison, fmt.Errorf("%w: version 2", ErrUndecodable))
	const more = 2*decidedAtOnce + 10
	for i := range more {
		h.log.Append("counter-a", counted{"a", i})
	}
	last := h.log.Append("counter-b", opened{"b", "B", 1})
	h.waitFor(server, "counters", last)
	h.log.Fail(poison, nil)
	// The second part fails half-way.
	broken := h.log.Events()[decidedAtOnce+5].ID
	h.log.Fail(broken, errors.New("the key store does not answer"))
	n, err := operator.RetryParked(t.Context(), "counters", "counter-a")
	if n != decidedAtOnce || err == nil {
		t.Errorf("%d were taken in, %v", n, err)
	}
	if left := h.status(server).Parked; left != more+1-decidedAtOnce {
		t.Errorf("%d are parked", left)
	}
	h.log.Fail(broken, nil)
	if n, err := operator.RetryParked(t.Context(), "counters", "counter-a"); n != more+1-decidedAtOnce || err != nil {
		t.Errorf("%d were taken in, %v", n, err)
	}
	if g, err := liveGeneration(t.Context(), h.pool, "counters"); err != nil || g.Position != last || g.Parked != 0 || g.Events != int64(len(h.log.Events())) {
		t.Errorf("the live generation: %+v, %v", g, err)
	}
	h.waitFor(server, "counters", h.log.Append("counter-a", counted{"a", 7}))
	h.compareWithRebuild(server)
}

// A retry that would not give what a rebuild gives is refused, and changes
// nothing.
func TestARetryOfSharedRowsIsRefused(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for name, others := range map[string]func(*harness){
		"the same row":   func(h *harness) { h.log.Append("counter-c", counted{"a", 9}) },
		"matching rows":  func(h *harness) { h.log.Append("group-1", regrouped{1, 2}) },
		"other rows":     func(h *harness) { h.log.Append("counter-c", opened{"c", "C", 1}) },
		"other matching": func(h *harness) { h.log.Append("counter-b", closed{"b"}) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t)
			e := h.engine(h.config(counters(1)))
			h.run(e)
			h.park(e)
			others(h)
			h.waitFor(e, "counters", h.log.Append("counter-d", opened{"d", "D", 1}))
			h.log.Fail(h.log.Events()[1].ID, nil)
			before := h.dump("counters")
			_, err := e.RetryParked(ctx, "counters", "counter-a")
			if shared := name == "the same row" || name == "matching rows"; errors.Is(err, ErrSharedRows) != shared || !shared && err != nil {
				t.Fatalf("%v", err)
			}
			if err != nil {
				if after := h.dump("counters"); after != before {
					t.Errorf("it changed something:\n%s\n%s", before, after)
				}
				if s := h.status(e); s.Parked != 2 {
					t.Errorf("%d are parked, want 2", s.Parked)
				}
				if err := e.Rebuild(ctx, "counters", func(BuildProgress) {}); err != nil {
					t.Fatal(err)
				}
			}
			h.compareWithRebuild(e)
		})
	}
}

func TestAParkedEventIsSkipped(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h := newHarness(t)
	e := h.engine(h.config(counters(1)))
	h.run(e)
	h.log.Append("counter-a", opened{"a", "A", 1}, poisonous{"a", "panic"}, counted{"a", 2}, poisonous{"a", "type"}, counted{"a", 3})
	h.waitFor(e, "counters", h.log.Append("counter-b", opened{"b", "B", 1}))
	for i, want := range []int{1, 1} {
		if n, err := e.SkipParked(ctx, "counters", "counter-a"); n != want || err != nil {
			t.Fatalf("skip %d: %d were taken in, %v", i, n, err)
		}
	}
	h.waitFor(e, "counters", h.log.Append("counter-a", counted{"a", 4}))
	if s := h.status(e); s.Parked != 0 {
		t.Errorf("%d are parked", s.Parked)
	}
	if n := h.count("SELECT count(*) FROM counters.counts"); n != 3 {
		t.Errorf("%d counts, want 3", n)
	}
	// A rebuild of this version leaves them out too.
	h.compareWithRebuild(e)
	if parked, _, err := e.Parked(ctx, "counters", 10); err != nil || len(parked) > 0 {
		t.Errorf("parked: %v, %v", parked, err)
	}
}

func TestDecisionsAreChecked(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h := newHarness(t)
	e := h.engine(h.config(counters(1)))
	stop := h.run(e)
	h.park(e)
	stop()
	if _, err := e.RetryParked(ctx, "countless", "counter-a"); !errors.Is(err, ErrUnknownProjection) {
		t.Errorf("an unknown projection: %v", err)
	}
	if _, err := e.SkipParked(ctx, "counters", "counter-z"); !errors.Is(err, ErrNothingParked) {
		t.Errorf("an unknown stream: %v", err)
	}
	other := h.engine(h.config(countersRenamed()))
	if _, err := other.RetryParked(ctx, "counters", "counter-a"); !errors.Is(err, ErrNoReducers) {
		t.Errorf("without reducers: %v", err)
	}
}

// The version before goes on being projected until the new one is ready, and a
// build that fails keeps nobody waiting.
func TestThePredecessorIsProjectedMeanwhile(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	before := counters(1)
	old := h.engine(h.config(before))
	stop := h.run(old)
	h.waitFor(old, "counters", h.log.Append("counter-a", opened{"a", "A", 1}))
	stop()
	next := countersRenamed()
	next.Predecessor = &before
	next.Reducers["Opened"] = func(event.Recorded) ([]Change, error) { return nil, errors.New("a mistake") }
	config := h.config(next)
	config.StuckAfter = time.Nanosecond
	e := h.engine(config)
	h.run(e)
	h.eventually("the build fails", func() bool { return strings.Contains(h.status(e).Failure, "parked") })
	for i := range 3 {
		h.waitFor(e, "counters", h.log.Append("counter-a", counted{"a", i}))
	}
	h.eventually("the old tables are live and projected", func() bool {
		s := h.status(e)
		return s.State == StateLive && s.Outdated && s.Failure != ""
	})
	if v := h.liveVersion(); v != 1 {
		t.Errorf("version %d is live", v)
	}
}

// Without the reducers of the version before, its tables are served as of the
// time when they last advanced.
func TestTablesOfAnotherVersionAreServedAsOf(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h := newHarness(t)
	old := h.engine(h.config(counters(1)))
	stop := h.run(old)
	h.waitFor(old, "counters", h.log.Append("counter-a", opened{"a", "A", 1}))
	stop()
	next := countersRenamed()
	next.Reducers["Opened"] = func(event.Recorded) ([]Change, error) { return nil, errors.New("a mistake") }
	e := h.engine(h.config(next))
	h.run(e)
	last := h.log.Append("counter-a", counted{"a", 1})
	h.eventually("readers are told as of when", func() bool {
		waiting, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
		defer cancel()
		var frozen *FrozenError
		return errors.As(e.WaitFor(waiting, "counters", last), &frozen) && !frozen.AsOf.IsZero()
	})
}

// A new version that cannot take in an event of a type that the old one left
// alone is swapped in all the same, with the event parked.
func TestANewVersionMayParkWhatTheOldOneIgnored(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	e := h.engine(h.config(counters(1)))
	stop := h.run(e)
	h.log.Append("counter-a", opened{"a", "A", 1}, ignored{"a"})
	last := h.log.Append("counter-b", opened{"b", "B", 1})
	h.waitFor(e, "counters", last)
	stop()
	next := countersRenamed()
	next.Reducers["Ignored"] = func(event.Recorded) ([]Change, error) { return nil, errors.New("a mistake") }
	e = h.engine(h.config(next))
	h.run(e)
	h.eventually("the new version is live", func() bool { return h.liveVersion() == 2 })
	h.waitFor(e, "counters", last)
	if s := h.status(e); s.Parked != 1 {
		t.Errorf("%d are parked, want 1", s.Parked)
	}
}

// A newer program that swapped and is gone leaves the older ones able to go on.
func TestAnOlderProgramGoesOnWhenTheNewerIsGone(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	config := h.config(counters(1))
	config.Deserted = 100 * time.Millisecond
	old := h.engine(config)
	h.run(old)
	h.waitFor(old, "counters", h.log.Append("counter-a", opened{"a", "A", 1}))
	newer := h.engine(h.config(countersRenamed()))
	stop := h.run(newer)
	h.eventually("the newer version is live", func() bool { return h.liveVersion() == 2 })
	h.waitFor(newer, "counters", h.log.Append("counter-b", opened{"b", "B", 1}))
	stop()
	h.eventually("the older version is live again", func() bool { return h.liveVersion() == 1 })
	h.waitFor(old, "counters", h.log.Append("counter-c", opened{"c", "C", 1}))
	h.compareWithRebuild(old)
}

func TestRollback(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h := newHarness(t)
	e := h.engine(h.config(counters(1)))
	h.run(e)
	h.waitFor(e, "counters", h.log.Append("counter-a", opened{"a", "A", 1}))
	first := h.count("SELECT id FROM projection.generations WHERE state = 'live'")
	if err := e.Rollback(ctx, "counters", 0, func(BuildProgress) {}); !errors.Is(err, ErrNotRetired) {
		t.Errorf("with nothing to go back to: %v", err)
	}
	if err := e.Rebuild(ctx, "counters", func(BuildProgress) {}); err != nil {
		t.Fatal(err)
	}
	h.waitFor(e, "counters", h.log.Append("counter-b", opened{"b", "B", 1}))
	if err := e.Rollback(ctx, "counters", 0, func(BuildProgress) {}); err != nil {
		t.Fatal(err)
	}
	if id := h.count("SELECT id FROM projection.generations WHERE state = 'live' AND pinned"); id != first {
		t.Errorf("generation %d is live, want %d", id, first)
	}
	h.waitFor(e, "counters", h.log.Append("counter-c", opened{"c", "C", 1}))
	h.compareWithRebuild(e)
}

// Tables of another version are gone back to only where they show everything, or
// this program can bring them up to date; then no server builds its own again.
func TestRollbackOverAVersion(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h := newHarness(t)
	before := counters(1)
	old := h.engine(h.config(before))
	stop := h.run(old)
	h.waitFor(old, "counters", h.log.Append("counter-a", opened{"a", "A", 1}))
	stop()
	without := h.engine(h.config(countersRenamed()))
	stop = h.run(without)
	h.eventually("the new version is live", func() bool { return h.liveVersion() == 2 })
	h.waitFor(without, "counters", h.log.Append("counter-b", opened{"b", "B", 1}))
	stop()
	if err := without.Rollback(ctx, "counters", 0, func(BuildProgress) {}); !errors.Is(err, ErrNoReducers) {
		t.Fatalf("without its reducers: %v", err)
	}
	if v := h.liveVersion(); v != 2 {
		t.Fatalf("version %d is live", v)
	}
	next := countersRenamed()
	next.Predecessor = &before
	with := h.engine(h.config(next))
	h.run(with)
	if err := with.Rollback(ctx, "counters", 0, func(BuildProgress) {}); err != nil {
		t.Fatal(err)
	}
	h.waitFor(with, "counters", h.log.Append("counter-c", opened{"c", "C", 1}))
	h.eventually("the old tables are projected", func() bool {
		s := h.status(with)
		return s.State == StateLive && s.Pinned && s.Version == 1
	})
	if n := h.count("SELECT count(*) FROM counters.counters"); n != 3 {
		t.Errorf("%d counters, want 3", n)
	}
	if err := with.Rebuild(ctx, "counters", func(BuildProgress) {}); err != nil {
		t.Fatal(err)
	}
	if v := h.liveVersion(); v != 2 {
		t.Errorf("version %d is live after a rebuild", v)
	}
}
