package projections

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/perfectworks/backend/adapters/postgres/postgrestest"
	"github.com/perfectworks/backend/domain/event"
)

// people is a read model with labels that are personal.
func people() Definition {
	d := counters(1)
	d.Personal = []Personal{{Table: "counters", Subject: "id", Columns: []string{"label", "tags"}}}
	return d
}

func (h *harness) labels(schema string) string {
	h.t.Helper()
	var labels []string
	err := h.pool.QueryRow(context.Background(),
		"SELECT array_agg(label ORDER BY id) FROM "+schema+".counters").Scan(&labels)
	if err != nil {
		h.t.Fatal(err)
	}
	return strings.Join(labels, ",")
}

func TestRunClearsTheColumnsOfErasedSubjects(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h := newHarness(t)
	var erased []Erasure
	asked := make(chan time.Time, 100)
	config := h.config(people())
	config.Erased = func(_ context.Context, since time.Time) ([]Erasure, error) {
		asked <- since
		return slices.DeleteFunc(slices.Clone(erased), func(e Erasure) bool { return e.At.Before(since) }), nil
	}
	h.log.Append("counter-a", opened{"a", "Ada", 1}, counted{"a", 5})
	last := h.log.Append("counter-b", opened{"b", "Bob", 1})
	erased = []Erasure{{"a", time.Now().Add(-time.Hour)}}
	e := h.engine(config)
	if err := e.Rebuild(ctx, "counters", func(BuildProgress) {}); err != nil {
		t.Fatal(err)
	}
	stop := h.run(e)
	h.waitFor(e, "counters", last)
	h.eventually("the label is cleared", func() bool { return h.labels("counters") == ",Bob" })
	if n := h.count("SELECT cardinality(tags) FROM counters.counters WHERE id = 'a'"); n != 0 {
		t.Error("the tags are still there")
	}
	// The projector has noticed, and goes on.
	h.waitFor(e, "counters", h.log.Append("counter-c", opened{"c", "Cleo", 1}))
	if since := <-asked; !since.IsZero() {
		t.Errorf("asked first for keys destroyed since %v", since)
	}

	// Another process knew the key for a moment longer.
	h.eventually("the erasure is noted", func() bool { return h.count("SELECT count(*) FROM projection.erasures") == 1 })
	for _, sql := range []string{
		"UPDATE counters.counters SET label = 'Ada' WHERE id = 'a'",
		"UPDATE projection.erasures SET cleared_at = cleared_at - interval '2 minutes'",
	} {
		if _, err := h.pool.Exec(ctx, sql); err != nil {
			t.Fatal(err)
		}
	}
	e.CheckErasures()
	h.eventually("the label is cleared again", func() bool { return h.labels("counters") == ",Bob,Cleo" })
	h.eventually("it is done", func() bool { return h.count("SELECT count(*) FROM projection.erasures WHERE again") == 1 })
	stop()
	h.log.Erase("a")
}

// A build that is under way goes on after an erasure, without what it had in
// memory.
func TestABuildGoesOnAfterAnErasure(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h := newHarness(t)
	d := people()
	d.Reducers = Join(Reducers{"Counted": d.Reducers["Counted"]}, On(func(e labelled, r event.Recorded) []Change {
		return []Change{Put("counters", Row{"id": e.ID}, Row{"label": e.Label.Reveal(), "revision": int64(r.Revision), "opened_at": r.Time})}
	}))
	for i := range 60 { // The last ones about a are in memory when a is erased.
		if i < 45 && i%2 == 0 {
			h.log.Append("counter-a", newLabelled("a", "Ada"))
		} else {
			h.log.Append("counter-b", newLabelled("b", "Bob"))
		}
	}
	last := h.log.Append("counter-b", counted{"b", 1})
	gate := h.log.Events()[45].ID
	h.log.Fail(gate, errors.New("not now"))
	config := h.config(d)
	config.Rebuild.MaxEvents = 20
	e := h.engine(config)
	done := make(chan error, 1)
	go func() { done <- e.Rebuild(ctx, "counters", func(BuildProgress) {}) }()
	building := "counters_g2"
	h.eventually("two batches are written, and events wait for the third", func() bool {
		return h.count("SELECT coalesce(max(events), 0) FROM projection.generations WHERE state = 'building'") == 40
	})
	if got := h.labels(building); got != "Ada,Bob" {
		t.Fatalf("labels: %s", got)
	}
	h.log.Erase("a")
	if err := e.Erase(ctx, "a"); err != nil {
		t.Fatal(err)
	}
	if got := h.labels(building); got != ",Bob" {
		t.Errorf("labels of the generation being built: %s", got)
	}
	h.log.Fail(gate, nil)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if got := h.labels("counters"); got != ",Bob" {
		t.Errorf("labels: %s", got)
	}
	h.run(e)
	h.waitFor(e, "counters", last)
}

// A retired generation of a program that did not say what is personal goes.
func TestARetiredGenerationThatDeclaresNothingIsDropped(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h := newHarness(t)
	h.log.Append("counter-a", opened{"a", "Ada", 1})
	e := h.engine(h.config(people()))
	for range 3 {
		if err := e.Rebuild(ctx, "counters", func(BuildProgress) {}); err != nil {
			t.Fatal(err)
		}
	}
	// As the release before leaves them: one retired, and the live one.
	if _, err := h.pool.Exec(ctx, `UPDATE projection.generations SET personal = NULL
		WHERE state = 'live' OR id = (SELECT min(id) FROM projection.generations)`); err != nil {
		t.Fatal(err)
	}
	if _, err := h.pool.Exec(ctx, `UPDATE projection.generations SET version = 0
		WHERE id = (SELECT min(id) FROM projection.generations)`); err != nil {
		t.Fatal(err)
	}
	if err := e.Erase(ctx, "a"); err != nil {
		t.Fatal(err)
	}
	all, err := e.Generations(ctx)
	if err != nil || len(all) != 3 {
		t.Fatalf("generations: %+v, %v", all, err)
	}
	for _, g := range all {
		if got := h.labels(g.Schema()); got != "" {
			t.Errorf("generation %d: %q", g.ID, got)
		}
	}
}

func TestRetiredGenerationsAreDroppedByAge(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h := newHarness(t)
	config := h.config(counters(1))
	config.KeepRetired = time.Hour
	e := h.engine(config)
	for range 3 {
		if err := e.Rebuild(ctx, "counters", func(BuildProgress) {}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := h.pool.Exec(ctx, `UPDATE projection.generations SET retired_at = retired_at - interval '61 minutes'
		WHERE id = (SELECT min(id) FROM projection.generations)`); err != nil {
		t.Fatal(err)
	}
	h.run(e)
	h.eventually("the old one is dropped", func() bool {
		return h.count("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'counters%'") == 3
	})
	if _, err := e.DropRetired(ctx, 0); err != nil {
		t.Fatal(err)
	}
	if n := h.count("SELECT count(*) FROM projection.generations"); n != 1 {
		t.Errorf("%d generations are left, want the live one", n)
	}
}

func TestWrongDeclarationsOfPersonalColumnsAreRefused(t *testing.T) {
	t.Parallel()
	pool := postgrestest.New(t)
	for what, p := range map[string]Personal{
		"no such table":           {"absent", "id", []string{"label"}},
		"no such subject":         {"counters", "absent", []string{"label"}},
		"subject is no text":      {"counters", "grp", []string{"label"}},
		"no columns":              {"counters", "id", nil},
		"no such column":          {"counters", "id", []string{"absent"}},
		"the key":                 {"counters", "id", []string{"id"}},
		"a number that is needed": {"counters", "id", []string{"last"}},
	} {
		d := people()
		d.Personal = []Personal{p}
		if _, err := readLayout(context.Background(), pool, d); err == nil {
			t.Errorf("accepted: %s", what)
		}
	}
}
