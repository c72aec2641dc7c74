package keyring_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"gocloud.dev/secrets"
	"gocloud.dev/secrets/localsecrets"
	"golang.org/x/sync/errgroup"

	"github.com/perfectworks/backend/adapters/keyring"
	"github.com/perfectworks/backend/adapters/postgres/postgrestest"
	"github.com/perfectworks/backend/migrations"
)

// alice is somebody's id.
const alice = "user_01h455vb4pex5vsknk084sn02q"

func database(tb testing.TB) *pgxpool.Pool {
	tb.Helper()
	return postgrestest.New(tb, postgrestest.WithMigrations(migrations.App, migrations.AppTable))
}

func keeper(tb testing.TB) *secrets.Keeper {
	tb.Helper()
	raw, err := localsecrets.NewRandomKey()
	if err != nil {
		tb.Fatal(err)
	}
	k := localsecrets.NewKeeper(raw)
	tb.Cleanup(func() { _ = k.Close() })
	return k
}

func open(tb testing.TB, pool *pgxpool.Pool, kms *secrets.Keeper) *keyring.Keyring {
	tb.Helper()
	k, err := keyring.Open(tb.Context(), pool, kms, keyring.Options{CacheTime: time.Hour})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = k.Close() })
	return k
}

// sealWith gives the ciphertext of a text, to tell keys apart by.
func sealWith(tb testing.TB, k *keyring.Keyring, subject, text string) []byte {
	tb.Helper()
	key, ok, err := k.KeyFor(tb.Context(), subject)
	if err != nil || !ok {
		tb.Fatalf("KeyFor(%s): %v, %v", subject, ok, err)
	}
	return key.Seal(nil, make([]byte, key.NonceSize()), []byte(text), nil)
}

func openWith(tb testing.TB, k *keyring.Keyring, subject string, box []byte) (string, error) {
	tb.Helper()
	key, ok, err := k.Key(tb.Context(), subject)
	if err != nil || !ok {
		tb.Fatalf("Key(%s): %v, %v", subject, ok, err)
	}
	text, err := key.Open(nil, make([]byte, key.NonceSize()), box, nil)
	return string(text), err
}

func eventually(tb testing.TB, what string, condition func() bool) {
	tb.Helper()
	deadline := time.Now().Add(time.Minute)
	for !condition() {
		if time.Now().After(deadline) {
			tb.Fatalf("never: %s", what)
		}
		time.Sleep(time.Millisecond)
	}
}

func TestKeyOutlivesTheProcess(t *testing.T) {
	t.Parallel()
	pool, kms := database(t), keeper(t)
	box := sealWith(t, open(t, pool, kms), alice, "Ada")
	text, err := openWith(t, open(t, pool, kms), alice, box)
	if err != nil || text != "Ada" {
		t.Errorf("another process reads %q, %v", text, err)
	}
}

func TestEachSubjectHasItsOwnKey(t *testing.T) {
	t.Parallel()
	k := open(t, database(t), keeper(t))
	box := sealWith(t, k, alice, "Ada")
	sealWith(t, k, "user_bob", "Bob")
	if _, err := openWith(t, k, "user_bob", box); err == nil {
		t.Error("one subject's key opens another's text")
	}
}

func TestUnknownSubjectHasNoKey(t *testing.T) {
	t.Parallel()
	k := open(t, database(t), keeper(t))
	if _, _, err := k.Key(t.Context(), alice); !errors.Is(err, keyring.ErrNoKey) {
		t.Errorf("Key of an unknown subject: %v", err)
	}
	for _, subject := range []string{"", strings.Repeat("x", 256)} {
		if _, _, err := k.KeyFor(t.Context(), subject); err == nil {
			t.Errorf("KeyFor accepts a subject of %d bytes", len(subject))
		}
	}
}

func TestManyProcessesMakeOneKey(t *testing.T) {
	t.Parallel()
	pool, kms := database(t), keeper(t)
	const processes, each = 4, 4
	var mu sync.Mutex
	boxes := map[string]int{}
	var group errgroup.Group
	for range processes {
		group.Go(func() error { // They even make the keyring at once.
			k, err := keyring.Open(t.Context(), pool, kms, keyring.Options{})
			if err != nil {
				return err
			}
			defer k.Close()
			var askers errgroup.Group
			for range each {
				askers.Go(func() error {
					key, ok, err := k.KeyFor(t.Context(), alice)
					if err != nil || !ok {
						return fmt.Errorf("%v, %w", ok, err)
					}
					box := key.Seal(nil, make([]byte, key.NonceSize()), []byte("Ada"), nil)
					mu.Lock()
					defer mu.Unlock()
					boxes[string(box)+k.Hash("email", "a@example.com")]++
					return nil
				})
			}
			return askers.Wait()
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	if len(boxes) != 1 {
		t.Errorf("%d different keys were made for one subject", len(boxes))
	}
}

func TestDestroyedKeyIsGoneEverywhereForGood(t *testing.T) {
	t.Parallel()
	pool, kms := database(t), keeper(t)
	here, there := open(t, pool, kms), open(t, pool, kms)
	forgotten := make(chan struct{}, 100)
	there.OnDestroy(func() { forgotten <- struct{}{} })
	sealWith(t, here, alice, "Ada")
	sealWith(t, there, alice, "Ada") // Both have it in memory.

	if err := here.Destroy(t.Context(), alice); err != nil {
		t.Fatal(err)
	}
	for name, find := range map[string]func(context.Context, string) bool{
		"Key":    func(ctx context.Context, s string) bool { _, ok, err := here.Key(ctx, s); return ok || err != nil },
		"KeyFor": func(ctx context.Context, s string) bool { _, ok, err := here.KeyFor(ctx, s); return ok || err != nil },
	} {
		if find(t.Context(), alice) {
			t.Errorf("%s still finds a key after Destroy", name)
		}
	}
	eventually(t, "the other process forgets the key", func() bool {
		_, ok, err := there.Key(t.Context(), alice)
		return !ok && err == nil
	})
	<-forgotten

	if err := here.Destroy(t.Context(), alice); err != nil {
		t.Errorf("Destroy again: %v", err)
	}
	if _, ok, err := open(t, pool, kms).KeyFor(t.Context(), alice); ok || err != nil {
		t.Errorf("a new process gets %v, %v for a destroyed key", ok, err)
	}
	var bare bool
	err := pool.QueryRow(t.Context(),
		"SELECT wrapped IS NULL AND master_key IS NULL AND destroyed_at IS NOT NULL FROM subject_keys WHERE subject = $1", alice).Scan(&bare)
	if err != nil || !bare {
		t.Errorf("the row of a destroyed key keeps more than the fact: %v", err)
	}
}

func TestDestroyBeforeTheFirstKey(t *testing.T) {
	t.Parallel()
	k := open(t, database(t), keeper(t))
	if err := k.Destroy(t.Context(), alice); err != nil {
		t.Fatal(err)
	}
	if _, ok, err := k.KeyFor(t.Context(), alice); ok || err != nil {
		t.Errorf("KeyFor after Destroy: %v, %v", ok, err)
	}
}

func TestKeyExpiresWithoutNotification(t *testing.T) {
	t.Parallel()
	pool, kms := database(t), keeper(t)
	k, err := keyring.Open(t.Context(), pool, kms, keyring.Options{CacheTime: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	sealWith(t, k, alice, "Ada")
	// Behind everybody's back: nothing is notified.
	if _, err := pool.Exec(t.Context(),
		"UPDATE subject_keys SET wrapped = NULL, master_key = NULL, destroyed_at = now()"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the key expires", func() bool {
		_, ok, err := k.Key(t.Context(), alice)
		return !ok && err == nil
	})
}

func TestReaderOfTheLogGetsNeighbours(t *testing.T) {
	t.Parallel()
	pool, kms := database(t), keeper(t)
	writer := open(t, pool, kms)
	subject := func(i int) string { return fmt.Sprintf("user_%05d", i) }
	const n = 800
	var group errgroup.Group
	group.SetLimit(8)
	for i := range n {
		group.Go(func() error {
			_, _, err := writer.KeyFor(t.Context(), subject(i))
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	counted := &countingTracer{}
	config := pool.Config()
	config.ConnConfig.Tracer = counted
	countedPool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer countedPool.Close()
	reader := open(t, countedPool, kms)
	for i := range n {
		if _, ok, err := reader.Key(t.Context(), subject(i)); !ok || err != nil {
			t.Fatalf("%s: %v, %v", subject(i), ok, err)
		}
	}
	if queries := counted.n.Load(); queries > n/5 {
		t.Errorf("%d queries for %d keys", queries, n)
	}
}

func TestWrongKeeperIsTold(t *testing.T) {
	t.Parallel()
	pool := database(t)
	open(t, pool, keeper(t))
	_, err := keyring.Open(t.Context(), pool, keeper(t), keyring.Options{})
	if err == nil || !strings.Contains(err.Error(), "KMS_URL") {
		t.Errorf("opened with another key management service: %v", err)
	}
}

func TestSwappedRowsDoNotUnwrap(t *testing.T) {
	t.Parallel()
	pool, kms := database(t), keeper(t)
	k := open(t, pool, kms)
	sealWith(t, k, alice, "Ada")
	sealWith(t, k, "user_mallory", "Mallory")
	if _, err := pool.Exec(t.Context(), `UPDATE subject_keys SET wrapped =
		(SELECT wrapped FROM subject_keys WHERE subject = 'user_mallory') WHERE subject = $1`, alice); err != nil {
		t.Fatal(err)
	}
	if _, _, err := open(t, pool, kms).Key(t.Context(), alice); err == nil {
		t.Error("another subject's wrapped key was accepted")
	}
}

func TestRotate(t *testing.T) {
	t.Parallel()
	pool, kms := database(t), keeper(t)
	k, other := open(t, pool, kms), open(t, pool, kms)
	if _, err := pool.Exec(t.Context(), "INSERT INTO subject_keys (subject, destroyed_at) VALUES ('gone', now())"); err != nil {
		t.Fatal(err)
	}
	var group errgroup.Group
	group.SetLimit(8)
	for i := range 1100 { // more than one batch
		group.Go(func() error {
			_, _, err := k.KeyFor(t.Context(), fmt.Sprintf("user_%d", i))
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	box, hash := sealWith(t, k, alice, "Ada"), k.Hash("email", "ada@example.com")
	sealed := k.Seal("answer", []byte("secret"), nil)

	if err := k.Rotate(t.Context()); err != nil {
		t.Fatal(err)
	}
	var old int
	if err := pool.QueryRow(t.Context(), `SELECT count(*) FROM subject_keys
		WHERE master_key < (SELECT max(id) FROM keyring_master_keys)`).Scan(&old); err != nil || old != 0 {
		t.Errorf("%d keys are left under the old master key, %v", old, err)
	}
	for name, k := range map[string]*keyring.Keyring{"same": k, "other": other, "new": open(t, pool, kms)} {
		if text, err := openWith(t, k, alice, box); text != "Ada" || err != nil {
			t.Errorf("%s process after Rotate: %q, %v", name, text, err)
		}
		if k.Hash("email", "ada@example.com") != hash {
			t.Errorf("%s process hashes differently after Rotate", name)
		}
		if text, err := k.Open("answer", sealed, nil); string(text) != "secret" || err != nil {
			t.Errorf("%s process does not open what was sealed before: %v", name, err)
		}
	}
	eventually(t, "the other process wraps by the new master key", func() bool {
		subject := fmt.Sprintf("user_later_%d", time.Now().UnixNano())
		sealWith(t, other, subject, "x")
		var current bool
		err := pool.QueryRow(t.Context(), `SELECT master_key = (SELECT max(id) FROM keyring_master_keys)
			FROM subject_keys WHERE subject = $1`, subject).Scan(&current)
		return err == nil && current
	})
}

func TestNothingPrintsKeys(t *testing.T) {
	t.Parallel()
	k := open(t, database(t), keeper(t))
	key, _, err := k.KeyFor(t.Context(), alice)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, nil))
	log.Info("x", "key", key, "keyring", k)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q"} {
		fmt.Fprintf(&out, verb+verb+"\n", key, k)
	}
	if got := strings.NewReplacer("[key]", "", "[keyring]", "").Replace(out.String()); strings.ContainsAny(got, "[{") {
		t.Errorf("printed:\n%s", out.String())
	}
}

func TestPing(t *testing.T) {
	t.Parallel()
	pool, kms := database(t), keeper(t)
	k := open(t, pool, kms)
	if err := k.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	if err := kms.Close(); err != nil {
		t.Fatal(err)
	}
	if k.Ping(t.Context()) == nil {
		t.Error("Ping says that a closed key management service answers")
	}
}

func TestLostConnectionIsMadeUpFor(t *testing.T) {
	t.Parallel()
	pool, kms := database(t), keeper(t)
	here, there := open(t, pool, kms), open(t, pool, kms)
	sealWith(t, here, alice, "Ada")
	sealWith(t, there, alice, "Ada")
	// End the connections that listen, and say something before they are back.
	if _, err := pool.Exec(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
		WHERE datname = current_database() AND query LIKE 'LISTEN%'`); err != nil {
		t.Fatal(err)
	}
	if err := here.Destroy(t.Context(), alice); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the other process forgets the key", func() bool {
		_, ok, err := there.Key(t.Context(), alice)
		return !ok && err == nil
	})
}

func TestDestroyedSince(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	k := open(t, database(t), keeper(t))
	for _, subject := range []string{"user_1", "user_2", "user_3"} {
		if _, _, err := k.KeyFor(ctx, subject); err != nil {
			t.Fatal(err)
		}
	}
	for _, subject := range []string{"user_2", "user_9"} {
		if err := k.Destroy(ctx, subject); err != nil {
			t.Fatal(err)
		}
	}
	all, err := k.DestroyedSince(ctx, time.Time{})
	if err != nil || len(all) != 2 || all[0].Subject != "user_2" || all[1].Subject != "user_9" {
		t.Fatalf("destroyed: %+v, %v", all, err)
	}
	living, err := k.Living(ctx, []string{"user_3", "user_2", "user_1", "user_9", "user_8"})
	if err != nil || len(living) != 2 || living[0] != "user_1" || living[1] != "user_3" {
		t.Errorf("living: %v, %v", living, err)
	}
	if later, err := k.DestroyedSince(ctx, all[1].At); err != nil || len(later) != 1 {
		t.Errorf("destroyed later: %+v, %v", later, err)
	}
}
