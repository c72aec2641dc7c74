// Package heartbeat says in Postgres that this process is alive. What a process
// holds for itself over several transactions, such as the ownership of a
// projection or the lease of a request, names the process by its ID; others take
// it over once the process no longer beats, by asking the SQL function
// process_alive(id).
//
// A heartbeat proves nothing about a process that was stopped and goes on: it may
// still believe that it holds what others have taken over. Whatever it writes
// then must be fenced, for example by a compare-and-set on a lease.
package heartbeat

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	// Interval is how often a process beats.
	Interval = 2 * time.Second
	// Bound is how long a process counts as alive after a beat.
	Bound = 5 * time.Second

	// keptFor is how long the row of a process that ended without saying so is
	// kept, for operators to see.
	keptFor = 24 * time.Hour
	// farewellTimeout bounds the deletion of the row at the end.
	farewellTimeout = 2 * time.Second
)

// Options tune Start. The zero value is ready for use.
type Options struct {
	// ID names the process; a new one when zero. Sessions whose application name
	// ends with it, see postgres.Options, may be ended by other processes once
	// this one hangs.
	ID uuid.UUID
	// Name is what the process calls itself, for operators.
	Name string
	// Interval and Bound replace the constants, for tests.
	Interval, Bound time.Duration
	Logger          *slog.Logger
}

// Heart beats for this process. It is safe for concurrent use.
type Heart struct {
	id       uuid.UUID
	name     string
	config   *pgx.ConnConfig
	interval time.Duration
	bound    time.Duration
	log      *slog.Logger

	stop    context.CancelFunc
	stopped sync.WaitGroup
	begun   time.Time
	// alive is until when this process counts as alive, as time since begun.
	alive atomic.Int64
}

// Start makes the first beat and goes on beating, on a connection of its own
// beside the pool, so that a busy pool does not look like a dead process. The
// caller stops it before the pool is closed. The tables are those of
// migrations.App.
func Start(ctx context.Context, pool *pgxpool.Pool, options Options) (*Heart, error) {
	h := &Heart{
		id: options.ID, name: options.Name, config: pool.Config().ConnConfig.Copy(), begun: time.Now(),
		interval: options.Interval, bound: options.Bound, log: options.Logger,
	}
	if h.id == uuid.Nil {
		h.id = uuid.New()
	}
	if h.interval <= 0 {
		h.interval = Interval
	}
	if h.bound <= 0 {
		h.bound = Bound
	}
	if h.log == nil {
		h.log = slog.New(slog.DiscardHandler)
	}
	// Without the id: this session holds nothing that others wait for.
	h.config.RuntimeParams["application_name"] = "perfectworks heartbeat"
	h.config.Tracer = nil // A beat belongs to no request.
	conn, err := h.connect(ctx)
	if err == nil {
		err = errors.Join(h.beat(ctx, conn, h.bound), h.sweep(ctx, conn))
	}
	if err != nil {
		if conn != nil {
			err = errors.Join(err, conn.Close(ctx))
		}
		return nil, fmt.Errorf("begin the heartbeat: %w", err)
	}
	ctx, h.stop = context.WithCancel(context.WithoutCancel(ctx))
	h.stopped.Go(func() { h.run(ctx, conn) })
	return h, nil
}

// ID names this process in the table of processes.
func (h *Heart) ID() uuid.UUID { return h.id }

// Beating tells whether this process counts as alive: its last beat is not older
// than the bound. A process that was stopped for longer learns it here, before
// its next beat.
func (h *Heart) Beating() bool { return time.Since(h.begun) < time.Duration(h.alive.Load()) }

// Stop ends the heartbeat: what this process held is free at once. It waits for
// the row to be deleted, within a bound. It may be called twice.
func (h *Heart) Stop() {
	h.stop()
	h.stopped.Wait()
}

func (h *Heart) run(ctx context.Context, conn *pgx.Conn) {
	failing := false
	ticker := time.NewTicker(h.interval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			h.farewell(ctx, conn)
			return
		}
		var err error
		if conn == nil {
			conn, err = h.connect(ctx)
		}
		if err == nil {
			err = h.beat(ctx, conn, h.interval)
		}
		if err != nil && conn != nil {
			_ = conn.Close(ctx) // It is of no more use either way.
			conn = nil
		}
		// Once for each outage: the readiness of Postgres says the rest.
		if err != nil && !failing && ctx.Err() == nil {
			h.log.WarnContext(ctx, "the heartbeat of this process cannot be written", slog.Any("error", err))
		}
		failing = err != nil
	}
}

func (h *Heart) connect(ctx context.Context) (*pgx.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, h.bound)
	defer cancel()
	return pgx.ConnectConfig(ctx, h.config)
}

// beat renews the row. The next beat makes up for a lost one, so its commit need not
// wait for the disk.
func (h *Heart) beat(ctx context.Context, conn *pgx.Conn, within time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	begun := time.Since(h.begun) // Before the server's clock: never too late.
	batch := &pgx.Batch{}
	batch.Queue("SELECT set_config('synchronous_commit', 'off', true)")
	batch.Queue(`INSERT INTO processes (id, beat_at, alive_until, name)
		SELECT $1, now, now + $2::interval, $3 FROM clock_timestamp() AS now
		ON CONFLICT (id) DO UPDATE SET beat_at = excluded.beat_at, alive_until = excluded.alive_until`, h.id, h.bound, h.name)
	if err := conn.SendBatch(ctx, batch).Close(); err != nil {
		return err
	}
	h.alive.Store(int64(begun + h.bound))
	return nil
}

// sweep deletes the rows of processes that ended long ago. One that hangs is
// kept as long as the server has a session of it, so that its locks can still be
// taken from it.
func (h *Heart) sweep(ctx context.Context, conn *pgx.Conn) error {
	_, err := conn.Exec(ctx, `
		DELETE FROM processes p WHERE alive_until < clock_timestamp() - $1::interval
		AND NOT EXISTS (SELECT FROM pg_stat_activity a WHERE a.application_name LIKE '% ' || p.id)`, keptFor)
	return err
}

func (h *Heart) farewell(ctx context.Context, conn *pgx.Conn) {
	h.alive.Store(0)
	if conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewellTimeout)
	defer cancel()
	// Without this the row lapses by itself.
	if _, err := conn.Exec(ctx, "DELETE FROM processes WHERE id = $1", h.id); err != nil {
		h.log.DebugContext(ctx, "the heartbeat's row is left behind", slog.Any("error", err))
	}
	_ = conn.Close(ctx) // Nothing is left to be done about it.
}
