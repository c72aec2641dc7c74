package httpapi_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/perfectworks/backend/app"
)

func containsFold(s, part string) bool {
	return strings.Contains(strings.ToLower(s), strings.ToLower(part))
}

// Nothing secret or personal is in logs, metrics, traces or errors.
func TestNothingLeaks(t *testing.T) {
	t.Parallel()
	traces := &lines{}
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var body io.Reader = r.Body
		if r.Header.Get("Content-Encoding") == "gzip" {
			z, err := gzip.NewReader(r.Body)
			if err != nil {
				t.Error(err)
				return
			}
			body = z
		}
		if _, err := io.Copy(traces, body); err != nil {
			t.Error(err)
		}
	}))
	defer collector.Close()

	s := newWorld(t).start(func(settings *app.Settings) {
		settings.TraceEndpoint, settings.TraceShare = collector.URL, 1
	})
	const agent = "Secretive/1.0"
	ada := &person{server: s, bearer: s.token("zwicky-subject")}
	ada.call(http.MethodPost, "/users/client", `{"firstName":"Firstzwicky","lastName":"Lastzwicky","referralCode":"refzwicky"}`,
		"User-Agent", agent).data(t, 201)
	ada.call(http.MethodPost, "/organizations", `{"name":"Z","email":"officezwicky@example.com","description":"desczwicky"}`,
		"Idempotency-Key", "keyzwicky-1").data(t, 201)
	key := ada.call(http.MethodPost, "/api-keys", `{"description":"aboutzwicky"}`, "Idempotency-Key", "keyzwicky-2").data(t, 201)
	s.withKey(str(key, "key"), http.MethodGet, "/users/profile", "").data(t, 200)

	var answers bytes.Buffer
	for _, a := range []answer{
		ada.put("/users/profile", `{"firstName":"zwicky\u0000"}`),
		ada.put("/users/profile", `{"firstName":zwicky}`),
		ada.put("/users/profile", `{"avatarUrl":"zwicky"}`),
		ada.post("/organizations", `{"name":"x","email":"zwicky"}`),
		ada.get("/api-keys?search=zwicky%00"),
		ada.get("/api-keys?cursor=zwicky"),
		ada.get("/api-keys/zwicky"),
		ada.call(http.MethodGet, "/api-keys", "", "X-Min-Position", "zwicky"),
		ada.call(http.MethodGet, "/api-keys", "", "X-Organization-Id", "zwicky"),
		s.do(call{method: http.MethodGet, path: "/api/v0/organizations/slug/zwicky"}),
		s.do(call{method: http.MethodGet, path: "/zwicky?zwicky=zwicky"}),
		s.withKey("pw_test_zwicky", http.MethodGet, "/users/profile", ""),
		(&person{server: s, bearer: "zwicky"}).get("/users/profile"),
		(&person{server: s, bearer: s.token("other", func(o *tokenOptions) { o.email = "zwicky-subject@example.com" })}).
			post("/users/client", `{"firstName":"zwicky","lastName":"zwicky"}`),
		ada.call(http.MethodPost, "/organizations", `{"name":"zwicky"}`, "Idempotency-Key", "keyzwicky-1"),
	} {
		if a.status < 400 {
			t.Fatalf("%d %s", a.status, a.body)
		}
		answers.Write(a.body)
	}
	metrics := s.forOperators("/metrics")
	ready := s.forOperators("/readyz")
	s.stop() // Which sends the last traces.

	secrets := []string{
		"zwicky", ada.bearer, ada.bearer[strings.LastIndex(ada.bearer, ".")+1:], str(key, "key"), str(key, "key")[12:40], agent, "127.0.0.1:",
	}
	for place, text := range map[string]string{
		"the log": s.logs.String(), "the metrics": string(metrics.body), "the readiness": string(ready.body),
		"the traces": traces.String(), "the errors": answers.String(),
	} {
		if len(text) < 100 {
			t.Errorf("%s: there is only %q to look at", place, text)
		}
		for _, secret := range secrets {
			if secret == "127.0.0.1:" && place != "the errors" {
				continue // Servers say where they listen.
			}
			if i := strings.Index(strings.ToLower(text), strings.ToLower(secret)); i >= 0 {
				t.Errorf("%s holds %q: …%s…", place, secret, text[max(0, i-200):min(len(text), i+100)])
			}
		}
	}
	if !strings.Contains(traces.String(), "/api/v0/users/client") {
		t.Error("the traces do not show the requests")
	}
}
