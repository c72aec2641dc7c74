package app_test

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/perfectworks/backend/adapters/postgres/postgrestest"
	"github.com/perfectworks/backend/app"
	"github.com/perfectworks/backend/commands/policies"
)

// Policies begin when the first process of any role starts: what an API records
// before a projector was ever started is reacted to.
func TestPoliciesBeginBeforeAProjectorIsStarted(t *testing.T) {
	t.Parallel()
	database := postgrestest.URL(t)
	serve(t, app.Settings{
		Environment: app.Development, Addr: "127.0.0.1:0", Data: t.TempDir(), DatabaseURL: database, Role: app.RoleAPI,
	})
	conn, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(t.Context()) })
	await(t, "positions of all policies", func() bool {
		var begun int
		err := conn.QueryRow(t.Context(), `SELECT count(*) FROM policy.checkpoints`).Scan(&begun)
		return err == nil && begun == len(policies.All())
	})
}
