package httpapi

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
)

func TestRequestIDs(t *testing.T) {
	t.Parallel()
	h, rec := accepting(t, nil)
	for given, kept := range map[string]bool{
		"import-42_7.a:b": true, strings.Repeat("a", 128): true,
		"": false, strings.Repeat("a", 129): false, "a b": false, `a"b`: false, "ä": false, "a\tb": false, "<script>": false,
	} {
		a := h.do(put("/api/v0/users/profile").json(`{}`).with("X-Request-Id", given))
		got := a.header.Get("X-Request-Id")
		if (got == given) != kept || got == "" {
			t.Errorf("request id %q became %q", given, got)
		}
		req := rec.requests[len(rec.requests)-1]
		if req.RequestID != got || req.CorrelationID != got {
			t.Errorf("the command got request id %q and correlation id %q", req.RequestID, req.CorrelationID)
		}
	}
	h.do(put("/api/v0/users/profile").json(`{}`).with("X-Request-Id", "r").with("X-Correlation-Id", "c"))
	if req := rec.requests[len(rec.requests)-1]; req.RequestID != "r" || req.CorrelationID != "c" {
		t.Errorf("the command got request id %q and correlation id %q", req.RequestID, req.CorrelationID)
	}
	a, b := h.do(get("/x")), h.do(get("/x"))
	if a.header.Get("X-Request-Id") == b.header.Get("X-Request-Id") {
		t.Error("two requests got one id")
	}
}

func TestAccessLog(t *testing.T) {
	t.Parallel()
	h, _ := accepting(t, nil)
	h.do(put("/api/v0/api-keys/key_1?search=hunter2").json(`{"description":"hunter3"}`).
		with("X-Request-Id", "r-1").with("Cookie", "hunter4").with("X-Forwarded-For", "203.0.113.7"))
	h.do(get("/hunter5").anonymously().with("X-Request-Id", "r-2"))
	h.do(call{method: http.MethodHead, path: "/healthz"}.with("X-Request-Id", "r-3"))
	h.do(post("/api/v0/api-keys").json(`{}`).as("hunter6").with("X-Request-Id", "r-4"))
	h.Close()

	logs := h.logs.String()
	for _, secret := range []string{"hunter", "203.0.113", "127.0.0.1", "Go-http-client"} {
		if strings.Contains(logs, secret) {
			t.Errorf("%q is in the log: %s", secret, logs)
		}
	}
	type line struct {
		Msg, Method, Route, RequestID, Principal string
		Status, Bytes, Took                      int
	}
	seen := map[string]line{}
	for l := range strings.Lines(logs) {
		var one line
		if err := json.Unmarshal([]byte(l), &one); err != nil {
			t.Fatal(err)
		}
		if one.Took <= 0 {
			t.Errorf("it took no time: %s", l)
		}
		one.Took = 0
		seen[one.RequestID] = one
	}
	for _, want := range []line{
		{"request", "PUT", "/api/v0/api-keys/{id}", "r-1", "user_alice", 200, seen["r-1"].Bytes, 0},
		{"request", "GET", "unmatched", "r-2", "", 404, seen["r-2"].Bytes, 0},
		{"request", "HEAD", "/healthz", "r-3", "", 200, seen["r-3"].Bytes, 0},
		{"request", "POST", "/api/v0/api-keys", "r-4", "", 401, seen["r-4"].Bytes, 0},
	} {
		if seen[want.RequestID] != want {
			t.Errorf("logged %+v, want %+v", seen[want.RequestID], want)
		}
	}
	if seen["r-1"].Bytes < 100 {
		t.Errorf("%d bytes were logged", seen["r-1"].Bytes)
	}
}

func TestSecurityHeaders(t *testing.T) {
	t.Parallel()
	h, _ := accepting(t, nil)
	for _, c := range []call{get("/api/v0/nothing"), put("/api/v0/users/profile").json(`{}`), get("/docs"), get("/healthz")} {
		a := h.do(c)
		if a.header.Get("X-Content-Type-Options") != "nosniff" || a.header.Get("Referrer-Policy") != "no-referrer" ||
			!strings.HasPrefix(a.header.Get("Content-Security-Policy"), "default-src 'none'") ||
			!strings.Contains(a.header.Get("Content-Security-Policy"), "frame-ancestors 'none'") {
			t.Errorf("%s: %v", c.path, a.header)
		}
		if strings.Contains(a.header.Get("Server")+a.header.Get("X-Powered-By"), "o") {
			t.Errorf("%s tells what serves it", c.path)
		}
	}
}

func TestHeadersThatAreTooLarge(t *testing.T) {
	t.Parallel()
	h, _ := accepting(t, nil)
	for what, c := range map[string]call{
		"one field":  get("/api/v0/users/profile").with("X-Note", strings.Repeat("a", maxHeaders)),
		"many lines": get("/api/v0/users/profile").with("X-Note", slices.Repeat([]string{strings.Repeat("a", 100)}, maxHeaders/100)...),
		"an address": get("/api/v0/users/profile?" + strings.Repeat("a", maxHeaders)),
	} {
		a := h.do(c)
		t.Log(what)
		a.wantError(t, http.StatusRequestHeaderFieldsTooLarge, "HEADERS_TOO_LARGE")
		if a.header.Get("RateLimit") == "" {
			t.Error("without RateLimit")
		}
	}
	h.do(get("/api/v0/users/profile").with("X-Note", strings.Repeat("a", maxHeaders/2))).wantData(t, 200)
}

// Who sent no credential is told which kind is needed, and who sent one what is
// wrong with it.
func TestChallenges(t *testing.T) {
	t.Parallel()
	h, _ := accepting(t, nil)
	const scheme = `Bearer realm="perfectworks"`
	for want, c := range map[string]call{
		scheme: get("/api/v0/users/profile").anonymously(),
		scheme + `, error="invalid_token", error_description="no such token"`: get("/api/v0/users/profile").as("nobody"),
	} {
		if a := h.do(c); a.status != 401 || a.header.Get("WWW-Authenticate") != want {
			t.Errorf("%d %s, want %s", a.status, a.header.Get("WWW-Authenticate"), want)
		}
	}
}

func TestAddressesAndMethods(t *testing.T) {
	t.Parallel()
	h, _ := accepting(t, nil)
	for _, path := range []string{"/", "/api", "/api/v0", "/api/v0/", "/api/v1/users/profile", "/api/v0/users/profile/", "//api/v0/users/profile", "/api/v0/api-keys/a/b"} {
		h.do(get(path)).wantError(t, 404, "ROUTE_NOT_FOUND")
	}
	for path, allowed := range map[string][]string{
		"/api/v0/users/client":              {"POST"},
		"/api/v0/users/profile":             {"GET", "HEAD", "PUT", "DELETE"},
		"/api/v0/users/active-organization": {"GET", "HEAD", "PUT"},
		"/api/v0/api-keys/key_1/rotate":     {"POST"},
		"/api/v0/openapi.json":              {"GET", "HEAD"},
		"/docs":                             {"GET", "HEAD"},
	} {
		for _, method := range []string{"PATCH", "OPTIONS", "TRACE", "PROPFIND"} {
			a := h.do(call{method: method, path: path})
			if a.wantError(t, 405, "METHOD_NOT_ALLOWED"); !slices.Equal(a.header["Allow"], allowed) {
				t.Errorf("%s %s: Allow %v, want %v", method, path, a.header["Allow"], allowed)
			}
		}
	}
}

func TestHeadIsAGetWithoutItsBody(t *testing.T) {
	t.Parallel()
	h, _ := accepting(t, nil)
	a := h.do(call{method: http.MethodHead, path: "/api/v0/users/active-organization", token: "alice"})
	if a.status != 200 || len(a.body) > 0 || a.header.Get("Content-Type") != "application/json" {
		t.Errorf("status %d, %d bytes, %v", a.status, len(a.body), a.header)
	}
	if a := h.do(call{method: http.MethodHead, path: "/nothing"}); a.status != 404 || len(a.body) > 0 {
		t.Errorf("status %d, %d bytes", a.status, len(a.body))
	}
}

func TestAccept(t *testing.T) {
	t.Parallel()
	for accept, want := range map[string]bool{
		"": true, "*/*": true, "application/json": true, "application/*": true, "APPLICATION/JSON": true,
		"text/html, application/xhtml+xml, */*;q=0.8": true, "text/html, application/json;q=0.1": true,
		"application/problem+json": true, "application/json; charset=utf-8": true, "application/json;q=nonsense": true,
		"text/html": false, "application/json;q=0": false, "application/json; q=0.0, */*": false, "application/xml, image/*": false,
		"application/*;q=0, */*": false, ",": false,
	} {
		if got := accepts(accept, mediaJSON); got != want {
			t.Errorf("Accept %q: %v", accept, got)
		}
	}
	h, rec := accepting(t, nil)
	h.do(post("/api/v0/api-keys").json(`{}`).with("Accept", "text/csv")).wantError(t, 406, "MEDIA_TYPE_NOT_ACCEPTABLE")
	h.do(get("/api/v0/users/active-organization").with("Accept", "text/html", "application/json")).wantData(t, 200)
	if len(rec.commands) > 0 {
		t.Error("the command ran though its answer was not acceptable")
	}
}

func FuzzAccept(f *testing.F) {
	for _, seed := range []string{"*/*", "application/json;q=0.5, text/*", "a/b;q=1;c=d", ";", ","} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, accept string) {
		if wantsProblem(accept) && !accepts(accept+", application/json", mediaJSON) {
			t.Errorf("%q wants problems and refuses JSON", accept)
		}
	})
}

func TestClipped(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"abcd": "abcd", "abcdef": "abcd", "abcéd": "abc", "aééé": "aé", "ab\xffc": "abc", "😀😀": "😀", "": "",
	} {
		if got := clipped(in, 4); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}
