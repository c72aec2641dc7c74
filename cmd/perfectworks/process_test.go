package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/perfectworks/backend/adapters/postgres/postgrestest"
	"github.com/perfectworks/backend/migrations"
	"github.com/perfectworks/backend/projections/directory"
)

// asProgram makes the test binary be the program: tests start it as a process
// of its own, so that they can end it in every way.
const asProgram = "PERFECTWORKS_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// readyWithin bounds a start, on a machine that is busy with other tests.
const readyWithin = time.Minute

func program(t *testing.T, settings []string, args ...string) *exec.Cmd {
	t.Helper()
	command := exec.Command(os.Args[0], args...)
	command.Env = append(os.Environ(), append(settings, asProgram+"=1", "PERFECTWORKS_ADMIN_ADDR=127.0.0.1:0", "DOCUMENTS_ENGINES=embedded")...)
	return command
}

// says checks that what a command wrote has some parts, and is safe for a terminal.
func says(t *testing.T, text string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not said: %s", want, text)
		}
	}
	if strings.Contains(text, "\x1b") {
		t.Error("an escape sequence reached the terminal")
	}
}

// output runs the program to its end.
func output(t *testing.T, settings []string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	command := program(t, settings, args...)
	command.Stdout, command.Stderr = &out, &errs
	if err := command.Run(); err != nil && command.ProcessState == nil {
		t.Fatal(err)
	}
	return out.String(), errs.String(), command.ProcessState.ExitCode()
}

// installation is one data folder and database, on which servers come and go.
type installation struct {
	t        *testing.T
	data     string
	settings []string
}

func newInstallation(t *testing.T) *installation {
	t.Helper()
	url := postgrestest.URL(t,
		postgrestest.WithMigrations(migrations.App, migrations.AppTable),
		postgrestest.WithMigrations(migrations.EventNode, migrations.EventNodeTable))
	return &installation{t: t, data: t.TempDir(), settings: []string{"DATABASE_URL=" + url, "LOG_LEVEL=warn", "PERFECTWORKS_MAX_API_KEYS=100000"}}
}

// process is a running server.
type process struct {
	command *exec.Cmd
	api     string
	log     *lockedBuffer
	ended   chan struct{}
	once    sync.Once
}

var readyLine = regexp.MustCompile(`PerfectWorks is ready as|API=(http://\S+/api/v0)`)

// serve starts a server and waits until it says that it is ready.
func (i *installation) serve(args ...string) *process {
	i.t.Helper()
	p := &process{log: &lockedBuffer{}, ended: make(chan struct{})}
	p.command = program(i.t, i.settings, append([]string{"serve", "--addr", "127.0.0.1:0", "--data", i.data}, args...)...)
	p.command.Stderr = p.log
	stdout, err := p.command.StdoutPipe()
	if err != nil {
		i.t.Fatal(err)
	}
	if err := p.command.Start(); err != nil {
		i.t.Fatal(err)
	}
	api := make(chan string, 1)
	go func() {
		lines := bufio.NewScanner(stdout)
		for lines.Scan() {
			if found := readyLine.FindStringSubmatch(lines.Text()); found != nil {
				api <- found[1]
			}
		}
		_ = p.command.Wait() // Tests look at ProcessState.
		close(p.ended)
	}()
	i.t.Cleanup(func() { p.end(syscall.SIGKILL) })
	select {
	case p.api = <-api:
	case <-p.ended:
		i.t.Fatalf("the server ended at its start: %s", p.log)
	case <-time.After(readyWithin):
		i.t.Fatalf("the server was not ready within %v: %s", readyWithin, p.log)
	}
	return p
}

// end sends a signal and waits for the process to be gone.
func (p *process) end(signal os.Signal) {
	p.once.Do(func() { _ = p.command.Process.Signal(signal) }) // It may be gone already.
	<-p.ended
}

func (i *installation) token(subject string) string {
	i.t.Helper()
	stdout, stderr, code := output(i.t, nil, "token", "--subject", subject, "--email", subject+"@example.org", "--verified", "--data", i.data)
	if code != 0 {
		i.t.Fatalf("token ended with %d: %s", code, stderr)
	}
	return strings.TrimSpace(stdout)
}

// caller asks one server as one person.
type caller struct {
	api, token string
}

// answer is a response, decoded as far as tests look at it.
type answer struct {
	Status   int
	Replayed bool
	Data     struct {
		ID  string `json:"id"`
		Key string `json:"key"`
	} `json:"data"`
	Error struct {
		Code string `json:"code"`
	} `json:"error"`
}

// do makes a call. As every client should, it tries again while the server
// cannot check what the caller may do: on a busy machine the directory may fall
// behind for a moment.
func (c caller) do(ctx context.Context, method, path, body, idempotencyKey string) (a answer, err error) {
	for deadline := time.Now().Add(30 * time.Second); ; {
		a, err = c.once(ctx, method, path, body, idempotencyKey)
		if a.Error.Code != directory.ErrBehind.Code || time.Now().After(deadline) {
			return a, err
		}
		select {
		case <-ctx.Done():
			return a, err
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (c caller) once(ctx context.Context, method, path, body, idempotencyKey string) (answer, error) {
	request, err := http.NewRequestWithContext(ctx, method, c.api+path, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	request.Header.Set("Authorization", "Bearer "+c.token)
	request.Header.Set("Content-Type", "application/json")
	if idempotencyKey != "" {
		request.Header.Set("Idempotency-Key", idempotencyKey)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return answer{}, err
	}
	a := answer{Status: response.StatusCode, Replayed: response.Header.Get("Idempotency-Replayed") == "true"}
	if err := json.Unmarshal(text, &a); err != nil {
		return answer{}, fmt.Errorf("%s %s answered %d without an envelope: %w", method, path, a.Status, err)
	}
	return a, nil
}

func (c caller) must(t *testing.T, status int, method, path, body string) answer {
	t.Helper()
	a, err := c.do(t.Context(), method, path, body, "")
	if err != nil {
		t.Fatal(err)
	}
	if a.Status != status {
		t.Fatalf("%s %s answered %d, want %d", method, path, a.Status, status)
	}
	return a
}

// settle registers the caller and makes them an organization.
func (c caller) settle(t *testing.T) {
	t.Helper()
	c.must(t, http.StatusCreated, http.MethodPost, "/users/client", `{"firstName": "Ada", "lastName": "Lovelace"}`)
	c.must(t, http.StatusCreated, http.MethodPost, "/organizations", `{"name": "Engines"}`)
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
