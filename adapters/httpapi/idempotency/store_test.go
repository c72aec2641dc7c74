package idempotency

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/perfectworks/backend/adapters/postgres/postgrestest"
	"github.com/perfectworks/backend/migrations"
)

const lease = time.Minute

var (
	request = Request{
		Caller: "user_1", Route: "POST /organizations", Key: "k-1",
		Content: [][]byte{[]byte(`{"name":"Acme"}`)},
	}
	created = Answer{
		Status: http.StatusCreated,
		Header: http.Header{"Etag": {`"0"`}, "Content-Type": {"application/json"}},
		Body:   []byte(`{"success":true,"data":{"key":"pw_live_secret"}}`),
	}
)

func TestTheAnswerIsReplayed(t *testing.T) {
	t.Parallel()
	store, _ := newStore(t)
	first := begin(t, store, request)
	if first.Retry {
		t.Error("the first attempt is called a retry")
	}
	if err := store.Finish(t.Context(), first, created); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		_, answer, err := store.Begin(t.Context(), request, lease)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(&created, answer); diff != "" {
			t.Error(diff)
		}
	}
}

func TestAnotherRequestUnderTheSameKey(t *testing.T) {
	t.Parallel()
	store, _ := newStore(t)
	other := request
	other.Content = [][]byte{[]byte(`{"name":"Other"}`)}
	split := request
	split.Content = [][]byte{[]byte(`{"name":`), []byte(`"Acme"}`)}

	first := begin(t, store, request)
	for _, r := range []Request{other, split} {
		if _, _, err := store.Begin(t.Context(), r, lease); !errors.Is(err, ErrReused) {
			t.Errorf("while the first runs: %v", err)
		}
	}
	if err := store.Finish(t.Context(), first, created); err != nil {
		t.Fatal(err)
	}
	if _, _, err := store.Begin(t.Context(), other, lease); !errors.Is(err, ErrReused) {
		t.Errorf("after the first: %v", err)
	}
}

func TestCallersRoutesAndKeysAreApart(t *testing.T) {
	t.Parallel()
	store, _ := newStore(t)
	begin(t, store, request)
	for name, change := range map[string]func(*Request){
		"caller": func(r *Request) { r.Caller = "user_2" },
		"route":  func(r *Request) { r.Route = "POST /api-keys" },
		"key":    func(r *Request) { r.Key = "k-2" },
		"bounds": func(r *Request) { r.Caller, r.Route = "user_1P", "OST /organizations" },
	} {
		r := request
		change(&r)
		if _, answer, err := store.Begin(t.Context(), r, lease); err != nil || answer != nil {
			t.Errorf("another %s: %v, %v", name, answer, err)
		}
	}
}

func TestOneOfManyAtOnceRuns(t *testing.T) {
	t.Parallel()
	store, _ := newStore(t)
	var running, begun atomic.Int64
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			_, answer, err := store.Begin(t.Context(), request, lease)
			var r *RunningError
			switch {
			case errors.As(err, &r) && errors.Is(err, ErrRunning) && r.RetryAfter > 0 && r.RetryAfter <= lease:
				running.Add(1)
			case err == nil && answer == nil:
				begun.Add(1)
			default:
				t.Errorf("%v, %v", answer, err)
			}
		})
	}
	all.Wait()
	if begun.Load() != 1 || running.Load() != 15 {
		t.Errorf("%d began, %d were told to wait", begun.Load(), running.Load())
	}
}

// After a crash, the next attempt runs the same command once the lease is over;
// the lost process, should it still live, can do no harm.
func TestAnAttemptIsTakenOver(t *testing.T) {
	t.Parallel()
	store, pool := newStore(t)
	lost := begin(t, store, request)
	if _, _, err := store.Begin(t.Context(), request, lease); !errors.Is(err, ErrRunning) {
		t.Fatalf("within the lease: %v", err)
	}
	exec(t, pool, `UPDATE idempotency.requests SET locked_until = now()`)

	next := begin(t, store, request)
	want := lost
	want.Retry = true
	if diff := cmp.Diff(want, next, cmpopts.IgnoreUnexported(Attempt{})); diff != "" {
		t.Errorf("the second attempt is not the same command: %s", diff)
	}
	for name, late := range map[string]error{
		"finish":  store.Finish(t.Context(), lost, Answer{Status: http.StatusTeapot}),
		"release": store.Release(t.Context(), lost),
		"forget":  store.Forget(t.Context(), lost),
	} {
		if late != nil {
			t.Errorf("late %s: %v", name, late)
		}
	}
	if _, _, err := store.Begin(t.Context(), request, lease); !errors.Is(err, ErrRunning) {
		t.Errorf("the lost process took the lease away: %v", err)
	}
	if err := store.Finish(t.Context(), next, created); err != nil {
		t.Fatal(err)
	}
	if _, answer, err := store.Begin(t.Context(), request, lease); err != nil || answer.Status != http.StatusCreated {
		t.Errorf("replayed %v, %v", answer, err)
	}
}

// A process that beats no more, or has said farewell, holds nothing: the rest of
// the lease need not be waited for.
func TestADeadProcessHoldsNothing(t *testing.T) {
	t.Parallel()
	for name, dies := range map[string]string{
		"it was killed": `UPDATE processes SET alive_until = now() WHERE id = $1`,
		"it ended":      `DELETE FROM processes WHERE id = $1`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dead, pool := newStore(t)
			living := NewStore(pool, dead.sealer, process(t, pool))
			first := begin(t, dead, request)
			_, _, err := living.Begin(t.Context(), request, lease)
			var running *RunningError
			if !errors.As(err, &running) || running.RetryAfter < soonest || running.RetryAfter > latest {
				t.Fatalf("while it lives: %v", err)
			}
			exec(t, pool, dies, dead.process)
			next := begin(t, living, request)
			if !next.Retry || next.CommandID != first.CommandID || next.Seed != first.Seed {
				t.Error("another command runs")
			}
			if _, _, err := dead.Begin(t.Context(), request, lease); !errors.Is(err, ErrRunning) {
				t.Errorf("the new holder is not respected: %v", err)
			}
		})
	}
}

// Where a request was first carried out is known to each later attempt, and to
// who is given its answer.
func TestTheOrganizationIsThatOfTheFirstAttempt(t *testing.T) {
	t.Parallel()
	store, _ := newStore(t)
	r := request
	r.Organization = "org_first"
	first := begin(t, store, r)
	if err := store.Release(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	r.Organization = "org_second"
	second := begin(t, store, r)
	if err := store.Finish(t.Context(), second, created); err != nil {
		t.Fatal(err)
	}
	third, answer, err := store.Begin(t.Context(), r, lease)
	if err != nil || answer == nil || third.CommandID != first.CommandID || third.Seed != first.Seed {
		t.Errorf("%+v, %v, %v", third, answer, err)
	}
	for _, a := range []Attempt{first, second, third} {
		if a.Organization != "org_first" {
			t.Errorf("an attempt is for %q", a.Organization)
		}
	}
}

func TestReleaseKeepsTheCommand(t *testing.T) {
	t.Parallel()
	store, _ := newStore(t)
	first := begin(t, store, request)
	if err := store.Release(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	next := begin(t, store, request)
	if !next.Retry || next.CommandID != first.CommandID || next.Seed != first.Seed {
		t.Error("after a release another command runs")
	}
}

func TestForgetFreesTheKey(t *testing.T) {
	t.Parallel()
	store, _ := newStore(t)
	first := begin(t, store, request)
	if err := store.Forget(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	other := request
	other.Content = [][]byte{[]byte(`{"name":"Corrected"}`)}
	next := begin(t, store, other)
	if next.Retry || next.CommandID == first.CommandID {
		t.Error("after forgetting, the same command runs")
	}
}

func TestAnAnswerStays(t *testing.T) {
	t.Parallel()
	store, _ := newStore(t)
	first := begin(t, store, request)
	if err := store.Finish(t.Context(), first, created); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(store.Release(t.Context(), first), store.Forget(t.Context(), first)); err != nil {
		t.Fatal(err)
	}
	if _, answer, err := store.Begin(t.Context(), request, lease); err != nil || answer == nil {
		t.Errorf("the answer is gone: %v", err)
	}
}

func TestExpiry(t *testing.T) {
	t.Parallel()
	store, pool := newStore(t)
	first := begin(t, store, request)
	if err := store.Finish(t.Context(), first, created); err != nil {
		t.Fatal(err)
	}
	other := request
	other.Key = "k-2"
	begin(t, store, other)

	if n, err := store.Sweep(t.Context()); n != 0 || err != nil {
		t.Fatalf("swept %d young requests, %v", n, err)
	}
	var kept time.Duration
	if err := pool.QueryRow(t.Context(), `SELECT min(expires_at) - now() FROM idempotency.requests`).Scan(&kept); err != nil {
		t.Fatal(err)
	}
	if kept < 24*time.Hour-time.Minute {
		t.Errorf("kept for %v only", kept)
	}
	exec(t, pool, `UPDATE idempotency.requests SET expires_at = now()`)
	if next := begin(t, store, request); next.Retry || next.CommandID == first.CommandID {
		t.Error("an expired key still stands")
	}
	if n, err := store.Sweep(t.Context()); n != 1 || err != nil {
		t.Errorf("swept %d expired requests, not 1: %v", n, err)
	}
}

func TestNothingReadableIsStored(t *testing.T) {
	t.Parallel()
	store, pool := newStore(t)
	first := begin(t, store, request)
	if err := store.Finish(t.Context(), first, created); err != nil {
		t.Fatal(err)
	}
	var row []byte
	err := pool.QueryRow(t.Context(),
		`SELECT scope || fingerprint || seed || answer FROM idempotency.requests`).Scan(&row)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range [][]byte{
		[]byte("pw_live_secret"), []byte("Acme"), []byte(request.Key), []byte(request.Caller), first.Seed[:],
	} {
		if bytes.Contains(row, secret) {
			t.Errorf("%q is stored in the clear", secret)
		}
	}
	// A row cannot be passed off as another's.
	exec(t, pool, `UPDATE idempotency.requests SET scope = $1`, Request{Key: "k-2"}.scope())
	if _, _, err := store.Begin(t.Context(), Request{Key: "k-2"}, lease); err == nil {
		t.Error("the answer to another request was opened")
	}
}

func begin(t *testing.T, s *Store, r Request) Attempt {
	t.Helper()
	a, answer, err := s.Begin(t.Context(), r, lease)
	if err != nil || answer != nil {
		t.Fatalf("begin: answer %v, error %v", answer, err)
	}
	return a
}

func exec(t *testing.T, pool *pgxpool.Pool, sql string, args ...any) {
	t.Helper()
	if _, err := pool.Exec(context.Background(), sql, args...); err != nil {
		t.Fatal(err)
	}
}

func newStore(t *testing.T) (*Store, *pgxpool.Pool) {
	t.Helper()
	pool := postgrestest.New(t, postgrestest.WithMigrations(migrations.App, migrations.AppTable))
	return NewStore(pool, newSealer(t), process(t, pool)), pool
}

// process is one that beats for as long as a test takes.
func process(t *testing.T, pool *pgxpool.Pool) uuid.UUID {
	t.Helper()
	id := uuid.New()
	exec(t, pool, `INSERT INTO processes (id, alive_until) VALUES ($1, now() + interval '1 hour')`, id)
	return id
}

// sealer is AES-GCM with one key.
type sealer struct{ cipher.AEAD }

func newSealer(t *testing.T) sealer {
	t.Helper()
	var key [32]byte
	_, _ = rand.Read(key[:])
	block, err := aes.NewCipher(key[:])
	if err != nil {
		t.Fatal(err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		t.Fatal(err)
	}
	return sealer{aead}
}

func (s sealer) Seal(purpose string, plaintext, additional []byte) []byte {
	return s.AEAD.Seal(nil, nil, plaintext, append([]byte(purpose), additional...))
}

func (s sealer) Open(purpose string, sealed, additional []byte) ([]byte, error) {
	return s.AEAD.Open(nil, nil, sealed, append([]byte(purpose), additional...))
}
