package httpapi

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestCrossOriginCalls(t *testing.T) {
	t.Parallel()
	const ours, another = "https://app.example.com", "https://evil.example.com"
	h, _ := accepting(t, func(d *Deps) {
		d.CORSOrigins = []string{ours}
		d.RateLimits = RateLimits{PerAddress: Quota{20, time.Hour}}
	})
	preflight := func(origin string) call {
		return call{method: http.MethodOptions, path: "/api/v0/api-keys"}.with("Origin", origin).
			with("Access-Control-Request-Method", "POST").
			with("Access-Control-Request-Headers", "authorization,content-type,idempotency-key")
	}
	a := h.do(preflight(ours))
	if a.status != http.StatusNoContent || a.header.Get("Access-Control-Allow-Origin") != ours ||
		a.header.Get("Access-Control-Allow-Methods") != "POST" || a.header.Get("Access-Control-Max-Age") != "600" ||
		a.header.Get("Access-Control-Allow-Credentials") != "" || a.header.Get("RateLimit") == "" {
		t.Errorf("%d %v", a.status, a.header)
	}
	if a := h.do(preflight(another)); a.header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("another origin is allowed: %v", a.header)
	}
	for _, c := range []call{
		post("/api/v0/api-keys").json(`{}`), get("/api/v0/users/profile"), get("/api/v0/users/profile").anonymously(), get("/nothing"),
	} {
		a := h.do(c.with("Origin", ours))
		if a.header.Get("Access-Control-Allow-Origin") != ours || !slices.ContainsFunc(a.header["Vary"], func(v string) bool { return strings.Contains(v, "Origin") }) ||
			!strings.Contains(a.header.Get("Access-Control-Expose-Headers"), "Retry-After") {
			t.Errorf("%s: %d %v", c.path, a.status, a.header)
		}
		if a := h.do(c.with("Origin", another)); a.header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s, from another origin: %v", c.path, a.header)
		}
	}
	for range 20 {
		a = h.do(preflight(ours))
	}
	a.wantError(t, http.StatusTooManyRequests, "RATE_LIMIT_EXCEEDED")
}

// Without the setting no page of another origin may call.
func TestNoCrossOriginCallsByDefault(t *testing.T) {
	t.Parallel()
	h, _ := accepting(t, nil)
	a := h.do(call{method: http.MethodOptions, path: "/api/v0/api-keys"}.
		with("Origin", "https://app.example.com").with("Access-Control-Request-Method", "POST"))
	a.wantError(t, http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED")
	for name := range h.do(get("/api/v0/users/profile").with("Origin", "https://app.example.com")).header {
		if strings.HasPrefix(name, "Access-Control") {
			t.Errorf("%s is there", name)
		}
	}
}
