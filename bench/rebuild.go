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
		engine, to, err := newEngine(ctx, pool, client, codec, newGate(true), apikeys.Definition())
		if err != nil {
			return err
		}
		if err := runUntil(ctx, engine, apikeys.Name, to, func() error { return nil }); err != nil {
			return err
		}
		module, err := node.module()
		if err != nil {
			return err
		}
		c, err := compare(ctx, rebuildRounds,
			func(ctx context.Context) (load, error) {
				started := time.Now()
				err := engine.Rebuild(ctx, apikeys.Name, func(projections.BuildProgress) {})
				return load{Count: p.keys, Took: time.Since(started)}, err
			},
			func(ctx context.Context) (load, error) { return readWhole(ctx, module) })
		row = row.from(c)
		return errors.Join(err, module.Close())
	})
	return []measurement{row}, err
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
