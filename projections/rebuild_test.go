package projections

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"github.com/perfectworks/backend/domain/event"
)

var someEvent = rapid.Custom(func(t *rapid.T) event.Event {
	id := rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(t, "id")
	switch rapid.IntRange(0, 9).Draw(t, "type") {
	case 0, 1:
		return opened{id, rapid.SampledFrom([]string{"", "x", "ü"}).Draw(t, "label"), rapid.IntRange(0, 2).Draw(t, "group")}
	case 2, 3, 4, 5:
		return counted{id, rapid.IntRange(0, 99).Draw(t, "by")}
	case 6:
		return closed{id}
	case 7:
		return regrouped{rapid.IntRange(0, 2).Draw(t, "from"), rapid.IntRange(0, 2).Draw(t, "to")}
	case 8:
		return poisonous{id, rapid.SampledFrom([]string{"", "", "panic", "column"}).Draw(t, "what")}
	default:
		return ignored{id}
	}
})

func streamOf(e event.Event) string {
	switch e := e.(type) {
	case opened:
		return "counter-" + e.ID
	case counted:
		return "counter-" + e.ID
	case closed:
		return "counter-" + e.ID
	case poisonous:
		return "counter-" + e.ID
	}
	return "other-1"
}

// history is events in rounds, what happens between them, and how they are batched.
type history struct {
	liveBatch, rebuildBatch int
	rounds                  [][]event.Event
	then                    []string
}

var someHistory = rapid.Custom(func(t *rapid.T) history {
	h := history{
		liveBatch: rapid.IntRange(1, 7).Draw(t, "live batch"), rebuildBatch: rapid.IntRange(1, 40).Draw(t, "rebuild batch"),
	}
	for range rapid.IntRange(1, 4).Draw(t, "rounds") {
		h.rounds = append(h.rounds, rapid.SliceOfN(someEvent, 1, 30).Draw(t, "events"))
		h.then = append(h.then, rapid.SampledFrom([]string{"restart", "lose connections", "wait", "go on"}).Draw(t, "then"))
	}
	return h
})

// Whatever happens, however it was batched, interrupted and parked on the way:
// the tables built live are those of a rebuild, byte for byte.
func TestARebuildEqualsTheLiveTables(t *testing.T) {
	t.Parallel()
	const histories = 16
	first := rand.IntN(1 << 30)
	for seed := first; seed < first+histories; seed++ {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			past := someHistory.Example(seed)
			h := newHarness(t)
			config := h.config(counters(1))
			config.Live.MaxEvents, config.Rebuild.MaxEvents = past.liveBatch, past.rebuildBatch
			e := h.engine(config)
			stop := h.run(e)
			for i, events := range past.rounds {
				var last event.Position
				for _, ev := range events {
					last = h.log.Append(streamOf(ev), ev)
				}
				switch past.then[i] {
				case "restart":
					stop()
					e = h.engine(config)
					stop = h.run(e)
				case "lose connections":
					h.terminate("true")
				case "wait":
					h.waitFor(e, "counters", last)
				}
			}
			h.waitFor(e, "counters", h.log.Append("counter-z", opened{"z", "", 0}))
			live, parked := h.dump("counters"), h.parkedKeys()
			if err := e.Rebuild(context.Background(), "counters", func(BuildProgress) {}); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(live, h.dump("counters")); diff != "" {
				t.Errorf("the rebuilt tables differ (-live +rebuilt):\n%s", diff)
			}
			if diff := cmp.Diff(parked, h.parkedKeys()); diff != "" {
				t.Errorf("other events are parked (-live +rebuilt):\n%s", diff)
			}
		})
	}
}

// terminate ends the database's sessions that a condition chooses.
func (h *harness) terminate(condition string) {
	h.t.Helper()
	_, err := h.pool.Exec(context.Background(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
		WHERE datname = current_database() AND pid <> pg_backend_pid() AND `+condition)
	if err != nil {
		h.t.Fatal(err)
	}
	h.pool.Reset() // The test's own questions are not to fail.
}

// parkedKeys names what is parked in the live generation.
func (h *harness) parkedKeys() string {
	h.t.Helper()
	rows, err := h.pool.Query(context.Background(), `SELECT format('%s@%s %s', stream, revision, p.failure)
		FROM projection.parked p JOIN projection.generations g ON g.id = generation_id
		WHERE g.state = 'live' ORDER BY p.commit_position`)
	if err != nil {
		h.t.Fatal(err)
	}
	keys, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		h.t.Fatal(err)
	}
	return strings.Join(keys, "\n")
}

func TestRebuildReportsItsProgress(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	for i := range 2000 {
		h.log.Append("counter-a", counted{"a", i})
	}
	config := h.config(counters(1))
	config.Rebuild.MaxEvents = 50
	e := h.engine(config)
	var reports []BuildProgress
	if err := e.Rebuild(context.Background(), "counters", func(p BuildProgress) { reports = append(reports, p) }); err != nil {
		t.Fatal(err)
	}
	last := reports[len(reports)-1]
	if last.Phase != PhaseDone || last.Position != last.Head || last.Events != 2000 || last.EventsPerSecond <= 0 ||
		last.Remaining != 0 || last.Projection != "counters" || last.Version != 1 {
		t.Errorf("the last report: %+v", last)
	}
	if len(reports) < 2 || reports[0].Phase != PhaseReading || reports[0].Head.IsZero() {
		t.Errorf("the first report: %+v", reports[0])
	}
	if n := h.count("SELECT count(*) FROM pg_indexes WHERE schemaname = 'counters' AND indexname = 'counters_grp'"); n != 1 {
		t.Error("the index is missing")
	}
}

func TestRebuildOfAnUnknownProjection(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	e := h.engine(h.config(counters(1)))
	if err := e.Rebuild(context.Background(), "absent", func(BuildProgress) {}); !errors.Is(err, ErrUnknownProjection) {
		t.Errorf("got %v", err)
	}
}

// A rebuild by another process, under load: readers see no error, no empty
// table and no step back; the live projector goes on with the new tables.
func TestAnotherProcessRebuildsUnderReadersAndWriters(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	for i := range 500 {
		h.log.Append(fmt.Sprintf("counter-%d", i%20), opened{fmt.Sprint(i % 20), "x", 0})
	}
	server := h.engine(h.config(counters(1)))
	h.run(server)
	h.waitFor(server, "counters", h.log.Append("counter-tick", opened{"tick", "", 0}))

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var ticks atomic.Int64
	written := make(chan struct{})
	go func() {
		defer close(written)
		for ctx.Err() == nil {
			h.log.Append("counter-tick", counted{"tick", int(ticks.Add(1))})
			_ = sleep(ctx, time.Millisecond)
		}
	}()
	read := make(chan error, 3)
	for range cap(read) {
		go func() { read <- h.readOnAndOn(ctx) }()
	}
	for range 4 {
		if err := h.engine(h.config(counters(1))).Rebuild(context.Background(), "counters", func(BuildProgress) {}); err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	<-written
	for range cap(read) {
		if err := <-read; err != nil {
			t.Error(err)
		}
	}
	h.waitFor(server, "counters", h.log.Append("counter-tick", counted{"tick", 1}))
	h.eventually("the server projects the new generation", func() bool { return h.status(server).State == StateLive })
	if n := h.count("SELECT count(*) FROM counters.counts WHERE id = 'tick'"); n != int(ticks.Load())+1 {
		t.Errorf("%d counts, want %d", n, ticks.Load()+1)
	}
	if n := h.count("SELECT count(*) FROM projection.generations WHERE state = 'retired'"); n != 4 {
		t.Errorf("%d generations are kept, want 4", n)
	}
	h.compareWithRebuild(server)
}

func (h *harness) readOnAndOn(ctx context.Context) error {
	reads, most := 0, 0
	for ctx.Err() == nil {
		var counters, last int
		err := h.pool.QueryRow(context.Background(),
			"SELECT count(*), max(last) FILTER (WHERE id = 'tick') FROM counters.counters").Scan(&counters, &last)
		switch {
		case err != nil:
			return fmt.Errorf("read %d: %w", reads, err)
		case counters != 21:
			return fmt.Errorf("read %d saw %d counters", reads, counters)
		case last < most:
			return fmt.Errorf("read %d saw %d after %d", reads, last, most)
		}
		most = last
		reads++
	}
	if reads == 0 {
		return errors.New("nothing was read")
	}
	return nil
}

func (h *harness) compareWithRebuild(e *Engine) {
	h.t.Helper()
	live := h.dump("counters")
	if err := e.Rebuild(context.Background(), "counters", func(BuildProgress) {}); err != nil {
		h.t.Fatal(err)
	}
	if diff := cmp.Diff(live, h.dump("counters")); diff != "" {
		h.t.Errorf("the tables differ from a rebuild (-live +rebuilt):\n%s", diff)
	}
}

// The live generation may stand beyond the last event, at a checkpoint that a
// rebuild's subscription gets only by subscribing again.
func TestRebuildReachesACheckpointBeyondTheLastEvent(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	last := h.log.Append("counter-a", opened{"a", "", 0})
	e := h.engine(h.config(counters(1)))
	stop := h.run(e)
	h.waitFor(e, "counters", last)
	stop()
	if _, err := h.pool.Exec(context.Background(),
		"UPDATE projection.generations SET commit_position = commit_position + 7"); err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(300*time.Millisecond, func() { h.log.Pass(10) })
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := e.Rebuild(ctx, "counters", func(BuildProgress) {}); err != nil {
		t.Error(err)
	}
}

func TestAnInterruptedRebuildLeavesTheLiveTablesAlone(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	var last event.Position
	for i := range 200 {
		last = h.log.Append("counter-a", counted{"a", i})
	}
	config := h.config(counters(1))
	config.Rebuild.MaxEvents = 5
	e := h.engine(config)
	h.run(e)
	h.waitFor(e, "counters", last)
	before := h.dump("counters")
	for range 3 {
		ctx, cancel := context.WithCancel(context.Background())
		err := e.Rebuild(ctx, "counters", func(p BuildProgress) {
			if p.Generation != 0 {
				cancel()
			}
		})
		cancel()
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("got %v, want that it was canceled", err)
		}
		if n := h.count("SELECT count(*) FROM projection.generations WHERE state = 'building'"); n != 1 {
			t.Errorf("%d unfinished generations, want 1", n)
		}
	}
	if diff := cmp.Diff(before, h.dump("counters")); diff != "" {
		t.Error(diff)
	}
	h.compareWithRebuild(e)
	if n := h.count("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'counters%'"); n != 2 {
		t.Errorf("%d schemas, want the live one and the one before it", n)
	}
}

// A reducer that has got worse must not take rows away from readers.
func TestALessCompleteGenerationIsNotSwappedIn(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	last := h.log.Append("counter-a", opened{"a", "A", 0}, counted{"a", 1})
	e := h.engine(h.config(counters(1)))
	h.run(e)
	h.waitFor(e, "counters", last)
	worse := counters(1)
	worse.Reducers["Counted"] = func(event.Recorded) ([]Change, error) { return nil, errors.New("a mistake") }
	err := h.engine(h.config(worse)).Rebuild(context.Background(), "counters", func(BuildProgress) {})
	if !errors.Is(err, ErrLessComplete) {
		t.Errorf("got %v", err)
	}
	if n := h.count("SELECT count(*) FROM counters.counts"); n != 1 {
		t.Error("the live tables have changed")
	}
}

func TestOneBuildAtATime(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.log.Append("counter-a", opened{"a", "A", 0})
	h.log.Fail(event.ID{}, errors.New("the key store does not answer"))
	e := h.engine(h.config(counters(1)))
	ctx, cancel := context.WithCancel(context.Background())
	begun := make(chan BuildProgress, 1)
	done := make(chan error, 1)
	go func() {
		done <- e.Rebuild(ctx, "counters", func(p BuildProgress) {
			select {
			case begun <- p:
			default:
			}
		})
	}()
	building := (<-begun).Generation
	other := h.engine(h.config(counters(1)))
	if err := other.Rebuild(context.Background(), "counters", func(BuildProgress) {}); !errors.Is(err, ErrBuilding) {
		t.Errorf("a second build: %v", err)
	}
	if err := other.Drop(context.Background(), building); !errors.Is(err, ErrBuilding) {
		t.Errorf("dropping what is being built: %v", err)
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("the first build: %v", err)
	}
	if err := other.Drop(context.Background(), building); err != nil {
		t.Errorf("dropping what was being built: %v", err)
	}
}

func TestDrop(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h := newHarness(t)
	e := h.engine(h.config(counters(1)))
	stop := h.run(e)
	h.waitFor(e, "counters", h.log.Append("counter-a", poisonous{"a", "panic"}))
	stop()
	if err := e.Rebuild(ctx, "counters", func(BuildProgress) {}); err != nil {
		t.Fatal(err)
	}
	all, err := e.Generations(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 2 || all[0].State != Live || all[1].State != Retired || all[1].Schema() != fmt.Sprintf("counters_g%d", all[1].ID) {
		t.Fatalf("generations: %+v", all)
	}
	if err := e.Drop(ctx, all[0].ID); !errors.Is(err, ErrInUse) {
		t.Errorf("dropping the live generation: %v", err)
	}
	if err := e.Drop(ctx, all[1].ID); err != nil {
		t.Error(err)
	}
	if err := e.Drop(ctx, all[1].ID); err == nil {
		t.Error("it was dropped twice")
	}
	if n := h.count("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'counters%'"); n != 1 {
		t.Errorf("%d schemas are left, want 1", n)
	}
	if n := h.count("SELECT count(*) FROM projection.parked"); n != 1 {
		t.Errorf("%d parked events, want that of the live generation", n)
	}
	// A program that has the projection no more may drop what is left of it.
	if err := h.engine(h.config()).Drop(ctx, all[0].ID); err != nil {
		t.Error(err)
	}
	if n := h.count("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'counters%'"); n != 0 {
		t.Errorf("%d schemas are left", n)
	}
}

// owned is a read model in which rows are found by another column than the key.
func owned(indexes string) Definition {
	return Definition{
		Name: "owned", Version: 1, Indexes: indexes,
		Tables: "CREATE TABLE things (id text PRIMARY KEY, owner text NOT NULL, n integer NOT NULL);",
		Reducers: Join(
			On(func(e opened, _ event.Recorded) []Change {
				return []Change{Put("things", Row{"id": e.ID}, Row{"owner": e.Label, "n": e.Group})}
			}),
			On(func(e closed, _ event.Recorded) []Change { return []Change{DeleteWhere("things", Row{"owner": e.ID})} }),
		),
	}
}

// Rows that a matched change is to find are found by an index, also while a
// table is being built: otherwise it takes as long as there are rows, each time.
func TestABuildMakesTheIndexesOfMatchedChangesFirst(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h := newHarness(t)
	const n = 20_000
	for i := range n {
		h.log.Append("counter-a", opened{fmt.Sprint(i), fmt.Sprint("owner ", i), i})
		if i%20 == 19 {
			h.log.Append("counter-a", closed{fmt.Sprint("owner ", i)})
		}
	}
	config := h.config(owned("CREATE INDEX things_owner ON things (owner, id); CREATE INDEX things_n ON things (n);"))
	config.Rebuild.MaxEvents = 2000
	e := h.engine(config)
	began := time.Now()
	if err := e.Rebuild(ctx, "owned", func(BuildProgress) {}); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d events with %d removals in %v", len(h.log.Events()), n/20, time.Since(began).Round(time.Millisecond))
	if got := h.count("SELECT count(*) FROM owned.things"); got != n-n/20 {
		t.Errorf("%d rows, want %d", got, n-n/20)
	}
	// Without the index each removal reads the whole table: millions of rows.
	if got := h.count(`SELECT coalesce(sum(seq_tup_read), 0)::int FROM pg_stat_user_tables WHERE relname = 'things' AND schemaname = 'owned'`); got > 20*n {
		t.Errorf("%d rows were read one by one", got)
	}
	if got := h.count("SELECT count(*) FROM pg_indexes WHERE schemaname = 'owned'"); got != 3 {
		t.Errorf("%d indexes, want 3", got)
	}
}

// Rows that cannot be there yet are copied, and those that may be are not.
func TestABuildCopiesNewRows(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h := newHarness(t)
	for i := range 3000 {
		h.log.Append("counter-a", opened{fmt.Sprint(i), "x\ty\\z\n", i % 5})
	}
	for i := range 500 {
		h.log.Append("counter-a", opened{fmt.Sprint(7 * i), "again", 1})
	}
	config := h.config(counters(1))
	config.Rebuild.MaxEvents = 1000
	e := h.engine(config)
	stop := h.run(e)
	last, _ := h.log.Head(ctx)
	h.waitFor(e, "counters", last)
	stop()
	h.compareWithRebuild(e)
	if n := h.count("SELECT count(*) FROM counters.counters WHERE label = 'again'"); n != 500 {
		t.Errorf("%d rows were put again, want 500", n)
	}
}
