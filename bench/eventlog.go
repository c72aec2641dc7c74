package main

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"errors"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/perfectworks/backend/adapters/eventstore"
	"github.com/perfectworks/backend/adapters/postgres"
	"github.com/perfectworks/backend/migrations"
)

// withNode runs a benchmark on an event node in a process of its own, reached as
// in production: over TLS, through the official client.
func withNode(ctx context.Context, pool *pgxpool.Pool, run func(*child, *eventstore.Client) error) error {
	if err := postgres.Migrate(ctx, pool, migrations.EventNode, migrations.EventNodeTable); err != nil {
		return err
	}
	return withChild(ctx, childConfig{Kind: nodeChild, DatabaseURL: pool.Config().ConnString()}, func(node *child) (err error) {
		client, err := eventstore.Open(eventstore.Options{
			Address: node.Address, RootCAs: node.roots(), Username: node.Username, Password: node.Password,
		})
		if err != nil {
			return err
		}
		defer stopWithin(ctx, func(ctx context.Context) { err = errors.Join(err, client.Close(ctx)) })
		return run(node, client)
	})
}

func (c *child) roots() *x509.CertPool {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(c.Authority)
	return roots
}

// module is the client module itself, as others use it.
func (c *child) module() (*esdb.Client, error) {
	config, err := esdb.ParseConnectionString("esdb://" + c.Address)
	if err != nil {
		return nil, err
	}
	config.RootCAs, config.Username, config.Password = c.roots(), c.Username, c.Password
	return esdb.NewClient(config)
}

// eventSize is the size in bytes of the data of the events that are measured.
const eventSize = 300

// someEvents creates events of eventSize bytes.
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
