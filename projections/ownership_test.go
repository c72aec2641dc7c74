package projections

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/projections/projectionstest"
)

// deliver hands an event to a projector as a subscriber does.
func (h *harness) deliver(p *projector, r event.Recorded) {
	h.t.Helper()
	if err := p.handle(projectionstest.NewMessage(context.Background(), r)); err != nil {
		h.t.Fatal(err)
	}
}

// projector opens the live generation, as its owner does.
func (h *harness) projector(d Definition) (p *projector, stopped func() error) {
	h.t.Helper()
	ctx := context.Background()
	e := h.engine(h.config(d))
	g, err := ensureLive(ctx, h.pool, d)
	if err != nil {
		h.t.Fatal(err)
	}
	p = e.projector(d, g, e.trackers[d.Name])
	ctx, p.stop = context.WithCancelCause(ctx)
	if err := p.open(ctx); err != nil {
		h.t.Fatal(err)
	}
	if _, err := p.Resume(ctx); err != nil {
		h.t.Fatal(err)
	}
	return p, func() error { return context.Cause(ctx) }
}

// A process that lost its lock without knowing cannot write.
func TestTheCheckpointKeepsASecondOwnerOut(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h := newHarness(t)
	last := h.log.Append("counter-a", opened{"a", "A", 0})
	first, firstStopped := h.projector(counters(1))
	second, secondStopped := h.projector(counters(1))
	for _, p := range []*projector{first, second} {
		h.deliver(p, h.log.Events()[0])
	}
	if err := first.Commit(ctx, event.Mark{Position: last}, true); err != nil {
		t.Fatal(err)
	}
	if err := second.Commit(ctx, event.Mark{Position: last}, true); err == nil || !errors.Is(secondStopped(), errFenced) {
		t.Errorf("the second commit: %v, stopped by %v", err, secondStopped())
	}
	if firstStopped() != nil {
		t.Error("the first owner was stopped")
	}
	if n := h.count("SELECT events FROM projection.generations"); n != 1 {
		t.Errorf("%d events were taken in, want 1", n)
	}
}

func TestAReplacedGenerationCannotBeWritten(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h := newHarness(t)
	last := h.log.Append("counter-a", opened{"a", "A", 0})
	p, stopped := h.projector(counters(1))
	h.deliver(p, h.log.Events()[0])
	if err := h.engine(h.config(counters(1))).Rebuild(ctx, "counters", func(BuildProgress) {}); err != nil {
		t.Fatal(err)
	}
	if err := p.Commit(ctx, event.Mark{Position: last}, true); err == nil || !errors.Is(stopped(), errFenced) {
		t.Errorf("commit: %v, stopped by %v", err, stopped())
	}
	if _, err := p.Resume(ctx); !errors.Is(err, errFenced) {
		t.Errorf("resume: %v", err)
	}
}

// Positions are unsigned: the upper half of their range is greater, not less.
func TestCheckpointsAreUnsigned(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h := newHarness(t)
	h.log.Pass(math.MaxUint64)
	p, _ := h.projector(counters(1))
	for _, position := range []event.Position{
		{Commit: 1, Prepare: math.MaxUint64},
		{Commit: math.MaxInt64, Prepare: 1},
		{Commit: math.MaxInt64 + 1, Prepare: 0},
		{Commit: math.MaxUint64, Prepare: math.MaxUint64},
	} {
		if err := p.Commit(ctx, event.Mark{Position: position}, true); err != nil {
			t.Fatal(err)
		}
		if got, err := p.Resume(ctx); err != nil || got != position {
			t.Errorf("%v became %v (%v)", position, got, err)
		}
	}
	if err := p.Commit(ctx, event.Mark{Position: event.Position{Commit: math.MaxUint64, Prepare: 5}}, true); err == nil {
		t.Error("a checkpoint went back")
	}
}

// A commit that has begun is seen through after the end, so that work is not
// lost needlessly; one that does not come to an end is given up in time.
func TestACommitOutlivesItsContextForAWhile(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	last := h.log.Append("counter-a", opened{"a", "A", 0})
	p, _ := h.projector(counters(1))
	h.deliver(p, h.log.Events()[0])
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if err := p.Commit(ended, event.Mark{Position: last}, true); err != nil {
		t.Errorf("commit: %v", err)
	}

	blocker, err := h.pool.Begin(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = blocker.Rollback(context.Background()) }()
	if _, err := blocker.Exec(context.Background(), "SELECT FROM projection.generations FOR UPDATE"); err != nil {
		t.Fatal(err)
	}
	p.drain = 50 * time.Millisecond
	began := time.Now()
	if err := p.Commit(ended, event.Mark{Position: last}, true); err == nil || time.Since(began) > 10*time.Second {
		t.Errorf("a blocked commit: %v after %v", err, time.Since(began))
	}
}

// On the way to the end of the log a commit is not waited for; what fails is
// heard of at the next one, and comes again.
func TestAFailureOfACommitUnderWayIsTheNextOnes(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h := newHarness(t)
	first := h.log.Append("counter-a", counted{"a", 1})
	second := h.log.Append("counter-a", counted{"a", 2})
	p, _ := h.projector(counters(1))
	if _, err := h.pool.Exec(ctx, "ALTER TABLE counters.counts RENAME TO hidden"); err != nil {
		t.Fatal(err)
	}
	h.deliver(p, h.log.Events()[0])
	if err := p.Commit(ctx, event.Mark{Position: first}, false); err != nil {
		t.Errorf("the first commit: %v", err)
	}
	h.deliver(p, h.log.Events()[1])
	if err := p.Commit(ctx, event.Mark{Position: second}, false); err == nil {
		t.Error("the second commit knows nothing of the first")
	}
	if _, err := h.pool.Exec(ctx, "ALTER TABLE counters.hidden RENAME TO counts"); err != nil {
		t.Fatal(err)
	}
	if at, err := p.Resume(ctx); err != nil || !at.IsZero() {
		t.Errorf("it resumes after %v, %v", at, err)
	}
	for _, r := range h.log.Events() {
		h.deliver(p, r)
	}
	if err := p.Commit(ctx, event.Mark{Position: second}, true); err != nil {
		t.Error(err)
	}
	if n := h.count("SELECT count(*) FROM counters.counts"); n != 2 {
		t.Errorf("%d counts, want 2", n)
	}
}

func TestOneProcessOwnsAProjectionAndAnotherTakesOver(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	var engines []*Engine
	var stops []func()
	for range 3 {
		e := h.engine(h.config(counters(1)))
		engines, stops = append(engines, e), append(stops, h.run(e))
	}
	owner := func() int {
		found := -1
		for i, e := range engines {
			if e.trackers["counters"].observe().owner {
				if found >= 0 {
					t.Error("two processes own the projection")
				}
				found = i
			}
		}
		return found
	}
	n := 0
	work := func() {
		t.Helper()
		for range 50 {
			n++
			h.log.Append(fmt.Sprintf("counter-%d", n%7), counted{fmt.Sprint(n % 7), n})
		}
		last := h.log.Append("counter-x", opened{"x", "", n})
		for _, e := range engines {
			h.waitFor(e, "counters", last)
		}
	}
	work()
	// The owner loses its lock's connection: somebody takes over.
	h.terminate("application_name LIKE 'perfectworks locks %'")
	work()
	// The owner stops.
	h.eventually("somebody owns the projection", func() bool { return owner() >= 0 })
	stops[owner()]()
	h.eventually("somebody else owns the projection", func() bool { return owner() >= 0 })
	work()
	if got := h.count("SELECT count(*) FROM counters.counts"); got != n {
		t.Errorf("%d counts, want %d", got, n)
	}
	h.compareWithRebuild(engines[0])
}

// A process that hangs keeps its connections, and with them its locks: once it
// no longer beats, another takes over.
func TestAHungOwnerIsReplaced(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h := newHarness(t)
	hung := uuid.New()
	if _, err := h.pool.Exec(ctx, "INSERT INTO processes (id, alive_until) VALUES ($1, now() + interval '1 hour')", hung); err != nil {
		t.Fatal(err)
	}
	// It holds the lock, and a transaction that it has not ended.
	held := newLocks(h.pool, hung)
	defer held.close(ctx)
	if lock, err := held.try(ctx, lockKey(ownerLock, "counters")); err != nil || lock == nil {
		t.Fatalf("%v, %v", lock, err)
	}
	if _, err := ensureLive(ctx, h.pool, counters(1)); err != nil {
		t.Fatal(err)
	}
	config := h.pool.Config().ConnConfig.Copy()
	config.RuntimeParams["application_name"] = "perfectworks " + hung.String()
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	if _, err := conn.Exec(ctx, "BEGIN; SELECT FROM projection.generations FOR UPDATE"); err != nil {
		t.Fatal(err)
	}

	e := h.engine(h.config(counters(1)))
	h.run(e)
	last := h.log.Append("counter-a", opened{"a", "A", 0})
	waiting, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
	defer cancel()
	if err := e.WaitFor(waiting, "counters", last); err == nil {
		t.Fatal("a process that beats was replaced")
	}
	if _, err := h.pool.Exec(ctx, "UPDATE processes SET alive_until = now()"); err != nil {
		t.Fatal(err)
	}
	h.waitFor(e, "counters", last)
	if !h.status(e).Owned {
		t.Error("the projection has no new owner")
	}
}

func TestTheStateIsSeenFromOtherProcesses(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	server, other := h.engine(h.config(counters(1))), h.engine(h.config(counters(1)))
	stop := h.run(server)
	last := h.log.Append("counter-a", opened{"a", "A", 0})
	h.waitFor(server, "counters", last)
	h.eventually("it is live", func() bool { return h.status(server).State == StateLive })
	own, seen := h.status(server), h.status(other)
	if !own.Owned || own.Position != last || own.Head != last || own.Lag != 0 || own.Outdated || own.Version != 1 {
		t.Errorf("the owner says %+v", own)
	}
	if seen.Owned || seen.State != StateLive || seen.Position != last {
		t.Errorf("the other says %+v", seen)
	}
	stop()
	h.log.Append("counter-a", counted{"a", 1})
	if seen := h.status(other); seen.State != StateStopped || seen.LagBytes != 100 {
		t.Errorf("without an owner: %+v", seen)
	}
}

func TestDefinitionsAreChecked(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Definition){
		"empty name":        func(d *Definition) { d.Name = "" },
		"upper case":        func(d *Definition) { d.Name = "Users" },
		"our own schema":    func(d *Definition) { d.Name = "projection" },
		"Postgres' schema":  func(d *Definition) { d.Name = "pg_users" },
		"generation's name": func(d *Definition) { d.Name = "users_g12" },
		"long name":         func(d *Definition) { d.Name = strings.Repeat("x", 41) },
		"no version":        func(d *Definition) { d.Version = 0 },
		"no tables":         func(d *Definition) { d.Tables = "" },
		"no reducers":       func(d *Definition) { d.Reducers = nil },
	} {
		d := counters(1)
		change(&d)
		if _, err := New(Config{Definitions: []Definition{d}}); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := New(Config{Definitions: []Definition{counters(1), counters(2)}}); err == nil {
		t.Error("the same name twice: accepted")
	}
}

// SQL that makes no tables is the program's mistake, and said at once.
func TestRunRefusesABrokenDefinition(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	for _, tables := range []string{"CREATE TABLE x (", "CREATE TABLE x (a text PRIMARY KEY CHECK (a > ''))"} {
		d := counters(1)
		d.Tables, d.Indexes = tables, ""
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		if err := h.engine(h.config(d)).Run(ctx); err == nil || ctx.Err() != nil {
			t.Errorf("%s: %v", tables, err)
		}
		cancel()
	}
}

func TestReducersRefuseEventsOfAnotherType(t *testing.T) {
	t.Parallel()
	for name, reduce := range counters(1).Reducers {
		if changes, err := reduce(event.Recorded{Event: ignored{"a"}}); !errors.Is(err, ErrWrongEvent) || changes != nil {
			t.Errorf("%s: %v, %v", name, changes, err)
		}
	}
}

func TestJoinRefusesTwoReducersForOneType(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("it was accepted")
		}
	}()
	Join(counters(1).Reducers, counters(1).Reducers)
}
