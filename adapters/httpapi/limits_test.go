package httpapi

import (
	"net/http"
	"testing"
	"time"
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
	a.wantError(t, 429, "RATE_LIMITED")
	if a.header.Get("Retry-After") != "1200" || a.header.Get("RateLimit") != `"caller";r=0;t=1200` {
		t.Errorf("refused with %v", a.header)
	}
	// A colleague uses up what Acme has left, and a key of Acme gets nothing.
	h.do(c.as("another-acme")).wantData(t, 200)
	h.do(c.as("another-acme")).wantData(t, 200)
	h.do(c.as("another-acme")).wantError(t, 429, "RATE_LIMITED")
	h.do(c.as("alices-key")).wantError(t, 429, "RATE_LIMITED")
	// Somebody without an organization is counted alone.
	b := h.do(c.as("bob"))
	b.wantData(t, 200)
	if b.header.Get("RateLimit") != `"caller";r=2;t=0` || b.header.Get("RateLimit-Policy") != `"caller";q=3;w=3600` {
		t.Errorf("bob is told %v", b.header)
	}
	// Who is not known is not counted.
	if a := h.do(c.as("nobody")); a.status != http.StatusUnauthorized || a.header.Get("RateLimit") != "" {
		t.Errorf("%d %v", a.status, a.header)
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
		"a key, where a person is needed":      {keys.as("alices-key"), 403, "USER_ONLY"},
		"an organization's key":                {keys.as("acmes-key"), 403, "USER_ONLY"},
		"a stranger":                           {keys.as("stranger"), 403, "NOT_REGISTERED"},
		"an organization's key, for a person":  {profile.as("acmes-key"), 403, "PERSON_ONLY"},
		"a stranger, where a person or key is": {profile.as("stranger"), 403, "NOT_REGISTERED"},
		"a key that wants to sign up":          {sign.as("alices-key"), 403, "USER_ONLY"},
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
