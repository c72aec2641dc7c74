package postgres_test

import (
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/perfectworks/backend/adapters/postgres"
	"github.com/perfectworks/backend/adapters/postgres/postgrestest"
)

func TestFolderThatIsNoCluster(t *testing.T) {
	t.Parallel()
	write := func(name, text string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			t.Helper()
			path := filepath.Join(dir, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o711); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, test := range map[string]struct {
		prepare func(*testing.T, string)
		want    []string
	}{
		"somebody's files": {write("thesis.txt", "x"), []string{"not empty", "thesis.txt"}},
		"data of none":     {write("data/base", "x"), []string{"no PostgreSQL cluster", "PG_VERSION"}},
		"old version":      {write("data/PG_VERSION", "9.6\n"), []string{"not a cluster of PostgreSQL 14 or newer"}},
		"unknown version":  {write("data/PG_VERSION", "99\n"), []string{"PostgreSQL 99, which made this cluster,", "no download of version 99"}},
		"a file": {func(t *testing.T, dir string) {
			t.Helper()
			if err := os.WriteFile(dir, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}, []string{"not a directory"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(postgrestest.Dir(t), "pg")
			test.prepare(t, dir)
			err := startFails(t, clusterConfig(dir, io.Discard))
			wantError(t, err, append(test.want, "start the private PostgreSQL in "+dir)...)
		})
	}
}

// What keeps a cluster from starting leaves it as it was.
func TestClusterThatDoesNotStart(t *testing.T) {
	t.Parallel()
	config := clusterConfig(filepath.Join(postgrestest.Dir(t), "pg"), io.Discard)
	stop(t, start(t, config))

	other := config
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	other.Port = portOf(t, listener)
	wantError(t, startFails(t, other), "port is in use by another program", "could not bind")

	other = config
	other.Settings = map[string]string{"shared_buffers": "lots"}
	wantError(t, startFails(t, other), "did not start", `invalid value for parameter "shared_buffers"`)

	path := filepath.Join(config.Dir, "password")
	password, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("wrong\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	wantError(t, startFails(t, config), "refuses the password that is kept in the folder")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	wantError(t, startFails(t, config), "read the password", "no such file")
	if err := os.WriteFile(path, password, 0o600); err != nil {
		t.Fatal(err)
	}
	execute(t, start(t, config).URL(), "SELECT 1")
}

func portOf(t *testing.T, listener net.Listener) int {
	t.Helper()
	addr, ok := listener.Addr().(*net.TCPAddr)
	if !ok {
		t.Fatal("no TCP port")
	}
	return addr.Port
}

// A start that was killed while it created the cluster leaves a part of it.
func TestInterruptedCreationIsRepeated(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(postgrestest.Dir(t), "pg")
	if err := os.MkdirAll(filepath.Join(dir, "data.new", "base"), 0o711); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"password", "password.new"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("old\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	execute(t, start(t, clusterConfig(dir, io.Discard)).URL(), "SELECT 1")
	for _, name := range []string{"data.new", "password.new"} {
		if _, err := os.Stat(filepath.Join(dir, name)); !os.IsNotExist(err) {
			t.Errorf("%s is left: %v", name, err)
		}
	}
}

func TestUnwritableFolder(t *testing.T) {
	t.Parallel()
	if os.Geteuid() == 0 {
		asNobody(t, "^TestUnwritableFolder$")
		return
	}
	dir := postgrestest.Dir(t)
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	wantError(t, startFails(t, clusterConfig(filepath.Join(dir, "pg"), io.Discard)), "create the folder", "permission denied")
	wantError(t, startFails(t, clusterConfig(dir, io.Discard)), "permission denied")
}

func TestFullDisk(t *testing.T) {
	t.Parallel()
	small := postgrestest.NewDisk(t, 40<<10) // too small for a first file already
	err := startFails(t, clusterConfig(filepath.Join(small.Dir(), "pg"), io.Discard))
	wantError(t, err, "creating the cluster failed", "the disk is full", "No space left on device")

	disk := postgrestest.NewDisk(t, 150<<20)
	config := clusterConfig(filepath.Join(disk.Dir(), "pg"), io.Discard)
	cluster := start(t, config)
	execute(t, cluster.URL(), "CREATE TABLE things AS SELECT 1 AS id")
	stop(t, cluster)
	disk.Fill()
	wantError(t, startFails(t, config), "the disk is full", "No space left on device")

	disk.Free()
	cluster = start(t, config)
	if n := count(t, cluster.URL(), "SELECT count(*) FROM things"); n != 1 {
		t.Errorf("%d rows after the disk was full, want 1", n)
	}
}

func TestStartIsBounded(t *testing.T) {
	t.Parallel()
	const makesCluster = `for a; do case $a in --pgdata=*) echo 15 >"${a#--pgdata=}/PG_VERSION";; esac; done`
	const hangs = "echo $$ >../server.test; exec sleep 600"
	for name, test := range map[string]struct {
		initdb, server string
		timeout        time.Duration // of the start
		cancel         bool          // the caller gives up
		want           string
	}{
		"initdb hangs":            {initdb: "sleep 600", server: "exit 1", timeout: 300 * time.Millisecond, want: "did not answer within 300ms"},
		"server hangs":            {initdb: makesCluster, server: hangs, timeout: 300 * time.Millisecond, want: "did not answer within 300ms"},
		"caller gives up initdb":  {initdb: "sleep 600", server: "exit 1", cancel: true, want: "context deadline exceeded"},
		"caller gives up":         {initdb: makesCluster, server: hangs, cancel: true, want: "context deadline exceeded"},
		"server ends":             {initdb: makesCluster, server: "echo FATAL: no luck >&2; exit 1", want: "the server ended; its last lines: FATAL: no luck"},
		"version does not answer": {server: "sleep 600", cancel: true, want: "context deadline exceeded"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(postgrestest.Dir(t), "pg")
			config := clusterConfig(dir, io.Discard)
			config.StartTimeout = test.timeout
			if name == "version does not answer" {
				config.BinDirs = []string{fakeBinaries(t, "15.0", test.initdb, "")}
				slow := "#!/bin/sh\n" + test.server + "\n"
				if err := os.WriteFile(filepath.Join(config.BinDirs[0], "postgres"), []byte(slow), 0o755); err != nil {
					t.Fatal(err)
				}
			} else {
				config.BinDirs = []string{fakeBinaries(t, "15.0", test.initdb, test.server)}
			}
			ctx := t.Context()
			if test.cancel {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, 300*time.Millisecond)
				defer cancel()
			}
			began := time.Now()
			_, err := postgres.StartCluster(ctx, config)
			if err == nil {
				t.Fatal("the cluster started")
			}
			wantError(t, err, test.want)
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("the start took %s", took)
			}
			if left := programsIn(t, dir); len(left) > 0 {
				t.Errorf("processes are left: %v", left)
			}
		})
	}
}

// programsIn lists the processes that work in the folder, where there is a /proc.
func programsIn(t *testing.T, dir string) (found []string) {
	t.Helper()
	links, err := filepath.Glob("/proc/[0-9]*/cwd")
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range links {
		if cwd, err := os.Readlink(link); err == nil && strings.HasPrefix(cwd, dir) {
			found = append(found, link)
		}
	}
	return found
}
