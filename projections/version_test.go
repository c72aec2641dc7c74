package projections

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/perfectworks/backend/adapters/postgres"
	"github.com/perfectworks/backend/domain/event"
)

// countersRenamed is a newer version, with another column.
func countersRenamed() Definition {
	d := counters(2)
	d.Tables += "CREATE TABLE totals (id text PRIMARY KEY, label text NOT NULL);"
	d.Reducers = Join(
		Reducers{"Counted": d.Reducers["Counted"], "Closed": d.Reducers["Closed"]},
		On(func(e opened, r event.Recorded) []Change {
			return []Change{
				Put("counters", Row{"id": e.ID}, Row{"label": e.Label, "grp": e.Group, "revision": int64(r.Revision), "opened_at": r.Time}),
				Put("totals", Row{"id": e.ID}, Row{"label": e.Label}),
			}
		}))
	return d
}

func TestANewVersionBuildsItsTablesBesideTheLiveOnes(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	for i := range 300 {
		h.log.Append(fmt.Sprintf("counter-%d", i), opened{fmt.Sprint(i), "x", 0})
	}
	old := h.engine(h.config(counters(1)))
	stopOld := h.run(old)
	h.waitFor(old, "counters", h.log.Append("counter-a", opened{"a", "", 0}))

	// The old program runs on while the new one starts, as in a rolling upgrade.
	config := h.config(countersRenamed())
	config.Rebuild.MaxEvents = 10
	next := h.engine(config)
	h.run(next)
	for h.liveVersion() != 2 { // No reader sees less meanwhile.
		if n := h.count("SELECT count(*) FROM counters.counters"); n < 301 {
			t.Fatalf("a reader saw %d counters", n)
		}
	}
	last := h.log.Append("counter-b", opened{"b", "", 0})
	h.waitFor(next, "counters", last)
	if n := h.count("SELECT count(*) FROM counters.totals"); n != 302 {
		t.Errorf("%d totals, want 302", n)
	}
	h.eventually("the old program leaves the tables to the new one", func() bool {
		s := h.status(old)
		return s.Outdated && s.Failure == errSuperseded.Error() && !s.Owned
	})
	// Its waiting readers are served all the same.
	h.waitFor(old, "counters", h.log.Append("counter-c", opened{"c", "", 0}))
	stopOld()
}

// Connections remember how to read the tables before; no read fails for that.
func TestASwapThatChangesATypeFailsNoRead(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	last := h.log.Append("counter-a", opened{"a", "A", 1})
	e := h.engine(h.config(counters(1)))
	stop := h.run(e)
	h.waitFor(e, "counters", last)
	reader := postgres.NewReader(h.pool)
	ctx, cancel := context.WithCancel(context.Background())
	read := make(chan error, 6)
	for range cap(read) {
		go func() {
			for ctx.Err() == nil {
				rows, err := reader.Query(context.Background(), "SELECT grp, label FROM counters.counters WHERE id = 'a'")
				if err == nil {
					_, err = pgx.CollectExactlyOneRow(rows, pgx.RowToMap)
				}
				if err != nil {
					read <- err
					return
				}
			}
			read <- nil
		}()
	}
	stop()
	wider := counters(2)
	wider.Tables = strings.Replace(wider.Tables, "grp      integer", "grp      bigint", 1)
	narrow := counters(3)
	for _, d := range []Definition{wider, narrow} {
		stop := h.run(h.engine(h.config(d)))
		h.eventually("the tables are replaced", func() bool { return h.liveVersion() == d.Version })
		stop()
	}
	cancel()
	for range cap(read) {
		if err := <-read; err != nil {
			t.Error(err)
		}
	}
}

// Going back to the program before finds the tables before, and goes on with
// them.
func TestAnOlderVersionTakesUpItsOwnTables(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	last := h.log.Append("counter-a", opened{"a", "A", 0})
	for _, d := range []Definition{counters(1), countersRenamed()} {
		e := h.engine(h.config(d))
		stop := h.run(e)
		h.waitFor(e, "counters", last)
		h.eventually("the program's own tables are live", func() bool { return h.liveVersion() == d.Version })
		stop()
	}
	first := h.count("SELECT id FROM projection.generations WHERE version = 1")
	last = h.log.Append("counter-b", opened{"b", "", 0})
	e := h.engine(h.config(counters(1)))
	h.run(e)
	h.eventually("the old tables are live", func() bool {
		return h.count("SELECT id FROM projection.generations WHERE state = 'live'") == first
	})
	h.waitFor(e, "counters", last)
	if n := h.count("SELECT events FROM projection.generations WHERE state = 'live'"); n != 2 {
		t.Errorf("%d events were taken in, want each once", n)
	}
	h.compareWithRebuild(e)
}

func TestAnInterruptedBuildOfAVersionGoesOn(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	var last event.Position
	for i := range 400 {
		last = h.log.Append("counter-a", counted{"a", i})
	}
	e := h.engine(h.config(counters(1)))
	stop := h.run(e)
	h.waitFor(e, "counters", last)
	stop()
	config := h.config(countersRenamed())
	config.Rebuild.MaxEvents = 4
	e = h.engine(config)
	stop = h.run(e)
	var id int
	h.eventually("a build is under way", func() bool {
		err := h.pool.QueryRow(context.Background(),
			"SELECT id FROM projection.generations WHERE version = 2 AND events > 10").Scan(&id)
		return err == nil
	})
	if s := h.status(e); h.liveVersion() == 1 && (!s.Outdated || s.State != StateCatchingUp || s.Version != 1) {
		t.Errorf("status during the build: %+v", s)
	}
	stop()
	e = h.engine(config)
	h.run(e)
	h.eventually("the new tables are live", func() bool { return h.liveVersion() == 2 })
	if n := h.count("SELECT id FROM projection.generations WHERE state = 'live'"); n != id {
		t.Errorf("generation %d is live, want %d, whose build was interrupted", n, id)
	}
	if n := h.count("SELECT events FROM projection.generations WHERE state = 'live'"); n != 400 {
		t.Errorf("%d events were taken in, want 400", n)
	}
}

// SQL that was edited without a new version is another version all the same.
func TestEditedTablesAreNoticed(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	last := h.log.Append("counter-a", opened{"a", "A", 0})
	e := h.engine(h.config(counters(1)))
	stop := h.run(e)
	h.waitFor(e, "counters", last)
	stop()
	edited := counters(1)
	edited.Tables += "CREATE TABLE more (id text PRIMARY KEY);"
	h.run(h.engine(h.config(edited)))
	h.eventually("the edited tables are live", func() bool {
		return h.count("SELECT count(*) FROM pg_tables WHERE schemaname = 'counters' AND tablename = 'more'") == 1
	})
}

// A new version that does less keeps the old tables live, and says so.
func TestANewVersionThatParksMoreIsNotSwappedIn(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	last := h.log.Append("counter-a", opened{"a", "A", 0})
	e := h.engine(h.config(counters(1)))
	stop := h.run(e)
	h.waitFor(e, "counters", last)
	stop()
	worse := countersRenamed()
	worse.Reducers["Opened"] = func(event.Recorded) ([]Change, error) { return nil, errors.New("a mistake") }
	config := h.config(worse)
	config.StuckAfter = time.Nanosecond
	e = h.engine(config)
	h.run(e)
	h.eventually("the status says why", func() bool {
		s := h.status(e)
		return s.State == StateStuck && s.Outdated && s.Failure != ""
	})
	if v := h.liveVersion(); v != 1 {
		t.Errorf("version %d is live", v)
	}
}

func (h *harness) liveVersion() int {
	h.t.Helper()
	return h.count("SELECT version FROM projection.generations WHERE state = 'live'")
}
