// Package eventstoretest gives tests an event store of their own, ready for
// use: a real node, its client, codec and streams, and a keyring, all on one
// new database.
package eventstoretest

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"gocloud.dev/secrets/localsecrets"

	"github.com/perfectworks/backend/adapters/eventnode"
	"github.com/perfectworks/backend/adapters/eventnode/eventnodetest"
	"github.com/perfectworks/backend/adapters/eventstore"
	"github.com/perfectworks/backend/adapters/keyring"
	"github.com/perfectworks/backend/adapters/postgres/postgrestest"
	"github.com/perfectworks/backend/migrations"
)

// Store is an event store with an empty log. It ends with the test.
type Store struct {
	Client  *eventstore.Client
	Codec   *eventstore.Codec
	Streams *eventstore.Streams
	Keyring *keyring.Keyring
	Node    *eventnodetest.Node
	// Pool leads to the database of all of it, to which migrations.App and
	// migrations.EventNode were applied.
	Pool *pgxpool.Pool
}

// Option changes the node of a store.
type Option = eventnodetest.Option

// WithMaxAppendSize has the node refuse larger appends, in bytes.
func WithMaxAppendSize(size int) Option {
	return eventnodetest.WithConfig(func(config *eventnode.Config) { config.MaxAppendSize = size })
}

// New starts a store.
func New(tb testing.TB, opts ...Option) *Store {
	tb.Helper()
	pool := postgrestest.New(tb,
		postgrestest.WithMigrations(migrations.App, migrations.AppTable),
		postgrestest.WithMigrations(migrations.EventNode, migrations.EventNodeTable))
	s := &Store{Pool: pool, Node: eventnodetest.Start(tb, append(opts, eventnodetest.WithPool(pool))...)}
	s.Client = Connect(tb, eventstore.Options{URL: s.Node.ConnectionString()})
	s.Keyring = openKeyring(tb, pool)
	var err error
	if s.Codec, err = eventstore.NewCodec(eventstore.Schemas(), s.Keyring); err != nil {
		tb.Fatalf("eventstoretest: %v", err)
	}
	if s.Streams, err = eventstore.NewStreams(s.Client, s.Codec, 0); err != nil {
		tb.Fatalf("eventstoretest: %v", err)
	}
	s.Keyring.OnDestroy(s.Streams.Forget)
	return s
}

// Connect opens a client that is closed with the test.
func Connect(tb testing.TB, opts eventstore.Options) *eventstore.Client {
	tb.Helper()
	client, err := eventstore.Open(opts)
	if err != nil {
		tb.Fatalf("eventstoretest: %v", err)
	}
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := client.Close(ctx); err != nil {
			tb.Errorf("eventstoretest: %v", err)
		}
	})
	return client
}

func openKeyring(tb testing.TB, pool *pgxpool.Pool) *keyring.Keyring {
	tb.Helper()
	raw, err := localsecrets.NewRandomKey()
	if err != nil {
		tb.Fatalf("eventstoretest: %v", err)
	}
	keeper := localsecrets.NewKeeper(raw)
	ring, err := keyring.Open(tb.Context(), pool, keeper, keyring.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		tb.Fatalf("eventstoretest: %v", err)
	}
	tb.Cleanup(func() {
		_ = ring.Close()   // It always returns nil.
		_ = keeper.Close() // It holds nothing but memory.
	})
	return ring
}

// StreamsOf gives further streams of a store, with a connection and a cache of
// their own, as another process has.
func StreamsOf(tb testing.TB, s *Store) *eventstore.Streams {
	tb.Helper()
	client := Connect(tb, eventstore.Options{URL: s.Node.ConnectionString()})
	streams, err := eventstore.NewStreams(client, s.Codec, 0)
	if err != nil {
		tb.Fatalf("eventstoretest: %v", err)
	}
	return streams
}
