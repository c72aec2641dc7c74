package httpapi

import (
	"context"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/apikey"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/organization"
)

func TestIfMatchReachesTheCommand(t *testing.T) {
	t.Parallel()
	for value, want := range map[string][]event.Revision{
		``: {-1}, `*`: {-1}, `"3"`: {3}, `"3", "5"`: {3, 5}, `W/"3"`: {noRevision}, `"abc"`: {noRevision}, `W/"3", "5"`: {5},
	} {
		h, rec := accepting(t, nil)
		rec.results = []error{commands.ErrStale}
		c := put("/api/v0/organizations/current").json(`{"name":"B"}`)
		if value != "" {
			c = c.with("If-Match", value)
		}
		h.do(c).wantError(t, 412, "REVISION_STALE")
		var got []event.Revision
		for _, r := range rec.requests {
			if r.ID != rec.requests[0].ID {
				t.Error("two tries at one request are two commands")
			}
			if r.Expected == nil {
				got = append(got, -1) // None.
			} else {
				got = append(got, *r.Expected)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("If-Match %s: the command was told %v, want %v", value, got, want)
		}
	}
}

func TestIfMatchStopsAtTheFirstThatFits(t *testing.T) {
	t.Parallel()
	h, rec := accepting(t, nil)
	rec.results = []error{commands.ErrStale, nil}
	a := h.do(put("/api/v0/organizations/current").json(`{}`).with("If-Match", `"1", "2", "3"`))
	a.wantData(t, 200)
	if len(rec.requests) != 2 || *rec.requests[1].Expected != 2 || a.header.Get("ETag") != `"7"` {
		t.Errorf("%d tries, ETag %s", len(rec.requests), a.header.Get("ETag"))
	}
	h, rec = accepting(t, nil)
	rec.results = []error{organization.ErrNotFound}
	h.do(put("/api/v0/organizations/current").json(`{}`).with("If-Match", `"1", "2"`)).wantError(t, 404, "ORGANIZATION_NOT_FOUND")
	if len(rec.requests) != 1 {
		t.Errorf("%d tries at what is not there", len(rec.requests))
	}
}

func TestIfMatchOnDelete(t *testing.T) {
	t.Parallel()
	h, rec := accepting(t, nil)
	h.do(call{method: http.MethodDelete, path: "/api/v0/api-keys/key_1", token: "alice"}.with("If-Match", `"4"`)).wantData(t, 200)
	if *rec.requests[0].Expected != 4 {
		t.Errorf("the command was told %d", *rec.requests[0].Expected)
	}
}

func TestMalformedPreconditions(t *testing.T) {
	t.Parallel()
	h, rec := accepting(t, nil)
	for _, value := range []string{"3", `"3`, `"3" "4"`, "", "*, *"} {
		h.do(put("/api/v0/organizations/current").json(`{}`).with("If-Match", value)).wantField(t, "If-Match", "FORMAT_INVALID")
		h.do(get("/api/v0/users/active-organization").with("If-None-Match", value)).wantField(t, "If-None-Match", "FORMAT_INVALID")
	}
	if len(rec.commands) > 0 {
		t.Error("commands ran")
	}
}

func TestIfNoneMatch(t *testing.T) {
	t.Parallel()
	h, _ := accepting(t, nil)
	for _, path := range []string{"/api/v0/users/profile", "/api/v0/api-keys/key_01jd9z3q5we8x9v6m2k4t7r1b9"} {
		for value, status := range map[string]int{
			"": 200, `"6"`: 200, `"7"`: 304, `W/"7"`: 304, `"1", "7"`: 304, "*": 304, `"abc"`: 200,
		} {
			c := get(path)
			if value != "" {
				c = c.with("If-None-Match", value)
			}
			a := h.do(c)
			if a.status != status || a.header.Get("ETag") != `"7"` || (len(a.body) == 0) != (status == 304) {
				t.Errorf("%s, If-None-Match %s: %d, %v %s", path, value, a.status, a.header, a.body)
			}
			if a.header.Get("Cache-Control") != "private, no-cache" || a.header.Get("Vary") == "" {
				t.Errorf("%s: %v", path, a.header)
			}
		}
	}
}

func TestWritesTellRevisionAndPosition(t *testing.T) {
	t.Parallel()
	h, _ := accepting(t, nil)
	for _, c := range []call{
		put("/api/v0/users/profile").json(`{}`),
		put("/api/v0/users/active-organization").json(`{"organizationId":"org_1"}`),
		post("/api/v0/organizations").json(`{"name":"A"}`),
		put("/api/v0/organizations/current").json(`{}`),
		post("/api/v0/api-keys").json(`{}`),
		put("/api/v0/api-keys/key_1").json(`{}`),
		{method: http.MethodDelete, path: "/api/v0/api-keys/key_1", token: "alice"},
		post("/api/v0/api-keys/key_1/rotate"),
	} {
		a := h.do(c)
		at, err := event.ParsePosition(a.header.Get("X-Position"))
		if err != nil || at.IsZero() || a.header.Get("ETag") != `"7"` || a.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s %s: %d %v", c.method, c.path, a.status, a.header)
		}
		if a.status == http.StatusCreated && a.header.Get("Location") == "" {
			t.Errorf("%s %s: no Location", c.method, c.path)
		}
	}
}

func TestReadsWaitForTheCallersWrites(t *testing.T) {
	t.Parallel()
	var waits []string
	h, _ := accepting(t, func(d *Deps) {
		d.ReadModels = waiter(func(_ context.Context, model string, p event.Position) error {
			waits = append(waits, model+" "+p.String())
			return nil
		})
	})
	read := get("/api/v0/users/profile")
	h.do(read)
	if len(waits) != 0 {
		t.Errorf("a read waited though nothing was written: %v", waits)
	}
	h.do(put("/api/v0/users/profile").json(`{}`))
	h.do(put("/api/v0/users/profile").json(`{}`))
	h.do(read)
	h.do(read.as("bob"))
	h.do(read.with("X-Min-Position", "C:1/P:1"))
	h.do(read.with("X-Min-Position", "C:9/P:8"))
	h.do(read.as("bob").with("X-Min-Position", "C:9/P:8"))
	want := []string{"users C:2/P:2", "users C:2/P:2", "users C:9/P:8", "users C:9/P:8"}
	if !slices.Equal(waits, want) {
		t.Errorf("waited for %v, want %v", waits, want)
	}
	for _, value := range []string{"9", "C:1", "C:-1/P:1", "C:1/P:99999999999999999999", "c:1/p:1", "C:1/P:1 "} {
		h.do(read.with("X-Min-Position", value+"x")).wantField(t, "X-Min-Position", "FORMAT_INVALID")
	}
}

// A new key's reads wait for all that was written before it was made, and a
// person's keys' reads for what that person writes.
func TestReadsByKeysWait(t *testing.T) {
	t.Parallel()
	var waits []string
	h, rec := accepting(t, func(d *Deps) {
		d.ReadModels = waiter(func(_ context.Context, model string, p event.Position) error {
			waits = append(waits, model+" "+p.String())
			return nil
		})
		d.Commands.IssueAPIKey = func(context.Context, commands.Request, commands.IssueAPIKey) (commands.Result[commands.IssuedAPIKey], error) {
			return commands.Result[commands.IssuedAPIKey]{
				Value: commands.IssuedAPIKey{Key: apikey.State{ID: "key_2"}}, Position: position(5),
			}, nil
		}
	})
	current := get("/api/v0/organizations/current").as("acmes-key")
	h.do(current).wantData(t, 200)
	h.do(post("/api/v0/api-keys").json(`{}`)).wantData(t, 201)
	h.do(current).wantData(t, 200)
	rec.requests = make([]commands.Request, 8)
	h.do(put("/api/v0/users/profile").json(`{}`)).wantData(t, 200)
	h.do(current).wantData(t, 200)
	h.do(get("/api/v0/users/profile").as("alices-key")).wantData(t, 200)
	want := []string{"organizations C:5/P:5", "organizations C:5/P:5", "users C:9/P:9"}
	if !slices.Equal(waits, want) {
		t.Errorf("waited for %v, want %v", waits, want)
	}
}

// slowDirectory is always behind, and notes up to where it is waited for.
type slowDirectory struct {
	noDirectory
	waits *[]string
}

func (d slowDirectory) Applied() event.Position { return event.Position{} }

func (d slowDirectory) WaitFor(_ context.Context, p event.Position) error {
	*d.waits = append(*d.waits, p.String())
	return nil
}

// Who somebody is, and where they act, is looked up as of their last write that
// may have changed it: other writes need not wait for one another.
func TestTheDirectoryIsWaitedForWhereItMatters(t *testing.T) {
	t.Parallel()
	var waits []string
	h, _ := accepting(t, func(d *Deps) { d.Directory = slowDirectory{waits: &waits} })
	here := get("/api/v0/users/active-organization")
	for range 2 {
		h.do(post("/api/v0/api-keys").json(`{}`)).wantData(t, 201)
		h.do(put("/api/v0/users/profile").json(`{}`)).wantData(t, 200)
		h.do(here).wantData(t, 200)
	}
	if len(waits) > 0 {
		t.Errorf("waited for %v", waits)
	}
	h.do(post("/api/v0/organizations").json(`{"name":"A"}`)).wantData(t, 201)
	h.do(post("/api/v0/api-keys").json(`{}`)).wantData(t, 201)
	h.do(here).wantData(t, 200)
	h.do(here.with("X-Min-Position", "C:99/P:99")).wantData(t, 200)
	if want := []string{"C:5/P:5", "C:5/P:5", "C:99/P:99"}; !slices.Equal(waits, want) {
		t.Errorf("waited for %v, want %v", waits, want)
	}
}

// movingDirectory reaches a position at the moment that a principal was looked up.
type movingDirectory struct {
	noDirectory
	tokens
	applied atomic.Uint64
	to      atomic.Uint64
}

func (d *movingDirectory) Applied() event.Position { return position(int(d.applied.Load())) }

func (d *movingDirectory) Authenticate(ctx context.Context, h http.Header, afford func() error) (access.Principal, error) {
	p, err := d.tokens.Authenticate(ctx, h, afford)
	if d.applied.Load() < 5 {
		p.OrganizationID = "" // The new organization is not known yet.
	}
	d.applied.Store(d.to.Load())
	return p, err
}

// The directory may come to know the caller's last write right after it was
// asked who they are. The answer from before is then out of date.
func TestAPrincipalFromJustBeforeTheDirectoryMoved(t *testing.T) {
	t.Parallel()
	d := &movingDirectory{tokens: known}
	h, rec := accepting(t, func(deps *Deps) { deps.Directory, deps.Authenticator = d, d })
	h.do(post("/api/v0/organizations").json(`{"name":"A"}`)).wantData(t, 201)
	d.to.Store(5)
	h.do(post("/api/v0/api-keys").json(`{}`)).wantData(t, 201)
	if got := rec.requests[len(rec.requests)-1].Principal.OrganizationID; got != "org_acme" {
		t.Errorf("the key is created in %q", got)
	}
}

func TestAReadModelThatStaysBehind(t *testing.T) {
	t.Parallel()
	h, _ := accepting(t, func(d *Deps) {
		d.ReadModels = waiter(func(ctx context.Context, _ string, _ event.Position) error {
			<-ctx.Done()
			return ctx.Err()
		})
	})
	a := h.do(get("/api/v0/users/profile").with("X-Min-Position", "C:9/P:9"))
	a.wantError(t, 503, "READ_MODEL_BEHIND")
	if a.header.Get("Retry-After") != "1" {
		t.Errorf("Retry-After %q", a.header.Get("Retry-After"))
	}
}

func FuzzMinPosition(f *testing.F) {
	f.Add("C:1/P:2")
	f.Add("C:18446744073709551615/P:0")
	f.Fuzz(func(t *testing.T, s string) {
		p, err := event.ParsePosition(s)
		if err == nil && later(p, event.Position{}) != p {
			t.Errorf("%q is before the beginning", s)
		}
	})
}
