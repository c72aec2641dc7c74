package jobs_test

import (
	"context"
	"log/slog"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/perfectworks/backend/adapters/jobs"
	"github.com/perfectworks/backend/adapters/postgres/heartbeat"
	"github.com/perfectworks/backend/adapters/postgres/postgrestest"
	"github.com/perfectworks/backend/migrations"
)

func newPool(t *testing.T) *pgxpool.Pool {
	t.Helper()
	return postgrestest.New(t, postgrestest.WithMigrations(migrations.App, migrations.AppTable))
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it did not happen: %s", what)
		}
	}
}

// noted is the job of these tests.
type noted struct {
	Number int `json:"number"`
}

// Kind implements jobs.Args.
func (noted) Kind() string { return "noted" }

// process is one process that works jobs.
type process struct {
	*jobs.Client
	id    uuid.UUID
	heart *heartbeat.Heart
	stop  func() // as SIGTERM does
}

type setup struct {
	work     func(context.Context, jobs.Job[noted]) error
	options  jobs.Options
	periodic []jobs.Periodic
	stop     time.Duration
	id       uuid.UUID
}

func newClient(t *testing.T, pool *pgxpool.Pool, s setup) *process {
	t.Helper()
	p := &process{id: s.id}
	if p.id == uuid.Nil {
		p.id = uuid.New()
	}
	if s.work == nil {
		s.work = func(context.Context, jobs.Job[noted]) error { return nil }
	}
	logger := slog.New(slog.DiscardHandler)
	if testing.Verbose() {
		logger = slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	var err error
	p.Client, err = jobs.New(jobs.Config{
		Pool: pool, Process: p.id, Kinds: []jobs.Kind{jobs.On(noted{}, s.options, s.work)}, Periodic: s.periodic,
		Logger: logger, Stop: s.stop, Rescue: 50 * time.Millisecond, Watch: 20 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// start makes a process that beats and works jobs until the test ends.
func start(t *testing.T, pool *pgxpool.Pool, s setup) *process {
	t.Helper()
	p := newClient(t, pool, s)
	var err error
	if p.heart, err = heartbeat.Start(t.Context(), pool, heartbeat.Options{ID: p.id}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := p.Run(ctx); err != nil {
			t.Errorf("run: %v", err)
		}
	})
	running.Go(func() { p.Listen(ctx) })
	p.stop = func() { cancel(); running.Wait() }
	t.Cleanup(func() { p.stop(); p.heart.Stop() })
	return p
}

// die makes the others believe that a process was killed, while it goes on.
func (p *process) die() { p.heart.Stop() }

func insert(t *testing.T, pool *pgxpool.Pool, c *jobs.Client, all ...jobs.Insertion) {
	t.Helper()
	err := pgx.BeginFunc(context.Background(), pool, func(tx pgx.Tx) error { return c.Insert(t.Context(), tx, all...) })
	if err != nil {
		t.Fatal(err)
	}
}

// only is the one job that there is.
func only(t *testing.T, c *jobs.Client) jobs.Record {
	t.Helper()
	all, err := c.List(context.Background(), jobs.Query{Kind: "noted"})
	if err != nil || len(all) != 1 {
		t.Fatalf("%d jobs, want 1 (%v)", len(all), err)
	}
	return all[0]
}

func waitFor(t *testing.T, c *jobs.Client, state jobs.State) jobs.Record {
	t.Helper()
	eventually(t, "the job is "+string(state), func() bool { return only(t, c).State == state })
	return only(t, c)
}
