package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"github.com/perfectworks/backend/adapters/postgres"
	"github.com/perfectworks/backend/adapters/postgres/postgrestest"
)

func sqlFiles(statements ...string) fstest.MapFS {
	files := fstest.MapFS{"SHA256SUMS": {Data: []byte("not a migration")}}
	for i, statement := range statements {
		name := fmt.Sprintf("%05d_step.sql", i+1)
		files[name] = &fstest.MapFile{Data: []byte("-- +goose Up\n" + statement + ";\n")}
	}
	return files
}

func TestMigrateAppliesWhatIsNew(t *testing.T) {
	t.Parallel()
	pool := postgrestest.New(t)
	steps := []string{
		"CREATE TABLE steps (n int)", "INSERT INTO steps VALUES (2)", "INSERT INTO steps VALUES (3)",
	}
	for _, known := range [][]string{nil, steps[:2], steps, steps} {
		if err := postgres.Migrate(t.Context(), pool, sqlFiles(known...), "versions"); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]int{2, 3}, column(t, pool, "SELECT n FROM steps ORDER BY n")); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
	// Sets with tables of their own do not know of one another.
	if err := postgres.Migrate(t.Context(), pool, sqlFiles("INSERT INTO steps VALUES (9)"), "others"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int{2, 3, 9}, column(t, pool, "SELECT n FROM steps ORDER BY n")); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
}

func column(t *testing.T, pool *pgxpool.Pool, query string) (values []int) {
	t.Helper()
	rows, err := pool.Query(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var n int
		if err := rows.Scan(&n); err != nil {
			t.Fatal(err)
		}
		values = append(values, n)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return values
}

func TestMigrateStopsAtAFailingStep(t *testing.T) {
	t.Parallel()
	pool := postgrestest.New(t)
	steps := []string{"CREATE TABLE steps (n int)", "INSERT INTO steps VALUES (2); SELECT unknown()", "INSERT INTO steps VALUES (3)"}
	err := postgres.Migrate(t.Context(), pool, sqlFiles(steps...), "versions")
	if err == nil {
		t.Fatal("no error")
	}
	wantError(t, err, "migrate the database (versions)", "version:2", "unknown()")
	if got := column(t, pool, "SELECT n FROM steps"); len(got) != 0 {
		t.Errorf("of the failing step or after it, these remain: %v", got)
	}
	steps[1] = "INSERT INTO steps VALUES (2)" // repaired
	if err := postgres.Migrate(t.Context(), pool, sqlFiles(steps...), "versions"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int{2, 3}, column(t, pool, "SELECT n FROM steps ORDER BY n")); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
}

func TestMigrateByManyServersAtOnce(t *testing.T) {
	t.Parallel()
	rawURL := postgrestest.URL(t)
	files := sqlFiles("CREATE TABLE steps (n int)", "INSERT INTO steps SELECT 2 FROM pg_sleep(0.2)", "INSERT INTO steps VALUES (3)")
	var pools []*pgxpool.Pool
	for range 8 {
		pool, err := postgres.Open(t.Context(), rawURL, postgres.Options{MaxConns: 1})
		if err != nil {
			t.Fatal(err)
		}
		defer pool.Close()
		pools = append(pools, pool)
	}
	var servers errgroup.Group
	for _, pool := range pools {
		servers.Go(func() error { return postgres.Migrate(t.Context(), pool, files, "versions") })
	}
	began := time.Now()
	if err := servers.Wait(); err != nil {
		t.Fatal(err)
	}
	t.Logf("eight servers: %s", time.Since(began))
	pool, err := postgres.Open(t.Context(), rawURL, postgres.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if diff := cmp.Diff([]int{2, 3}, column(t, pool, "SELECT n FROM steps ORDER BY n")); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
	eventually(t, "the locks are free", func() bool {
		return len(column(t, pool, "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())")) == 0
	})
}

func TestMigrateGivesUpWithItsContext(t *testing.T) {
	t.Parallel()
	pool := postgrestest.New(t)
	working := make(chan struct{})
	var first errgroup.Group
	defer first.Wait()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	first.Go(func() error {
		close(working)
		return postgres.Migrate(ctx, pool, sqlFiles("SELECT pg_sleep(600)"), "versions")
	})
	<-working
	eventually(t, "the first server works", func() bool {
		return len(column(t, pool, "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%pg_sleep(600)%' AND pid <> pg_backend_pid()")) > 0
	})
	short, cancelShort := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancelShort()
	err := postgres.Migrate(short, pool, sqlFiles("SELECT 1"), "versions")
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("while another server migrates: %v", err)
	}
	cancel()
	if err := first.Wait(); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled while it migrates: %v", err)
	}
	// The lock went with the connection.
	if err := postgres.Migrate(t.Context(), pool, sqlFiles("SELECT 1"), "versions"); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}
