package postgres_test

import (
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/perfectworks/backend/adapters/postgres"
	"github.com/perfectworks/backend/adapters/postgres/postgrestest"
)

func TestClusterKeepsItsData(t *testing.T) {
	t.Parallel()
	config := clusterConfig(filepath.Join(postgrestest.Dir(t), "pg"), io.Discard)
	config.Settings = nil // as in production
	cluster := start(t, config)
	execute(t, cluster.URL(), "CREATE TABLE things AS SELECT 1 AS id")
	if n := count(t, cluster.URL(), "SELECT count(*) FROM pg_settings WHERE (name, setting) IN (('fsync', 'on'), ('full_page_writes', 'on'), ('synchronous_commit', 'on'))"); n != 3 {
		t.Error("the default settings are not durable")
	}
	pid := cluster.PID()
	stop(t, cluster)
	if running(pid) {
		t.Error("the server runs after Stop")
	}
	stop(t, cluster) // once more does nothing

	began := time.Now()
	cluster = start(t, config)
	t.Logf("warm start: %s", time.Since(began))
	if n := count(t, cluster.URL(), "SELECT count(*) FROM things"); n != 1 {
		t.Errorf("%d rows after a restart, want 1", n)
	}
}

func TestStopIsBoundedWhenTheServerHangs(t *testing.T) {
	t.Parallel()
	var log logs
	config := clusterConfig(filepath.Join(postgrestest.Dir(t), "pg"), &log)
	config.StopTimeout = 50 * time.Millisecond
	cluster := start(t, config)
	execute(t, cluster.URL(), "CREATE TABLE things AS SELECT 1 AS id")
	pid := cluster.PID()
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	stop(t, cluster)
	if running(pid) {
		t.Fatal("the server runs")
	}
	if !strings.Contains(log.String(), "does not stop") {
		t.Errorf("nothing was logged:\n%s", log.String())
	}
	cluster = start(t, config)
	if n := count(t, cluster.URL(), "SELECT count(*) FROM things"); n != 1 {
		t.Errorf("%d rows after recovery, want 1", n)
	}
}

func TestStopWithAnEndedContextIsHard(t *testing.T) {
	t.Parallel()
	cluster := start(t, clusterConfig(filepath.Join(postgrestest.Dir(t), "pg"), io.Discard))
	pid := cluster.PID()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := cluster.Stop(ctx); err != nil || running(pid) {
		t.Fatalf("the server runs: %v (%v)", running(pid), err)
	}
}

func TestServerThatEndsUnaskedComesBack(t *testing.T) {
	t.Parallel()
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGKILL} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			var log logs
			cluster := start(t, clusterConfig(filepath.Join(postgrestest.Dir(t), "pg"), &log))
			first := cluster.PID()
			if err := syscall.Kill(first, signal); err != nil {
				t.Fatal(err)
			}
			eventually(t, "a new server", func() bool { return cluster.PID() != first })
			execute(t, cluster.URL(), "SELECT 1")
			if !strings.Contains(log.String(), "ended unasked") {
				t.Errorf("nothing was logged:\n%s", log.String())
			}
		})
	}
}

func TestStopServerStaysStoppedUntilStartServer(t *testing.T) {
	t.Parallel()
	cluster := start(t, clusterConfig(filepath.Join(postgrestest.Dir(t), "pg"), io.Discard))
	url := cluster.URL()
	if err := cluster.StopServer(t.Context()); err != nil {
		t.Fatal(err)
	}
	if conn, err := pgx.Connect(t.Context(), url); err == nil {
		_ = conn.Close(t.Context())
		t.Fatal("the server answers")
	}
	for range 2 { // the second does nothing
		if err := cluster.StartServer(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if cluster.URL() != url {
		t.Error("the URL changed")
	}
	execute(t, url, "SELECT 1")
	stop(t, cluster)
	if err := cluster.StartServer(t.Context()); err == nil {
		t.Fatal("a stopped cluster started")
	}
}

func TestEphemeralClusterIsRemoved(t *testing.T) {
	t.Parallel()
	config := clusterConfig(filepath.Join(postgrestest.Dir(t), "pg"), io.Discard)
	config.Ephemeral = true
	cluster := start(t, config)
	execute(t, cluster.URL(), "SELECT 1")
	wantError(t, startFails(t, config), "file exists")
	pid := cluster.PID()
	stop(t, cluster)
	if _, err := os.Stat(config.Dir); !os.IsNotExist(err) || running(pid) {
		t.Fatalf("left behind: %v, running: %v", err, running(pid))
	}
	config.BinDirs = []string{fakeBinaries(t, "15.0", "exit 1", "exit 1")}
	startFails(t, config)
	if _, err := os.Stat(config.Dir); !os.IsNotExist(err) {
		t.Fatalf("a failed start left its folder: %v", err)
	}
}

// An operator may use Postgres' own tools on the folder.
func TestStopEndsAServerThatAnOperatorRestarted(t *testing.T) {
	t.Parallel()
	config := clusterConfig(filepath.Join(postgrestest.Dir(t), "pg"), io.Discard)
	cluster := start(t, config)
	pgCtl := filepath.Join(installed(t), "pg_ctl")
	cmd := exec.CommandContext(t.Context(), pgCtl, "restart", "-w", "-s", "-D", filepath.Join(config.Dir, "data"), "-l", "/dev/null")
	cmd.Dir = "/"
	if info, err := os.Stat(filepath.Join(config.Dir, "data")); err != nil {
		t.Fatal(err)
	} else if stat := info.Sys().(*syscall.Stat_t); os.Geteuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: stat.Uid, Gid: stat.Gid}}
	}
	output, err := cmd.CombinedOutput() // either it or the supervisor is faster
	t.Logf("pg_ctl: %v %s", err, output)
	eventually(t, "a server that answers", func() bool {
		conn, err := pgx.Connect(t.Context(), cluster.URL())
		return err == nil && conn.Close(t.Context()) == nil
	})
	stop(t, cluster)
	if _, err := os.Stat(filepath.Join(config.Dir, "data", "postmaster.pid")); !os.IsNotExist(err) {
		t.Fatalf("a server still runs: %v", err)
	}
}

func installed(t *testing.T) string {
	t.Helper()
	for _, dir := range postgres.BinDirs() {
		if _, err := os.Stat(filepath.Join(dir, "pg_ctl")); err == nil {
			return dir
		}
	}
	t.Skip("this machine has no PostgreSQL installed")
	return ""
}

// fakeBinaries makes programs of that version, as shell scripts.
func fakeBinaries(t *testing.T, version, initdb, server string) string {
	t.Helper()
	dir := filepath.Join(programDir(t), "bin")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, script := range map[string]string{
		"initdb":   initdb,
		"postgres": "[ \"$1\" = --version ] && echo " + strconv.Quote("postgres (PostgreSQL) "+version) + " && exit\n" + server,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
