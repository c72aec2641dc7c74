package eventlog_test

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/perfectworks/backend/adapters/eventnode/internal/eventlog"
)

var advisoryLockText = strconv.FormatInt(eventlog.AdvisoryLock, 10)

// TestTakesOverFromAStoppedWriter has a session take the lock and then go quiet,
// as the session of a process does that is stopped between lock and commit: once
// between two statements, and once within a pipeline, where no timeout of the
// server counts.
func TestTakesOverFromAStoppedWriter(t *testing.T) {
	t.Parallel()
	for name, lock := range map[string]func(context.Context, *pgxpool.Conn) error{
		"between two statements": func(ctx context.Context, conn *pgxpool.Conn) error {
			_, err := conn.Exec(ctx, "BEGIN; SELECT pg_advisory_xact_lock("+advisoryLockText+")")
			return err
		},
		"within a pipeline": func(ctx context.Context, conn *pgxpool.Conn) error {
			pipeline := conn.Conn().PgConn().StartPipeline(ctx)
			pipeline.SendQueryParams("SELECT pg_advisory_xact_lock("+advisoryLockText+")", nil, nil, nil, nil)
			pipeline.SendFlushRequest()
			if err := pipeline.Flush(); err != nil {
				return err
			}
			_, err := pipeline.GetResults()
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			pool := newPool(t)
			log := openLog(t, on(pool))
			mustAppend(t, log, "s", eventlog.NoStream, proposed(1))
			stopped, err := pool.Acquire(ctx)
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				_ = stopped.Conn().PgConn().Conn().Close() // Its session is gone.
				stopped.Release()
			}()
			if err := lock(ctx, stopped); err != nil {
				t.Fatal(err)
			}
			begun := time.Now()
			if got := describe(log.Append(ctx, "s", 0, proposed(1))); got != "at 1" {
				t.Error(got)
			}
			if took := time.Since(begun); took > 20*time.Second {
				t.Errorf("appends were blocked for %v", took)
			}
		})
	}
}

// TestLeavesABusyWriterAlone has the lock held by a session that works: nobody
// takes over, and the write is done when it has ended.
func TestLeavesABusyWriterAlone(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	pool := newPool(t)
	log := openLog(t, on(pool))
	locked := make(chan struct{})
	worked := make(chan error, 1)
	go func() {
		tx, err := pool.Begin(ctx)
		if err == nil {
			_, err = tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", eventlog.AdvisoryLock)
		}
		close(locked)
		if err == nil {
			_, err = tx.Exec(ctx, "SELECT pg_sleep(3)")
		}
		if err == nil {
			err = tx.Commit(ctx)
		}
		worked <- err
	}()
	<-locked
	mustAppend(t, log, "s", eventlog.NoStream, proposed(1))
	if err := <-worked; err != nil {
		t.Errorf("the session that held the lock: %v", err)
	}
}
