package app

import (
	"log/slog"
	"testing"
	"time"

	"github.com/perfectworks/backend/adapters/postgres/postgrestest"
	"github.com/perfectworks/backend/adapters/telemetry"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/migrations"
)

// Tables are written anew once somebody was erased and the last time is long ago,
// and not otherwise.
func TestTablesAreRewrittenAfterErasures(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	url := postgrestest.URL(t,
		postgrestest.WithMigrations(migrations.App, migrations.AppTable),
		postgrestest.WithMigrations(migrations.EventNode, migrations.EventNodeTable))
	c, err := openCore(ctx, Settings{Environment: Development, DatabaseURL: url}, t.TempDir(), slog.New(slog.DiscardHandler), telemetry.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.close() })
	file := func() (name string) {
		t.Helper()
		if err := c.db.pool.QueryRow(ctx, "SELECT pg_relation_filepath('subject_keys')").Scan(&name); err != nil {
			t.Fatal(err)
		}
		return name
	}
	run := func(want bool, when string) {
		t.Helper()
		before := file()
		if err := c.rewriteErased(ctx, slog.New(slog.DiscardHandler)); err != nil {
			t.Fatal(err)
		}
		if rewritten := file() != before; rewritten != want {
			t.Errorf("%s: rewritten %t", when, rewritten)
		}
	}
	ago := func(d time.Duration) {
		t.Helper()
		if _, err := c.db.pool.Exec(ctx, "UPDATE erasure_journal SET rewritten_at = now() - $1::interval", d); err != nil {
			t.Fatal(err)
		}
	}
	ago(30 * 24 * time.Hour)
	run(false, "nobody was erased")
	if err := c.keys.Destroy(ctx, event.AddressKey(time.Now())); err != nil {
		t.Fatal(err)
	}
	run(false, "addresses of a day were erased")
	if err := c.keys.Destroy(ctx, "user_1"); err != nil {
		t.Fatal(err)
	}
	ago(rewriteAfter - time.Minute)
	run(false, "not long ago")
	ago(rewriteAfter + time.Minute)
	run(true, "long ago")
	run(false, "again")
	if rewriteAfter+2*rewriteEvery > rowLife {
		t.Error("certificates promise more")
	}
}
