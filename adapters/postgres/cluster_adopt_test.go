package postgres_test

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/perfectworks/backend/adapters/postgres"
	"github.com/perfectworks/backend/adapters/postgres/postgrestest"
)

func TestStartAdoptsTheServerOfAKilledOwner(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(postgrestest.Dir(t), "pg")
	owner := startOwner(t, dir)
	left := owner.started(t)
	execute(t, left.URL, "CREATE TABLE things AS SELECT 1 AS id")
	owner.kill(t)
	if !running(left.PID) {
		t.Fatal("the server ended with its owner")
	}

	var log logs
	cluster := start(t, clusterConfig(dir, &log))
	if cluster.PID() != left.PID || cluster.URL() != left.URL {
		t.Errorf("the server is another: pid %d, then %d", left.PID, cluster.PID())
	}
	if !strings.Contains(log.String(), "using the PostgreSQL server that runs") {
		t.Errorf("nothing was logged:\n%s", log.String())
	}
	if n := count(t, cluster.URL(), "SELECT count(*) FROM things"); n != 1 {
		t.Errorf("%d rows, want 1", n)
	}
	// It is looked after as if it were our own.
	if err := syscall.Kill(left.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a new server", func() bool { return cluster.PID() != left.PID })
	pid := cluster.PID()
	stop(t, cluster)
	if running(pid) {
		t.Error("the server runs after Stop")
	}
}

func TestStopEndsAnAdoptedServer(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(postgrestest.Dir(t), "pg")
	owner := startOwner(t, dir)
	left := owner.started(t)
	owner.kill(t)
	cluster := start(t, clusterConfig(dir, io.Discard))
	stop(t, cluster)
	if _, err := os.Stat(filepath.Join(dir, "data", "postmaster.pid")); !os.IsNotExist(err) {
		t.Fatalf("the server %d still runs: %v", left.PID, err)
	}
}

func TestStartRestartsAServerLeftWithOtherSettings(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(postgrestest.Dir(t), "pg")
	owner := startOwner(t, dir)
	left := owner.started(t)
	owner.kill(t)
	config := clusterConfig(dir, io.Discard)
	config.Settings["max_connections"] = "21"
	cluster := start(t, config)
	if cluster.PID() == left.PID {
		t.Error("the server still runs with its old settings")
	}
	if n := count(t, cluster.URL(), "SELECT current_setting('max_connections')::int"); n != 21 {
		t.Errorf("max_connections is %d, want 21", n)
	}
}

func TestProcessesShareACluster(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(postgrestest.Dir(t), "pg")
	var owners []*owner
	for range 3 { // at once, and on a folder that does not exist
		owners = append(owners, startOwner(t, dir))
	}
	first := owners[0].started(t)
	for _, owner := range owners[1:] {
		if says := owner.started(t); says != first {
			t.Fatalf("two servers: %d and %d", first.PID, says.PID)
		}
	}
	// Other settings cannot be had while it is in use.
	config := clusterConfig(dir, io.Discard)
	config.Settings["max_connections"] = "21"
	ours := start(t, config)
	if ours.PID() != first.PID {
		t.Error("a server in use was restarted")
	}
	config.Port = 1
	wantError(t, startFails(t, config), "in use by others", "another port")

	for _, owner := range owners {
		owner.stop(t)
		execute(t, first.URL, "SELECT 1") // left to those that remain
	}
	stop(t, ours)
	if _, err := os.Stat(filepath.Join(dir, "data", "postmaster.pid")); !os.IsNotExist(err) {
		t.Fatalf("the last one to stop did not end the server: %v", err)
	}
}

// Where the holder of the folder is in another container, its server is out of
// sight, and a second one would destroy the data.
func TestStartRefusesAFolderInUseWithoutAServer(t *testing.T) {
	t.Parallel()
	config := clusterConfig(filepath.Join(postgrestest.Dir(t), "pg"), io.Discard)
	stop(t, start(t, config))
	holder, err := os.Open(filepath.Join(config.Dir, "users.lock"))
	if err != nil {
		t.Fatal(err)
	}
	defer holder.Close()
	if err := syscall.Flock(int(holder.Fd()), syscall.LOCK_SH); err != nil {
		t.Fatal(err)
	}
	wantError(t, startFails(t, config), "another process uses the folder")
	if err := holder.Close(); err != nil {
		t.Fatal(err)
	}
	execute(t, start(t, config).URL(), "SELECT 1")
}

// The processes of a killed server may still write.
func TestStartWaitsForTheProcessesOfAKilledServer(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(postgrestest.Dir(t), "pg")
	owner := startOwner(t, dir)
	left := owner.started(t)
	backend := count(t, left.URL, "SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'")
	if err := syscall.Kill(backend, syscall.SIGSTOP); err != nil { // it does not notice
		t.Fatal(err)
	}
	owner.kill(t)
	if err := syscall.Kill(left.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the server's end", func() bool { return !running(left.PID) })
	wantError(t, startFails(t, clusterConfig(dir, io.Discard)), "processes of an earlier server still run")
	if err := syscall.Kill(backend, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	execute(t, start(t, clusterConfig(dir, io.Discard)).URL(), "SELECT 1")
}

// A pid file outlives a crash of the machine, after which its pid is free or
// some other program's.
func TestStalePidFile(t *testing.T) { //nolint:tparallel // the cases share a folder
	t.Parallel()
	config := clusterConfig(filepath.Join(postgrestest.Dir(t), "pg"), io.Discard)
	cluster := start(t, config)
	path := filepath.Join(config.Dir, "data", "postmaster.pid")
	pidFile, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(pidFile), "\n")
	stop(t, cluster)
	data, err := os.Stat(filepath.Join(config.Dir, "data"))
	if err != nil {
		t.Fatal(err)
	}
	owner := data.Sys().(*syscall.Stat_t)

	gone := exec.CommandContext(t.Context(), "true")
	if err := gone.Run(); err != nil {
		t.Fatal(err)
	}
	// The other program has the server's user and even its working folder.
	other := exec.CommandContext(t.Context(), "sleep", "600")
	other.Dir = filepath.Join(config.Dir, "data")
	if os.Geteuid() == 0 {
		other.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: owner.Uid, Gid: owner.Gid}}
	}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = other.Process.Kill()
		_ = other.Wait()
	})

	for name, content := range map[string]string{
		"pid is free":             fmt.Sprintf("%d\n%s", gone.Process.Pid, rest),
		"pid of another program":  fmt.Sprintf("%d\n%s", other.Process.Pid, rest),
		"pid of this process":     fmt.Sprintf("%d\n%s", os.Getpid(), rest),
		"empty, from a full disk": "",
		"garbage":                 "\x00\x00\x00",
		"another folder's server": fmt.Sprintf("%d\n%s", otherServer(t), rest),
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chown(path, int(owner.Uid), int(owner.Gid)); err != nil {
				t.Fatal(err)
			}
			var log logs
			config := clusterConfig(config.Dir, &log)
			cluster, err := postgres.StartCluster(t.Context(), config)
			if err != nil {
				t.Fatal(err)
			}
			execute(t, cluster.URL(), "SELECT 1")
			stop(t, cluster)
			if !strings.Contains(log.String(), "removed a stale postmaster.pid") {
				t.Errorf("nothing was logged:\n%s", log.String())
			}
		})
	}
	if err := other.Process.Signal(syscall.Signal(0)); err != nil {
		t.Errorf("the other program was ended: %v", err)
	}
}

func otherServer(t *testing.T) int {
	t.Helper()
	return start(t, clusterConfig(filepath.Join(postgrestest.Dir(t), "other"), io.Discard)).PID()
}
