package app_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/perfectworks/backend/adapters/eventstore/eventstoretest"
	"github.com/perfectworks/backend/adapters/identity"
	"github.com/perfectworks/backend/adapters/postgres/postgrestest"
	"github.com/perfectworks/backend/app"
)

// startOn runs a server on an event store, or its own node, until the test ends.
// It gives the answers of the operators' listener too, by path.
func startOn(t *testing.T, eventStoreURL string, onLoss app.LogLoss) (api, func(string) string) {
	t.Helper()
	data := t.TempDir()
	server, _ := serve(t, app.Settings{
		Environment: app.Development, Addr: "127.0.0.1:0", AdminAddr: "127.0.0.1:0", Data: data,
		DatabaseURL: postgrestest.URL(t), EventStoreURL: eventStoreURL, WhenLogWentBack: onLoss,
	})
	ready, stop := context.WithTimeout(t.Context(), recoverWithin)
	defer stop()
	if err := server.WaitReady(ready); err != nil {
		t.Fatal(err)
	}
	token, err := identity.MintToken(data, "ada", "ada@example.org", true, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	base := "http://" + server.Addr().String()
	admin := func(path string) string {
		response, err := http.Get("http://" + server.AdminAddr().String() + path)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response.Status + " " + string(body)
	}
	return api{url: base + "/api/v0", token: token}, admin
}

// The log is restored from an older backup under a running server.
func TestALogThatWentBackUnderAServer(t *testing.T) {
	t.Parallel()
	for _, onLoss := range []app.LogLoss{app.RebuildReadModels, app.WaitForOperator} {
		t.Run(string(onLoss), func(t *testing.T) {
			t.Parallel()
			store := eventstoretest.New(t)
			api, admin := startOn(t, store.Node.ConnectionString(), onLoss)
			readiness := func() string { return admin("/readyz") }
			api.must(t, http.MethodPost, "/users/client", `{"firstName": "Ada", "lastName": "Lovelace"}`)
			api.must(t, http.MethodPost, "/organizations", `{"name": "Engines"}`)
			_, kept := api.issue(t, "kept")
			backup, err := store.Client.Head(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			var lost []string
			for range 3 {
				_, id := api.issue(t, "lost")
				lost = append(lost, id)
			}
			for _, id := range append(lost, kept) {
				api.must(t, http.MethodGet, "/api-keys/"+id, "")
			}
			store.GoBack(t, backup)
			if onLoss == app.WaitForOperator {
				await(t, "a sentence in the readiness", func() bool {
					now := readiness()
					return strings.HasPrefix(now, "503") && strings.Contains(now, "went back")
				})
				// The parts notice it one by one, each within a second.
				await(t, "a refusal while nobody can be vouched for", func() bool {
					status, _ := api.issue(t, "new")
					return status == http.StatusServiceUnavailable
				})
				return
			}
			// A write that needs less of the log than was lost, and is read at once.
			var created string
			await(t, "a new key that can be read", func() bool {
				status, id := api.issue(t, "new")
				if status != http.StatusCreated {
					return false
				}
				created = id
				status, _ = api.do(t, http.MethodGet, "/api-keys/"+id, "")
				return status == http.StatusOK
			})
			await(t, "readiness", func() bool { return strings.HasPrefix(readiness(), "200") })
			for _, id := range []string{kept, created} {
				if status, _ := api.do(t, http.MethodGet, "/api-keys/"+id, ""); status != http.StatusOK {
					t.Errorf("key %s is answered %d", id, status)
				}
			}
			for _, id := range lost {
				if status, _ := api.do(t, http.MethodGet, "/api-keys/"+id, ""); status != http.StatusNotFound {
					t.Errorf("a lost key is answered %d", status)
				}
			}
		})
	}
}

// A setting that points at another event store: the server says so, is not ready,
// and neither shows nor writes anything there. With the setting corrected it goes
// on as before; told to adopt the other store, it shows what that one holds.
func TestAnotherEventStore(t *testing.T) {
	t.Parallel()
	right, wrong := eventstoretest.New(t), eventstoretest.New(t)
	if _, err := wrong.Client.Identity(t.Context()); err != nil {
		t.Fatal(err)
	}
	before, err := wrong.Client.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	database, data := postgrestest.URL(t), t.TempDir()
	start := func(store *eventstoretest.Store, onLoss app.LogLoss) (server *app.App, stop func()) {
		t.Helper()
		server, err := app.New(t.Context(), app.Settings{
			Environment: app.Development, Addr: "127.0.0.1:0", AdminAddr: "127.0.0.1:0", Data: data,
			DatabaseURL: database, EventStoreURL: store.Node.ConnectionString(), WhenLogWentBack: onLoss,
		}, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- server.Run(ctx) }()
		return server, sync.OnceFunc(func() {
			cancel()
			if err := <-ended; err != nil {
				t.Errorf("the server ended with %v", err)
			}
		})
	}
	ready := func(server *app.App) api {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), recoverWithin)
		defer cancel()
		if err := server.WaitReady(ctx); err != nil {
			t.Fatal(err)
		}
		token, err := identity.MintToken(data, "ada", "ada@example.org", true, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		return api{url: "http://" + server.Addr().String() + "/api/v0", token: token}
	}

	server, stop := start(right, app.RebuildReadModels)
	defer stop()
	a := ready(server)
	a.must(t, http.MethodPost, "/users/client", `{"firstName": "Ada", "lastName": "Lovelace"}`)
	a.must(t, http.MethodPost, "/organizations", `{"name": "Engines"}`)
	_, key := a.issue(t, "kept")
	a.must(t, http.MethodGet, "/api-keys/"+key, "")
	stop()

	misled, stopMisled := start(wrong, app.RebuildReadModels)
	defer stopMisled()
	await(t, "the parts to ask the store", func() bool {
		response, err := http.Get("http://" + misled.AdminAddr().String() + "/readyz")
		if err != nil {
			return false
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		return err == nil && response.StatusCode == http.StatusServiceUnavailable && strings.Contains(string(body), "it holds another event log than before")
	})
	if status, _ := (api{url: "http://" + misled.Addr().String() + "/api/v0", token: a.token}).issue(t, "lost"); status != http.StatusServiceUnavailable {
		t.Errorf("a write is answered %d", status)
	}
	stopMisled()
	if after, err := wrong.Client.Head(t.Context()); err != nil || after != before {
		t.Errorf("the other store was written to: %v became %v, %v", before, after, err)
	}

	again, stopAgain := start(right, app.RebuildReadModels)
	defer stopAgain()
	c := ready(again)
	await(t, "the key to be shown again", func() bool {
		status, _ := c.do(t, http.MethodGet, "/api-keys/"+key, "")
		return status == http.StatusOK
	})
	stopAgain()

	adopting, stopAdopting := start(wrong, app.AdoptLog)
	defer stopAdopting()
	b := ready(adopting)
	b.must(t, http.MethodPost, "/users/client", `{"firstName": "Ada", "lastName": "Lovelace"}`)
	b.must(t, http.MethodPost, "/organizations", `{"name": "Engines"}`)
	_, other := b.issue(t, "new")
	await(t, "the new key to be shown, and no longer that of the store before", func() bool {
		status, _ := b.do(t, http.MethodGet, "/api-keys/"+other, "")
		before, _ := b.do(t, http.MethodGet, "/api-keys/"+key, "")
		return status == http.StatusOK && before == http.StatusNotFound
	})
}
