package projections

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/perfectworks/backend/domain/event"
)

func TestEventsThatCannotBeTakenInAreParkedWithTheirStream(t *testing.T) {
	t.Parallel()
	for what, reason := range map[string]string{
		"panic":  "panic with a string at github.com/perfectworks/backend/projections.counters",
		"range":  "panic: runtime error: slice bounds out of range",
		"column": "has no column colour",
		"type":   "column counters.last: a string does not fit the column",
		"zero":   "column counters.label: a zero byte does not fit the column",
		"index":  "column counters.label: a value of 20000 bytes does not fit the column: it takes 2600",
		"sum":    "SQLSTATE 22003",
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t)
			h.log.Append("counter-a", opened{"a", "A", 1})
			h.log.Append("counter-b", opened{"b", "B", 1})
			h.log.Append("counter-a", poisonous{"a", what}, counted{"a", 1}, ignored{"a"})
			h.log.Append("counter-b", counted{"b", 2})
			last := h.log.Append("counter-a", counted{"a", 3})
			e := h.engine(h.config(counters(1)))
			h.run(e)
			h.waitFor(e, "counters", last)
			h.log.Append("counter-a", counted{"a", 4})
			last = h.log.Append("counter-b", counted{"b", 5})
			h.waitFor(e, "counters", last)

			want := `counters (a,A,1,0,{},0,"2026-01-01 00:00:01+00")
counters (b,B,1,5,{5},2,"2026-01-01 00:00:02+00")
counts (b,1,2)
counts (b,2,5)`
			if diff := cmp.Diff(want, h.dump("counters")); diff != "" {
				t.Errorf("tables (-want +got):\n%s", diff)
			}
			checkParked(t, e, reason)
			h.compareWithRebuild(e)
		})
	}
}

func checkParked(t *testing.T, e *Engine, reason string) {
	t.Helper()
	parked, _, err := e.Parked(context.Background(), "counters", 10)
	if err != nil {
		t.Fatal(err)
	}
	type row struct {
		Stream   string
		Revision event.Revision
		Type     string
		Position uint64
	}
	var rows []row
	for i, p := range parked {
		rows = append(rows, row{p.Stream, p.Revision, p.EventType, p.Position.Commit})
		if (p.Failure != "") != (i == 0) {
			t.Errorf("event %d: failure %q", i, p.Failure)
		}
	}
	want := []row{
		{"counter-a", 1, "Poisonous", 300},
		{"counter-a", 2, "Counted", 400},
		{"counter-a", 4, "Counted", 700},
		{"counter-a", 5, "Counted", 800},
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Errorf("parked (-want +got):\n%s", diff)
	}
	first, all, err := e.Parked(context.Background(), "counters", 2)
	if err != nil || len(first) != 2 || first[1] != parked[1] || all != int64(len(parked)) {
		t.Errorf("the first 2 of %d are %v, %v", all, first, err)
	}
	shown := 0
	err = e.ShowParked(context.Background(), "counters", "counter-a", 3, func(Parked, event.Recorded, error) error { shown++; return nil })
	if err != nil || shown != 3 {
		t.Errorf("%d of the first 3 are shown, %v", shown, err)
	}
	if failure := parked[0].Failure; !strings.Contains(failure, reason) || strings.Contains(failure, "secret") {
		t.Errorf("the reason is %q, want one with %q and no value", failure, reason)
	}
}

func TestUndecodableEventsAreParkedAtOnce(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.log.Append("counter-a", opened{"a", "A", 1}, counted{"a", 1})
	h.log.Append("counter-a", ignored{"a"})
	h.log.Fail(h.log.Events()[1].ID, fmt.Errorf("%w: unknown shape", ErrUndecodable))
	h.log.Fail(h.log.Events()[2].ID, fmt.Errorf("%w: unknown shape", ErrUndecodable)) // Of no interest to the projection: not even decoded.
	last := h.log.Append("counter-b", opened{"b", "B", 1})
	e := h.engine(h.config(counters(1)))
	h.run(e)
	h.waitFor(e, "counters", last)
	parked, _, err := e.Parked(context.Background(), "counters", 10)
	if err != nil {
		t.Fatal(err)
	}
	if len(parked) != 1 || parked[0].Revision != 1 || !strings.Contains(parked[0].Failure, "unknown shape") {
		t.Errorf("parked: %+v", parked)
	}
}

// A projector that begins again knows what was parked before.
func TestParkingSurvivesARestart(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.log.Append("counter-a", opened{"a", "A", 1})
	last := h.log.Append("counter-a", poisonous{"a", "panic"})
	e := h.engine(h.config(counters(1)))
	stop := h.run(e)
	h.waitFor(e, "counters", last)
	stop()
	last = h.log.Append("counter-a", counted{"a", 1})
	e = h.engine(h.config(counters(1)))
	h.run(e)
	h.waitFor(e, "counters", last)
	if n := h.count("SELECT count(*) FROM projection.parked"); n != 2 {
		t.Errorf("%d events are parked, want the poisonous one and the one behind it", n)
	}
}

// Whoever repairs parked events raises the epoch; the projector then notices
// that the stream is free again.
func TestAChangeFromOutsideIsNoticed(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	last := h.log.Append("counter-a", poisonous{"a", "panic"})
	e := h.engine(h.config(counters(1)))
	h.run(e)
	h.waitFor(e, "counters", last)
	ctx := context.Background()
	if _, err := h.pool.Exec(ctx, "DELETE FROM projection.parked"); err != nil {
		t.Fatal(err)
	}
	if _, err := h.pool.Exec(ctx, "UPDATE projection.generations SET epoch = epoch + 1"); err != nil {
		t.Fatal(err)
	}
	h.waitFor(e, "counters", h.log.Append("counter-a", opened{"a", "A", 1}))
	if n := h.count("SELECT count(*) FROM counters.counters"); n != 1 {
		t.Error("the event was not taken in")
	}
}

// What no event is to blame for must not empty the log into the parking table.
func TestFailuresOfTheDatabaseStopAndParkNothing(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	config := h.config(counters(1))
	config.StuckAfter = 1
	e := h.engine(config)
	h.run(e)
	h.waitFor(e, "counters", h.log.Append("counter-a", opened{"a", "A", 1}))
	ctx := context.Background()
	if _, err := h.pool.Exec(ctx, "ALTER TABLE counters.counts RENAME TO hidden"); err != nil {
		t.Fatal(err)
	}
	last := h.log.Append("counter-a", counted{"a", 1})
	var s Status
	h.eventually("the projection is stuck", func() bool {
		s = h.status(e)
		return s.State == StateStuck
	})
	if !strings.Contains(s.Failure, "42P01") || s.FailingSince.IsZero() || s.Lag == 0 || s.LagBytes == 0 {
		t.Errorf("status: %+v", s)
	}
	if _, err := h.pool.Exec(ctx, "ALTER TABLE counters.hidden RENAME TO counts"); err != nil {
		t.Fatal(err)
	}
	h.waitFor(e, "counters", last)
	if s := h.status(e); s.State != StateLive || s.Failure != "" || s.Parked != 0 || s.Lag != 0 {
		t.Errorf("status afterwards: %+v", s)
	}
}

// A key store that does not answer must not park everybody's events either.
func TestDecodingIsTriedAgain(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.log.Fail(event.ID{}, errors.New("the key store does not answer"))
	config := h.config(counters(1))
	config.StuckAfter = 1
	e := h.engine(config)
	h.run(e)
	last := h.log.Append("counter-a", opened{"a", "A", 1})
	h.eventually("the projection is stuck", func() bool { return h.status(e).State == StateStuck })
	h.log.Fail(event.ID{}, nil)
	h.waitFor(e, "counters", last)
	if s := h.status(e); s.State != StateLive || s.Parked != 0 {
		t.Errorf("status: %+v", s)
	}
}

func (h *harness) status(e *Engine) Status {
	h.t.Helper()
	all, err := e.Status(context.Background())
	if err != nil {
		h.t.Fatal(err)
	}
	if len(all) != 1 {
		h.t.Fatalf("%d projections, want one", len(all))
	}
	return all[0]
}
