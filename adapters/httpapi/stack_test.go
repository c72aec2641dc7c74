package httpapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/perfectworks/backend/adapters/identity"
	"github.com/perfectworks/backend/adapters/postgres/postgrestest"
	"github.com/perfectworks/backend/app"
	"github.com/perfectworks/backend/migrations"
	"github.com/perfectworks/backend/projections/directory"
)

// world is what servers stand on: one database and one data folder.
type world struct {
	t        *testing.T
	database string
	data     string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	return &world{
		t: t, data: t.TempDir(),
		database: postgrestest.URL(t,
			postgrestest.WithMigrations(migrations.App, migrations.AppTable),
			postgrestest.WithMigrations(migrations.EventNode, migrations.EventNodeTable)),
	}
}

// server is the whole program, without its command line.
type server struct {
	*world
	url   string
	admin string
	// sandbox is where the payment sandbox is.
	sandbox string
	logs    *lines
	stop    func()
	// hasty has calls take each answer as it is.
	hasty bool
}

// start starts a server of this world, and waits until all of it works.
func (w *world) start(change ...func(*app.Settings)) *server {
	w.t.Helper()
	s := &server{world: w, logs: &lines{}}
	settings := app.Settings{
		Environment: app.Development, Addr: "127.0.0.1:0", AdminAddr: "127.0.0.1:0", Data: w.data, DatabaseURL: w.database, Version: "test",
		WelcomeTokens: new(int64), // Most tests count tokens.
	}
	for _, c := range change {
		c(&settings)
	}
	running, err := app.New(w.t.Context(), settings, slog.New(slog.NewJSONHandler(s.logs, &slog.HandlerOptions{Level: slog.LevelDebug})))
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- running.Run(ctx) }()
	var once sync.Once
	s.stop = func() {
		once.Do(func() {
			cancel()
			if err := <-done; err != nil {
				w.t.Errorf("the server ended with %v", err)
			}
		})
	}
	w.t.Cleanup(s.stop)
	s.url = "http://" + running.Addr().String()
	s.admin = "http://" + running.AdminAddr().String()
	s.sandbox = running.SandboxURL()
	var last answer
	eventually(w.t, func() bool {
		last = s.do(call{method: http.MethodGet, path: "/readyz"})
		return last.status == http.StatusOK
	}, func() string { return string(last.body) })
	return s
}

// newServer is one server in a world of its own.
func newServer(t *testing.T) *server {
	t.Helper()
	return newWorld(t).start()
}

// eventually waits for a condition. It asks less and less often: a machine that
// is busy is not kept busy by it.
func eventually(t *testing.T, ready func() bool, why func() string) {
	t.Helper()
	pause := 5 * time.Millisecond
	for deadline := time.Now().Add(time.Minute); !ready(); time.Sleep(pause) {
		if time.Now().After(deadline) {
			t.Fatalf("it did not come about: %s", why())
		}
		pause = min(pause*3/2, 100*time.Millisecond)
	}
}

// token is one of the development issuer's.
func (w *world) token(subject string, change ...func(*tokenOptions)) string {
	w.t.Helper()
	o := tokenOptions{email: subject + "@example.com", verified: true, ttl: time.Hour}
	for _, c := range change {
		c(&o)
	}
	token, err := identity.MintToken(w.data, subject, o.email, o.verified, o.ttl)
	if err != nil {
		w.t.Fatal(err)
	}
	return token
}

type tokenOptions struct {
	email    string
	verified bool
	ttl      time.Duration
}

// person is somebody with an account, who makes calls.
type person struct {
	*server
	name   string
	bearer string
	id     string
}

// register signs somebody up.
func (s *server) register(name string) *person {
	s.t.Helper()
	p := &person{server: s, name: name, bearer: s.token(name)}
	a := p.post("/users/client", `{"firstName":"`+name+`","lastName":"Example"}`)
	p.id = str(a.data(s.t, 201), "id")
	return p
}

// owner is somebody with an organization of their own.
func (s *server) owner(name string) *person {
	s.t.Helper()
	p := s.register(name)
	p.post("/organizations", `{"name":"`+name+` Inc"}`).data(s.t, 201)
	return p
}

// on is the same person at another server.
func (p *person) on(s *server) *person {
	q := *p
	q.server = s
	return &q
}

func (p *person) get(path string) answer        { return p.call(http.MethodGet, path, "") }
func (p *person) post(path, body string) answer { return p.call(http.MethodPost, path, body) }
func (p *person) put(path, body string) answer  { return p.call(http.MethodPut, path, body) }
func (p *person) delete(path string) answer     { return p.call(http.MethodDelete, path, "") }
func (p *person) call(method, path, body string, header ...string) answer {
	p.t.Helper()
	return p.do(call{method: method, path: "/api/v0" + path, body: body, header: append(header, "Authorization", "Bearer "+p.bearer)})
}

// withKey calls with an API key.
func (s *server) withKey(key, method, path, body string) answer {
	s.t.Helper()
	return s.do(call{method: method, path: "/api/v0" + path, body: body, header: []string{"X-API-Key", key}})
}

// call is a request; header holds names and values in turn.
type call struct {
	method, path, body string
	header             []string
}

var client = &http.Client{
	Timeout:       3 * time.Minute, // It ends a hang, and measures nothing.
	Transport:     &http.Transport{MaxIdleConnsPerHost: 64},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

func (s *server) do(c call) answer {
	s.t.Helper()
	a, err := s.try(c)
	if err != nil {
		s.t.Fatal(err)
	}
	return a
}

// forOperators reads what only operators see.
func (s *server) forOperators(path string) answer {
	s.t.Helper()
	operator := *s
	operator.url = s.admin
	return operator.do(call{method: http.MethodGet, path: path})
}

// retryPause is how long a caller waits before it tries again.
const retryPause = 50 * time.Millisecond

// try makes a call. As every client should, it tries again while the server
// cannot check what the caller may do: on a busy machine the directory may fall
// behind for a moment.
func (s *server) try(c call) (a answer, err error) {
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(retryPause) {
		a, err = s.once(c)
		behind := a.status == http.StatusServiceUnavailable && bytes.Contains(a.body, []byte(`"`+directory.ErrBehind.Code+`"`))
		if !behind || s.hasty || time.Now().After(deadline) {
			return a, err
		}
	}
}

func (s *server) once(c call) (answer, error) {
	r, err := http.NewRequestWithContext(context.Background(), c.method, s.url+c.path, strings.NewReader(c.body))
	if err != nil {
		return answer{}, err
	}
	if c.body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(c.header); i += 2 {
		r.Header.Set(c.header[i], c.header[i+1])
	}
	res, err := client.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	a := answer{res.StatusCode, res.Header, body}
	if err == nil && s.url != s.admin {
		s.hold(c, a)
	}
	return a, err
}

// servedDocument is the document, which all servers of the program serve alike.
var servedDocument struct {
	mu sync.Mutex
	*apiDocument
}

// hold holds an answer against the document.
func (s *server) hold(c call, a answer) {
	servedDocument.mu.Lock()
	if servedDocument.apiDocument == nil {
		var err error
		if servedDocument.apiDocument, err = fetchContract(s.url); err != nil {
			s.t.Errorf("read the document: %v", err)
		}
	}
	servedDocument.mu.Unlock()
	if servedDocument.apiDocument == nil {
		return
	}
	if err := servedDocument.check(c.method, c.path, a); err != nil {
		s.t.Error(err)
	}
}

func fetchContract(url string) (*apiDocument, error) {
	res, err := client.Get(url + "/api/v0/openapi.json")
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	document, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	return readContract(document)
}

type answer struct {
	status int
	header http.Header
	body   []byte
}

type object = map[string]any

func (a answer) envelope(t *testing.T) object {
	t.Helper()
	var e object
	if err := json.Unmarshal(a.body, &e); err != nil {
		t.Fatalf("%d with a body that is not JSON: %s", a.status, a.body)
	}
	return e
}

// data is the data of an answer of the status wanted.
func (a answer) data(t *testing.T, status int) object {
	t.Helper()
	if a.status != status {
		t.Fatalf("status %d, want %d: %s", a.status, status, a.body)
	}
	e := a.envelope(t)
	if e["success"] != true || e["message"] == "" {
		t.Errorf("not the envelope of success: %s", a.body)
	}
	data, _ := e["data"].(object)
	return data
}

// refused holds an error against what is wanted: "409 SLUG_TAKEN", or with a
// field "400 VALIDATION_FAILED slug TOO_SHORT".
func (a answer) refused(t *testing.T, want string) {
	t.Helper()
	e, _ := a.envelope(t)["error"].(object)
	got := fmt.Sprintf("%d %v", a.status, e["code"])
	details, _ := e["details"].([]any)
	for _, d := range details {
		got += fmt.Sprintf(" %s %s", str(d.(object), "field"), str(d.(object), "code"))
	}
	if got != want {
		t.Errorf("got %s, want %s: %s", got, want, a.body)
	}
}

// items are those of a list's answer.
func (a answer) items(t *testing.T) []object {
	t.Helper()
	list, ok := a.data(t, 200)["items"].([]any)
	if !ok {
		t.Fatalf("no list: %s", a.body)
	}
	out := make([]object, len(list))
	for i, item := range list {
		out[i] = item.(object)
	}
	return out
}

func str(o object, name string) string { s, _ := o[name].(string); return s }

// lines keeps what is logged.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}
