package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/perfectworks/backend/adapters/eventnode"
	"github.com/perfectworks/backend/adapters/eventstore"
	"github.com/perfectworks/backend/domain/event"
)

// measureReadAll compares reading the whole log through the client with
// selecting the rows that hold it.
func measureReadAll(ctx context.Context, p plan) ([]measurement, error) {
	row := measurement{
		What: fmt.Sprintf("read of $all, %d events", p.events),
		Unit: "events/s", LimitedBy: "plain select of the same rows", Aim: 0.3,
	}
	err := withDatabase(ctx, 16, func(pool *pgxpool.Pool) error {
		return withEventLog(ctx, pool, func(node *eventnode.Loopback, client *eventstore.Client) error {
			if err := fill(ctx, client, p.events); err != nil {
				return err
			}
			// Both warm, and in turn.
			if _, err := selectRate(ctx, pool); err != nil {
				return err
			}
			limit, err := selectRate(ctx, pool)
			if err != nil {
				return err
			}
			if row.Value, err = readRate(ctx, node, p.events); err != nil {
				return err
			}
			row = row.against(limit)
			return nil
		})
	})
	return []measurement{row}, err
}

// fill appends events in batches, to a few streams in turn.
func fill(ctx context.Context, client *eventstore.Client, events int) error {
	const streams, batch = 100, 1000
	revisions := make([]event.Revision, streams)
	for i := range revisions {
		revisions[i] = event.NoStream
	}
	for written := 0; written < events; written += batch {
		s := written / batch % streams
		revision, _, err := client.Append(ctx, fmt.Sprintf("measured-%d", s), revisions[s], someEvents(min(batch, events-written)))
		if err != nil {
			return err
		}
		revisions[s] = revision
	}
	return nil
}

func selectRate(ctx context.Context, pool *pgxpool.Pool) (float64, error) {
	started := time.Now()
	rows, err := pool.Query(ctx, `SELECT position, revision, created, event_id, is_json, stream, type, metadata, data
		FROM eventnode.events ORDER BY position`)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	// Scanned, since rows that nobody looks at are of no use to anybody.
	var (
		position, revision, created int64
		eventID                     [16]byte
		isJSON                      bool
		stream, eventType           string
		metadata, data              []byte
		n                           int
	)
	for rows.Next() {
		if err := rows.Scan(&position, &revision, &created, &eventID, &isJSON, &stream, &eventType, &metadata, &data); err != nil {
			return 0, err
		}
		n++
	}
	return float64(n) / time.Since(started).Seconds(), rows.Err()
}

func readRate(ctx context.Context, node *eventnode.Loopback, events int) (perSecond float64, err error) {
	config, err := esdb.ParseConnectionString("esdb://" + node.Address)
	if err != nil {
		return 0, err
	}
	config.RootCAs, config.Username, config.Password = node.RootCAs, node.Username, node.Password
	client, err := esdb.NewClient(config)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, client.Close()) }()

	started := time.Now()
	stream, err := client.ReadAll(ctx, esdb.ReadAllOptions{From: esdb.Start{}, Direction: esdb.Forwards}, uint64(events)) //nolint:gosec // It is positive.
	if err != nil {
		return 0, err
	}
	defer stream.Close()
	n := 0
	for {
		if _, err := stream.Recv(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return 0, err
		}
		n++
	}
	if n != events {
		return 0, fmt.Errorf("read %d of %d events", n, events)
	}
	return float64(n) / time.Since(started).Seconds(), nil
}
