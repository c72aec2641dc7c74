package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/perfectworks/backend/adapters/eventstore"
	"github.com/perfectworks/backend/projections"
	"github.com/perfectworks/backend/projections/apikeys"
)

// rebuildRounds are few: each rebuilds all.
const rebuildRounds = 3

// measureRebuilding compares rebuilding the API-key read model, from the first
// event of the log to tables that are live, with reading the same log by the
// client alone.
func measureRebuilding(ctx context.Context, p plan) ([]measurement, error) {
	row := measurement{
		What: fmt.Sprintf("rebuild of %d API keys", p.keys),
		Unit: "events/s", LimitedBy: "bare read by the client", Aim: 0.6,
	}
	err := withKeyLog(ctx, p.keys, func(pool *pgxpool.Pool, node *child, client *eventstore.Client, codec *eventstore.Codec) error {
		c, err := compareRebuild(ctx, pool, node, client, codec, apikeys.Definition(), p.keys)
		row = row.from(c)
		return err
	})
	return []measurement{row}, err
}

// compareRebuild compares rebuilding a read model with reading its log, both in the
// items that the log holds.
func compareRebuild(
	ctx context.Context, pool *pgxpool.Pool, node *child, client *eventstore.Client, codec *eventstore.Codec,
	model projections.Definition, items int,
) (c comparison, err error) {
	engine, to, err := newEngine(ctx, pool, client, codec, newGate(true), model)
	if err != nil {
		return c, err
	}
	if err := runUntil(ctx, engine, model.Name, to, func() error { return nil }); err != nil {
		return c, err
	}
	module, err := node.module()
	if err != nil {
		return c, err
	}
	c, err = compare(ctx, rebuildRounds,
		func(ctx context.Context) (load, error) {
			started := time.Now()
			err := engine.Rebuild(ctx, model.Name, func(projections.BuildProgress) {})
			return load{Count: items, Took: time.Since(started)}, err
		},
		func(ctx context.Context) (load, error) {
			l, err := readWhole(ctx, module)
			l.Count = items
			return l, err
		})
	return c, errors.Join(err, module.Close())
}

// readWhole reads the log of a node from its beginning to its end.
func readWhole(ctx context.Context, module *esdb.Client) (load, error) {
	started := time.Now()
	stream, err := module.ReadAll(ctx, esdb.ReadAllOptions{}, math.MaxInt64)
	if err != nil {
		return load{}, err
	}
	defer stream.Close()
	for count := 0; ; count++ {
		switch _, err := stream.Recv(); {
		case errors.Is(err, io.EOF):
			return load{Count: count, Took: time.Since(started)}, nil
		case err != nil:
			return load{}, err
		}
	}
}
