package projections

import (
	"context"
	"errors"
	"fmt"
	"slices"

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
	l, err := readLayout(ctx, pool, d)
	if err != nil {
		return Generation{}, err
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
		return createIndexes(ctx, tx, live, l)
	})
	if err != nil {
		return Generation{}, fmt.Errorf("create projection %s: %w", d.Name, err)
	}
	return live, nil
}

// createGeneration creates a new generation beside the live one, for an order or nil.
func createGeneration(ctx context.Context, pool *pgxpool.Pool, d Definition, state GenerationState, order *Order) (Generation, error) {
	if _, err := readLayout(ctx, pool, d); err != nil {
		return Generation{}, err
	}
	var g Generation
	err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) (err error) {
		if g, err = insertGeneration(ctx, tx, d, state); err != nil {
			return err
		}
		if g.Order = order; order != nil {
			if _, err := amend(ctx, tx, g.ID, state, *order); err != nil {
				return err
			}
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
		INSERT INTO projection.generations (projection, version, fingerprint, state, indexed, live_at, personal, event_types, shapes)
		VALUES ($1, $2, $3, $4, false, CASE WHEN $4 = 'live' THEN now() END, $5, $6, $7) RETURNING id`,
		d.Name, d.Version, d.fingerprint(), state, append([]Personal{}, d.Personal...), d.eventTypes(), d.upgradedShapes()).Scan(&id)
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

// createIndexes creates the indexes that are missing, and lets Postgres look at
// what the tables hold, for the sake of the first queries.
func createIndexes(ctx context.Context, tx pgx.Tx, g Generation, l *layout) error {
	if err := createMissing(ctx, tx, g.Schema(), l, l.indexes); err != nil {
		return err
	}
	for _, t := range sorted(l.tables) {
		if _, err := tx.Exec(ctx, "ANALYZE "+pgx.Identifier{g.Schema(), t.name}.Sanitize()); err != nil {
			return err
		}
	}
	_, err := tx.Exec(ctx, "UPDATE projection.generations SET indexed = true WHERE id = $1", g.ID)
	return err
}

// createMissing creates those of some indexes that a schema does not have.
func createMissing(ctx context.Context, tx pgx.Tx, schema string, l *layout, some []index) error {
	rows, err := tx.Query(ctx, `SELECT relname FROM pg_catalog.pg_class
		WHERE relnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = $1) AND relkind = 'i'`, schema)
	if err != nil {
		return err
	}
	had, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	for _, x := range some {
		if slices.Contains(had, x.name) {
			continue
		}
		if err := runIn(ctx, tx, schema, l.in(schema, x)); err != nil {
			return fmt.Errorf("index %s: %w", x.name, err)
		}
	}
	return nil
}

// hasTrigrams tells whether the database has the extension that Trigrams needs.
func hasTrigrams(ctx context.Context, db querier) (has bool, err error) {
	err = db.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_catalog.pg_extension WHERE extname = 'pg_trgm')").Scan(&has)
	return has, err
}

// runIn runs statements with unqualified names in a schema. Extensions are
// found where they are.
func runIn(ctx context.Context, tx pgx.Tx, schema, statements string) error {
	if _, err := tx.Exec(ctx, `SELECT set_config('search_path', concat_ws(', ', $1::text, 'public',
		(SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ') FROM pg_catalog.pg_extension e
		 JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pg_trgm')), true)`,
		pgx.Identifier{schema}.Sanitize()); err != nil {
		return err
	}
	// Without arguments and unprepared, several statements are allowed.
	_, err := tx.Exec(ctx, statements, pgx.QueryExecModeSimpleProtocol)
	return err
}
