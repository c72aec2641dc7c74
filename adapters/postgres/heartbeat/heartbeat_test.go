package heartbeat_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/perfectworks/backend/adapters/postgres/heartbeat"
	"github.com/perfectworks/backend/adapters/postgres/postgrestest"
	"github.com/perfectworks/backend/migrations"
)

func newPool(t *testing.T) *pgxpool.Pool {
	t.Helper()
	return postgrestest.New(t, postgrestest.WithMigrations(migrations.App, migrations.AppTable))
}

func start(t *testing.T, pool *pgxpool.Pool, options heartbeat.Options) *heartbeat.Heart {
	t.Helper()
	// A beat may take as long as the bound, which is short in tests: on a busy machine the first may fail.
	var h *heartbeat.Heart
	var err error
	eventually(t, "the first beat", func() bool {
		h, err = heartbeat.Start(t.Context(), pool, options)
		return err == nil
	})
	t.Cleanup(h.Stop)
	return h
}

func alive(t *testing.T, pool *pgxpool.Pool, id uuid.UUID) (alive bool) {
	t.Helper()
	if err := pool.QueryRow(context.Background(), "SELECT process_alive($1)", id).Scan(&alive); err != nil {
		t.Fatal(err)
	}
	return alive
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it did not happen: %s", what)
		}
	}
}

func TestAProcessIsAliveFromItsStartToItsStop(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	first, second := start(t, pool, heartbeat.Options{}), start(t, pool, heartbeat.Options{})
	for _, h := range []*heartbeat.Heart{first, second} {
		if !h.Beating() || !alive(t, pool, h.ID()) {
			t.Errorf("process %s is not alive", h.ID())
		}
	}
	first.Stop()
	first.Stop()
	if first.Beating() || alive(t, pool, first.ID()) {
		t.Error("a process that stopped is alive")
	}
	if !alive(t, pool, second.ID()) {
		t.Error("the other process is not alive")
	}
	if alive(t, pool, uuid.New()) {
		t.Error("a process that never was is alive")
	}
}

// The beat keeps the process alive for longer than its bound.
func TestTheBeatGoesOn(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	h := start(t, pool, heartbeat.Options{Interval: 20 * time.Millisecond, Bound: 10 * time.Second})
	var first, now time.Time
	const until = "SELECT alive_until FROM processes WHERE id = $1"
	if err := pool.QueryRow(t.Context(), until, h.ID()).Scan(&first); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a later beat", func() bool {
		err := pool.QueryRow(t.Context(), until, h.ID()).Scan(&now)
		return err == nil && now.After(first)
	})
}

// A process that cannot beat lapses, on both sides, and comes back by itself.
func TestAProcessThatCannotBeatLapses(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	pool := newPool(t)
	h := start(t, pool, heartbeat.Options{Interval: 20 * time.Millisecond, Bound: 300 * time.Millisecond})
	blocker, err := pool.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := blocker.Exec(ctx, "SELECT FROM processes WHERE id = $1 FOR UPDATE", h.ID()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the process lapses", func() bool { return !alive(t, pool, h.ID()) && !h.Beating() })
	if err := blocker.Rollback(ctx); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the process is back", func() bool { return alive(t, pool, h.ID()) && h.Beating() })
	// The connection breaks, and the row is gone, as after a failover.
	if _, err := pool.Exec(ctx, `WITH ended AS (SELECT pg_terminate_backend(pid) FROM pg_stat_activity
		WHERE datname = current_database() AND application_name = 'perfectworks heartbeat')
		DELETE FROM processes WHERE (SELECT count(*) FROM ended) > 0`); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the process is back again", func() bool { return alive(t, pool, h.ID()) && h.Beating() })
}

func TestRowsOfProcessesThatEndedLongAgoGo(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	if _, err := pool.Exec(t.Context(), `INSERT INTO processes (id, alive_until)
		VALUES (gen_random_uuid(), now() - interval '2 days'), (gen_random_uuid(), now() - interval '1 hour')`); err != nil {
		t.Fatal(err)
	}
	start(t, pool, heartbeat.Options{})
	var n int
	if err := pool.QueryRow(t.Context(), "SELECT count(*) FROM processes").Scan(&n); err != nil || n != 2 {
		t.Errorf("%d processes, %v; want its own and the one of an hour ago", n, err)
	}
}

// The clock goes back: a process that died before is not alive for as long as the
// clock went back, and one that lives is, once it beats again. A step of the clock
// that corrections make changes nothing.
func TestTheClockGoesBack(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	dead, stepped := uuid.New(), uuid.New()
	for id, ahead := range map[uuid.UUID]time.Duration{dead: time.Hour, stepped: time.Second} {
		if _, err := pool.Exec(t.Context(), `INSERT INTO processes (id, beat_at, alive_until)
			VALUES ($1, now() + $2::interval, now() + $2::interval + interval '1 minute')`, id, ahead); err != nil {
			t.Fatal(err)
		}
	}
	if alive(t, pool, dead) {
		t.Error("a process that beat in the future, and then died, is alive")
	}
	if !alive(t, pool, stepped) {
		t.Error("a process is not alive after a small step of the clock")
	}
	living := start(t, pool, heartbeat.Options{ID: dead, Interval: 20 * time.Millisecond})
	if !alive(t, pool, living.ID()) {
		t.Error("a process that beats is not alive")
	}
}
