package postgres_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/perfectworks/backend/adapters/postgres"
)

// helperVariable turns the test binary into a process that owns the cluster in
// the folder that it names, until its input ends.
const helperVariable = "POSTGRES_TEST_HELPER"

func TestMain(m *testing.M) {
	if dir := os.Getenv(helperVariable); dir != "" {
		if err := ownCluster(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func ownCluster(dir string) error {
	ctx := context.Background()
	cluster, err := postgres.StartCluster(ctx, clusterConfig(dir, io.Discard))
	if err != nil {
		return err
	}
	if err := json.NewEncoder(os.Stdout).Encode(owned{URL: cluster.URL(), PID: cluster.PID()}); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	return cluster.Stop(ctx)
}

// owned is what the helper says when its cluster runs.
type owned struct {
	URL string
	PID int
}

type owner struct {
	cmd   *exec.Cmd
	input io.WriteCloser
	out   *json.Decoder
}

// startOwner starts a process with the cluster in dir.
func startOwner(t *testing.T, dir string) *owner {
	t.Helper()
	return startOwnerAs(t, dir, os.Args[0], nil)
}

func startOwnerAs(t *testing.T, dir, program string, user *syscall.Credential) *owner {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: user}
	cmd.Dir = "/"
	cmd.Env = append(os.Environ(), helperVariable+"="+dir)
	cmd.Stderr = t.Output()
	input, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return &owner{cmd: cmd, input: input, out: json.NewDecoder(output)}
}

func (o *owner) started(t *testing.T) (says owned) {
	t.Helper()
	if err := o.out.Decode(&says); err != nil {
		t.Fatalf("the process did not start its cluster: %v", err)
	}
	return says
}

func (o *owner) stop(t *testing.T) {
	t.Helper()
	if err := o.input.Close(); err != nil {
		t.Fatal(err)
	}
	if err := o.cmd.Wait(); err != nil {
		t.Fatalf("the process did not stop its cluster: %v", err)
	}
}

func (o *owner) kill(t *testing.T) {
	t.Helper()
	if err := o.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = o.cmd.Wait()
}

func clusterConfig(dir string, logs io.Writer) postgres.ClusterConfig {
	settings := postgres.FastSettings()
	settings["shared_buffers"] = "16MB"
	settings["max_connections"] = "20"
	return postgres.ClusterConfig{
		Dir:      dir,
		Logger:   slog.New(slog.NewTextHandler(logs, nil)),
		Settings: settings,
	}
}

// start runs the cluster until the test ends.
func start(t *testing.T, config postgres.ClusterConfig) *postgres.Cluster {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cluster, err := postgres.StartCluster(ctx, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, cluster) })
	return cluster
}

func stop(t *testing.T, cluster *postgres.Cluster) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := cluster.Stop(ctx); err != nil {
		t.Error(err)
	}
}

// startFails returns the error of a start that has to fail, and soon.
func startFails(t *testing.T, config postgres.ClusterConfig) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	cluster, err := postgres.StartCluster(ctx, config)
	if err == nil {
		stop(t, cluster)
		t.Fatal("the cluster started")
	}
	if ctx.Err() != nil {
		t.Fatalf("the start hung: %v", err)
	}
	return err
}

func wantError(t *testing.T, err error, phrases ...string) {
	t.Helper()
	for _, phrase := range phrases {
		if !strings.Contains(err.Error(), phrase) {
			t.Errorf("the error lacks %q:\n%v", phrase, err)
		}
	}
}

func execute(t *testing.T, url, statement string) {
	t.Helper()
	conn := connect(t, url)
	defer conn.Close(context.Background())
	if _, err := conn.Exec(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

func count(t *testing.T, url, query string) (n int) {
	t.Helper()
	conn := connect(t, url)
	defer conn.Close(context.Background())
	if err := conn.QueryRow(t.Context(), query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// eventually waits for a condition.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for !condition() {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func running(pid int) bool { return syscall.Kill(pid, 0) == nil }

// logs collects what is logged.
type logs struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// programDir returns a folder for programs that another user can run: that of
// postgrestest.Dir may be one where none run.
func programDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, open := range []string{dir, filepath.Dir(dir)} {
		if err := os.Chmod(open, 0o711); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// copyProgram copies this binary to where every user can run it.
func copyProgram(t *testing.T) string {
	t.Helper()
	program, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(programDir(t), "test")
	if err := os.WriteFile(path, program, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// asNobody runs a test of this binary again as an ordinary user.
func asNobody(t *testing.T, test string) {
	t.Helper()
	home := filepath.Join(programDir(t), "home")
	if err := os.Mkdir(home, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(home, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), copyProgram(t), "-test.v", "-test.run="+test)
	cmd.Dir = home
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "TMPDIR=" + home}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	output, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(output, []byte("--- PASS")) || bytes.Contains(output, []byte("--- SKIP")) {
		t.Fatalf("as an ordinary user: %v\n%s", err, output)
	}
}

// nobody is an ordinary user and group; they need no entry in a table of users.
const nobody = 65534
