package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/user"
)

// failing is an API whose UpdateUserProfile fails with err.
func failing(t *testing.T, err error) *harness {
	t.Helper()
	return newHarness(t, func(d *Deps) {
		d.Commands.UpdateUserProfile = func(context.Context, commands.Request, commands.UpdateUserProfile) (commands.Result[user.State], error) {
			return commands.Result[user.State]{}, err
		}
	})
}

func TestErrorsBecomeStatuses(t *testing.T) {
	t.Parallel()
	_, refused := pgconn.Connect(t.Context(), "postgres://127.0.0.1:1/nothing?connect_timeout=5")
	for name, test := range map[string]struct {
		err        error
		status     int
		code       string
		retryAfter string
	}{
		"invalid":         {failure.New(failure.Invalid, "A", "a"), 400, "A", ""},
		"unauthenticated": {failure.New(failure.Unauthenticated, "A", "a"), 401, "A", ""},
		"forbidden":       {failure.New(failure.Forbidden, "A", "a"), 403, "A", ""},
		"not found":       {failure.New(failure.NotFound, "A", "a"), 404, "A", ""},
		"conflict":        {failure.New(failure.Conflict, "A", "a"), 409, "A", ""},
		"gone":            {failure.New(failure.Gone, "A", "a"), 410, "A", ""},
		"stale":           {commands.ErrStale, 412, "REVISION_STALE", ""},
		"unprocessable":   {failure.New(failure.Unprocessable, "A", "a"), 422, "A", ""},
		"unavailable":     {failure.New(failure.Unavailable, "A", "a"), 503, "A", "1"},
		"wrapped":         {fmt.Errorf("load user: %w", failure.New(failure.Gone, "A", "a")), 410, "A", ""},
		"anything else":   {errors.New("hunter2"), 500, "REQUEST_FAILED", ""},
		"time is up":      {fmt.Errorf("append: %w", context.DeadlineExceeded), 503, "REQUEST_TIMED_OUT", "1"},
		"no connection":   {fmt.Errorf("query: %w", refused), 503, "SERVICE_UNAVAILABLE", "1"},
		"reset":           {fmt.Errorf("query: %w", &net.OpError{Op: "read", Err: errors.New("reset")}), 503, "SERVICE_UNAVAILABLE", "1"},
		"cut off":         {fmt.Errorf("query: %w", io.ErrUnexpectedEOF), 503, "SERVICE_UNAVAILABLE", "1"},
		"shutting down":   {&pgconn.PgError{Code: "57P01"}, 503, "SERVICE_UNAVAILABLE", "1"},
		"too many":        {&pgconn.PgError{Code: "53300"}, 503, "SERVICE_UNAVAILABLE", "1"},
		"our own mistake": {&pgconn.PgError{Code: "42703", Message: "hunter2"}, 500, "REQUEST_FAILED", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := failing(t, test.err)
			a := h.do(put("/api/v0/users/profile").json(`{}`))
			a.wantError(t, test.status, test.code)
			if got := a.header.Get("Retry-After"); got != test.retryAfter {
				t.Errorf("Retry-After %q, want %q", got, test.retryAfter)
			}
			if got := a.header.Get("WWW-Authenticate"); (got != "") != (test.status == 401) {
				t.Errorf("WWW-Authenticate %q", got)
			}
			if a.header.Get("Cache-Control") != "no-store" {
				t.Error("errors may be cached")
			}
			if strings.Contains(string(a.body), "hunter2") {
				t.Errorf("the answer shows an internal text: %s", a.body)
			}
			logged := strings.Contains(h.logs.String(), a.header.Get("X-Request-Id")+`","code"`)
			if logged != (test.status >= 500) {
				t.Errorf("logged: %v: %s", logged, h.logs.String())
			}
		})
	}
}

func TestEveryKindOfFailureHasAStatus(t *testing.T) {
	t.Parallel()
	const last = failure.UnsupportedMedia
	for kind := failure.Invalid; kind <= last; kind++ {
		if statusOf[kind] < 400 {
			t.Errorf("kind %d has status %d", kind, statusOf[kind])
		}
	}
	if len(statusOf) != int(last) {
		t.Errorf("%d kinds have a status, there are %d", len(statusOf), last)
	}
}

func TestEnvelopeOfErrorsToTheLetter(t *testing.T) {
	t.Parallel()
	h := failing(t, &failure.Failure{
		Kind: failure.Conflict, Code: "SLUG_TAKEN", Message: "another organization has this slug",
		Details: []failure.Detail{{Field: "slug", Code: "TAKEN", Message: "is taken"}},
	})
	a := h.do(put("/api/v0/users/profile").json(`{}`).with("X-Request-Id", "r-1"))
	want := `{"success":false,"message":"another organization has this slug","data":null,"error":{"code":"SLUG_TAKEN",` +
		`"message":"another organization has this slug","status":409,"details":[{"field":"slug","code":"TAKEN","message":"is taken"}],` +
		`"requestId":"r-1"}}`
	if diff := cmp.Diff(want+"\n", string(a.body)); diff != "" {
		t.Error(diff)
	}
}

func TestProblemDocuments(t *testing.T) {
	t.Parallel()
	h := failing(t, failure.New(failure.Conflict, "SLUG_TAKEN", "another organization has this slug"))
	for name, request := range map[string]call{
		"of an operation": put("/api/v0/users/profile").json(`{}`),
		"of a layer":      put("/api/v0/users/profile").json(`{`),
		"of huma":         put("/api/v0/users/profile").json(`{"firstName":1}`),
		"of the router":   get("/nothing/here"),
	} {
		for _, accept := range []string{
			"application/problem+json", "application/json, application/problem+json", "*/*, Application/Problem+JSON;q=0.5",
		} {
			a := h.do(request.with("Accept", accept))
			if a.header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("%s, %s: %s", name, accept, a.header.Get("Content-Type"))
			}
			var p map[string]any
			if err := json.Unmarshal(a.body, &p); err != nil {
				t.Fatal(err)
			}
			if p["type"] != "about:blank" || p["title"] != http.StatusText(a.status) || p["status"] != float64(a.status) ||
				p["detail"] == "" || p["code"] == "" || p["requestId"] != a.header.Get("X-Request-Id") {
				t.Errorf("%s: %s", name, a.body)
			}
			if _, enveloped := p["success"]; enveloped {
				t.Errorf("%s: the problem document is not bare: %s", name, a.body)
			}
		}
	}
	for _, accept := range []string{"application/json", "*/*", "application/problem+json;q=0, */*", ""} {
		if a := h.do(get("/nothing").with("Accept", accept)); a.header.Get("Content-Type") != "application/json" {
			t.Errorf("Accept %q gives a %s", accept, a.header.Get("Content-Type"))
		}
	}
}

// A panic is ours to mend: the client learns its request's id, and nothing of
// what happened. What panicked may be anything, so it is not logged either.
func TestPanics(t *testing.T) {
	t.Parallel()
	h := newHarness(t, func(d *Deps) {
		d.Commands.UpdateUserProfile = func(context.Context, commands.Request, commands.UpdateUserProfile) (commands.Result[user.State], error) {
			panic("hunter2")
		}
		d.Commands.RegisterUser = func(context.Context, commands.Request, commands.RegisterUser) (commands.Result[commands.RegisteredUser], error) {
			var states []commands.RegisteredUser
			return commands.Result[commands.RegisteredUser]{Value: states[len(states)]}, nil
		}
	})
	a := h.do(put("/api/v0/users/profile").json(`{"firstName":"hunter3"}`))
	a.wantError(t, 500, "REQUEST_FAILED")
	h.do(post("/api/v0/users/client").json(`{"firstName":"hunter3","lastName":"x"}`)).wantError(t, 500, "REQUEST_FAILED")

	logs := h.logs.String()
	for _, secret := range []string{"hunter2", "hunter3"} {
		if strings.Contains(logs, secret) || strings.Contains(string(a.body), secret) {
			t.Errorf("%s shows", secret)
		}
	}
	for _, wanted := range []string{a.header.Get("X-Request-Id"), "errors_test.go", "index out of range", `"panicType":"string"`} {
		if !strings.Contains(logs, wanted) {
			t.Errorf("the log lacks %s: %s", wanted, logs)
		}
	}
	// The server goes on.
	h.do(get("/nothing")).wantError(t, 404, "ROUTE_NOT_FOUND")
}

func TestAClientThatLeftIsNotOurFault(t *testing.T) {
	t.Parallel()
	entered, left := make(chan struct{}), make(chan struct{})
	h := newHarness(t, func(d *Deps) {
		d.Commands.UpdateUserProfile = func(ctx context.Context, _ commands.Request, _ commands.UpdateUserProfile) (commands.Result[user.State], error) {
			close(entered)
			<-ctx.Done()
			defer close(left)
			return commands.Result[user.State]{}, ctx.Err()
		}
	})
	ctx, cancel := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodPut, h.URL+"/api/v0/users/profile", strings.NewReader(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer alice")
	go func() {
		<-entered
		cancel()
	}()
	if _, err := h.Client().Do(r); err == nil {
		t.Fatal("there was an answer")
	}
	<-left
	h.Close() // Waits for the request to be logged.
	if logs := h.logs.String(); !strings.Contains(logs, `"status":499`) || strings.Contains(logs, `"level":"ERROR"`) {
		t.Errorf("logged %s", logs)
	}
}
