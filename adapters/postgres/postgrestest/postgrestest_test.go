package postgrestest_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/perfectworks/backend/adapters/postgres/postgrestest"
)

var things = fstest.MapFS{"00001_things.sql": {Data: []byte("-- +goose Up\nCREATE TABLE things (id int);\n")}}

func TestNewGivesEmptyDatabasesThatDoNotMeet(t *testing.T) {
	t.Parallel()
	for range 2 {
		pool := postgrestest.New(t)
		if _, err := pool.Exec(t.Context(), "CREATE TABLE things (id int)"); err != nil {
			t.Fatal(err)
		}
	}
}

func TestWithMigrationsCopiesATemplate(t *testing.T) {
	t.Parallel()
	for range 3 {
		pool := postgrestest.New(t, postgrestest.WithMigrations(things, "versions"))
		tag, err := pool.Exec(t.Context(), "INSERT INTO things SELECT 1 WHERE NOT EXISTS (SELECT FROM things)")
		if err != nil || tag.RowsAffected() != 1 {
			t.Fatalf("a migrated table is missing or not empty: %v, %v", tag, err)
		}
	}
	pool := postgrestest.New(t, postgrestest.WithMigrations(things, "versions"))
	var templates int
	if err := pool.QueryRow(t.Context(), "SELECT count(*) FROM pg_database WHERE datname LIKE 'template\\_%' AND NOT datallowconn").Scan(&templates); err != nil || templates < 1 {
		t.Fatalf("%d template databases, %v", templates, err)
	}
}

func TestFailingMigrationsAreNamed(t *testing.T) {
	t.Parallel()
	broken := fstest.MapFS{"00001_broken.sql": {Data: []byte("-- +goose Up\nCREATE TABLE;\n")}}
	fake := &recorder{TB: t}
	fake.run(func() { postgrestest.URL(fake, postgrestest.WithMigrations(broken, "versions")) })
	if !strings.Contains(fake.fatal, "00001") && !strings.Contains(fake.fatal, "version:1") {
		t.Fatalf("the failure does not name the migration: %q", fake.fatal)
	}
}

func TestTheDatabaseIsDroppedAtTheEnd(t *testing.T) { //nolint:tparallel // the case has to end first
	t.Parallel()
	var rawURL string
	var left *pgx.Conn
	t.Run("user", func(t *testing.T) {
		rawURL = postgrestest.URL(t)
		var err error
		if left, err = pgx.Connect(t.Context(), rawURL); err != nil { // never closed: drops by force
			t.Fatal(err)
		}
	})
	if err := left.Ping(t.Context()); err == nil {
		t.Error("a connection outlived the database")
	}
	_, err := pgx.Connect(t.Context(), rawURL)
	var pgErr *pgconn.PgError
	if !errors.As(err, &pgErr) || pgErr.Code != "3D000" {
		t.Fatalf("the database is still there: %v", err)
	}
}

func TestClusterSurvivesStopAndKill(t *testing.T) {
	t.Parallel()
	cluster := postgrestest.NewCluster(t)
	pool, err := pgxpool.New(t.Context(), cluster.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if _, err := pool.Exec(t.Context(), "CREATE TABLE things (id int)"); err != nil {
		t.Fatal(err)
	}

	cluster.Stop()
	if err := pool.Ping(t.Context()); err == nil {
		t.Fatal("a stopped server answers")
	}
	cluster.Start()
	if _, err := pool.Exec(t.Context(), "INSERT INTO things VALUES (1)"); err != nil {
		t.Fatalf("after Start: %v", err)
	}

	cluster.Kill()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var n int
	for {
		err := pool.QueryRow(ctx, "SELECT count(*) FROM things").Scan(&n)
		if err == nil {
			break
		}
		if ctx.Err() != nil {
			t.Fatalf("after Kill: %v", err)
		}
	}
	if n != 1 {
		t.Fatalf("%d rows after a crash, want 1", n)
	}
}

// helperVariable makes the test binary run TestHelperProcess only.
const helperVariable = "POSTGRESTEST_HELPER"

// TestHelperProcess is the test process that TestNothingIsLeftRunning ends.
func TestHelperProcess(t *testing.T) {
	how := os.Getenv(helperVariable)
	if how == "" {
		return // it has something to do in a process of its own only
	}
	pool := postgrestest.New(t)
	var data string
	if err := pool.QueryRow(t.Context(), "SELECT current_setting('data_directory')").Scan(&data); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stdout.WriteString(data + "\n"); err != nil {
		t.Fatal(err)
	}
	if how == "killed" {
		if err := syscall.Kill(os.Getpid(), syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
}

func TestNothingIsLeftRunning(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"ends", "killed"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestHelperProcess$")
			cmd.Env = append(os.Environ(), helperVariable+"="+how, postgrestest.Variable+"=")
			output, err := cmd.Output()
			if failed := err != nil; failed != (how == "killed") {
				t.Fatalf("the helper: %v\n%s", err, output)
			}
			data, _, _ := strings.Cut(string(output), "\n")
			if !filepath.IsAbs(data) {
				t.Fatalf("no data folder in %q", output)
			}
			deadline := time.Now().Add(time.Minute)
			for {
				_, err := os.Stat(filepath.Dir(data))
				servers := processesIn(t, data)
				if errors.Is(err, os.ErrNotExist) && len(servers) == 0 {
					return
				}
				if time.Now().After(deadline) {
					t.Fatalf("left behind: folder %v, processes %v", err, servers)
				}
				time.Sleep(20 * time.Millisecond)
			}
		})
	}
}

// processesIn lists the processes that work in the folder; where there is no
// /proc, the folder's removal has to do.
func processesIn(t *testing.T, dir string) (pids []string) {
	t.Helper()
	links, err := filepath.Glob("/proc/[0-9]*/cwd")
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range links {
		if cwd, err := os.Readlink(link); err == nil && strings.HasPrefix(cwd, dir) {
			pids = append(pids, link)
		}
	}
	return pids
}

// recorder takes the failure of a helper instead of the test.
type recorder struct {
	testing.TB
	fatal string
}

// Fatalf ends the helper by a panic, which run recovers.
func (r *recorder) Fatalf(format string, args ...any) {
	r.fatal = fmt.Sprintf(format, args...)
	panic(r)
}

func (r *recorder) run(f func()) {
	defer func() {
		if p := recover(); p != nil && p != any(r) {
			panic(p)
		}
	}()
	f()
}
