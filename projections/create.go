package projections

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// ensureLive gives the live generation. There is none at the first start of
// all: then it is made at once, empty but with its indexes, so that queries
// work.
func ensureLive(ctx context.Context, pool *pgxpool.Pool, d Definition) (Generation, error) {
	live, err := liveGeneration(ctx, pool, d.Name)
	if !errors.Is(err, errNoGeneration) {
		return live, err
	}
	err = pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", lockKey(createLock, d.Name)); err != nil {
			return err
		}
		live, err = liveGeneration(ctx, tx, d.Name)
		if !errors.Is(err, errNoGeneration) {
			return err // Another process was faster.
		}
		if live, err = insertGeneration(ctx, tx, d, Live); err != nil {
			return err
		}
		if err := createTables(ctx, tx, live, d); err != nil {
			return err
		}
		return createIndexes(ctx, tx, live, d)
	})
	if err != nil {
		return Generation{}, fmt.Errorf("create projection %s: %w", d.Name, err)
	}
	return live, nil
}

// createBuilding makes a new generation beside the live one.
func createBuilding(ctx context.Context, pool *pgxpool.Pool, d Definition) (Generation, error) {
	var g Generation
	err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) (err error) {
		if g, err = insertGeneration(ctx, tx, d, Building); err != nil {
			return err
		}
		return createTables(ctx, tx, g, d)
	})
	if err != nil {
		return Generation{}, fmt.Errorf("create a generation of projection %s: %w", d.Name, err)
	}
	return g, nil
}

func insertGeneration(ctx context.Context, tx pgx.Tx, d Definition, state GenerationState) (Generation, error) {
	var id int64
	err := tx.QueryRow(ctx, `
		INSERT INTO projection.generations (projection, version, fingerprint, state, indexed, live_at)
		VALUES ($1, $2, $3, $4, false, CASE WHEN $4 = 'live' THEN now() END) RETURNING id`,
		d.Name, d.Version, d.fingerprint(), state).Scan(&id)
	if err != nil {
		return Generation{}, err
	}
	return generation(ctx, tx, "WHERE id = $1", id)
}

func createTables(ctx context.Context, tx pgx.Tx, g Generation, d Definition) error {
	if _, err := tx.Exec(ctx, "CREATE SCHEMA "+pgx.Identifier{g.Schema()}.Sanitize()); err != nil {
		return err
	}
	return runIn(ctx, tx, g.Schema(), d.Tables)
}

// createIndexes runs the definition's indexes, and lets Postgres look at what
// the tables hold, for the sake of the first queries.
func createIndexes(ctx context.Context, tx pgx.Tx, g Generation, d Definition) error {
	if err := runIn(ctx, tx, g.Schema(), d.Indexes); err != nil {
		return err
	}
	tables, err := readTables(ctx, tx, g.Schema())
	if err != nil {
		return err
	}
	for _, t := range tables {
		if _, err := tx.Exec(ctx, "ANALYZE "+t.ident); err != nil {
			return err
		}
	}
	_, err = tx.Exec(ctx, "UPDATE projection.generations SET indexed = true WHERE id = $1", g.ID)
	return err
}

// runIn runs statements with unqualified names in a schema. Extensions are
// found in public.
func runIn(ctx context.Context, tx pgx.Tx, schema, statements string) error {
	path := pgx.Identifier{schema}.Sanitize() + ", public"
	if _, err := tx.Exec(ctx, "SELECT set_config('search_path', $1, true)", path); err != nil {
		return err
	}
	// Without arguments and unprepared, several statements are allowed.
	_, err := tx.Exec(ctx, statements, pgx.QueryExecModeSimpleProtocol)
	return err
}
