// Package postgrestest gives each test a database of its own on a real Postgres.
//
// All tests of a run share one server: the one that PERFECTWORKS_TEST_DATABASE_URL
// names (a superuser's URL; cmd/withpostgres starts one and sets it), else one
// that the package starts for the test process and that ends with it, even when
// that is killed.
package postgrestest

import (
	"context"
	"crypto/rand"
	"fmt"
	"io/fs"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/perfectworks/backend/adapters/postgres"
)

const (
	setupTimeout   = time.Minute
	cleanupTimeout = 30 * time.Second
)

type migrationSet struct {
	files        fs.FS
	versionTable string
}

// Option changes the database that New and URL give.
type Option func(*[]migrationSet)

// WithMigrations has the migrations applied, as by postgres.Migrate. They run
// once for all tests: a test's database is a copy of a template. It may be given
// several times.
func WithMigrations(files fs.FS, versionTable string) Option {
	return func(sets *[]migrationSet) {
		*sets = append(*sets, migrationSet{files, versionTable})
	}
}

// New returns a pool on a new database, which is empty but for the options. Both
// are gone when the test ends. The test fails when there is no Postgres.
func New(tb testing.TB, opts ...Option) *pgxpool.Pool {
	tb.Helper()
	return open(tb, URL(tb, opts...))
}

// URL is New for tests that open the connections themselves.
func URL(tb testing.TB, opts ...Option) string {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), setupTimeout)
	defer cancel()

	server, err := sharedServer()
	if err != nil {
		tb.Fatalf("postgrestest: %v", err)
	}
	var sets []migrationSet
	for _, opt := range opts {
		opt(&sets)
	}
	template, err := server.template(ctx, sets)
	if err != nil {
		tb.Fatalf("postgrestest: prepare a template database: %v", err)
	}
	name := "test_" + strings.ToLower(rand.Text())
	if err := server.create(ctx, name, template); err != nil {
		tb.Fatalf("postgrestest: create a database: %v", err)
	}
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), cleanupTimeout)
		defer cancel()
		if err := server.drop(ctx, name); err != nil {
			tb.Errorf("postgrestest: drop the database: %v", err)
		}
	})
	rawURL, err := server.urlOf(name)
	if err != nil {
		tb.Fatalf("postgrestest: %v", err)
	}
	return rawURL
}

func open(tb testing.TB, rawURL string) *pgxpool.Pool {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), setupTimeout)
	defer cancel()
	pool, err := postgres.Open(ctx, rawURL, postgres.Options{ApplicationName: "test"})
	if err != nil {
		tb.Fatalf("postgrestest: %v", err)
	}
	tb.Cleanup(pool.Close)
	return pool
}

func withDatabase(rawURL, name string) (string, error) {
	u, err := url.Parse(rawURL)
	if err != nil || u.Host == "" && !u.Query().Has("host") {
		return "", fmt.Errorf("%s is not of the form postgres://USER:PASSWORD@HOST:PORT/DATABASE", Variable)
	}
	u.Path = "/" + name
	return u.String(), nil
}
