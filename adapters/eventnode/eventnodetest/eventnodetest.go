// Package eventnodetest gives tests a node of their own, on a database of its own.
package eventnodetest

import (
	"context"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/perfectworks/backend/adapters/eventnode"
	"github.com/perfectworks/backend/adapters/postgres/postgrestest"
	"github.com/perfectworks/backend/migrations"
)

// Node is a node without TLS. It stops with the test.
type Node struct {
	// Address is host and port; a restart keeps it.
	Address string
	// Pool leads to the log's database.
	Pool *pgxpool.Pool

	tb     testing.TB
	config eventnode.Config
	mu     sync.Mutex
	node   *eventnode.Node
	served chan error
}

// Option changes the config of the node.
type Option func(*eventnode.Config)

// WithPool puts the log into a database that the test has already, to which
// migrations.EventNode were applied.
func WithPool(pool *pgxpool.Pool) Option {
	return func(config *eventnode.Config) { config.Pool = pool }
}

// WithLogger has the node log.
func WithLogger(logger *slog.Logger) Option {
	return func(config *eventnode.Config) { config.Logger = logger }
}

// WithConfig changes anything.
func WithConfig(change func(*eventnode.Config)) Option { return change }

// Pool is a pool on a new database with an empty log.
func Pool(tb testing.TB) *pgxpool.Pool {
	tb.Helper()
	return postgrestest.New(tb, postgrestest.WithMigrations(migrations.EventNode, migrations.EventNodeTable))
}

// Start starts a node with an empty log.
func Start(tb testing.TB, options ...Option) *Node {
	tb.Helper()
	n := &Node{tb: tb, Address: "127.0.0.1:0"}
	for _, option := range options {
		option(&n.config)
	}
	if n.config.Pool == nil {
		n.config.Pool = Pool(tb)
	}
	n.Pool = n.config.Pool
	n.start()
	tb.Cleanup(n.Stop)
	return n
}

// ConnectionString is what clients parse.
func (n *Node) ConnectionString() string { return "esdb://" + n.Address + "?tls=false" }

// Client is a client that says nothing, closed with the test.
func (n *Node) Client() *esdb.Client {
	n.tb.Helper()
	config, err := esdb.ParseConnectionString(n.ConnectionString())
	if err != nil {
		n.tb.Fatalf("eventnodetest: %v", err)
	}
	config.Logger = esdb.NoopLogging()
	client, err := esdb.NewClient(config)
	if err != nil {
		n.tb.Fatalf("eventnodetest: %v", err)
	}
	n.tb.Cleanup(func() { _ = client.Close() })
	return client
}

// Stop ends the node at once: calls under way are cut off. A node may be stopped
// twice.
func (n *Node) Stop() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.node == nil {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	n.node.Stop(ctx)
	if err := <-n.served; err != nil {
		n.tb.Errorf("eventnodetest: %v", err)
	}
	n.node = nil
}

// Restart stops the node and starts it again at the same address, with the same
// log.
func (n *Node) Restart() {
	n.tb.Helper()
	n.Stop()
	n.start()
}

// Node is the node itself, nil while it is stopped.
func (n *Node) Node() *eventnode.Node {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.node
}

func (n *Node) start() {
	n.tb.Helper()
	n.mu.Lock()
	defer n.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	listener, err := listen(ctx, n.Address)
	if err != nil {
		n.tb.Fatalf("eventnodetest: %v", err)
	}
	n.Address = listener.Addr().String()
	node, err := eventnode.New(ctx, n.config)
	if err != nil {
		_ = listener.Close()
		n.tb.Fatalf("eventnodetest: %v", err)
	}
	n.node, n.served = node, make(chan error, 1)
	go func(served chan<- error) { served <- node.Serve(listener) }(n.served)
}

// listen waits for an address that another process holds for a moment.
func listen(ctx context.Context, address string) (listener net.Listener, err error) {
	var config net.ListenConfig
	for {
		if listener, err = config.Listen(ctx, "tcp", address); err == nil {
			return listener, nil
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(20 * time.Millisecond):
		}
	}
}
