package projections

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/perfectworks/backend/domain/event"
)

// lost is a projection with three counters, of which the log has lost the last
// two and got another.
func (h *harness) lose(e *Engine) (restored, last event.Position) {
	h.t.Helper()
	restored = h.log.Append("counter-a", opened{"a", "A", 0})
	h.log.Append("counter-b", opened{"b", "B", 0})
	h.waitFor(e, "counters", h.log.Append("counter-c", opened{"c", "C", 0}))
	h.log.GoBack(restored)
	return restored, h.log.Append("counter-d", opened{"d", "D", 0})
}

func TestALogThatWentBackIsAnsweredByARebuild(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	config := h.config(counters(1))
	config.RebuildWhenLogWentBack = true
	e, other := h.engine(config), h.engine(config)
	h.run(e)
	_, last := h.lose(e)
	h.eventually("the tables are those of the log", func() bool {
		return h.dump("counters") == `counters (a,A,0,0,{},0,"2026-01-01 00:00:01+00")
counters (d,D,0,0,{},0,"2026-01-01 00:00:02+00")`
	})
	h.waitFor(e, "counters", last)
	h.waitFor(other, "counters", last)
	h.eventually("it is live again", func() bool { return h.status(e).State == StateLive && h.status(e).Position == last })
	h.waitFor(e, "counters", h.log.Append("counter-d", counted{"d", 1}))
	h.compareWithRebuild(e)
	// What was shown before is kept, and never taken up again.
	if n := h.count("SELECT count(*) FROM projection.generations WHERE state = 'retired' AND log_went_back_at IS NOT NULL"); n != 1 {
		t.Errorf("%d generations of the lost log are kept, want 1", n)
	}
}

func TestALogThatWentBackWaitsForTheOperator(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h := newHarness(t)
	config := h.config(counters(1))
	registry := prometheus.NewRegistry()
	config.Registerer = registry
	e, other := h.engine(config), h.engine(h.config(counters(1)))
	h.run(e)
	_, last := h.lose(e)
	for _, process := range []*Engine{e, other} {
		h.eventually("it says so", func() bool {
			s := h.status(process)
			return s.State == StateLogWentBack && s.Failure != ""
		})
		// What is shown is beyond this position, but never fresh again.
		h.eventually("readers are told", func() bool {
			return errors.Is(process.WaitFor(ctx, "counters", event.Position{Commit: 1, Prepare: 1}), event.ErrLogWentBack)
		})
	}
	if n, err := testutil.GatherAndCount(registry, "perfectworks_projection_log_went_back"); err != nil || n != 1 {
		t.Errorf("%d metrics, %v", n, err)
	}
	if n := h.count("SELECT count(*) FROM counters.counters"); n != 3 {
		t.Errorf("%d rows are served, want those of before", n)
	}
	if err := e.Rebuild(ctx, "counters", func(BuildProgress) {}); err != nil {
		t.Fatal(err)
	}
	h.waitFor(e, "counters", last)
	h.waitFor(other, "counters", last)
	h.waitFor(e, "counters", h.log.Append("counter-e", opened{"e", "E", 0}))
	h.eventually("it is live again", func() bool { return h.status(e).State == StateLive })
	h.compareWithRebuild(e)
}

// Another log is no reason to rebuild, whatever the setting says of losses: an
// operator decides, for one start, that it is the right one.
func TestAnotherLogWaitsForTheOperator(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	config := h.config(counters(1))
	config.RebuildWhenLogWentBack = true
	e := h.engine(config)
	stop := h.run(e)
	last := h.log.Append("counter-a", opened{"a", "A", 0})
	h.waitFor(e, "counters", last)
	if log, err := LogOf(t.Context(), h.pool); err != nil || log == "" {
		t.Errorf("the tables are of %q, %v", log, err)
	}
	h.log.Exchange()
	h.eventually("the builder has looked again and again", func() bool { return h.log.Strangers() > 5 })
	if s := h.status(e); s.State != StateLogWentBack || s.Failure == "" {
		t.Errorf("the projection is %+v", s)
	}
	if err := e.WaitFor(t.Context(), "counters", last); !errors.Is(err, event.ErrLogWentBack) {
		t.Errorf("readers are told %v", err)
	}
	if n := h.count("SELECT count(*) FROM projection.generations"); n != 1 {
		t.Errorf("there are %d generations: one was built from another log", n)
	}
	stop()
	config.AdoptAnotherLog = true
	e = h.engine(config)
	h.run(e)
	h.eventually("it is live again", func() bool { return h.status(e).State == StateLive })
	h.waitFor(e, "counters", h.log.Append("counter-b", opened{"b", "B", 0}))
	h.compareWithRebuild(e)
}

// It is noticed too by a process that was not running when it happened, and
// during a build, and when the log has grown beyond what was lost.
func TestALogThatWentBackIsNoticedAtTheNextStart(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	config := h.config(counters(1))
	config.RebuildWhenLogWentBack = true
	e := h.engine(config)
	stop := h.run(e)
	h.log.Append("counter-a", opened{"a", "A", 0})
	restored := h.log.Append("counter-b", opened{"b", "B", 0})
	h.waitFor(e, "counters", h.log.Append("counter-c", opened{"c", "C", 0}))
	stop()
	h.log.GoBack(restored)
	var last event.Position
	for i := range 9 {
		last = h.log.Append(fmt.Sprint("counter-", i), opened{fmt.Sprint(i), "", 0})
	}
	e = h.engine(config)
	h.run(e)
	h.eventually("the tables are those of the log", func() bool {
		return h.count("SELECT count(*) FROM counters.counters") == 11
	})
	h.waitFor(e, "counters", last)
	h.compareWithRebuild(e)
}

// A log that lost only what no projection shows is followed from the last event
// that some does: nothing is missed, nothing comes twice, and nobody is alarmed.
func TestALogThatLostWhatIsNotForUsIsFollowed(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	e := h.engine(h.config(counters(1)))
	stop := h.run(e)
	h.log.Pass(1000)
	h.log.Append("counter-a", opened{"a", "A", 0})
	h.eventually("it is beyond the last event", func() bool {
		return h.count("SELECT count(*) FROM projection.generations WHERE commit_position = 1100") == 1
	})
	stop()
	h.log.Pass(0)
	last := h.log.Append("counter-a", counted{"a", 1})
	e = h.engine(h.config(counters(1)))
	h.run(e)
	h.waitFor(e, "counters", last)
	h.eventually("it is live", func() bool { return h.status(e).State == StateLive })
	// The position was passed before, by what was lost: it tells nothing here.
	h.eventually("both events are taken in, once", func() bool {
		return h.count("SELECT events FROM projection.generations") == 2
	})
	if n := h.count("SELECT count(*) FROM counters.counts"); n != 1 {
		t.Errorf("%d counts, want 1", n)
	}
}

// A build under way when the log goes back begins again.
func TestABuildOfALogThatWentBackBeginsAgain(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	for i := range 200 {
		h.log.Append(fmt.Sprint("counter-", i), opened{fmt.Sprint(i), "", 0})
	}
	old := h.engine(h.config(counters(1)))
	stop := h.run(old)
	h.waitFor(old, "counters", h.log.Append("counter-x", opened{"x", "", 0}))
	stop()
	config := h.config(countersRenamed())
	config.Rebuild.MaxEvents = 4
	config.RebuildWhenLogWentBack = true
	e := h.engine(config)
	stop = h.run(e)
	h.eventually("a build is under way", func() bool {
		return h.count("SELECT count(*) FROM projection.generations WHERE version = 2 AND events > 10") == 1
	})
	stop()
	h.log.GoBack(event.Position{Commit: 300, Prepare: 300})
	last := h.log.Append("counter-y", opened{"y", "", 0})
	e = h.engine(config)
	h.run(e)
	h.eventually("the new tables are live", func() bool { return h.liveVersion() == 2 })
	h.waitFor(e, "counters", last)
	if n := h.count("SELECT count(*) FROM counters.counters"); n != 4 {
		t.Errorf("%d counters, want 4", n)
	}
}

// A new stream category, which this program's subscriptions do not follow, keeps
// nobody waiting.
func TestAWriteThatIsNotForUsKeepsNobodyWaiting(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	config := h.config(counters(1))
	ours := h.log.Append("counter-a", opened{"a", "A", 0})
	theirs := event.Position{Commit: ours.Commit + 50, Prepare: ours.Prepare + 50}
	config.End = func(context.Context) (event.Position, error) { return theirs, nil }
	e := h.engine(config)
	h.run(e)
	h.waitFor(e, "counters", theirs)
	h.waitFor(h.engine(config), "counters", theirs)
	// But not what is beyond the log's end.
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	beyond := event.Position{Commit: theirs.Commit + 1, Prepare: theirs.Prepare + 1}
	if err := e.WaitFor(ctx, "counters", beyond); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a position beyond the end of the log: %v", err)
	}
}
