package migrations_test

import (
	"testing"

	"github.com/perfectworks/backend/adapters/postgres/postgrestest"
	"github.com/perfectworks/backend/migrations"
)

// The release before runs on, while one that has migrated the database replaces
// it. These are the statements of the first release, as it sends them.
func TestTheFirstReleaseRunsOnTheNewestTables(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	pool := postgrestest.New(t, postgrestest.WithMigrations(migrations.App, migrations.AppTable))
	var id int64
	err := pool.QueryRow(ctx, `
		INSERT INTO projection.generations (projection, version, fingerprint, state, indexed, live_at)
		VALUES ($1, $2, $3, $4, false, CASE WHEN $4 = 'live' THEN now() END) RETURNING id`,
		"things", 1, "0123", "live").Scan(&id)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []struct {
		sql  string
		args []any
	}{
		{`SELECT id, projection, version, state, commit_position::text, prepare_position::text, caught_up, events,
			last_event_at, advanced_at, coalesce(failure, ''), failing_since, created_at, fingerprint, indexed, epoch,
			(SELECT count(*) FROM projection.parked p WHERE p.generation_id = g.id)
			FROM projection.generations g WHERE projection = $1 AND state = 'live'`, []any{"things"}},
		{
			`SELECT projection.advance($1, $2, $3, $4::text::numeric, $5::text::numeric, $6::text::numeric, $7::text::numeric, $8, $9, $10)`,
			[]any{id, "live", 0, "0", "0", "100", "100", true, 1, nil},
		},
		{
			`INSERT INTO projection.parked
				(generation_id, commit_position, prepare_position, stream, revision, event_id, event_type, failure)
			SELECT generation_id, commit_position, prepare_position, stream, revision, event_id, event_type, failure
			FROM json_populate_recordset(NULL::projection.parked, $1::json)`,
			[]any{`[{"generation_id": 1, "commit_position": "100", "prepare_position": "100", "stream": "a-1", "revision": 0,
				"event_id": "6ba7b810-9dad-11d1-80b4-00c04fd430c8", "event_type": "X", "failure": "y"}]`},
		},
		{`UPDATE projection.generations SET failure = $2, failing_since = coalesce(failing_since, now()) WHERE id = $1`, []any{id, "z"}},
		{`UPDATE projection.generations SET indexed = true WHERE id = $1`, []any{id}},
		{`UPDATE projection.generations SET state = 'retired', retired_at = now(), caught_up = false, failure = NULL, failing_since = NULL
			WHERE id = $1`, []any{id}},
		{`UPDATE projection.generations SET state = 'building', epoch = epoch + 1, retired_at = NULL WHERE id = $1`, []any{id}},
		{`UPDATE projection.generations SET state = 'live', live_at = now() WHERE id = $1`, []any{id}},
		{`INSERT INTO subject_keys (subject, destroyed_at) VALUES ($1, now())
			ON CONFLICT (subject) DO UPDATE
			SET wrapped = NULL, master_key = NULL, destroyed_at = coalesce(subject_keys.destroyed_at, now())`, []any{"user_1"}},
		{`INSERT INTO api_key_usage VALUES ($1, now())`, []any{"key_1"}},
		{`DELETE FROM projection.generations WHERE id = $1`, []any{id}},
	} {
		if _, err := pool.Exec(ctx, s.sql, s.args...); err != nil {
			t.Errorf("%v:\n%s", err, s.sql)
		}
	}
}
