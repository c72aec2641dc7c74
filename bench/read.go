package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/perfectworks/backend/adapters/eventstore"
	"github.com/perfectworks/backend/domain/event"
)

// measureReadAll compares reading the whole log through the client with
// selecting the rows that hold it, a part after the other.
func measureReadAll(ctx context.Context, p plan) ([]measurement, error) {
	row := measurement{
		What: fmt.Sprintf("read of $all, %d events", p.events),
		Unit: "events/s", LimitedBy: "plain select of the same rows", Aim: 0.3,
	}
	err := withDatabase(ctx, 16, func(pool *pgxpool.Pool) error {
		return withNode(ctx, pool, func(node *child, client *eventstore.Client) (err error) {
			if err := fill(ctx, client, p.events); err != nil {
				return err
			}
			module, err := node.module()
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, module.Close()) }()
			part := p.events / p.rounds
			starts, err := startsOfParts(ctx, pool, part, p.rounds)
			if err != nil {
				return err
			}
			reading, selecting := 0, 0
			c, err := compare(ctx, p.rounds,
				func(ctx context.Context) (load, error) {
					reading++
					return readPart(ctx, module, starts[reading%len(starts)], part)
				},
				func(ctx context.Context) (load, error) {
					selecting++
					return selectPart(ctx, pool, starts[selecting%len(starts)], part)
				})
			row = row.from(c)
			return err
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

// startsOfParts are the positions at which each part of the log begins.
func startsOfParts(ctx context.Context, pool *pgxpool.Pool, part, rounds int) (starts []int64, err error) {
	err = pool.QueryRow(ctx, `
		SELECT array_agg(position ORDER BY position)
		FROM (SELECT position, row_number() OVER (ORDER BY position) - 1 AS n FROM eventnode.events) numbered
		WHERE n % $1 = 0`, part).Scan(&starts)
	return starts[:min(len(starts), rounds)], err
}

func selectPart(ctx context.Context, pool *pgxpool.Pool, from int64, count int) (load, error) {
	started := time.Now()
	rows, err := pool.Query(ctx, `SELECT position, revision, created, event_id, is_json, stream, type, metadata, data
		FROM eventnode.events WHERE position >= $1 ORDER BY position LIMIT $2`, from, count)
	if err != nil {
		return load{}, err
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
			return load{}, err
		}
		n++
	}
	return load{Count: n, Took: time.Since(started)}, rows.Err()
}

func readPart(ctx context.Context, client *esdb.Client, from int64, count int) (load, error) {
	started := time.Now()
	stream, err := client.ReadAll(ctx, esdb.ReadAllOptions{
		From: esdb.Position{Commit: uint64(from), Prepare: uint64(from)}, Direction: esdb.Forwards, //nolint:gosec // It is positive.
	}, uint64(count)) //nolint:gosec // It is positive.
	if err != nil {
		return load{}, err
	}
	defer stream.Close()
	n := 0
	for {
		if _, err := stream.Recv(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return load{}, err
		}
		n++
	}
	if n != count {
		return load{}, fmt.Errorf("read %d of %d events", n, count)
	}
	return load{Count: n, Took: time.Since(started)}, nil
}
