package app

import (
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perfectworks/backend/adapters/postgres/postgrestest"
	"github.com/perfectworks/backend/adapters/telemetry"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/migrations"
)

// The addresses of a day can be read for as long as they are kept, to the last one
// of the day, and not longer.
func TestAddressesOfOldDaysAreDestroyed(t *testing.T) {
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
	now := time.Date(2026, 3, 10, 13, 0, 0, 0, time.UTC)
	const kept = 30 * time.Hour // The last moment of March 8 is kept until 6:00 on March 10.
	var names []string
	for _, day := range []int{7, 8, 9, 10} {
		names = append(names, event.AddressKey(time.Date(2026, 3, day, 5, 0, 0, 0, time.UTC)))
	}
	names = append(names, event.AddressKey(now.AddDate(-9, 0, 0)), "user_1")
	for _, name := range names {
		if _, _, err := c.keys.KeyFor(ctx, name); err != nil {
			t.Fatal(err)
		}
	}
	destroyedAt(t, c, kept, time.Date(2026, 3, 10, 5, 59, 59, 0, time.UTC), names, []string{names[1], names[2], names[3], "user_1"})
	destroyedAt(t, c, kept, time.Date(2026, 3, 10, 6, 0, 0, 0, time.UTC), names, []string{names[2], names[3], "user_1"})
	destroyedAt(t, c, kept, now, names, []string{names[2], names[3], "user_1"})
	var rows int
	if err := c.db.pool.QueryRow(ctx, "SELECT count(*) FROM subject_keys").Scan(&rows); err != nil || rows != len(names) {
		t.Errorf("%d rows of keys, %v: days without a key got one", rows, err)
	}
}

func destroyedAt(t *testing.T, c *core, kept time.Duration, now time.Time, names, want []string) {
	t.Helper()
	if err := destroyOldAddresses(t.Context(), c.keys, kept, now, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	living, err := c.keys.Living(t.Context(), names)
	if diff := cmp.Diff(want, living); diff != "" || err != nil {
		t.Errorf("at %s (-want +living), %v:\n%s", now, err, diff)
	}
}
