package jobs_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"github.com/perfectworks/backend/adapters/jobs"
	"github.com/perfectworks/backend/adapters/postgres/postgrestest"
)

// An update of River may bring a migration: then ours must bring it, too.
func TestTheTablesAreThoseOfRiver(t *testing.T) {
	t.Parallel()
	ours, theirs := newPool(t), postgrestest.New(t)
	if _, err := theirs.Exec(t.Context(), "CREATE SCHEMA jobs"); err != nil {
		t.Fatal(err)
	}
	if _, err := migrator(t, theirs).Migrate(t.Context(), rivermigrate.DirectionUp, nil); err != nil {
		t.Fatal(err)
	}
	result, err := migrator(t, ours).Validate(t.Context(), nil)
	if err != nil || !result.OK {
		t.Errorf("River does not accept our tables: %v, %v", err, result)
	}
	if diff := cmp.Diff(catalogue(t, theirs), catalogue(t, ours)); diff != "" {
		t.Errorf("the tables differ from River's (-theirs +ours):\n%s", diff)
	}
}

func migrator(t *testing.T, pool *pgxpool.Pool) *rivermigrate.Migrator[pgx.Tx] {
	t.Helper()
	m, err := rivermigrate.New(riverpgxv5.New(pool), &rivermigrate.Config{Schema: jobs.Schema})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// catalogue describes River's part of the schema.
func catalogue(t *testing.T, pool *pgxpool.Pool) []string {
	t.Helper()
	rows, err := pool.Query(context.Background(), `
		SELECT format('column %s.%s %s null=%s default=%s', table_name, column_name, udt_name || coalesce(character_maximum_length::text, ''),
			is_nullable, column_default) AS line
		FROM information_schema.columns WHERE table_schema = 'jobs' AND table_name LIKE 'river%'
		UNION ALL SELECT format('index %s', indexdef) FROM pg_indexes WHERE schemaname = 'jobs' AND tablename LIKE 'river%'
		UNION ALL SELECT format('constraint %s.%s %s', c.conrelid::regclass, c.conname, pg_get_constraintdef(c.oid))
			FROM pg_constraint c JOIN pg_namespace n ON n.oid = c.connamespace
			WHERE n.nspname = 'jobs' AND c.conrelid::regclass::text LIKE 'jobs.river%' AND c.contype <> 'n'
		UNION ALL SELECT format('enum %s', string_agg(e.enumlabel, ',' ORDER BY e.enumsortorder))
			FROM pg_enum e JOIN pg_type y ON y.oid = e.enumtypid WHERE y.typname = 'river_job_state'
		UNION ALL SELECT format('table %s %s', relname, relpersistence) FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
			WHERE n.nspname = 'jobs' AND relkind = 'r' AND relname LIKE 'river%'
		UNION ALL SELECT format('migration %s %s', line, version) FROM jobs.river_migration
		UNION ALL SELECT 'function ' || regexp_replace(pg_get_functiondef(p.oid), '\s+', ' ', 'g') FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
			WHERE n.nspname = 'jobs' AND p.proname LIKE 'river%'
		ORDER BY line`)
	if err != nil {
		t.Fatal(err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return lines
}
