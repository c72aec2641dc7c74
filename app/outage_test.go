package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/perfectworks/backend/adapters/identity"
	"github.com/perfectworks/backend/adapters/postgres/postgrestest"
	"github.com/perfectworks/backend/app"
)

// recoverWithin bounds how long after Postgres is back callers are served.
const recoverWithin = 30 * time.Second

// While Postgres is away callers are told to try again, and when it is back
// they are served, by the same server; what was acknowledged is there.
func TestPostgresRestartedUnderLoad(t *testing.T) {
	t.Parallel()
	cluster := postgrestest.NewCluster(t)
	api := start(t, cluster.URL())
	api.must(t, http.MethodPost, "/users/client", `{"firstName": "Ada", "lastName": "Lovelace"}`)
	api.must(t, http.MethodPost, "/organizations", `{"name": "Engines"}`)

	var (
		load             sync.WaitGroup
		stop             = make(chan struct{})
		served, refused  atomic.Int64
		mu               sync.Mutex
		acknowledged     []string
		unexpectedStatus atomic.Int64
	)
	for w := range 8 {
		load.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				status, id := api.issue(t, strconv.Itoa(w)+"-"+strconv.Itoa(n))
				switch status {
				case http.StatusCreated:
					served.Add(1)
					mu.Lock()
					acknowledged = append(acknowledged, id)
					mu.Unlock()
				case http.StatusServiceUnavailable:
					refused.Add(1)
				default:
					unexpectedStatus.Store(int64(status))
				}
			}
		})
	}
	await(t, "load", func() bool { return served.Load() > 50 })
	cluster.Stop()
	await(t, "a refusal", func() bool { return refused.Load() > 0 })
	cluster.Start()
	before := served.Load()
	await(t, "recovery", func() bool { return served.Load() > before+50 })
	cluster.Kill()
	before = served.Load()
	await(t, "recovery from a crash", func() bool { return served.Load() > before+50 })
	close(stop)
	load.Wait()

	if status := unexpectedStatus.Load(); status != 0 {
		t.Errorf("a caller was answered %d", status)
	}
	await(t, "readiness", func() bool {
		response, err := http.Get(strings.TrimSuffix(api.url, "/api/v0") + "/readyz")
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		return response.StatusCode == http.StatusOK
	})
	for _, id := range acknowledged {
		if status, _ := api.do(t, http.MethodGet, "/api-keys/"+id, ""); status != http.StatusOK {
			t.Fatalf("a key that was acknowledged is answered %d", status)
		}
	}
}

func await(t *testing.T, what string, reached func() bool) {
	t.Helper()
	deadline := time.Now().Add(recoverWithin)
	for !reached() {
		if time.Now().After(deadline) {
			t.Fatalf("no %s within %v", what, recoverWithin)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

type api struct{ url, data, token string }

// serve runs a server until it is stopped, or the test ends.
func serve(t *testing.T, settings app.Settings) (server *app.App, stop func()) {
	t.Helper()
	server, err := app.New(t.Context(), settings, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the server ended with %v", err)
		}
	})
	t.Cleanup(stop)
	return server, stop
}

// start runs a server on a database until the test ends.
func start(t *testing.T, databaseURL string) api {
	t.Helper()
	data := t.TempDir()
	server, _ := serve(t, app.Settings{
		MaxAPIKeys:  100_000,
		Environment: app.Development, Addr: "127.0.0.1:0", Data: data, DatabaseURL: databaseURL,
	})
	ready, stop := context.WithTimeout(t.Context(), recoverWithin)
	defer stop()
	if err := server.WaitReady(ready); err != nil {
		t.Fatal(err)
	}
	return api{url: "http://" + server.Addr().String() + "/api/v0", data: data}.as(t, "ada")
}

// as is the same server, called by a person.
func (a api) as(t *testing.T, person string) api {
	t.Helper()
	var err error
	if a.token, err = identity.MintToken(a.data, person, person+"@example.org", true, time.Hour); err != nil {
		t.Fatal(err)
	}
	return a
}

func (a api) do(t *testing.T, method, path, body string) (status int, id string) {
	t.Helper()
	request, err := http.NewRequestWithContext(context.Background(), method, a.url+path, bytes.NewReader([]byte(body)))
	if err != nil {
		t.Error(err)
		return 0, ""
	}
	request.Header.Set("Authorization", "Bearer "+a.token)
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Error(err)
		return 0, ""
	}
	defer response.Body.Close()
	var answer struct {
		Data struct{ ID string }
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		t.Errorf("%s %s answered %d without JSON: %v", method, path, response.StatusCode, err)
	}
	if response.StatusCode == http.StatusServiceUnavailable && response.Header.Get("Retry-After") == "" {
		t.Errorf("%s %s is unavailable, and does not say when to try again", method, path)
	}
	return response.StatusCode, answer.Data.ID
}

func (a api) issue(t *testing.T, description string) (status int, id string) {
	t.Helper()
	return a.do(t, http.MethodPost, "/api-keys", `{"description": "`+description+`"}`)
}

func (a api) must(t *testing.T, method, path, body string) {
	t.Helper()
	if status, _ := a.do(t, method, path, body); status >= http.StatusMultipleChoices {
		t.Fatalf("%s %s answered %d", method, path, status)
	}
}
