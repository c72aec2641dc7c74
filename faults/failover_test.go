package faults

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/perfectworks/backend/adapters/postgres"
	"github.com/perfectworks/backend/adapters/postgres/postgrestest"
	"github.com/perfectworks/backend/app"
)

// The primary Postgres is lost, with the event log in it, and its replica takes
// over: what was acknowledged was on both. The database is named by both hosts, as
// Postgres' own clients take them.
func TestFailoverToAReplica(t *testing.T) {
	t.Parallel()
	if !full() {
		t.Skip("make faults: it takes two servers of Postgres")
	}
	primary := newCluster(t, func(c *postgres.ClusterConfig) {
		c.Settings["wal_level"], c.Settings["max_wal_senders"] = "replica", "4"
		c.Settings["full_page_writes"] = "on"
	})
	standby := startStandby(t, primary.URL())
	within(t, time.Minute, "the replica follows", func() bool {
		var n int
		err := openPool(t, primary.URL()).QueryRow(t.Context(), "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'").Scan(&n)
		return err == nil && n == 1
	})
	for _, statement := range []string{"ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()"} {
		if _, err := openPool(t, primary.URL()).Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	both := onBoth(t, primary.URL(), standby)
	s := newSystem(t, newReport(t), place{databaseURL: both, directURL: both})
	s.add("server 1", app.RoleAll)
	s.add("server 2", app.RoleAll)
	s.start()
	s.load.begin()
	s.begun()
	s.load.until(int64(10 + s.choices.IntN(30)))
	began := time.Now()
	if err := primary.StopServer(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.pause(0, 3*time.Second)
	promote(t, standby)
	s.after("failover", fmt.Sprintf("promoted after %v", time.Since(began).Round(100*time.Millisecond)), began, 60)
	s.load.end()
	s.stop()
}

// startStandby starts a replica of a server, and returns its URL.
func startStandby(t *testing.T, primaryURL string) string {
	t.Helper()
	dir := postgrestest.Dir(t)
	data := filepath.Join(dir, "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	owner := ownerOfData(t, primaryURL)
	if err := os.Chown(data, int(owner.Uid), int(owner.Gid)); err != nil {
		t.Fatal(err)
	}
	asOwner := func(name string, args ...string) *exec.Cmd {
		cmd := exec.Command(postgresTool(t, name), args...)
		cmd.Dir, cmd.Env = dir, []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TZ=UTC"}
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		if os.Geteuid() == 0 {
			cmd.SysProcAttr.Credential = owner
		}
		return cmd
	}
	u, err := url.Parse(forTools(t, primaryURL))
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/"
	if out, err := asOwner("pg_basebackup", "--pgdata="+data, "--dbname="+u.String(), "--write-recovery-conf", "--checkpoint=fast", "--no-sync").CombinedOutput(); err != nil {
		t.Fatalf("copy the primary: %v\n%s", err, out)
	}
	port := freePort(t)
	log, err := os.Create(filepath.Join(t.TempDir(), "standby.log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = log.Close() })
	server := asOwner("postgres", "-D", data, "-p", port, "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=",
		"-c", "fsync=off", "-c", "max_connections=400", "-c", "synchronous_standby_names=", "-c", "dynamic_shared_memory_type=mmap")
	server.Stdout, server.Stderr = log, log
	endWithUs(server)
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Signal(syscall.SIGQUIT) // It may have ended.
		_ = server.Wait()
	})
	u, err = url.Parse(primaryURL)
	if err != nil {
		t.Fatal(err)
	}
	u.Host = net.JoinHostPort("127.0.0.1", port)
	query := u.Query()
	query.Del("host")
	u.RawQuery = query.Encode()
	within(t, time.Minute, "the replica answers", func() bool {
		conn, err := pgx.Connect(t.Context(), u.String())
		if err != nil {
			return false
		}
		return conn.Close(t.Context()) == nil
	})
	return u.String()
}

// ownerOfData is the user that a server runs as.
func ownerOfData(t *testing.T, serverURL string) *syscall.Credential {
	t.Helper()
	var data string
	if err := openPool(t, serverURL).QueryRow(t.Context(), "SHOW data_directory").Scan(&data); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(data)
	if err != nil {
		t.Fatal(err)
	}
	stat := info.Sys().(*syscall.Stat_t)
	return &syscall.Credential{Uid: stat.Uid, Gid: stat.Gid}
}

func promote(t *testing.T, standby string) {
	t.Helper()
	within(t, time.Minute, "the replica is the primary", func() bool {
		conn, err := pgx.Connect(t.Context(), standby)
		if err != nil {
			return false
		}
		defer func() { _ = conn.Close(context.Background()) }()
		var promoted bool
		return conn.QueryRow(t.Context(), "SELECT pg_promote()").Scan(&promoted) == nil && promoted
	})
}

// onBoth names a database by two hosts, of which the primary is meant.
func onBoth(t *testing.T, first, second string) string {
	t.Helper()
	u, err := url.Parse(first)
	if err != nil {
		t.Fatal(err)
	}
	other, err := url.Parse(second)
	if err != nil {
		t.Fatal(err)
	}
	query := u.Query()
	query.Del("host")
	query.Set("target_session_attrs", "read-write")
	u.RawQuery = query.Encode()
	u.Host += "," + other.Host
	return u.String()
}

// freePort is below the range from which systems take the ports of connections.
func freePort(t *testing.T) string {
	t.Helper()
	const low, high = 20000, 32000
	for port := low + os.Getpid()%1000; port < high; port++ {
		if listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port))); err == nil {
			_ = listener.Close()
			return strconv.Itoa(port)
		}
	}
	t.Fatal("no port is free")
	return ""
}
