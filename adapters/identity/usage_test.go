package identity_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/perfectworks/backend/adapters/identity"
	"github.com/perfectworks/backend/adapters/postgres/postgrestest"
	"github.com/perfectworks/backend/domain/domaintest"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/migrations"
)

// moment is recent, so that nothing of it is forgotten yet.
func moment() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

func usageDatabase(t *testing.T) *pgxpool.Pool {
	t.Helper()
	return postgrestest.New(t, postgrestest.WithMigrations(migrations.App, migrations.AppTable))
}

func lastUsed(t *testing.T, pool *pgxpool.Pool, key id.APIKey) time.Time {
	t.Helper()
	var at time.Time
	if err := pool.QueryRow(t.Context(), "SELECT last_used_at FROM api_key_usage WHERE key_id = $1", key).Scan(&at); err != nil {
		t.Fatal(err)
	}
	return at.UTC()
}

func flush(t *testing.T, u *identity.Usage) {
	t.Helper()
	if err := u.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestUsageIsCoarseAndNeverGoesBack(t *testing.T) {
	t.Parallel()
	pool := usageDatabase(t)
	one, two := identity.NewUsage(pool, discard()), identity.NewUsage(pool, discard())
	at := moment()
	check := func(want time.Time) {
		t.Helper()
		if got := lastUsed(t, pool, "key_1"); !got.Equal(want) {
			t.Errorf("got %v, want %v", got, want)
		}
	}
	one.Used("key_1", at)
	flush(t, one)
	check(at)

	one.Used("key_1", at.Add(59*time.Second)) // Within the minute.
	flush(t, one)
	check(at)

	one.Used("key_1", at.Add(61*time.Second))
	one.Used("key_1", at.Add(30*time.Second)) // A request that took longer.
	flush(t, one)
	check(at.Add(61 * time.Second))

	two.Used("key_1", at.Add(10*time.Second)) // A process that writes late.
	two.Used("key_2", at.Add(10*time.Second))
	flush(t, two)
	check(at.Add(61 * time.Second))
	if got := lastUsed(t, pool, "key_2"); !got.Equal(at.Add(10 * time.Second)) {
		t.Errorf("key_2: %v", got)
	}
}

// statements counts statements, and refuses them while the database is away.
type statements struct {
	mu    sync.Mutex
	away  bool
	calls int
	keys  []id.APIKey
	next  identity.Executor
}

func (s *statements) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	if s.away {
		return pgconn.CommandTag{}, fmt.Errorf("the database is away")
	}
	s.keys = args[0].([]id.APIKey)
	if s.next == nil {
		return pgconn.CommandTag{}, nil
	}
	return s.next.Exec(ctx, sql, args...)
}

// seen is how many statements there were, and the keys of the latest.
func (s *statements) seen() (calls int, keys []id.APIKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls, s.keys
}

func (s *statements) set(away bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.away = away
}

func TestUsageIsKeptWhileTheDatabaseIsAway(t *testing.T) {
	t.Parallel()
	pool := usageDatabase(t)
	db := &statements{away: true, next: pool}
	usage := identity.NewUsage(db, discard())
	at := moment()
	usage.Used("key_1", at)
	for range 3 {
		if err := usage.Flush(t.Context()); err == nil {
			t.Fatal("no error")
		}
	}
	db.set(false)
	flush(t, usage)
	if got := lastUsed(t, pool, "key_1"); !got.Equal(at) {
		t.Errorf("got %v, want %v", got, at)
	}
	before, _ := db.seen()
	flush(t, usage)
	if calls, _ := db.seen(); calls != before {
		t.Error("written twice")
	}
}

func TestUsageIsWrittenNowAndThenAndAtTheEnd(t *testing.T) {
	t.Parallel()
	domaintest.Bubble(t, func(t *testing.T) {
		db := &statements{}
		usage := identity.NewUsage(db, discard())
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			usage.Run(ctx)
		}()
		usage.Used("key_1", time.Now())
		time.Sleep(6 * time.Second)
		if calls, keys := db.seen(); calls != 1 || len(keys) != 1 {
			t.Errorf("after six seconds: %d statements, keys %v", calls, keys)
		}
		for range 100 { // Idle, and used again within the minute.
			usage.Used("key_1", time.Now())
			time.Sleep(100 * time.Millisecond)
		}
		if calls, _ := db.seen(); calls != 1 {
			t.Errorf("%d statements for nothing new", calls)
		}
		usage.Used("key_2", time.Now())
		cancel()
		<-done
		if calls, keys := db.seen(); calls != 2 || len(keys) != 1 || keys[0] != "key_2" {
			t.Errorf("at the end: %d statements, keys %v", calls, keys)
		}
	})
}

func TestUsageIsBounded(t *testing.T) {
	t.Parallel()
	domaintest.Bubble(t, func(t *testing.T) {
		var logged bytes.Buffer
		db := &statements{away: true}
		usage := identity.NewUsage(db, slog.New(slog.NewTextHandler(&logged, nil)))
		for n := range 200_000 {
			usage.Used(id.APIKey(fmt.Sprint("key_", n)), time.Now())
		}
		_ = usage.Flush(t.Context())
		if !strings.Contains(logged.String(), fmt.Sprint("uses=", 200_000-1<<17)) {
			t.Errorf("the log says %s", logged.String())
		}
		db.set(false)
		flush(t, usage)
		if _, keys := db.seen(); len(keys) != 1<<17 {
			t.Errorf("%d keys were kept", len(keys))
		}
		time.Sleep(2 * time.Minute)
		flush(t, usage) // Forgets them.
		usage.Used("key_new", time.Now())
		flush(t, usage)
		if _, keys := db.seen(); len(keys) != 1 {
			t.Errorf("%d keys are still held", len(keys))
		}
	})
}

func TestUsageByManyAtOnce(t *testing.T) {
	t.Parallel()
	pool := usageDatabase(t)
	usages := []*identity.Usage{identity.NewUsage(pool, discard()), identity.NewUsage(pool, discard())}
	at := moment()
	var all sync.WaitGroup
	for n, usage := range usages {
		for range 4 {
			all.Go(func() {
				for i := range 500 {
					usage.Used(id.APIKey(fmt.Sprint("key_", i)), at.Add(time.Duration(n)*time.Hour))
					if i%100 == 0 {
						flush(t, usage)
					}
				}
			})
		}
	}
	all.Wait()
	for _, usage := range usages {
		flush(t, usage)
	}
	for i := range 500 {
		if got := lastUsed(t, pool, id.APIKey(fmt.Sprint("key_", i))); !got.Equal(at.Add(time.Hour)) {
			t.Fatalf("key_%d: %v", i, got)
		}
	}
}
