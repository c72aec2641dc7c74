package postgres_test

import (
	"context"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/perfectworks/backend/adapters/postgres"
	"github.com/perfectworks/backend/adapters/postgres/postgrestest"
)

// What holds of a server while it runs.
func TestRunningCluster(t *testing.T) {
	t.Parallel()
	config := clusterConfig(filepath.Join(postgrestest.Dir(t), "pg"), io.Discard)
	cluster := start(t, config)
	for name, test := range map[string]func(*testing.T, *postgres.Cluster, string){
		"lets nobody else in":       testLetsNobodyElseIn,
		"keeps the password":        testKeepsThePassword,
		"has its own process group": testProcessGroup,
		"logs no values":            testLogsNoValues,
		"is not root's":             testIsNotRoots,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, cluster, config.Dir)
		})
	}
}

// fitsSocket tells whether the path of a socket in the cluster's folder is short
// enough.
func fitsSocket(dir string) bool { return len(dir+"/socket/.s.PGSQL.65535") <= 103 }

func testLetsNobodyElseIn(t *testing.T, cluster *postgres.Cluster, dir string) {
	t.Helper()
	u, err := url.Parse(cluster.URL())
	if err != nil {
		t.Fatal(err)
	}
	if u.Hostname() != "127.0.0.1" {
		t.Errorf("the server is reached at %s", u.Hostname())
	}
	password := u.User
	for _, wrong := range []*url.Userinfo{url.User("postgres"), url.UserPassword("postgres", "wrong")} {
		u.User = wrong
		if conn, err := pgx.Connect(t.Context(), u.String()); err == nil {
			_ = conn.Close(t.Context())
			t.Errorf("%s got in", wrong)
		}
	}
	if n := count(t, cluster.URL(), "SELECT count(*) FROM pg_settings WHERE (name = 'listen_addresses' AND setting <> '127.0.0.1') OR (name = 'unix_socket_directories' AND setting <> '' AND setting NOT LIKE '%/socket')"); n != 0 {
		t.Error("the server listens elsewhere too")
	}
	if u.Query().Get("require_auth") != "scram-sha-256" || strings.HasSuffix(u.Query().Get("host"), "/socket") != fitsSocket(dir) {
		t.Errorf("the URL is %s", u.Redacted())
	}
	// Tools that know no sockets get in over TCP.
	query := u.Query()
	query.Del("host")
	u.User, u.RawQuery = password, query.Encode()
	execute(t, u.String(), "SELECT 1")
	if n := count(t, cluster.URL(), "SELECT count(*) FROM pg_hba_file_rules WHERE auth_method <> 'scram-sha-256'"); n != 0 {
		t.Error("a way in needs no password")
	}
}

func testKeepsThePassword(t *testing.T, cluster *postgres.Cluster, dir string) {
	t.Helper()
	u, err := url.Parse(cluster.URL())
	if err != nil {
		t.Fatal(err)
	}
	password, _ := u.User.Password()
	if len(password) < 32 {
		t.Error("the password is short")
	}
	modes := map[string]os.FileMode{"password": 0o600, "server.log": 0o600, "data": os.ModeDir | 0o700}
	if fitsSocket(dir) {
		modes["socket"] = os.ModeDir | 0o700
	}
	for name, want := range modes {
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
func testProcessGroup(t *testing.T, cluster *postgres.Cluster, _ string) {
	t.Helper()
	group, err := syscall.Getpgid(cluster.PID())
	if err != nil || group == syscall.Getpgrp() {
		t.Fatalf("the server's process group is %d, ours %d (%v)", group, syscall.Getpgrp(), err)
	}
}

func testLogsNoValues(t *testing.T, cluster *postgres.Cluster, dir string) {
	t.Helper()
	execute(t, cluster.URL(), "CREATE TABLE people (email text PRIMARY KEY); INSERT INTO people VALUES ('secret@example.org')")
	conn := connect(t, cluster.URL())
	defer conn.Close(context.Background())
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

// Postgres refuses to run as root; what root reads and writes is not the
// server's to change.
func testIsNotRoots(t *testing.T, cluster *postgres.Cluster, dir string) {
	t.Helper()
	if uid := ownerOf(t, filepath.Join(dir, "data")); uid == 0 {
		t.Error("the data belong to root")
	}
	if _, err := os.Stat("/proc/self"); err == nil && ownerOf(t, filepath.Join("/proc", strconv.Itoa(cluster.PID()))) == 0 {
		t.Error("the server runs as root")
	}
	for _, name := range []string{".", "password", "server.log", "start.lock"} {
		if uid := ownerOf(t, filepath.Join(dir, name)); int(uid) != os.Geteuid() {
			t.Errorf("%s belongs to user %d", name, uid)
		}
	}
}

func ownerOf(t *testing.T, path string) uint32 {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		t.Fatal("files have no owner here")
	}
	return stat.Uid
}
