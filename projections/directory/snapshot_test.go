package directory_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/perfectworks/backend/adapters/eventstore/eventstoretest"
	"github.com/perfectworks/backend/adapters/postgres/postgrestest"
	"github.com/perfectworks/backend/domain/apikey"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/migrations"
	"github.com/perfectworks/backend/projections/directory"
)

func TestASnapshotThatIsCutShortIsRefused(t *testing.T) {
	t.Parallel()
	data, err := given(with(adaAtAcme, issued(key1, acme, ada))...).Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := directory.Restored(data); err != nil {
		t.Fatal(err)
	}
	for n := range data {
		if _, err := directory.Restored(data[:n]); err == nil {
			t.Fatalf("%d of %d bytes were accepted", n, len(data))
		}
	}
}

// A bit that is wrong anywhere is noticed.
func TestADamagedSnapshotIsRefused(t *testing.T) {
	t.Parallel()
	data, err := given(with(adaAtAcme, issued(key1, acme, ada))...).Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	for n := range data {
		for bit := range 8 {
			damaged := bytes.Clone(data)
			damaged[n] ^= 1 << bit
			if _, err := directory.Restored(damaged); err == nil {
				t.Fatalf("bit %d of byte %d may be wrong", bit, n)
			}
		}
	}
	if _, err := directory.Restored(append(data, data...)); err != nil {
		t.Errorf("what follows the end is not read: %v", err)
	}
}

func FuzzRestore(f *testing.F) {
	data, err := given(with(adaAtAcme, issued(key1, acme, ada), issued(wellFormed, acme, ada))...).Snapshot()
	if err != nil {
		f.Fatal(err)
	}
	contents, err := directory.Contents(data)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(contents)
	f.Fuzz(func(t *testing.T, contents []byte) {
		d, err := directory.Restored(directory.Framed(contents))
		if err != nil {
			return
		}
		// Whatever it is, nothing panics, and it can be saved again.
		d.Key(secretOf(key1))
		d.Key(secretOf(wellFormed))
		d.User(ada)
		d.Membership(ada, acme)
		if _, err := d.Snapshot(); err != nil {
			t.Fatal(err)
		}
	})
}

const wellFormed id.APIKey = "key_01h455vb4pex5vsknk084sn02q"

// starter starts directories on one store that share their snapshots.
type starter struct {
	store *eventstoretest.Store
	pool  *pgxpool.Pool
	every int
	// shapes are those that it can read, beside the first of each.
	shapes map[string]int
}

// started is a directory, and how many events it read.
type started struct {
	*directory.Directory
	events atomic.Int64
	log    bytes.Buffer
	stop   func()
}

func (s starter) start(t *testing.T) *started {
	t.Helper()
	r := &started{}
	config := nodeConfig(t, s.store)
	decode := config.Decode
	config.Decode = func(ctx context.Context, m *message.Message) (event.Recorded, error) {
		r.events.Add(1)
		return decode(ctx, m)
	}
	config.Snapshots, config.SnapshotEvery = directory.NewSnapshots(s.pool), s.every
	config.Shapes = s.shapes
	config.Logger = slog.New(slog.NewTextHandler(&r.log, nil))
	r.Directory = directory.New(config)
	r.stop = runDirectory(t, r.Directory)
	eventually(t, "ready", func() bool { return r.Ready() == nil })
	return r
}

func snapshots(t *testing.T, pool *pgxpool.Pool) (n int) {
	t.Helper()
	if err := pool.QueryRow(t.Context(), "SELECT count(*) FROM directory_snapshots").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestAStartGoesOnFromASnapshot(t *testing.T) {
	t.Parallel()
	store := eventstoretest.New(t)
	s := starter{store: store, pool: store.Pool, every: 4}
	writeAda(t, store)

	first := s.start(t)
	first.stop()
	if first.events.Load() != 4 || snapshots(t, store.Pool) != 1 {
		t.Fatalf("the first start read %d events and left %d snapshots", first.events.Load(), snapshots(t, store.Pool))
	}

	second := s.start(t)
	if k, found := second.Key(secretOf(key1)); !found || k.Owner.ID != ada || second.events.Load() != 0 {
		t.Errorf("the second start read %d events: %v %v", second.events.Load(), found, k)
	}
	at := write(t, store, "apiKey-key_1", 0, apikey.Revoked{KeyID: key1})
	if err := second.WaitFor(t.Context(), at); err != nil {
		t.Fatal(err)
	}
	second.stop() // One event is not worth a snapshot.

	third := s.start(t)
	if k, _ := third.Key(secretOf(key1)); !k.Revoked || third.events.Load() != 1 {
		t.Errorf("the third start read %d events: %v", third.events.Load(), k)
	}
	for n := range 4 {
		name := fmt.Sprint("key_", n+10)
		at = write(t, store, "apiKey-"+name, event.NoStream, apikey.Issued{KeyID: key2, OrganizationID: acme, OwnerType: apikey.OwnerOrganization})
	}
	if err := third.WaitFor(t.Context(), at); err != nil {
		t.Fatal(err)
	}
	third.stop() // Saves at its end.

	fourth := s.start(t)
	fourth.stop()
	if fourth.events.Load() != 0 || snapshots(t, store.Pool) != 1 {
		t.Errorf("the fourth start read %d events and left %d snapshots", fourth.events.Load(), snapshots(t, store.Pool))
	}
}

func TestAStartWithoutAUsefulSnapshotReadsTheLog(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]string{
		"damaged":        "UPDATE directory_snapshot_parts SET data = substr(data, 1, length(data) / 2)",
		"nonsense":       "UPDATE directory_snapshot_parts SET data = 'nonsense'",
		"without parts":  "DELETE FROM directory_snapshot_parts",
		"by other rules": "UPDATE directory_snapshots SET fingerprint = 'other'",
		"unreadable":     "DROP TABLE directory_snapshot_parts, directory_snapshots",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := eventstoretest.New(t)
			s := starter{store: store, pool: store.Pool, every: 1}
			writeAda(t, store)
			s.start(t).stop()
			if _, err := store.Pool.Exec(t.Context(), spoil); err != nil {
				t.Fatal(err)
			}
			again := s.start(t)
			if _, found := again.Key(secretOf(key1)); !found || again.events.Load() != 4 {
				t.Errorf("found %v after %d events", found, again.events.Load())
			}
		})
	}
}

func TestASnapshotAheadOfTheLogIsNotUsed(t *testing.T) {
	t.Parallel()
	before, after := eventstoretest.New(t), eventstoretest.New(t)
	writeAda(t, before)
	starter{store: before, pool: before.Pool, every: 1}.start(t).stop()

	d := starter{store: after, pool: before.Pool, every: 1}.start(t)
	if _, found := d.Key(secretOf(key1)); found {
		t.Error("a key of another log is accepted")
	}
	d.stop()
	if !strings.Contains(d.log.String(), "went back") {
		t.Errorf("the log says %s", d.log.String())
	}
}

func TestSnapshotsAreReplacedByLaterOnes(t *testing.T) {
	t.Parallel()
	pool := postgrestest.New(t, postgrestest.WithMigrations(migrations.App, migrations.AppTable))
	kept := directory.NewSnapshots(pool)
	d := given(with(adaAtAcme, issued(key1, acme, ada))...)
	data, err := d.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	large := bytes.Repeat([]byte("x"), 3<<20) // Several parts.
	for _, s := range []struct {
		at   uint64
		data []byte
	}{{100, large}, {500, data}, {300, large}} {
		if err := kept.Save(t.Context(), event.Position{Commit: s.at}, s.data); err != nil {
			t.Fatal(err)
		}
	}
	loaded, err := kept.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if loaded != d.Applied() || snapshots(t, pool) != 2 { // The one that came late stays until the next.
		t.Errorf("at %v of %d snapshots", loaded, snapshots(t, pool))
	}
	if _, err := pool.Exec(t.Context(), "UPDATE directory_snapshots SET fingerprint = 'other', created_at = now() - interval '31 days'"); err != nil {
		t.Fatal(err)
	}
	if _, err := kept.Load(t.Context()); !errors.Is(err, directory.ErrNoSnapshot) || errors.Is(err, io.EOF) {
		t.Errorf("got %v", err)
	}
	if err := kept.Save(t.Context(), event.Position{Commit: 1}, data); err != nil {
		t.Fatal(err)
	}
	if n := snapshots(t, pool); n != 1 {
		t.Errorf("%d snapshots, want only the one of these rules", n)
	}
}
