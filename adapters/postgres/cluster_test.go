package postgres_test

import (
	"context"
	"io"
	"net/url"
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

func TestClusterLetsNobodyElseIn(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(postgrestest.Dir(t), "pg")
	cluster := start(t, clusterConfig(dir, io.Discard))
	u, err := url.Parse(cluster.URL())
	if err != nil {
		t.Fatal(err)
	}
	if u.Hostname() != "127.0.0.1" {
		t.Errorf("the server is reached at %s", u.Hostname())
	}
	password, _ := u.User.Password()
	if len(password) < 32 {
		t.Error("the password is short")
	}
	for _, wrong := range []*url.Userinfo{url.User("postgres"), url.UserPassword("postgres", "wrong")} {
		u.User = wrong
		if conn, err := pgx.Connect(t.Context(), u.String()); err == nil {
			_ = conn.Close(t.Context())
			t.Errorf("%s got in", wrong)
		}
	}
	if n := count(t, cluster.URL(), "SELECT count(*) FROM pg_settings WHERE (name = 'listen_addresses' AND setting <> '127.0.0.1') OR (name = 'unix_socket_directories' AND setting <> '')"); n != 0 {
		t.Error("the server listens elsewhere too")
	}
	if n := count(t, cluster.URL(), "SELECT count(*) FROM pg_hba_file_rules WHERE auth_method <> 'scram-sha-256'"); n != 0 {
		t.Error("a way in needs no password")
	}

	for name, want := range map[string]os.FileMode{"password": 0o600, "server.log": 0o600, "data": os.ModeDir | 0o700} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode() != want {
			t.Errorf("%s has mode %v, want %v", name, info.Mode(), want)
		}
	}
	for _, name := range []string{"server.log", "data/postmaster.opts"} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), password) {
			t.Errorf("the password stands in %s", name)
		}
	}
}

// A terminal's Ctrl-C goes to a process group.
func TestClusterIsInAProcessGroupOfItsOwn(t *testing.T) {
	t.Parallel()
	cluster := start(t, clusterConfig(filepath.Join(postgrestest.Dir(t), "pg"), io.Discard))
	group, err := syscall.Getpgid(cluster.PID())
	if err != nil || group == syscall.Getpgrp() {
		t.Fatalf("the server's process group is %d, ours %d (%v)", group, syscall.Getpgrp(), err)
	}
}

func TestServerLogHoldsNoValues(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(postgrestest.Dir(t), "pg")
	cluster := start(t, clusterConfig(dir, io.Discard))
	execute(t, cluster.URL(), "CREATE TABLE people (email text PRIMARY KEY); INSERT INTO people VALUES ('secret@example.org')")
	conn := connect(t, cluster.URL())
	defer conn.Close(context.Background()) //nolint:errcheck // done with it
	if _, err := conn.Exec(t.Context(), "INSERT INTO people VALUES ('secret@example.org')"); err == nil {
		t.Fatal("a duplicate was taken")
	}
	text, err := os.ReadFile(filepath.Join(dir, "server.log"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "people_pkey") || strings.Contains(string(text), "secret@") {
		t.Fatalf("the log:\n%s", text)
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
	dir := filepath.Join(postgrestest.Dir(t), "bin")
	if err := os.Mkdir(dir, 0o755); err != nil { //nolint:gosec // to be entered by another user
		t.Fatal(err)
	}
	for name, script := range map[string]string{
		"initdb":   initdb,
		"postgres": "[ \"$1\" = --version ] && echo " + strconv.Quote("postgres (PostgreSQL) "+version) + " && exit\n" + server,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil { //nolint:gosec // a program
			t.Fatal(err)
		}
	}
	return dir
}
