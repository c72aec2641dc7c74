package app_test

import (
	"context"
	"log/slog"
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
	server, err := app.New(t.Context(), app.Settings{
		Environment: app.Development, Addr: "127.0.0.1:0", Data: t.TempDir(), DatabaseURL: database, Role: app.RoleAPI,
	}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the server ended with %v", err)
		}
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
