package httpapi

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestHealth(t *testing.T) {
	t.Parallel()
	var checks []Check
	h := newHarness(t, nil)
	admin := httptest.NewServer(AdminHandler(http.NotFoundHandler(), func(context.Context) []Check { return checks }))
	defer admin.Close()
	if a := h.do(get("/healthz").anonymously()); a.status != 200 || string(a.body) != "{\"status\":\"ok\"}\n" {
		t.Errorf("%d %s", a.status, a.body)
	}
	for want, parts := range map[string][]Check{
		`200 {"status":"ok","checks":[{"name":"postgres","state":"ok"}]}`:                      {{"postgres", StateOK, ""}},
		`503 {"status":"lagging","checks":[{"name":"a","state":"lagging","detail":"9 late"}]}`: {{"a", StateLagging, "9 late"}},
		`503 {"status":"down","checks":[{"name":"a","state":"down"},{"name":"b","state":"stuck"},{"name":"c","state":"ok"}]}`: {
			{"a", StateDown, ""}, {"b", StateStuck, ""}, {"c", StateOK, ""},
		},
		`503 {"status":"stuck","checks":[{"name":"a","state":"lagging"},{"name":"b","state":"stuck"}]}`: {
			{"a", StateLagging, ""}, {"b", StateStuck, ""},
		},
	} {
		checks = parts
		res, err := admin.Client().Get(admin.URL + "/readyz")
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if diff := cmp.Diff(want, strings.TrimSpace(fmt.Sprintf("%d %s", res.StatusCode, body))); diff != "" {
			t.Error(diff)
		}
		if res.Header.Get("Cache-Control") != "no-store" || res.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%v", res.Header)
		}
		// Anybody may know whether, and nobody else which part and why.
		h := newHarness(t, func(d *Deps) { d.Ready = func(context.Context) []Check { return checks } })
		status, _, _ := strings.Cut(want, ",")
		if a := h.do(get("/readyz").anonymously()); strings.TrimSpace(fmt.Sprintf("%d %s", a.status, a.body)) != status+"}" {
			t.Errorf("the public is told %d %s", a.status, a.body)
		}
	}
}

// However many ask, the parts are asked now and then.
func TestReadinessIsShared(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	h := newHarness(t, func(d *Deps) {
		d.Ready = func(context.Context) []Check { asked.Add(1); return nil }
	})
	for range 100 {
		h.do(get("/readyz").anonymously())
	}
	if n := asked.Load(); n < 1 || n > 20 {
		t.Errorf("the parts were asked %d times", n)
	}
}

func TestWhatIsForOperators(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	admin := httptest.NewServer(AdminHandler(
		http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "metrics here") }),
		func(context.Context) []Check { return nil }))
	defer admin.Close()
	for path, want := range map[string]string{
		"/metrics": "metrics here", "/healthz": `"ok"`, "/readyz": `"ok"`, "/debug/pprof/": "goroutine", "/debug/pprof/heap?debug=1": "heap profile",
	} {
		res, err := admin.Client().Get(admin.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if res.StatusCode != http.StatusOK || !strings.Contains(string(body), want) {
			t.Errorf("%s: %d %s", path, res.StatusCode, body)
		}
		if want != `"ok"` {
			h.do(get(path)).wantError(t, 404, "ROUTE_NOT_FOUND")
		}
	}
}

func TestInjectedMiddlewareSeesAllRoutes(t *testing.T) {
	t.Parallel()
	var seen []string
	h, _ := accepting(t, func(d *Deps) {
		for _, name := range []string{"outer", "inner"} {
			d.Middleware = append(d.Middleware, func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					seen = append(seen, name)
					next.ServeHTTP(w, r)
				})
			})
		}
	})
	for _, c := range []call{
		put("/api/v0/users/profile").json(`{}`), get("/nothing"), {method: "PATCH", path: "/docs"}, get("/docs"),
	} {
		seen = nil
		h.do(c)
		if diff := cmp.Diff([]string{"outer", "inner"}, seen); diff != "" {
			t.Errorf("%s %s: %s", c.method, c.path, diff)
		}
	}
}

func TestTraceParentReachesTheCommand(t *testing.T) {
	t.Parallel()
	h, rec := accepting(t, func(d *Deps) { d.TraceParent = func(context.Context) string { return "00-abc-def-01" } })
	h.do(put("/api/v0/users/profile").json(`{}`).with("User-Agent", "curl/8 \xff"))
	req := rec.requests[0]
	if req.TraceParent != "00-abc-def-01" || req.ClientAddress.Reveal() != "127.0.0.1" || req.UserAgent.Reveal() != "curl/8 " {
		t.Errorf("%+v: %s, %q", req, req.ClientAddress.Reveal(), req.UserAgent.Reveal())
	}
}

// serving runs a Server until stop is called, which returns what Serve did.
func serving(t *testing.T, h http.Handler, drain time.Duration) (address string, stop func() error) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		done <- Server{Handler: h, Logger: slog.New(slog.DiscardHandler), Drain: drain}.Serve(ctx, listener)
	}()
	stopped := false
	stop = func() error {
		stopped = true
		cancel()
		return <-done
	}
	t.Cleanup(func() {
		if !stopped {
			_ = stop()
		}
	})
	return listener.Addr().String(), stop
}

func TestStoppingLetsRequestsFinish(t *testing.T) {
	t.Parallel()
	entered, release := make(chan struct{}), make(chan struct{})
	address, stop := serving(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(entered)
		<-release
		fmt.Fprint(w, r.Context().Err())
	}), time.Minute)
	answered := make(chan string, 1)
	go func() {
		res, err := http.Get("http://" + address)
		if err != nil {
			answered <- err.Error()
			return
		}
		defer res.Body.Close()
		body, _ := io.ReadAll(res.Body)
		answered <- string(body)
	}()
	<-entered
	stopped := make(chan error, 1)
	go func() { stopped <- stop() }()
	// New ones are turned away once it stops.
	for deadline := time.Now().Add(time.Minute); ; {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			break
		}
		conn.Close()
		if time.Now().After(deadline) {
			t.Fatal("it goes on listening")
		}
	}
	select {
	case err := <-stopped:
		t.Fatalf("it stopped before the request was answered: %v", err)
	default:
	}
	close(release)
	if got := <-answered; got != "%!v(<nil>)" && got != "<nil>" {
		t.Errorf("the request under way was answered %s", got)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

func TestStoppingDoesNotWaitForEver(t *testing.T) {
	t.Parallel()
	entered := make(chan struct{})
	address, stop := serving(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(entered)
		<-r.Context().Done()
	}), 20*time.Millisecond)
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	<-entered
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestServeFailsWithItsListener(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	err = Server{Handler: http.NotFoundHandler(), Logger: slog.New(slog.DiscardHandler)}.Serve(t.Context(), listener)
	if !errors.Is(err, net.ErrClosed) {
		t.Errorf("it ended with %v", err)
	}
}

func TestHeadersHaveALimit(t *testing.T) {
	t.Parallel()
	address, _ := serving(t, http.NotFoundHandler(), 0)
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: x\r\nX-Long: %s\r\n\r\n", strings.Repeat("a", 2*maxHeaderBytes))
	status, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil || !strings.Contains(status, "431") {
		t.Errorf("answered %q, %v", status, err)
	}
}

func TestChecksAreReadable(t *testing.T) {
	t.Parallel()
	out, err := json.Marshal(Check{Name: "a", State: StateOK})
	if err != nil || string(out) != `{"name":"a","state":"ok"}` {
		t.Errorf("%s, %v", out, err)
	}
}
