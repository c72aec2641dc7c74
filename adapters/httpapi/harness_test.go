package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/perfectworks/backend/adapters/httpapi/idempotency"
	"github.com/perfectworks/backend/adapters/identity"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/projections/apikeys"
	"github.com/perfectworks/backend/projections/directory"
	"github.com/perfectworks/backend/projections/list"
	"github.com/perfectworks/backend/projections/organizations"
	"github.com/perfectworks/backend/projections/readmodels"
	"github.com/perfectworks/backend/projections/users"
)

// harness is an API whose surroundings a test controls: what is tested with it
// are the layers of this package. The operations are tested on the whole stack
// in package httpapi_test.
type harness struct {
	*httptest.Server
	t    *testing.T
	api  *API
	logs *logBuffer
}

// alice is the principal behind the token "alice"; with the organization that
// follows a slash, she acts in that.
var alice = access.Principal{
	Kind: access.KindUser, UserID: "user_alice", OrganizationID: "org_acme", Role: access.Owner,
	Identity: access.Identity{SubjectHash: "hash-of-alice", EmailVerified: true},
}

// tokens is an Authenticator that knows some tokens.
type tokens map[string]access.Principal

func (k tokens) Authenticate(_ context.Context, h http.Header, _ func() error) (access.Principal, error) {
	p, ok := k[strings.TrimPrefix(h.Get("Authorization"), "Bearer ")]
	if !ok {
		return access.Principal{}, failure.New(failure.Unauthenticated, "TOKEN_MALFORMED", "no such token")
	}
	return p, nil
}

func (tokens) Enter(_ context.Context, p access.Principal, name id.Organization) (access.Principal, error) {
	if p.OrganizationID != name {
		return access.Principal{}, organization.ErrNotFound
	}
	return p, nil
}

// Recall knows principals by their ids.
func (k tokens) Recall(_ context.Context, name string, in id.Organization) (access.Principal, error) {
	for _, p := range k {
		if p.ID() == name && p.OrganizationID == in {
			return p, nil
		}
	}
	return access.Principal{}, identity.ErrAccessEnded
}

func (tokens) Refusals() []error { return nil }

var known = tokens{
	"alice":        alice,
	"bob":          {Kind: access.KindUser, UserID: "user_bob", Identity: access.Identity{SubjectHash: "hash-of-bob"}},
	"stranger":     {Kind: access.KindUser, Identity: access.Identity{SubjectHash: "hash-of-stranger"}},
	"alices-key":   {Kind: access.KindUserKey, UserID: "user_alice", OrganizationID: "org_acme", KeyID: "key_1", Role: access.Owner, Scopes: access.ScopesOf(access.KindUserKey)},
	"acmes-key":    {Kind: access.KindOrganizationKey, OrganizationID: "org_acme", KeyID: "key_2", Scopes: []access.Scope{access.ScopeReadOrganization}},
	"another-acme": {Kind: access.KindUser, UserID: "user_carol", OrganizationID: "org_acme", Identity: access.Identity{SubjectHash: "hash-of-carol"}},
}

// noDirectory knows nobody and is never behind.
type noDirectory struct{}

func (noDirectory) User(id.User) (directory.User, bool) { return directory.User{}, false }

func (noDirectory) Membership(id.User, id.Organization) (directory.Membership, bool) {
	return directory.Membership{}, false
}

func (noDirectory) Applied() event.Position { return event.Position{Commit: math.MaxUint64} }

func (noDirectory) WaitFor(context.Context, event.Position) error { return nil }

// queries answer at revision 7.
func queries() *readmodels.Queries {
	q := &readmodels.Queries{}
	q.APIKeys.Get = func(_ context.Context, _ apikeys.Scope, name id.APIKey, _ time.Time) (apikeys.Key, error) {
		return apikeys.Key{ID: name, Revision: 7}, nil
	}
	q.APIKeys.List = func(context.Context, apikeys.Scope, time.Time, list.Request) (list.Page[apikeys.Key], error) {
		return list.Page[apikeys.Key]{}, nil
	}
	q.Users.ByID = func(_ context.Context, name id.User) (users.Profile, error) {
		return users.Profile{ID: name, Revision: 7}, nil
	}
	q.Organizations.ByID = func(_ context.Context, name id.Organization) (organizations.Organization, error) {
		return organizations.Organization{ID: name, Status: organization.StatusActive, Revision: 7}, nil
	}
	return q
}

// waiter is a Waiter that a test controls.
type waiter func(ctx context.Context, model string, position event.Position) error

func (w waiter) WaitFor(ctx context.Context, model string, position event.Position) error {
	return w(ctx, model, position)
}

// noKeys fails a test that comes to store an answer without meaning to.
type noKeys struct{}

func (noKeys) Begin(context.Context, idempotency.Request, time.Duration) (idempotency.Attempt, *idempotency.Answer, error) {
	panic("an idempotency key was looked up")
}

func (noKeys) Finish(context.Context, idempotency.Attempt, idempotency.Answer) error { panic("unused") }

func (noKeys) Release(context.Context, idempotency.Attempt) error { panic("unused") }

func (noKeys) Forget(context.Context, idempotency.Attempt) error { panic("unused") }

// position is some position.
func position(n int) event.Position { return event.Position{Commit: uint64(n), Prepare: uint64(n)} }

func newHarness(t *testing.T, change func(*Deps)) *harness {
	t.Helper()
	h := &harness{t: t, logs: &logBuffer{}}
	d := Deps{
		Logger:        slog.New(slog.NewJSONHandler(h.logs, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Authenticator: known,
		Commands:      &commands.Commands{},
		Directory:     noDirectory{},
		Queries:       queries(),
		ReadModels:    waiter(func(context.Context, string, event.Position) error { return nil }),
		Idempotency:   noKeys{},
		Ready:         func(context.Context) []Check { return nil },
		Version:       "1.2.3",
	}
	if change != nil {
		change(&d)
	}
	var err error
	if h.api, err = New(d); err != nil {
		t.Fatal(err)
	}
	h.Server = httptest.NewServer(h.api)
	h.Client().CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	t.Cleanup(h.Close)
	return h
}

// call is a request in the making.
type call struct {
	method, path string
	token        string
	body         string
	header       http.Header
	reader       io.Reader
}

func get(path string) call  { return call{method: http.MethodGet, path: path, token: "alice"} }
func post(path string) call { return call{method: http.MethodPost, path: path, token: "alice"} }
func put(path string) call  { return call{method: http.MethodPut, path: path, token: "alice"} }

func (c call) as(token string) call  { c.token = token; return c }
func (c call) json(body string) call { c.body = body; return c }
func (c call) from(r io.Reader) call { c.reader = r; return c }
func (c call) anonymously() call     { c.token = ""; return c }
func (c call) with(name string, values ...string) call {
	c.header = c.header.Clone()
	if c.header == nil {
		c.header = http.Header{}
	}
	c.header[http.CanonicalHeaderKey(name)] = values
	return c
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (h *harness) do(c call) answer {
	h.t.Helper()
	body := c.reader
	if body == nil && c.body != "" {
		body = strings.NewReader(c.body)
	}
	r, err := http.NewRequestWithContext(h.t.Context(), c.method, h.URL+c.path, body)
	if err != nil {
		h.t.Fatal(err)
	}
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	if c.body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for name, values := range c.header {
		r.Header[name] = values
	}
	res, err := h.Client().Do(r)
	if err != nil {
		h.t.Fatal(err)
	}
	defer res.Body.Close()
	read, err := io.ReadAll(res.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header, read}
}

// envelope is any answer of the contract, decoded.
type envelope struct {
	Success *bool           `json:"success"`
	Message string          `json:"message"`
	Data    json.RawMessage `json:"data"`
	Error   *struct {
		Code      string
		Message   string
		Status    int
		Details   []struct{ Field, Code, Message string }
		RequestID string
	} `json:"error"`
}

func (a answer) decode(t *testing.T) envelope {
	t.Helper()
	var e envelope
	if err := json.Unmarshal(a.body, &e); err != nil {
		t.Fatalf("status %d with a body that is not JSON: %s", a.status, a.body)
	}
	return e
}

// wantError holds an answer against the contract's form of errors.
func (a answer) wantError(t *testing.T, status int, code string) envelope {
	t.Helper()
	if a.status != status {
		t.Fatalf("status %d, want %d: %s", a.status, status, a.body)
	}
	e := a.decode(t)
	switch {
	case e.Success == nil || *e.Success || string(e.Data) != "null" || e.Error == nil:
		t.Errorf("not the envelope of errors: %s", a.body)
	case e.Error.Code != code || e.Error.Status != status:
		t.Errorf("%s %d, want %s %d", e.Error.Code, e.Error.Status, code, status)
	case e.Error.Message == "" || e.Message != e.Error.Message || e.Error.Details == nil:
		t.Errorf("not the envelope of errors: %s", a.body)
	case e.Error.RequestID == "" || e.Error.RequestID != a.header.Get("X-Request-Id"):
		t.Errorf("request id %q in the body, %q in the header", e.Error.RequestID, a.header.Get("X-Request-Id"))
	case a.header.Get("Content-Type") != "application/json":
		t.Errorf("content type %s", a.header.Get("Content-Type"))
	}
	return e
}

// wantField is wantError for one field that breaks one rule.
func (a answer) wantField(t *testing.T, field, code string) {
	t.Helper()
	e := a.wantError(t, http.StatusBadRequest, failure.CodeValidation)
	if len(e.Error.Details) != 1 || e.Error.Details[0].Field != field || e.Error.Details[0].Code != code || e.Error.Details[0].Message == "" {
		t.Errorf("details %+v, want %s %s", e.Error.Details, field, code)
	}
}

// wantData is the data of a successful answer.
func (a answer) wantData(t *testing.T, status int) json.RawMessage {
	t.Helper()
	if a.status != status {
		t.Fatalf("status %d, want %d: %s", a.status, status, a.body)
	}
	e := a.decode(t)
	if e.Success == nil || !*e.Success || e.Message == "" || e.Error != nil {
		t.Errorf("not the envelope of success: %s", a.body)
	}
	return e.Data
}

// logBuffer keeps log lines.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
