package projections

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/perfectworks/backend/domain/event"
)

// verified verifies and tells which rows differ, and why.
func (h *harness) verified(e *Engine, o VerifyOptions) (Verification, map[string]string) {
	h.t.Helper()
	v, err := e.Verify(context.Background(), "counters", o)
	if err != nil {
		h.t.Fatal(err)
	}
	causes := map[string]string{}
	for _, d := range v.Differences {
		causes[d.Table+" "+strings.Join(d.Key, ",")] = d.Cause
	}
	if int64(len(causes)) != v.Different {
		h.t.Errorf("%d differences, of which %d are told", v.Different, len(causes))
	}
	if n := h.count("SELECT count(*) FROM projection.generations WHERE state = 'scratch'"); n != 0 {
		h.t.Errorf("%d scratch generations are left", n)
	}
	return v, causes
}

// A verification finds each row that is not what a rebuild gives, with its likely
// cause, and mends only those; the server goes on meanwhile.
func TestVerify(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h := newHarness(t)
	server, operator := h.engine(h.config(counters(1))), h.engine(h.config(counters(1)))
	h.run(server)
	for i := range 40 {
		id := fmt.Sprintf("c%02d", i)
		h.log.Append("counter-"+id, opened{id, "label", i % 3})
		h.log.Append("counter-"+id, counted{id, i})
		h.log.Append("counter-"+id, counted{id, i + 1})
	}
	h.log.Append("counter-c39", poisonous{"c39", "panic"}) // Parked in both.
	h.waitFor(server, "counters", h.log.Append("other-1", regrouped{0, 7}))
	clean, causes := h.verified(operator, VerifyOptions{})
	if clean.Different != 0 || clean.Rows != 40+80 || clean.Events == 0 || clean.Generation == 0 {
		t.Errorf("a clean projection: %+v %v", clean, causes)
	}

	for _, sql := range []string{
		"UPDATE counters.counters SET label = 'secret' WHERE id = 'c01'",
		"DELETE FROM counters.counters WHERE id = 'c02'",
		"UPDATE counters.counters SET last = 3, tags = '{3}', revision = 1 WHERE id = 'c03'",
		"UPDATE counters.counters SET grp = 0 WHERE id = 'c06'",
		"INSERT INTO counters.counts VALUES ('c99', 4, 4)",
		"DELETE FROM counters.counts WHERE id = 'c05' AND revision = 2",
	} {
		if _, err := h.pool.Exec(ctx, sql); err != nil {
			t.Fatal(err)
		}
	}
	want := map[string]string{
		"counters c01": "changed by hand, or by reducers that were changed without a new version",
		"counters c02": "missed event: Opened, counter-c02@0",
		"counters c03": "missed event: Counted, counter-c03@2",
		"counters c06": "missed event: Regrouped, other-1@0",
		"counts c99,4": "changed by hand: no event has to do with this row",
		"counts c05,2": "missed event: Counted, counter-c05@2",
	}
	broken, causes := h.verified(operator, VerifyOptions{})
	if diff := cmp.Diff(want, causes); diff != "" {
		t.Errorf("causes (-want +got):\n%s", diff)
	}
	for _, d := range broken.Differences {
		if (d.Live == nil) != (d.Key[0] == "c02" || d.Key[0] == "c05") || (d.Rebuilt == nil) != (d.Key[0] == "c99") {
			t.Errorf("%+v", d)
		}
	}
	// A sample finds what it holds.
	sampled, _ := h.verified(operator, VerifyOptions{Sample: 10})
	if sampled.Rows < 4 || sampled.Rows > 60 {
		t.Errorf("a sample of %d rows", sampled.Rows)
	}
	if repaired, _ := h.verified(operator, VerifyOptions{Repair: true}); repaired.Repaired != broken.Different {
		t.Errorf("%d of %d rows were repaired", repaired.Repaired, broken.Different)
	}
	if again, causes := h.verified(operator, VerifyOptions{}); again.Different != 0 {
		t.Errorf("after the repair: %v", causes)
	}
	h.waitFor(server, "counters", h.log.Append("counter-c01", counted{"c01", 99}))
	if after, causes := h.verified(operator, VerifyOptions{}); after.Different != 0 {
		t.Errorf("after the repair and one more event: %v", causes)
	}
	h.compareWithRebuild(server)
	if n := h.count("SELECT count(*) FROM projection.decisions WHERE decision = 'repair'"); n != 1 {
		t.Errorf("%d repairs are noted", n)
	}
	if _, err := operator.Verify(ctx, "dreams", VerifyOptions{}); !errors.Is(err, ErrUnknownProjection) {
		t.Errorf("of no projection: %v", err)
	}
}

// While events come, the tables are compared as of one position.
func TestVerifyWhileEventsCome(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	server, operator := h.engine(h.config(counters(1))), h.engine(h.config(counters(1)))
	h.run(server)
	stop, stopped := make(chan struct{}), make(chan error, 1)
	go func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				stopped <- nil
				return
			default:
			}
			id := fmt.Sprintf("c%d", i%50)
			h.log.Append("counter-"+id, opened{id, "label", i % 3}, counted{id, i})
			last := h.log.Append("other-1", regrouped{i % 3, (i + 1) % 3})
			// As fast as they are taken in, and no faster.
			if err := server.WaitFor(context.Background(), "counters", last); err != nil {
				stopped <- err
				return
			}
		}
	}()
	var events int64
	for range 3 {
		v, causes := h.verified(operator, VerifyOptions{})
		if v.Different != 0 {
			t.Errorf("while events come: %v", causes)
		}
		events = max(events, v.Events)
	}
	close(stop)
	if err := <-stopped; err != nil || events == 0 {
		t.Errorf("%d events were compared, %v", events, err)
	}
}

func TestVerifyTwiceAppliedAndPersonal(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	d := Definition{
		Name: "counters", Version: 1,
		Tables:   "CREATE TABLE sums (id text PRIMARY KEY, total bigint NOT NULL DEFAULT 0, label text NOT NULL DEFAULT '')",
		Personal: []Personal{{Table: "sums", Subject: "id", Columns: []string{"label"}}},
		Reducers: Join(
			On(func(e counted, _ event.Recorded) []Change {
				return []Change{Add("sums", Row{"id": e.ID}, Row{"total": e.By})}
			}),
			On(func(e opened, _ event.Recorded) []Change {
				return []Change{Merge("sums", Row{"id": e.ID}, Row{"label": e.Label})}
			}),
		),
	}
	e := h.engine(h.config(d))
	h.run(e)
	h.log.Append("counter-a", opened{"a", "Ada Lovelace", 1}, counted{"a", 5})
	h.log.Append("counter-b", opened{"b", "Bob", 1}, counted{"b", 5})
	h.log.Append("counter-a", counted{"a", 7})
	h.waitFor(e, "counters", h.log.Append("counter-b", counted{"b", 11}))
	if _, err := h.pool.Exec(context.Background(), "UPDATE counters.sums SET total = CASE id WHEN 'a' THEN 19 ELSE 11 END"); err != nil {
		t.Fatal(err)
	}
	v, causes := h.verified(e, VerifyOptions{})
	if diff := cmp.Diff(map[string]string{"sums a": "applied twice: Counted, counter-a@2", "sums b": "missed event: Counted, counter-b@1"}, causes); diff != "" {
		t.Error(diff)
	}
	for _, d := range v.Differences {
		if row := append(d.Live[:len(d.Live):len(d.Live)], d.Rebuilt...); bytes.Contains(row, []byte("Lovelace")) || bytes.Contains(row, []byte("Bob")) || !bytes.Contains(row, []byte("[personal]")) {
			t.Errorf("%s", row)
		}
	}
}

// Each event that changed a row is shown with the row before and after.
func TestSteps(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h := newHarness(t)
	e := h.engine(h.config(counters(1)))
	h.log.Append("counter-a", opened{"a", "x", 1}, counted{"a", 5}, ignored{"a"})
	h.log.Append("counter-b", opened{"b", "y", 1})
	h.log.Append("other-1", regrouped{2, 3}, regrouped{1, 4})
	h.log.Append("counter-a", closed{"a"})
	steps, err := e.Steps(ctx, "counters", "counters", []string{"a"})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for i, s := range steps {
		got = append(got, fmt.Sprintf("%s %s@%d", s.EventType, s.Stream, s.Revision))
		if i > 0 && !bytes.Equal(s.Before, steps[i-1].After) { // Nothing here is personal.
			t.Errorf("step %d begins with %s, after %s", i, s.Before, steps[i-1].After)
		}
	}
	if diff := cmp.Diff([]string{"Opened counter-a@0", "Counted counter-a@1", "Regrouped other-1@1", "Closed counter-a@3"}, got); diff != "" {
		t.Error(diff)
	}
	if len(steps) == 4 && (steps[0].Before != nil || steps[3].After != nil || !strings.Contains(string(steps[2].After), `"grp":4`)) {
		t.Errorf("%s … %s", steps[0].Before, steps[2].After)
	}
	for _, wrong := range []struct {
		table string
		key   []string
	}{{"dreams", []string{"a"}}, {"", []string{"a"}}, {"counts", []string{"a"}}} {
		if _, err := e.Steps(ctx, "counters", wrong.table, wrong.key); !errors.Is(err, ErrNoSuchTable) {
			t.Errorf("%+v: %v", wrong, err)
		}
	}
	if n := h.count("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'layout_%'"); n != 0 {
		t.Errorf("%d schemas are left", n)
	}
}

// A part of the log is taken into tables of its own, which are never live and are
// dropped after a while.
func TestReplay(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h := newHarness(t)
	e := h.engine(h.config(counters(1)))
	h.run(e)
	from := h.log.Append("counter-a", opened{"a", "x", 1})
	upTo := h.log.Append("counter-b", opened{"b", "y", 1}, counted{"b", 3})
	h.waitFor(e, "counters", h.log.Append("counter-b", counted{"b", 4}))
	g, err := e.Replay(ctx, "counters", from, upTo, func(event.Position, int64) {})
	if err != nil {
		t.Fatal(err)
	}
	rows := h.count("SELECT count(*) FROM " + g.Schema() + ".counters WHERE id = 'b' AND last = 3")
	all := h.count("SELECT count(*) FROM " + g.Schema() + ".counters")
	if rows != 1 || all != 1 || g.State != Scratch || g.Events != 2 {
		t.Errorf("%d rows, %+v", all, g)
	}
	if n := h.count("SELECT count(*) FROM counters.counters WHERE last = 4"); n != 1 {
		t.Error("the live tables have changed")
	}
	h.compareWithRebuild(e)
	if _, err := e.DropRetired(ctx, keepScratch); err != nil {
		t.Fatal(err)
	}
	if n := h.count("SELECT count(*) FROM projection.generations WHERE state = 'scratch'"); n != 1 {
		t.Errorf("%d scratch generations", n)
	}
	if _, err := h.pool.Exec(ctx, "UPDATE projection.generations SET created_at = created_at - interval '2 days' WHERE state = 'scratch'"); err != nil {
		t.Fatal(err)
	}
	if _, err := e.DropRetired(ctx, keepScratch); err != nil {
		t.Fatal(err)
	}
	if n := h.count("SELECT count(*) FROM projection.generations WHERE state = 'scratch'"); n != 0 {
		t.Errorf("%d scratch generations after two days", n)
	}
}
