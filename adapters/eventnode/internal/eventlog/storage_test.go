package eventlog_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/perfectworks/backend/adapters/eventnode/internal/eventlog"
	"github.com/perfectworks/backend/adapters/postgres"
	"github.com/perfectworks/backend/adapters/postgres/postgrestest"
	"github.com/perfectworks/backend/migrations"
)

// logLines counts what is logged.
type logLines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logLines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logLines) count(part string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.Count(l.text.Bytes(), []byte(part))
}

// incompressible are events that need room.
func incompressible(size int) []eventlog.Proposed {
	data := make([]byte, size)
	_, _ = rand.Read(data)
	return []eventlog.Proposed{{ID: uuid.New(), Type: "T", Data: data}}
}

// TestDiskFull fills the disk of the database: each write fails at once and says
// why, the log is not ready, and is again by itself once there is space; nothing
// that was acknowledged is lost, and the log says it in a few lines.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	disk := postgrestest.NewCluster(t).SmallDisk(32 << 20)
	pool, err := postgres.Open(ctx, disk.URL, postgres.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	if err := postgres.Migrate(ctx, pool, migrations.EventNode, migrations.EventNodeTable); err != nil {
		t.Fatal(err)
	}
	var lines logLines
	log := openLog(t, on(pool), func(config *eventlog.Config) {
		config.Logger = slog.New(slog.NewTextHandler(&lines, nil))
		config.PollInterval = 50 * time.Millisecond
	})
	before := mustAppend(t, log, "s", eventlog.NoStream, proposed(1))
	disk.Fill()
	for n := range 200 {
		begun := time.Now()
		_, err := log.Append(ctx, "s", eventlog.Expected(before.Revision), incompressible(300_000))
		if !errors.Is(err, eventlog.ErrNoSpace) || !errors.Is(err, eventlog.ErrUnavailable) || errors.Is(err, eventlog.ErrOutcomeUnknown) {
			t.Fatalf("write %d on a full disk: %v", n, err)
		}
		if took := time.Since(begun); took > 10*time.Second {
			t.Errorf("the answer took %v", took)
		}
	}
	if err := log.Check(ctx); !errors.Is(err, eventlog.ErrNoSpace) {
		t.Errorf("readiness on a full disk: %v", err)
	}
	if n := lines.count("cannot be written"); n == 0 || n > 3 {
		t.Errorf("%d log lines for 200 failed writes", n)
	}
	disk.Free()
	waitFor(ctx, t, "the log to be well by itself", func() bool { return log.Check(ctx) == nil })
	if got := describe(log.Append(ctx, "s", eventlog.Expected(before.Revision), incompressible(300_000))); got != "at 1" {
		t.Error(got)
	}
	if n := len(all(t, log)); n != 2 {
		t.Errorf("%d events", n)
	}
}

// TestReadOnlyDatabase makes the database read-only, as operators and managed
// services do before its disk is full.
func TestReadOnlyDatabase(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	pool := newPool(t)
	log := openLog(t, on(pool), func(config *eventlog.Config) { config.PollInterval = 20 * time.Millisecond })
	setReadOnly := func(value string) {
		if _, err := pool.Exec(ctx, `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = `+value+`', current_database()); END $$`); err != nil {
			t.Fatal(err)
		}
	}
	setReadOnly("on")
	if _, err := pool.Exec(ctx, `
		SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
		WHERE datname = current_database() AND application_name = 'eventnode writer'`); err != nil {
		t.Fatal(err)
	}
	if _, err := log.Append(ctx, "s", eventlog.Any, proposed(1)); !errors.Is(err, eventlog.ErrReadOnly) {
		t.Errorf("write: %v", err)
	}
	if err := log.Check(ctx); !errors.Is(err, eventlog.ErrReadOnly) {
		t.Errorf("readiness: %v", err)
	}
	if _, err := pool.Exec(ctx, "SET default_transaction_read_only = off"); err != nil {
		t.Fatal(err)
	}
	setReadOnly("off")
	waitFor(ctx, t, "the log to be well by itself", func() bool { return log.Check(ctx) == nil })
	mustAppend(t, log, "s", eventlog.NoStream, proposed(1))
}
