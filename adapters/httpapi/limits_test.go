package httpapi

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/perfectworks/backend/domain/access"
)

func TestRateLimits(t *testing.T) {
	t.Parallel()
	h, _ := accepting(t, func(d *Deps) {
		d.RateLimits = RateLimits{PerCaller: Quota{3, time.Hour}, PerOrganization: Quota{5, time.Hour}}
	})
	c := get("/api/v0/users/active-organization")
	// Alice may make three requests, and Acme five.
	for i, want := range []string{
		`"caller";r=2;t=0, "organization";r=4;t=0`,
		`"caller";r=1;t=0, "organization";r=3;t=0`,
		`"caller";r=0;t=1200, "organization";r=2;t=0`,
	} {
		a := h.do(c)
		a.wantData(t, 200)
		if got := a.header.Get("RateLimit"); got != want {
			t.Errorf("request %d: RateLimit %s, want %s", i, got, want)
		}
		if got := a.header.Get("RateLimit-Policy"); got != `"caller";q=3;w=3600, "organization";q=5;w=3600` {
			t.Errorf("RateLimit-Policy %s", got)
		}
	}
	a := h.do(c)
	a.wantError(t, 429, "RATE_LIMIT_EXCEEDED")
	if a.header.Get("Retry-After") != "1200" || a.header.Get("RateLimit") != `"caller";r=0;t=1200` {
		t.Errorf("refused with %v", a.header)
	}
	// A colleague uses up what Acme has left, and a key of Acme gets nothing.
	h.do(c.as("another-acme")).wantData(t, 200)
	h.do(c.as("another-acme")).wantData(t, 200)
	h.do(c.as("another-acme")).wantError(t, 429, "RATE_LIMIT_EXCEEDED")
	h.do(c.as("alices-key")).wantError(t, 429, "RATE_LIMIT_EXCEEDED")
	// Somebody without an organization is counted alone.
	b := h.do(c.as("bob"))
	b.wantData(t, 200)
	if b.header.Get("RateLimit") != `"caller";r=2;t=0` || b.header.Get("RateLimit-Policy") != `"caller";q=3;w=3600` {
		t.Errorf("bob is told %v", b.header)
	}
}

// What has no caller counts for its address: public operations, pages, addresses
// and methods that lead nowhere, and refused credentials. Those who are known
// are served from the same address all the same.
func TestRateLimitsOfAddresses(t *testing.T) {
	t.Parallel()
	h, _ := accepting(t, func(d *Deps) {
		d.RateLimits = RateLimits{PerAddress: Quota{5, time.Hour}}
		d.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8")}
	})
	from := func(c call, forwarded ...string) answer {
		return h.do(c.with("X-Forwarded-For", forwarded...))
	}
	// To write the documentation takes a time that would be counted.
	from(get("/docs").anonymously(), "192.0.2.1")
	nobody := get("/api/v0/users/active-organization").as("nobody")
	for i, c := range []call{
		get("/docs").anonymously(), get("/nothing").anonymously(),
		{method: "BREW", path: "/docs"},
		nobody,
		get("/api/v0/organizations/slug/-"),
	} {
		a := from(c, "203.0.113.7")
		if want := fmt.Sprintf(`"address";r=%d;t=%d`, 4-i, i/4*720); a.status == 429 || a.header.Get("RateLimit") != want {
			t.Errorf("request %d: %d, RateLimit %s, want %s", i, a.status, a.header.Get("RateLimit"), want)
		}
	}
	for _, c := range []call{get("/docs"), get("/nothing"), {method: "BREW", path: "/docs"}, nobody, get("/api/v0/organizations/slug/-")} {
		a := from(c, "203.0.113.7")
		a.wantError(t, 429, "RATE_LIMIT_EXCEEDED")
		if a.header.Get("Retry-After") != "720" || a.header.Get("RateLimit-Policy") != `"address";q=5;w=3600` {
			t.Errorf("refused with %v", a.header)
		}
	}
	// The address before the proxies counts, and nothing that it says of others.
	from(nobody, "198.51.100.1, 203.0.113.7, 10.1.2.3").wantError(t, 429, "RATE_LIMIT_EXCEEDED")
	from(nobody, "198.51.100.1", "203.0.113.7").wantError(t, 429, "RATE_LIMIT_EXCEEDED")
	from(nobody, "203.0.113.7, 198.51.100.1").wantError(t, 401, "TOKEN_MALFORMED")
	from(nobody, "nonsense, 203.0.113.7:4711").wantError(t, 429, "RATE_LIMIT_EXCEEDED")
	// An IPv6 address has its whole network.
	for i := range 5 {
		from(nobody, fmt.Sprintf("2001:db8:0:1::%x", i)).wantError(t, 401, "TOKEN_MALFORMED")
	}
	from(nobody, "2001:db8:0:1:ffff::1").wantError(t, 429, "RATE_LIMIT_EXCEEDED")
	from(nobody, "2001:db8:0:2::1").wantError(t, 401, "TOKEN_MALFORMED")
	// A known caller is not refused because of others at the address, and probes never are.
	from(get("/api/v0/users/active-organization"), "203.0.113.7").wantData(t, 200)
	if a := from(get("/healthz").anonymously(), "203.0.113.7"); a.status != 200 || a.header.Get("RateLimit") == "" {
		t.Errorf("%d %v", a.status, a.header)
	}
}

// Without trusted proxies nobody is believed about where they come from.
func TestForwardedAddressesAreNotBelieved(t *testing.T) {
	t.Parallel()
	h, rec := accepting(t, func(d *Deps) { d.RateLimits = RateLimits{PerAddress: Quota{1, time.Hour}} })
	nobody := get("/api/v0/users/active-organization").as("nobody")
	h.do(nobody.with("X-Forwarded-For", "203.0.113.7")).wantError(t, 401, "TOKEN_MALFORMED")
	h.do(nobody.with("X-Forwarded-For", "203.0.113.8")).wantError(t, 429, "RATE_LIMIT_EXCEEDED")
	h.do(post("/api/v0/api-keys").json(`{}`).with("X-Forwarded-For", "203.0.113.7"))
	if got := rec.requests[0].ClientAddress.Reveal(); got != "127.0.0.1" {
		t.Errorf("the command is from %s", got)
	}
}

func TestSenselessLimitsAreRefused(t *testing.T) {
	t.Parallel()
	if _, err := New(Deps{RateLimits: RateLimits{PerCaller: Quota{Requests: 5}}, Directory: noDirectory{}}); err == nil {
		t.Error("a quota without a time is taken")
	}
}

func TestWhoMayCall(t *testing.T) {
	t.Parallel()
	h, rec := accepting(t, nil)
	keys, profile := post("/api/v0/api-keys").json(`{}`), get("/api/v0/users/active-organization")
	sign := post("/api/v0/users/client").json(`{"firstName":"A","lastName":"B"}`)
	for name, test := range map[string]struct {
		call   call
		status int
		code   string
	}{
		"nobody":                               {keys.anonymously(), 401, "TOKEN_MALFORMED"},
		"a key, where a person is needed":      {keys.as("alices-key"), 403, "CREDENTIAL_NOT_ALLOWED"},
		"an organization's key":                {keys.as("acmes-key"), 403, "CREDENTIAL_NOT_ALLOWED"},
		"a stranger":                           {keys.as("stranger"), 403, "USER_NOT_REGISTERED"},
		"an organization's key, for a person":  {profile.as("acmes-key"), 403, "CREDENTIAL_NOT_ALLOWED"},
		"a stranger, where a person or key is": {profile.as("stranger"), 403, "USER_NOT_REGISTERED"},
		"a key that wants to sign up":          {sign.as("alices-key"), 403, "CREDENTIAL_NOT_ALLOWED"},
	} {
		h.do(test.call).wantError(t, test.status, test.code)
		if len(rec.commands) > 0 {
			t.Fatalf("%s: a command ran", name)
		}
	}
	h.do(sign.as("stranger"))
	h.do(profile.as("alices-key")).wantData(t, 200)
	if len(rec.commands) != 1 || rec.requests[0].Principal.Identity.SubjectHash != "hash-of-stranger" {
		t.Error("a stranger cannot sign up")
	}
}

// A body counts by its size, whether its length was announced or not, and one that
// is too many is refused unread.
func TestLargeBodiesCountAsSeveralRequests(t *testing.T) {
	t.Parallel()
	h, rec := accepting(t, func(d *Deps) { d.RateLimits = RateLimits{PerCaller: Quota{20, time.Hour}} })
	large := `{"description":"` + strings.Repeat("a", 250) + `"` + strings.Repeat(" ", 9*bodyUnit-1000) + `}`
	// A reader whose length is not known is sent in chunks.
	unannounced := func(c call) call {
		return c.from(io.MultiReader(strings.NewReader(c.body))).with("Content-Type", "application/json")
	}
	for i, c := range []struct {
		call
		left string
	}{
		{post("/api/v0/api-keys").json(large), "11"},
		{unannounced(post("/api/v0/api-keys").json(large)), "2"},
		{post("/api/v0/api-keys").json(`{}`), "1"},
	} {
		a := h.do(c.call)
		a.wantData(t, 201)
		if got, _, _ := strings.Cut(a.header.Get("RateLimit"), ","); got != `"caller";r=`+c.left+`;t=0` {
			t.Errorf("request %d: %s left, want %s", i, got, c.left)
		}
	}
	for _, c := range []call{post("/api/v0/api-keys").json(large), unannounced(post("/api/v0/api-keys").json(large))} {
		a := h.do(c)
		a.wantError(t, 429, "RATE_LIMIT_EXCEEDED")
		if a.header.Get("Retry-After") == "" {
			t.Error("without Retry-After")
		}
	}
	if len(rec.requests) != 3 {
		t.Errorf("%d commands ran", len(rec.requests))
	}
}

// costly is an Authenticator whose checks cost much, but for tokens it has seen.
type costly struct {
	tokens
	checks *atomic.Int64
	seen   *sync.Map
}

func (c costly) Authenticate(ctx context.Context, h http.Header, afford func() error) (access.Principal, error) {
	token := h.Get("Authorization")
	if _, seen := c.seen.Load(token); !seen {
		if err := afford(); err != nil {
			return access.Principal{}, err
		}
		c.checks.Add(1)
	}
	p, err := c.tokens.Authenticate(ctx, h, nil)
	if err == nil {
		c.seen.Store(token, true)
	}
	return p, err
}

// An address that has sent too many bad credentials has no more of them checked.
// Those that were found good before are served, and do not count.
func TestBadCredentialsAreCountedBeforeTheyAreChecked(t *testing.T) {
	t.Parallel()
	slow := costly{tokens: known, checks: &atomic.Int64{}, seen: &sync.Map{}}
	h, _ := accepting(t, func(d *Deps) {
		d.Authenticator = slow
		d.RateLimits = RateLimits{PerAddress: Quota{3, time.Hour}}
	})
	path := "/api/v0/users/active-organization"
	for range 9 {
		h.do(get(path)).wantData(t, 200) // alice
	}
	for i := range 3 {
		h.do(get(path).as(fmt.Sprint("forged", i))).wantError(t, 401, "TOKEN_MALFORMED")
	}
	before := slow.checks.Load()
	for i := range 9 {
		h.do(get(path).as(fmt.Sprint("another", i))).wantError(t, 429, "RATE_LIMIT_EXCEEDED")
	}
	h.do(get(path).as("bob")).wantError(t, 429, "RATE_LIMIT_EXCEEDED")
	if n := slow.checks.Load() - before; n != 0 {
		t.Errorf("%d credentials were checked", n)
	}
	h.do(get(path)).wantData(t, 200)
}
