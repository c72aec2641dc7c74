package postgrestest

import (
	"context"
	"log/slog"
	"os"
	"syscall"
	"testing"

	"github.com/perfectworks/backend/adapters/postgres"
)

// Cluster is a server of the test's own, for tests that take it away. What was
// committed outlives Stop and Kill.
type Cluster struct {
	t       testing.TB
	cluster *postgres.Cluster
}

// NewCluster starts a server, which is gone when the test ends. It costs about
// a second; New is for tests that leave the server alone.
func NewCluster(t testing.TB) *Cluster {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), setupTimeout)
	defer cancel()
	logger := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	cluster, err := postgres.StartCluster(ctx, clusterConfig(logger))
	if err != nil {
		t.Fatalf("postgrestest: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), cleanupTimeout)
		defer cancel()
		if err := cluster.Stop(ctx); err != nil {
			t.Errorf("postgrestest: %v", err)
		}
	})
	return &Cluster{t: t, cluster: cluster}
}

// URL is the server's database, for its superuser. It stays the same when the
// server is stopped and started.
func (c *Cluster) URL() string { return c.cluster.URL() }

// Stop takes the server away, as for maintenance, until Start.
func (c *Cluster) Stop() { c.do(c.cluster.StopServer) }

// Start brings the server back, at the same URL.
func (c *Cluster) Start() { c.do(c.cluster.StartServer) }

// Kill ends the server as a crash would. It comes back by itself, at the same
// URL, after recovery.
func (c *Cluster) Kill() {
	c.do(func(context.Context) error { return syscall.Kill(c.cluster.PID(), syscall.SIGKILL) })
}

func (c *Cluster) do(f func(context.Context) error) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), setupTimeout)
	defer cancel()
	if err := f(ctx); err != nil {
		c.t.Fatalf("postgrestest: %v", err)
	}
}

// Dir returns a folder for a cluster's data, gone when the test ends. Unlike
// that of t.TempDir, the unprivileged user that runs a root's Postgres can enter
// it.
func Dir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "perfectworks-test-*")
	if err != nil {
		t.Fatalf("postgrestest: %v", err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Errorf("postgrestest: %v", err)
		}
	})
	if err := os.Chmod(dir, 0o711); err != nil { //nolint:gosec // that is its purpose
		t.Fatalf("postgrestest: %v", err)
	}
	return dir
}
