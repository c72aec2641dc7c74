package postgrestest

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/perfectworks/backend/adapters/postgres"
)

// Variable is the environment variable with the URL of the server to use.
const Variable = "PERFECTWORKS_TEST_DATABASE_URL"

// server is the server that the tests of this process share.
type server struct {
	url      string
	admin    *pgxpool.Pool
	strategy string // of CREATE DATABASE

	mu        sync.Mutex
	templates map[string]bool // known to exist
}

var sharedServer = sync.OnceValues(startServer)

func startServer() (*server, error) {
	ctx, cancel := context.WithTimeout(context.Background(), setupTimeout)
	defer cancel()
	rawURL := os.Getenv(Variable)
	if rawURL == "" {
		// Nothing stops it: testing has no hook for that. It is ephemeral, and so
		// ends with the process.
		cluster, err := postgres.StartCluster(ctx, clusterConfig(slog.New(slog.DiscardHandler)))
		if err != nil {
			return nil, err
		}
		rawURL = cluster.URL()
	}
	admin, err := postgres.Open(ctx, rawURL, postgres.Options{ApplicationName: "postgrestest", MaxConns: 4})
	if err != nil {
		return nil, err
	}
	s := &server{url: rawURL, admin: admin, templates: map[string]bool{}}
	var version int
	if err := admin.QueryRow(ctx, "SELECT current_setting('server_version_num')::int").Scan(&version); err != nil {
		return nil, fmt.Errorf("ask the version of Postgres: %w", err)
	}
	// Writing the copy to the log, the default since version 15, takes some ten
	// times as long as copying the files.
	if version >= 150000 {
		s.strategy = "STRATEGY file_copy"
	}
	return s, nil
}

func clusterConfig(logger *slog.Logger) postgres.ClusterConfig {
	return postgres.ClusterConfig{
		Dir:       postgres.ScratchDir("perfectworks-test-"),
		Logger:    logger,
		Settings:  postgres.FastSettings(),
		Ephemeral: true,
	}
}

func (s *server) urlOf(database string) (string, error) { return withDatabase(s.url, database) }

func (s *server) create(ctx context.Context, name, template string) error {
	_, err := s.admin.Exec(ctx, fmt.Sprintf("CREATE DATABASE %s TEMPLATE %s %s", quote(name), quote(template), s.strategy))
	return err
}

func (s *server) drop(ctx context.Context, name string) error {
	_, err := s.admin.Exec(ctx, fmt.Sprintf("DROP DATABASE IF EXISTS %s WITH (FORCE)", quote(name)))
	return err
}

// template returns the name of a database with the migrations applied. It is
// made once per server, whichever process is first, and stays there.
func (s *server) template(ctx context.Context, sets []migrationSet) (name string, err error) {
	if len(sets) == 0 {
		return "template0", nil
	}
	name, err = templateName(sets)
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.templates[name] {
		return name, nil
	}
	conn, err := s.admin.Acquire(ctx)
	if err != nil {
		return "", err
	}
	defer conn.Release()
	lock := crc32.ChecksumIEEE([]byte(name))
	if _, err := conn.Exec(ctx, "SELECT pg_advisory_lock($1)", int64(lock)); err != nil {
		return "", err
	}
	defer func() {
		_, unlockErr := conn.Exec(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock($1)", int64(lock))
		err = errors.Join(err, unlockErr)
	}()
	var exists bool
	if err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name).Scan(&exists); err != nil {
		return "", err
	}
	if !exists {
		if err := s.buildTemplate(ctx, name, sets); err != nil {
			return "", err
		}
	}
	s.templates[name] = true
	return name, nil
}

// buildTemplate gives the database its name last, so that one whose migrations
// failed or were interrupted is never used.
func (s *server) buildTemplate(ctx context.Context, name string, sets []migrationSet) (err error) {
	building := "building_" + strings.ToLower(rand.Text())
	if err := s.create(ctx, building, "template0"); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.drop(context.WithoutCancel(ctx), building))
		}
	}()
	if err := s.migrate(ctx, building, sets); err != nil {
		return err
	}
	if _, err := s.admin.Exec(ctx, fmt.Sprintf("ALTER DATABASE %s ALLOW_CONNECTIONS false", quote(building))); err != nil {
		return err
	}
	_, err = s.admin.Exec(ctx, fmt.Sprintf("ALTER DATABASE %s RENAME TO %s", quote(building), quote(name)))
	return err
}

func (s *server) migrate(ctx context.Context, database string, sets []migrationSet) error {
	rawURL, err := s.urlOf(database)
	if err != nil {
		return err
	}
	pool, err := postgres.Open(ctx, rawURL, postgres.Options{ApplicationName: "postgrestest"})
	if err != nil {
		return err
	}
	defer pool.Close()
	for _, set := range sets {
		if err := postgres.Migrate(ctx, pool, set.files, set.versionTable); err != nil {
			return err
		}
	}
	return nil
}

// templateName is a hash of all that the migrations are.
func templateName(sets []migrationSet) (string, error) {
	hash := sha256.New()
	for _, set := range sets {
		fmt.Fprintf(hash, "table %q\n", set.versionTable)
		err := fs.WalkDir(set.files, ".", func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			content, err := fs.ReadFile(set.files, path)
			fmt.Fprintf(hash, "file %q %q\n", path, content)
			return err
		})
		if err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("template_%.16x", hash.Sum(nil)), nil
}

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }
