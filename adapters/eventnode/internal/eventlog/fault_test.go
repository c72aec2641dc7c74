package eventlog_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/perfectworks/backend/adapters/eventnode/internal/eventlog"
	"github.com/perfectworks/backend/adapters/postgres"
	"github.com/perfectworks/backend/adapters/postgres/postgrestest"
	"github.com/perfectworks/backend/migrations"
)

// TestPostgresFaults takes Postgres away under load: by a restart, and by a crash.
// The log fails meanwhile, recovers by itself, and holds every acknowledged event
// once; live readers see all of them, in order, without knowing.
func TestPostgresFaults(t *testing.T) {
	t.Parallel()
	const writers, faults = 8, 4
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cluster := postgrestest.NewCluster(t)
	pool, err := postgres.Open(ctx, cluster.URL(), postgres.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	if err := postgres.Migrate(ctx, pool, migrations.EventNode, migrations.EventNodeTable); err != nil {
		t.Fatal(err)
	}
	log := openLog(t, on(pool), func(config *eventlog.Config) { config.TailEvents = 1 << 20 })

	var (
		acknowledged, failed atomic.Int64
		mu                   sync.Mutex
		acks                 = map[uuid.UUID]eventlog.Result{}
		stop                 = make(chan struct{})
		group                sync.WaitGroup
	)
	for w := range writers {
		group.Go(func() {
			expected := eventlog.NoStream
			if w%2 == 1 {
				expected = eventlog.Any
			}
			for {
				select {
				case <-stop:
					return
				default:
				}
				events := proposed(1)
				result := appendUntilDone(ctx, t, log, fmt.Sprintf("s%d", w), expected, events, &failed)
				if expected != eventlog.Any {
					expected = eventlog.Expected(result.Revision)
				}
				mu.Lock()
				acks[events[0].ID] = result
				mu.Unlock()
				acknowledged.Add(1)
			}
		})
	}
	progress := func() {
		from := acknowledged.Load()
		waitFor(ctx, t, "writes after a fault", func() bool { return acknowledged.Load() > from+50 })
	}
	progress()
	for fault := range faults {
		if fault%2 == 0 {
			cluster.Kill()
		} else {
			cluster.Stop()
			if err := log.Check(ctx); err == nil {
				t.Error("the log claims to be well without Postgres")
			}
			cluster.Start()
		}
		progress()
	}
	close(stop)
	group.Wait()
	waitFor(ctx, t, "the log to be well", func() bool { return log.Check(ctx) == nil })
	if failed.Load() == 0 {
		t.Error("no write failed: the faults were none")
	}

	var ids []uuid.UUID
	at := map[uuid.UUID]int{}
	for _, e := range all(t, log) {
		ids = append(ids, e.ID)
		at[e.ID]++
		if ack, ok := acks[e.ID]; ok && (ack.Revision != e.Revision || ack.Position != e.Position) {
			t.Errorf("acknowledged at %+v, is at revision %d, position %d", ack, e.Revision, e.Position)
		}
	}
	for id := range acks {
		if at[id] != 1 {
			t.Errorf("acknowledged event %s is there %d times", id, at[id])
		}
	}
	seen, err := follow(ctx, log, len(ids))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(ids, seen); diff != "" {
		t.Errorf("live readers see another log: %s", diff)
	}
	t.Logf("%d acknowledged, %d failed attempts", len(acks), failed.Load())
}

// TestLostConnection takes the writer's connection away while nobody uses it: the
// next write does not notice.
func TestLostConnection(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	log := openLog(t, on(pool), func(config *eventlog.Config) { config.PollInterval = time.Hour })
	mustAppend(t, log, "s", eventlog.NoStream, proposed(1))
	writes := map[string]func() (eventlog.Result, error){
		"at 1": func() (eventlog.Result, error) { return log.Append(t.Context(), "s", 0, proposed(1)) },
		"at 2": func() (eventlog.Result, error) { return log.Append(t.Context(), "s", eventlog.Any, proposed(1)) },
	}
	for _, want := range []string{"at 1", "at 2"} {
		var ended int
		err := pool.QueryRow(t.Context(), `
			SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity
			WHERE datname = current_database() AND application_name = 'eventnode writer'`).Scan(&ended)
		if err != nil || ended != 1 {
			t.Fatal(ended, err)
		}
		if got := describe(writes[want]()); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// appendUntilDone repeats an append, with the same ids, until it is acknowledged.
func appendUntilDone(ctx context.Context, t *testing.T, log *eventlog.Log, stream string, expected eventlog.Expected, events []eventlog.Proposed, failed *atomic.Int64) eventlog.Result {
	t.Helper()
	for {
		start := time.Now()
		result, err := log.Append(ctx, stream, expected, events)
		if err == nil {
			return result
		}
		failed.Add(1)
		if !errors.Is(err, eventlog.ErrUnavailable) {
			t.Errorf("append: %v", err)
			return result
		}
		if took := time.Since(start); took > 20*time.Second {
			t.Errorf("an append failed only after %v", took)
		}
		select {
		case <-ctx.Done():
			t.Errorf("append: %v", err)
			return result
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func waitFor(ctx context.Context, t *testing.T, what string, done func() bool) {
	t.Helper()
	for !done() {
		select {
		case <-ctx.Done():
			t.Fatalf("waiting for %s: %v", what, ctx.Err())
		case <-time.After(5 * time.Millisecond):
		}
	}
}
