package httpapi_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
)

// A caller reads its own write at once: the same person at the same server without
// asking for it, everybody else by X-Min-Position.
func TestReadingOnesWrites(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	here, there := w.start(), w.start()
	ada := here.owner("ada")
	var all sync.WaitGroup
	for worker := range 4 {
		all.Go(func() {
			for i := range 10 {
				name := fmt.Sprintf("key %d of %d", i, worker)
				a := ada.post("/api-keys", `{"description":"`+name+`"}`)
				key := a.data(t, 201)
				path := "/api-keys/" + str(key, "id")
				if got := ada.get(path).data(t, 200); got["description"] != name {
					t.Errorf("read %v", got)
				}
				elsewhere := ada.on(there).call(http.MethodGet, path, "", "X-Min-Position", a.header.Get("X-Position"))
				if got := elsewhere.data(t, 200); got["description"] != name {
					t.Errorf("read %v", got)
				}
				// The new key is good everywhere at once.
				there.withKey(str(key, "key"), http.MethodGet, "/users/active-organization", "").data(t, 200)
			}
		})
	}
	all.Wait()
	far := ada.call(http.MethodGet, "/api-keys", "", "X-Min-Position", "C:9000000000000/P:9000000000000")
	far.refused(t, "503 READ_MODEL_BEHIND")
	if far.header.Get("Retry-After") == "" {
		t.Error("without a Retry-After")
	}
	ada.call(http.MethodGet, "/api-keys", "", "X-Min-Position", "nonsense").refused(t, "400 VALIDATION_FAILED X-Min-Position FORMAT_INVALID")
}

func TestRepeatingAtAnotherServer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	here, there := w.start(), w.start()
	ada := here.owner("ada")
	for path, bodies := range map[string][2]string{
		"/organizations": {`{"name":"Once"}`, `{"name":"Other"}`},
		"/api-keys":      {`{"description":"once"}`, `{"description":"other"}`},
		"/users/client":  {`{"firstName":"A","lastName":"B"}`, `{"firstName":"X","lastName":"Y"}`},
	} {
		body, other := bodies[0], bodies[1]
		first := ada.call(http.MethodPost, path, body, "Idempotency-Key", "k-1")
		again := ada.on(there).call(http.MethodPost, path, body, "Idempotency-Key", "k-1")
		if first.status >= 300 || again.status != first.status || again.header.Get("Idempotency-Replayed") != "true" {
			t.Errorf("%s: %d, then %d %s", path, first.status, again.status, again.body)
		}
		if diff := cmp.Diff(string(first.body), string(again.body)); diff != "" {
			t.Errorf("%s: %s", path, diff)
		}
		ada.on(there).call(http.MethodPost, path, other, "Idempotency-Key", "k-1").
			refused(t, "422 IDEMPOTENCY_KEY_REUSED")
	}
	if got := ada.on(there).get("/organizations").items(t); len(got) != 2 {
		t.Errorf("there are %d organizations", len(got))
	}
}

// A server that dies between its write and its answer leaves the request to
// each caller that repeats it: the same key comes out, secret and all, and only once.
func TestRepeatingWhatACrashCutOff(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.start()
	ada := s.owner("ada")
	issue := func() answer {
		return ada.call(http.MethodPost, "/api-keys", `{"description":"once"}`, "Idempotency-Key", "k-1")
	}
	first := issue()
	key := first.data(t, 201)
	// As a crash leaves it: no answer, and a lease that has run out.
	conn, err := pgx.Connect(t.Context(), w.database)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), `UPDATE idempotency.requests SET answer = NULL, locked_until = now()`); err != nil {
		t.Fatal(err)
	}
	again := issue()
	if again.header.Get("Idempotency-Replayed") != "" {
		t.Error("there was an answer after all")
	}
	if diff := cmp.Diff(key, again.data(t, 201)); diff != "" {
		t.Error(diff)
	}
	if got := ada.get("/api-keys").items(t); len(got) != 1 {
		t.Errorf("there are %d keys", len(got))
	}
}

// With Postgres away, callers are told to come back, and nothing of why; once it
// is back, so is everything else.
func TestPostgresAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.start()
	ada := s.owner("ada")
	config, err := pgx.ParseConfig(w.database)
	if err != nil {
		t.Fatal(err)
	}
	name := config.Database
	config.Database = "postgres"
	admin, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close(t.Context())
	allow := func(allowed bool) {
		t.Helper()
		if _, err := admin.Exec(t.Context(), fmt.Sprintf(`ALTER DATABASE %s ALLOW_CONNECTIONS %v`, pgx.Identifier{name}.Sanitize(), allowed)); err != nil {
			t.Fatal(err)
		}
	}
	away := func() {
		t.Helper()
		if _, err := admin.Exec(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1`, name); err != nil {
			t.Fatal(err)
		}
	}
	s.hasty = true
	allow(false)
	away()
	eventually(t, func() bool { return s.do(call{method: http.MethodGet, path: "/readyz"}).status == 503 },
		func() string { return "it stays ready" })
	for what, a := range map[string]answer{
		"a read":           ada.get("/api-keys"),
		"a write":          ada.post("/organizations", `{"name":"X"}`),
		"a keyed write":    ada.call(http.MethodPost, "/api-keys", `{}`, "Idempotency-Key", "k-1"),
		"a public read":    s.do(call{method: http.MethodGet, path: "/api/v0/organizations/slug/ada-inc"}),
		"a read in memory": ada.get("/users/active-organization"),
	} {
		if a.status == 200 && what == "a read in memory" {
			continue // For a moment it needs nobody.
		}
		if a.status != 503 || a.header.Get("Retry-After") == "" {
			t.Errorf("%s: %d %s", what, a.status, a.body)
		}
		for _, internal := range []string{"postgres", "SQLSTATE", "dial", "127.0.0.1", "grpc", "pool"} {
			if containsFold(string(a.body), internal) {
				t.Errorf("%s tells of %s: %s", what, internal, a.body)
			}
		}
	}
	s.hasty = false
	allow(true)
	eventually(t, func() bool { return s.do(call{method: http.MethodGet, path: "/readyz"}).status == 200 },
		func() string { return string(s.do(call{method: http.MethodGet, path: "/readyz"}).body) })
	ada.post("/organizations", `{"name":"Y"}`).data(t, 201)
	ada.call(http.MethodPost, "/api-keys", `{}`, "Idempotency-Key", "k-1").data(t, 201)
	if got := ada.get("/organizations").items(t); len(got) < 2 {
		t.Errorf("%v", got)
	}
}

func TestStoppingUnderLoad(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.start()
	ada := s.owner("ada")
	var made sync.Map
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for {
				a, err := s.try(call{
					method: http.MethodPost, path: "/api/v0/api-keys", body: `{}`,
					header: []string{"Authorization", "Bearer " + ada.bearer, "Content-Type", "application/json"},
				})
				if err != nil {
					return // It stopped.
				}
				if a.status == 201 {
					made.Store(str(a.data(t, 201), "id"), true)
				}
			}
		})
	}
	eventually(t, func() bool { n := 0; made.Range(func(any, any) bool { n++; return n < 20 }); return n >= 20 },
		func() string { return "no keys are made" })
	stopped := time.Now()
	s.stop()
	all.Wait()
	if took := time.Since(stopped); took > 20*time.Second {
		t.Errorf("it took %v to stop", took)
	}
	// What was acknowledged is there.
	again := w.start()
	total := ada.on(again).get("/api-keys?limit=1").data(t, 200)["pagination"].(object)["total"].(float64)
	n := 0
	made.Range(func(any, any) bool { n++; return true })
	if int(total) < n {
		t.Errorf("%d keys were acknowledged, %v are there", n, total)
	}
}
