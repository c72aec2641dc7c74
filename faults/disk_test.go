package faults

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/perfectworks/backend/adapters/postgres/postgrestest"
	"github.com/perfectworks/backend/app"
)

// The disk of the data folder is full: with the private Postgres on it, and with
// files, mails and clicks alone. Callers are refused, and served again, by the same
// processes, once there is space.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	if !full() {
		t.Skip("make faults: it takes disks of its own")
	}
	// Files leave some for what else is on their disk.
	const size = 640 << 20
	for _, private := range []bool{true, false} {
		name := map[bool]string{true: "all of it", false: "files alone"}[private]
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			disk := postgrestest.NewDisk(t, size)
			at := place{data: filepath.Join(disk.Dir(), "data")}
			if !private {
				at.databaseURL = newDatabase(t)
			}
			s := newSystem(t, newReport(t), at)
			s.mayFail = true
			s.add("server", app.RoleAll)
			for _, p := range s.processes {
				p.launch()
				p.awaitReady()
			}
			if private {
				s.connect(privateURL(t, filepath.Join(s.data, "postgres")))
			}
			s.start()
			s.load.begin()
			s.begun()
			for range 2 {
				began := time.Now()
				s.load.until(int64(10 + s.choices.IntN(30)))
				disk.Fill()
				before := s.load.retried.Load()
				eventually(t, "a request fails", func() bool { return s.load.retried.Load() > before })
				s.pause(2*time.Second, 6*time.Second)
				refused := s.load.retried.Load() - before
				disk.Free()
				s.after("disk full", fmt.Sprintf("%s: %d requests were repeated", name, refused), began, 60)
			}
			s.load.end()
			s.stop()
		})
	}
}

// privateURL leads to the private Postgres of a running server.
func privateURL(t *testing.T, dir string) string {
	t.Helper()
	password, err := os.ReadFile(filepath.Join(dir, "password"))
	if err != nil {
		t.Fatal(err)
	}
	pid, err := os.ReadFile(filepath.Join(dir, "data", "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	const portLine = 3
	lines := strings.Split(string(pid), "\n")
	if len(lines) <= portLine {
		t.Fatalf("%s names no port", pid)
	}
	u := url.URL{
		Scheme: "postgres", User: url.UserPassword("postgres", strings.TrimSpace(string(password))),
		Host: net.JoinHostPort("127.0.0.1", strings.TrimSpace(lines[portLine])), Path: "/perfectworks", RawQuery: "sslmode=disable",
	}
	return u.String()
}
