package faults

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/perfectworks/backend/adapters/postgres"
	"github.com/perfectworks/backend/adapters/postgres/postgrestest"
	"github.com/perfectworks/backend/app"
)

// Clocks jump, forwards and back: those of single processes, and that of the
// database, by which leases and jobs are due.
func TestClocksJump(t *testing.T) {
	t.Parallel()
	if !full() {
		t.Skip("make faults: it builds the program with another clock")
	}
	clock := newDatabaseClock(t)
	cluster := newCluster(t, clock.use)
	s := newSystem(t, newReport(t), place{databaseURL: cluster.URL(), program: buildWithClock(t)})
	clocks := map[*process]string{}
	for _, name := range []string{"server 1", "server 2"} {
		path := filepath.Join(t.TempDir(), "clock")
		setClock(t, path, 0)
		clocks[s.add(name, app.RoleAll, clockVariable+"="+path)] = path
	}
	s.start()
	s.load.begin()
	s.begun()
	for _, jump := range []time.Duration{time.Hour, -time.Hour, 30 * time.Second, -30 * time.Second} {
		began := time.Now()
		s.load.until(int64(10 + s.choices.IntN(30)))
		p := s.processes[s.choices.IntN(len(s.processes))]
		if jump.Abs() < time.Hour { // A token that is issued in an hour is of no use now.
			setClock(t, clocks[p], jump)
			within(t, time.Minute, "the clock of the process jumps", func() bool { return isOff(time.Now(), clockOf(p), jump) })
			s.after("clock of a process jumps", fmt.Sprintf("%s by %v", p.name, jump), began, 40)
			setClock(t, clocks[p], 0)
			continue
		}
		clock.set(jump)
		within(t, time.Minute, "the clock of the database jumps", func() bool {
			var now time.Time
			err := s.db.QueryRow(t.Context(), "SELECT clock_timestamp()").Scan(&now)
			return err == nil && isOff(time.Now(), now, jump)
		})
		s.after("clock of the database jumps", fmt.Sprintf("by %v", jump), began, 40)
		// And back, at the moment at which a process dies, which was alive an hour ahead.
		began = time.Now()
		s.load.until(int64(10 + s.choices.IntN(30)))
		s.load.risk()
		p.kill()
		clock.set(0)
		s.after("clock of the database jumps back", fmt.Sprintf("by %v, and %s is dead", -jump, p.name), began, 40)
		s.start()
	}
	s.load.end()
	s.stop()
}

// isOff tells whether a clock differs from another one by about a jump.
func isOff(right, wrong time.Time, jump time.Duration) bool {
	const about = 10 * time.Second
	return (wrong.Sub(right) - jump).Abs() < about
}

// clockOf is the time of a process, as its answers say it.
func clockOf(p *process) time.Time {
	api, _ := p.api.Load().(string)
	response, err := http.Get(strings.TrimSuffix(api, "/api/v0") + "/healthz")
	if err != nil {
		return time.Time{}
	}
	_ = response.Body.Close()
	at, err := http.ParseTime(response.Header.Get("Date"))
	if err != nil {
		return time.Time{}
	}
	return at
}

// clockVariable names the file with the seconds by which the clock of a process is
// wrong.
const clockVariable = "FAULTS_CLOCK"

func setClock(t *testing.T, path string, jump time.Duration) {
	t.Helper()
	// In place: the processes have mapped the file.
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var seconds [8]byte
	binary.NativeEndian.PutUint64(seconds[:], uint64(int64(jump/time.Second)))
	if _, err := file.WriteAt(seconds[:], 0); err != nil {
		t.Fatal(err)
	}
}

// buildWithClock builds the program with a clock that jumps. A Go program asks the
// kernel for the time, past the C library that faketime replaces: so the standard
// library is built with another time.Now.
func buildWithClock(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	source := filepath.Join(goroot(t), "src", "time")
	text, err := os.ReadFile(filepath.Join(source, "time.go"))
	if err != nil {
		t.Fatal(err)
	}
	const asked = "func Now() Time {\n\tsec, nsec, mono := runtimeNow()\n"
	changed := strings.Replace(string(text), asked, asked+"\tsec += jumped()\n", 1)
	if changed == string(text) {
		t.Skipf("time.Now of %s is not as it was: how to change it must be found anew", runtime.Version())
	}
	addition, err := os.ReadFile(filepath.Join("testdata", "clock.go.txt"))
	if err != nil {
		t.Fatal(err)
	}
	now, jumped := filepath.Join(dir, "time.go"), filepath.Join(dir, "clock.go")
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {
		filepath.Join(source, "time.go"): now, filepath.Join(source, "clock.go"): jumped,
	}})
	if err != nil {
		t.Fatal(err)
	}
	list := filepath.Join(dir, "overlay.json")
	for path, content := range map[string][]byte{now: []byte(changed), jumped: addition, list: overlay} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	built := filepath.Join(dir, "perfectworks")
	if err := build(t.Context(), built, "-overlay", list); err != nil {
		t.Fatal(err)
	}
	return built
}

func goroot(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// databaseClock is that of a Postgres that runs under faketime.
type databaseClock struct {
	t   *testing.T
	dir string
}

// newDatabaseClock skips the test where faketime is not there.
func newDatabaseClock(t *testing.T) *databaseClock {
	t.Helper()
	libraries, err := filepath.Glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
	if err != nil || len(libraries) == 0 {
		t.Skip("faketime is not installed: apt-get install faketime")
	}
	bins := postgres.BinDirs()
	if len(bins) == 0 {
		t.Skip("Postgres is not installed")
	}
	c := &databaseClock{t: t, dir: postgrestest.Dir(t)}
	c.set(0)
	for _, name := range []string{"initdb", "postgres"} {
		// initdb runs the server beside it, with the clock of the machine.
		script := fmt.Sprintf("#!/bin/sh\nexec %s \"$@\"\n", filepath.Join(bins[0], name))
		if name == "postgres" {
			script = fmt.Sprintf("#!/bin/sh\nexport LD_PRELOAD=%s FAKETIME_TIMESTAMP_FILE=%s FAKETIME_CACHE_DURATION=1 FAKETIME_DONT_FAKE_MONOTONIC=1\nexec %s \"$@\"\n",
				libraries[0], c.file(), filepath.Join(bins[0], name))
		}
		if err := os.WriteFile(filepath.Join(c.dir, name), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

func (c *databaseClock) file() string { return filepath.Join(c.dir, "clock") }

// use has a cluster run under the clock.
func (c *databaseClock) use(config *postgres.ClusterConfig) { config.BinDirs = []string{c.dir} }

// set lets the clock jump; the server sees it within a second.
func (c *databaseClock) set(jump time.Duration) {
	c.t.Helper()
	temporary := c.file() + ".new"
	if err := os.WriteFile(temporary, fmt.Appendf(nil, "%+d", int64(jump/time.Second)), 0o644); err != nil {
		c.t.Fatal(err)
	}
	if err := os.Rename(temporary, c.file()); err != nil {
		c.t.Fatal(err)
	}
}
