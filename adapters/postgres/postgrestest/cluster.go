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
	tb      testing.TB
	cluster *postgres.Cluster
}

// NewCluster starts a server, which is gone when the test ends. It costs about
// a second; New is for tests that leave the server alone.
func NewCluster(tb testing.TB) *Cluster {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), setupTimeout)
	defer cancel()
	logger := slog.New(slog.NewTextHandler(tb.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	cluster, err := postgres.StartCluster(ctx, clusterConfig(logger))
	if err != nil {
		tb.Fatalf("postgrestest: %v", err)
	}
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), cleanupTimeout)
		defer cancel()
		if err := cluster.Stop(ctx); err != nil {
			tb.Errorf("postgrestest: %v", err)
		}
	})
	return &Cluster{tb: tb, cluster: cluster}
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
	c.tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), setupTimeout)
	defer cancel()
	if err := f(ctx); err != nil {
		c.tb.Fatalf("postgrestest: %v", err)
	}
}

// Dir returns a folder for a cluster that the test starts, gone when it ends.
// Unlike that of t.TempDir, the user that runs a root's Postgres can enter it.
func Dir(tb testing.TB) string {
	tb.Helper()
	dir := postgres.ScratchDir("perfectworks-test-")
	if err := os.Mkdir(dir, 0o711); err != nil {
		tb.Fatalf("postgrestest: %v", err)
	}
	tb.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			tb.Errorf("postgrestest: %v", err)
		}
	})
	return dir
}
