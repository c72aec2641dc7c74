package app_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/perfectworks/backend/adapters/eventstore/eventstoretest"
	"github.com/perfectworks/backend/adapters/identity"
	"github.com/perfectworks/backend/adapters/postgres/postgrestest"
	"github.com/perfectworks/backend/app"
)

// The doctor finds that the log went back: before any process could, when all were
// stopped for a restore, and when a server waits for an operator.
func TestDoctorOnALogThatWentBack(t *testing.T) {
	t.Parallel()
	store := eventstoretest.New(t)
	settings := app.Settings{
		Environment: app.Development, Addr: "127.0.0.1:0", AdminAddr: "127.0.0.1:0", Data: t.TempDir(),
		DatabaseURL: postgrestest.URL(t), EventStoreURL: store.Node.ConnectionString(), WhenLogWentBack: app.WaitForOperator,
	}
	logger := slog.New(slog.DiscardHandler)
	// keys returns what the doctor says of the read model of API keys.
	keys := func() app.Finding {
		t.Helper()
		all := app.Doctor(t.Context(), settings, logger)
		at := slices.IndexFunc(all, func(f app.Finding) bool { return f.Check == "read model apikeys" })
		if at < 0 {
			t.Fatalf("it does not look at the read model: %+v", all)
		}
		return all[at]
	}

	server, stop := serve(t, settings)
	ready, cancel := context.WithTimeout(t.Context(), recoverWithin)
	defer cancel()
	if err := server.WaitReady(ready); err != nil {
		t.Fatal(err)
	}
	token, err := identity.MintToken(settings.Data, "ada", "ada@example.org", true, recoverWithin)
	if err != nil {
		t.Fatal(err)
	}
	a := api{url: "http://" + server.Addr().String() + "/api/v0", token: token}
	a.must(t, http.MethodPost, "/users/client", `{"firstName": "Ada", "lastName": "Lovelace"}`)
	a.must(t, http.MethodPost, "/organizations", `{"name": "Engines"}`)
	backup, err := store.Client.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, lost := a.issue(t, "lost")
	a.must(t, http.MethodGet, "/api-keys/"+lost, "")
	if f := keys(); f.Health != app.Healthy {
		t.Errorf("before: %+v", f)
	}
	stop()

	store.GoBack(t, backup)
	if f := keys(); f.Health != app.Doubtful || !strings.Contains(f.Says, "the log went back") || !strings.Contains(f.Says, "EVENTSTORE_WENT_BACK") {
		t.Errorf("before a server has seen it: %+v", f)
	}

	server, _ = serve(t, settings)
	await(t, "the server to wait for an operator", func() bool {
		response, err := http.Get("http://" + server.AdminAddr().String() + "/readyz")
		if err != nil {
			return false
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		return err == nil && response.StatusCode == http.StatusServiceUnavailable && strings.Contains(string(body), "went back")
	})
	await(t, "a failure while a server waits", func() bool { f := keys(); return f.Health == app.Broken && strings.Contains(f.Says, "went back") })
}
