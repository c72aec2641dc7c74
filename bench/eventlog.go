package main

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/perfectworks/backend/adapters/eventnode"
	"github.com/perfectworks/backend/adapters/eventstore"
	"github.com/perfectworks/backend/adapters/postgres"
	"github.com/perfectworks/backend/migrations"
)

// withEventLog runs a benchmark on an embedded node, reached as in production:
// over TLS, through the official client.
func withEventLog(ctx context.Context, pool *pgxpool.Pool, run func(*eventnode.Loopback, *eventstore.Client) error) (err error) {
	if err := postgres.Migrate(ctx, pool, migrations.EventNode, migrations.EventNodeTable); err != nil {
		return err
	}
	node, err := eventnode.StartLoopback(ctx, eventnode.Config{Pool: pool})
	if err != nil {
		return err
	}
	defer stopWithin(ctx, node.Stop)
	client, err := eventstore.Open(eventstore.Options{
		Address: node.Address, RootCAs: node.RootCAs, Username: node.Username, Password: node.Password,
	})
	if err != nil {
		return err
	}
	defer stopWithin(ctx, func(ctx context.Context) { err = errors.Join(err, client.Close(ctx)) })
	return run(node, client)
}

func stopWithin(ctx context.Context, stop func(context.Context)) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	stop(ctx)
}

// eventSize is the size in bytes of the data of the events that are measured.
const eventSize = 300

// someEvents makes events of eventSize bytes.
func someEvents(n int) []esdb.EventData {
	data := make([]byte, eventSize)
	_, _ = rand.Read(data) // It never fails.
	for i, b := range data {
		data[i] = 'a' + b%26
	}
	copy(data, `{"filler":"`)
	copy(data[eventSize-2:], `"}`)
	events := make([]esdb.EventData, n)
	for i := range events {
		events[i] = esdb.EventData{
			EventID: uuid.New(), EventType: "SomethingMeasured", ContentType: esdb.ContentTypeJson,
			Data: data, Metadata: []byte(`{"schemaVersion":1}`),
		}
	}
	return events
}
