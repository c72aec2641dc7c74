package projections

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/perfectworks/backend/domain/event"
)

// diffPatience is how long a comparison waits for live tables that are behind.
const diffPatience = 10 * time.Second

// Diff compares the live tables of a projection with those that wait for a
// confirmation, row by row, as they are at one position: it tells what would change.
// Both may be of different versions: columns and tables that only one of them has are
// named, and not compared. In the differences, Rebuilt is the row of the new tables.
//
// The error wraps ErrNotReady when no generation waits, and ErrLagging when the live
// tables do not get as far.
func (e *Engine) Diff(ctx context.Context, projection string) (v Verification, err error) {
	err = e.onReady(ctx, projection, func(g Generation) error {
		d, ok := e.definitions[projection].reducing(g)
		if !ok {
			return ErrNoReducers
		}
		p := e.projector(d, g, e.metrics.tracker(projection))
		if err := p.open(ctx); err != nil {
			return err
		}
		if p.parked, err = parkedStreams(ctx, e.config.Pool, g.ID); err != nil {
			return err
		}
		if p.skipped, err = skippedEvents(ctx, e.config.Pool, g); err != nil {
			return err
		}
		p.parksUnreadable = true
		if err := e.awaitLive(ctx, g); err != nil {
			return err
		}
		return pgx.BeginTxFunc(ctx, e.config.Pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
			live, err := liveGeneration(ctx, tx, projection)
			if err != nil {
				return err
			}
			// What came since belongs to both: the new tables take it in now.
			if err := p.fill(ctx, e.config.Read, live.Position, func(event.Position, int64) {}); err != nil {
				return err
			}
			v = Verification{Projection: projection, Version: live.Version, Generation: live.ID, Against: g.ID, Position: live.Position, Events: p.generation.Events}
			if err := p.compare(ctx, tx, live, 0, &v); err != nil {
				return err
			}
			p.hide(&v)
			return nil
		})
	})
	if err != nil {
		return v, fmt.Errorf("compare the generations of projection %s: %w", projection, plain(err))
	}
	return v, nil
}

// awaitLive waits until the live tables have reached the position of a generation.
func (e *Engine) awaitLive(ctx context.Context, g Generation) error {
	for began := time.Now(); ; {
		live, err := liveGeneration(ctx, e.config.Pool, g.Projection)
		switch {
		case err != nil:
			return err
		case !live.LogWentBackAt.IsZero():
			return event.ErrLogWentBack
		case live.Position.Compare(g.Position) >= 0:
			return nil
		case time.Since(began) > diffPatience:
			return ErrLagging
		}
		if err := sleep(ctx, lockBeat); err != nil {
			return err
		}
	}
}

// common are the columns that both a table and its namesake in another schema have;
// none if the other one is missing or is not identified in the same way. Others are
// those that only one of them has.
func (t *table) common(ctx context.Context, db querier, schema string) (both []string, others []string, err error) {
	rows, err := db.Query(ctx, `SELECT a.attname::text FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
		WHERE c.relnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = $1) AND c.relname = $2
		AND a.attnum > 0 AND NOT a.attisdropped`, schema, t.name)
	if err != nil {
		return nil, nil, err
	}
	theirs, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, nil, err
	}
	for i, c := range t.columns {
		switch {
		case slices.Contains(theirs, c.name):
			both = append(both, c.name)
		case t.key.has(i):
			return nil, nil, nil
		default:
			others = append(others, c.name)
		}
	}
	for _, name := range theirs {
		if _, ok := t.byName[name]; !ok {
			others = append(others, name)
		}
	}
	return both, others, nil
}

// tablesOf lists the tables of a schema.
func tablesOf(ctx context.Context, db querier, schema string) ([]string, error) {
	rows, err := db.Query(ctx, `SELECT c.relname::text FROM pg_catalog.pg_class c
		WHERE c.relnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = $1) AND c.relkind = 'r' ORDER BY 1`, schema)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}
