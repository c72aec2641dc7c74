package httpapi

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/perfectworks/backend/adapters/httpapi/idempotency"
	"github.com/perfectworks/backend/adapters/identity"
	"github.com/perfectworks/backend/adapters/postgres/postgrestest"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/migrations"
)

const newOrganization = "/api/v0/organizations"

// keyed is an API that keeps answers, and counts the commands that run.
func keyed(t *testing.T, pool *pgxpool.Pool) (*harness, *recorded) {
	t.Helper()
	return accepting(t, func(d *Deps) { d.Idempotency = keyStore(t, pool) })
}

func keyPool(t *testing.T) *pgxpool.Pool {
	t.Helper()
	return postgrestest.New(t, postgrestest.WithMigrations(migrations.App, migrations.AppTable))
}

// keyStore is one of a process that beats for as long as a test takes.
func keyStore(t *testing.T, pool *pgxpool.Pool) *idempotency.Store {
	t.Helper()
	process := uuid.New()
	if _, err := pool.Exec(t.Context(), `INSERT INTO processes (id, alive_until) VALUES ($1, now() + interval '1 hour')`, process); err != nil {
		t.Fatal(err)
	}
	return idempotency.NewStore(pool, plain{}, process)
}

// plain seals nothing: package idempotency's tests are about that.
type plain struct{}

func (plain) Seal(_ string, plaintext, _ []byte) []byte       { return plaintext }
func (plain) Open(_ string, sealed, _ []byte) ([]byte, error) { return sealed, nil }
func withKey(key string) func(call) call {
	return func(c call) call { return c.with("Idempotency-Key", key) }
}

func TestARepeatedPostIsAnsweredAsBefore(t *testing.T) {
	t.Parallel()
	pool := keyPool(t)
	h, rec := keyed(t, pool)
	other, otherRec := keyed(t, pool) // Another server on the same database.

	c := post(newOrganization).json(`{"name":"Acme","slug":"acme"}`).with("Idempotency-Key", "k-1")
	first := h.do(c)
	first.wantData(t, 201)
	if first.header.Get("Idempotency-Replayed") != "" {
		t.Error("the first answer is called a replay")
	}
	for name, again := range map[string]answer{
		"on the same server":        h.do(c),
		"on another server":         other.do(c),
		"in another order of bytes": other.do(c.json("{ \"slug\": \"acme\",\n \"name\": \"\\u0041cme\" }")),
	} {
		if again.status != first.status || again.header.Get("Idempotency-Replayed") != "true" {
			t.Errorf("%s: status %d, replayed %q", name, again.status, again.header.Get("Idempotency-Replayed"))
		}
		if diff := cmp.Diff(string(first.body), string(again.body)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		for _, header := range []string{"ETag", "X-Position", "Location", "Content-Type", "Cache-Control"} {
			if again.header.Get(header) != first.header.Get(header) || first.header.Get(header) == "" {
				t.Errorf("%s: %s is %q, was %q", name, header, again.header.Get(header), first.header.Get(header))
			}
		}
		if again.header.Get("X-Request-Id") == first.header.Get("X-Request-Id") {
			t.Errorf("%s: the request has the id of the first one", name)
		}
	}
	if len(rec.commands) != 1 || len(otherRec.commands) != 0 {
		t.Errorf("%d and %d commands ran", len(rec.commands), len(otherRec.commands))
	}
	// The other server's reads wait for what it has only replayed.
	if other.api.fresh.of("hash-of-alice") != (marks{position(1), position(1)}) {
		t.Error("the position of a replayed answer is not remembered")
	}
}

func TestAnotherRequestUnderAKey(t *testing.T) {
	t.Parallel()
	h, rec := keyed(t, keyPool(t))
	key := withKey("k-1")
	h.do(key(post(newOrganization).json(`{"name":"Acme"}`))).wantData(t, 201)
	for name, c := range map[string]call{
		"another body":         post(newOrganization).json(`{"name":"Other"}`),
		"another query":        post(newOrganization + "?a=b").json(`{"name":"Acme"}`),
		"another organization": post(newOrganization).json(`{"name":"Acme"}`).with("X-Organization-Id", "org_other"),
	} {
		t.Log(name)
		h.do(key(c)).wantError(t, 422, "IDEMPOTENCY_KEY_REUSED")
	}
	// Somebody else, another route, another thing, another key: all their own.
	for _, c := range []call{
		key(post(newOrganization).json(`{"name":"Other"}`).as("bob")),
		key(post("/api/v0/api-keys").json(`{"description":"x"}`)),
		key(post("/api/v0/api-keys/key_1/rotate")),
		key(post("/api/v0/api-keys/key_2/rotate")),
		withKey("k-2")(post(newOrganization).json(`{"name":"Other"}`)),
	} {
		if a := h.do(c); a.status != 201 || a.header.Get("Idempotency-Replayed") != "" {
			t.Errorf("%s: %d %s", c.path, a.status, a.body)
		}
	}
	if len(rec.commands) != 6 {
		t.Errorf("%d commands ran", len(rec.commands))
	}
}

// Making an account gives the caller another principal id, and making an
// organization another organization: a repetition is still the same request.
func TestTheCallerIsTheCredential(t *testing.T) {
	t.Parallel()
	pool := keyPool(t)
	before, rec := keyed(t, pool)
	later := tokens{"alice": known["alice"]}
	p := known["stranger"]
	p.UserID, p.OrganizationID, p.Role = "user_stranger", "org_new", "owner"
	later["stranger"] = p
	after, afterRec := accepting(t, func(d *Deps) {
		d.Idempotency, d.Authenticator = keyStore(t, pool), later
	})
	c := withKey("k-1")(post("/api/v0/users/client").json(`{"firstName":"A","lastName":"B"}`).as("stranger"))
	if a := before.do(c); a.status >= 300 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if a := after.do(c); a.header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("%d %s", a.status, a.body)
	}
	if len(rec.commands) != 1 || len(afterRec.commands) != 0 {
		t.Error("the command ran twice")
	}
}

func TestWhatIsKept(t *testing.T) {
	t.Parallel()
	pool := keyPool(t)
	for name, test := range map[string]struct {
		err     error
		outcome string
	}{
		"done":          {nil, "kept"},
		"conflict":      {organization.ErrSlugTaken, "forgotten"},
		"not found":     {organization.ErrNotFound, "forgotten"},
		"unprocessable": {failure.New(failure.Unprocessable, "A", "a"), "forgotten"},
		"invalid":       {failure.New(failure.Invalid, "A", "a"), "forgotten"},
		"forbidden":     {failure.New(failure.Forbidden, "A", "a"), "forgotten"},
		"unavailable":   {failure.New(failure.Unavailable, "A", "a"), "open"},
		"internal":      {errors.New("a"), "open"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, rec := keyed(t, pool)
			rec.results = []error{test.err, nil}
			c := withKey(strings.ReplaceAll(name, " ", "-"))(post(newOrganization).json(`{"name":"Acme"}`))
			first, second := h.do(c), h.do(c)
			if test.outcome == "kept" {
				if second.status != first.status || second.header.Get("Idempotency-Replayed") != "true" || len(rec.requests) != 1 {
					t.Errorf("it was not kept: %d, then %d %s", first.status, second.status, second.body)
				}
				return
			}
			if len(rec.requests) != 2 || second.status != 201 || second.header.Get("Idempotency-Replayed") != "" {
				t.Fatalf("%d, then %d %s", first.status, second.status, second.body)
			}
			a, b := rec.requests[0], rec.requests[1]
			same := a.ID == b.ID && a.Seed == b.Seed && a.Now.Equal(b.Now)
			if open := test.outcome == "open"; same != open || a.Retry || b.Retry != open {
				t.Errorf("the second attempt has the same command: %v, retry: %v", same, b.Retry)
			}
		})
	}
}

// A secret is not stored, whether sealed or not: the command gives the same one
// again, and decides again whether the caller may have it.
func TestSecretsAreDerivedAgain(t *testing.T) {
	t.Parallel()
	pool := keyPool(t)
	h, rec := keyed(t, pool)
	other, otherRec := keyed(t, pool)
	c := withKey("k-1")(post("/api/v0/api-keys").json(`{"description":"once"}`))
	first := h.do(c)
	first.wantData(t, 201)
	var stored string
	if err := pool.QueryRow(t.Context(), `SELECT convert_from(answer, 'UTF8') FROM idempotency.requests`).Scan(&stored); err != nil {
		t.Fatal(err)
	}
	if stored != `{"derived":true,"status":201}` {
		t.Errorf("stored is %s", stored)
	}
	again := other.do(c)
	again.wantData(t, 201)
	if again.header.Get("Idempotency-Replayed") != "true" {
		t.Error("it is not called a replay")
	}
	a, b := rec.requests[0], otherRec.requests[0]
	if a.ID != b.ID || a.Seed != b.Seed || !a.Now.Equal(b.Now) || a.Retry || !b.Retry {
		t.Error("it is not the same command")
	}
	otherRec.results = []error{access.ErrForbidden}
	refused := other.do(c)
	refused.wantError(t, 403, "FORBIDDEN")
	if refused.header.Get("Idempotency-Replayed") != "" {
		t.Error("a refusal is called a replay")
	}
	otherRec.results = nil
	other.do(c).wantData(t, 201)
}

// A caller who has left the organization that a request was carried out in gets
// nothing of it, also under their own key. One who only switched gets the answer.
func TestAnswersBelongToTheirOrganization(t *testing.T) {
	t.Parallel()
	pool := keyPool(t)
	h, _ := keyed(t, pool)
	moved, movedRec := keyed(t, pool)
	removed, removedRec := keyed(t, pool)
	elsewhere := alice
	elsewhere.OrganizationID = "org_other"
	moved.api.authenticator = places{"": elsewhere, "org_acme": alice}
	removed.api.authenticator = places{"": elsewhere}
	for i, path := range []string{newOrganization, "/api/v0/api-keys"} {
		c := withKey("k-1")(post(path).json([]string{`{"name":"Acme"}`, `{}`}[i]))
		h.do(c).wantData(t, 201)
		if a := moved.do(c); a.status != 201 || a.header.Get("Idempotency-Replayed") != "true" {
			t.Errorf("%s: who moved gets %d %s", path, a.status, a.body)
		}
		if n := len(movedRec.requests); n != i || n > 0 && movedRec.requests[0].Principal.OrganizationID != "org_acme" {
			t.Errorf("%s: %d commands ran", path, n)
		}
		removed.do(c).wantError(t, 404, organization.ErrNotFound.Code)
	}
	if len(removedRec.requests) > 0 {
		t.Error("a command ran for somebody who was removed")
	}
}

// places is an Authenticator of one person, who may act in some organizations.
type places map[string]access.Principal

func (p places) Authenticate(_ context.Context, h http.Header, _ func() error) (access.Principal, error) {
	principal, ok := p[h.Get(headerOrganization)]
	if !ok {
		return access.Principal{}, organization.ErrNotFound
	}
	return principal, nil
}

func (places) Enter(_ context.Context, p access.Principal, _ id.Organization) (access.Principal, error) {
	return p, nil
}

func (places) Recall(context.Context, string, id.Organization) (access.Principal, error) {
	return access.Principal{}, identity.ErrAccessEnded
}

func (places) Refusals() []error { return nil }

// A refusal of the input says nothing of what an attempt before it has written.
func TestARefusalAfterAnOpenAttemptLeavesItOpen(t *testing.T) {
	t.Parallel()
	h, rec := keyed(t, keyPool(t))
	rec.results = []error{failure.New(failure.Unavailable, "A", "a"), failure.New(failure.Invalid, "B", "b"), nil}
	c := withKey("k-1")(post(newOrganization).json(`{"name":"Acme"}`))
	for _, status := range []int{503, 400, 201} {
		if a := h.do(c); a.status != status {
			t.Fatalf("%d %s", a.status, a.body)
		}
	}
	if a, b := rec.requests[0], rec.requests[2]; a.ID != b.ID || a.Seed != b.Seed || !b.Retry {
		t.Error("the third attempt is another command")
	}
}

func TestAPanicLeavesTheCommandForTheNextAttempt(t *testing.T) {
	t.Parallel()
	var requests []commands.Request
	h := newHarness(t, func(d *Deps) {
		d.Idempotency = keyStore(t, keyPool(t))
		d.Commands.CreateOrganization = func(_ context.Context, r commands.Request, _ commands.CreateOrganization) (commands.Result[commands.CreatedOrganization], error) {
			if requests = append(requests, r); len(requests) == 1 {
				panic("once")
			}
			return commands.Result[commands.CreatedOrganization]{}, nil
		}
	})
	c := withKey("k-1")(post(newOrganization).json(`{"name":"Acme"}`))
	h.do(c).wantError(t, 500, "REQUEST_FAILED")
	h.do(c).wantData(t, 201)
	if len(requests) != 2 || requests[0].ID != requests[1].ID || requests[0].Seed != requests[1].Seed || !requests[1].Retry {
		t.Error("the second attempt is not the same command")
	}
}

func TestOneOfManyAtOnce(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	entered := make(chan struct{})
	var ran atomic.Int64
	h := newHarness(t, func(d *Deps) {
		d.Idempotency = keyStore(t, keyPool(t))
		d.Commands.CreateOrganization = func(context.Context, commands.Request, commands.CreateOrganization) (commands.Result[commands.CreatedOrganization], error) {
			ran.Add(1)
			close(entered)
			<-release
			return commands.Result[commands.CreatedOrganization]{}, nil
		}
	})
	c := withKey("k-1")(post(newOrganization).json(`{"name":"Acme"}`))
	done := make(chan answer)
	go func() { done <- h.do(c) }()
	<-entered
	for range 3 {
		a := h.do(c)
		a.wantError(t, 409, "IDEMPOTENCY_KEY_IN_USE")
		if after := a.header.Get("Retry-After"); after == "" || after == "0" {
			t.Errorf("Retry-After %q", after)
		}
	}
	close(release)
	(<-done).wantData(t, 201)
	if h.do(c).header.Get("Idempotency-Replayed") != "true" || ran.Load() != 1 {
		t.Errorf("the command ran %d times", ran.Load())
	}
}

// A client that hangs up has its answer kept all the same.
func TestTheAnswerIsKeptForAClientThatLeft(t *testing.T) {
	t.Parallel()
	entered, release := make(chan struct{}, 1), make(chan struct{})
	h := newHarness(t, func(d *Deps) {
		d.Idempotency = keyStore(t, keyPool(t))
		d.Commands.CreateOrganization = func(ctx context.Context, _ commands.Request, _ commands.CreateOrganization) (commands.Result[commands.CreatedOrganization], error) {
			entered <- struct{}{}
			<-release
			return commands.Result[commands.CreatedOrganization]{}, nil
		}
	})
	ctx, cancel := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, h.URL+newOrganization, strings.NewReader(`{"name":"Acme"}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer alice")
	r.Header.Set("Idempotency-Key", "k-1")
	go func() {
		<-entered
		cancel()
	}()
	if _, err := h.Client().Do(r); err == nil {
		t.Fatal("there was an answer")
	}
	close(release)
	c := withKey("k-1")(post(newOrganization).json(`{"name":"Acme"}`))
	var a answer
	for a = h.do(c); a.status == 409; a = h.do(c) {
		// The first is still under way.
	}
	if a.status != 201 || a.header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestMalformedKeys(t *testing.T) {
	t.Parallel()
	h, rec := accepting(t, nil) // Whose store would panic.
	c := post(newOrganization).json(`{"name":"Acme"}`)
	for name, keys := range map[string][]string{
		"empty": {""}, "two": {"a", "b"}, "space": {"a b"}, "beyond ASCII": {"é"}, "too long": {strings.Repeat("a", 256)},
	} {
		a := h.do(c.with("Idempotency-Key", keys...))
		if a.status != 400 {
			t.Errorf("%s: %d", name, a.status)
		}
		a.wantField(t, "Idempotency-Key", "FORMAT_INVALID")
	}
	if len(rec.commands) > 0 {
		t.Error("commands ran")
	}
	// What is refused before needs no key.
	h.do(c.anonymously().with("Idempotency-Key", "k")).wantError(t, 401, "TOKEN_MALFORMED")
	h.do(c.json(`{`).with("Idempotency-Key", "k")).wantError(t, 400, "JSON_MALFORMED")
}

func TestWithoutAKeyEachPostIsItsOwn(t *testing.T) {
	t.Parallel()
	h, rec := accepting(t, nil) // Whose store would panic.
	for range 2 {
		h.do(post(newOrganization).json(`{"name":"Acme"}`)).wantData(t, 201)
	}
	a, b := rec.requests[0], rec.requests[1]
	if a.ID == b.ID || a.Seed == b.Seed || a.Retry || a.Now.IsZero() || a.Now.Location().String() != "UTC" || a.Now.Nanosecond()%1_000_000 != 0 {
		t.Errorf("%+v, %+v", a, b)
	}
}

func FuzzIsKey(f *testing.F) {
	f.Add("5f0c6c0e-8a51-4d0b")
	f.Fuzz(func(t *testing.T, s string) {
		if isKey(s) && (s == "" || len(s) > 255 || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })) {
			t.Errorf("%q is taken", s)
		}
	})
}
