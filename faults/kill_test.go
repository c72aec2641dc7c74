package faults

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/perfectworks/backend/app"
)

// killRounds is how often processes are killed.
func killRounds(t *testing.T) int {
	t.Helper()
	switch text := os.Getenv(killsVariable); {
	case text != "":
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatalf("%s: %v", killsVariable, err)
		}
		return n
	case full():
		return 100
	default:
		return 3
	}
}

// The server, a projector and a worker are killed at random points of the load, one
// after the other and sometimes together; some stay away for a while. All share the
// embedded event node's log, of which any of them may be the writer.
func TestKilled(t *testing.T) {
	t.Parallel()
	s := newSystem(t, newReport(t), place{databaseURL: newDatabase(t)})
	s.add("server", app.RoleAll)
	s.add("projector", app.RoleProjector)
	s.add("worker", app.RoleWorker)
	s.start()
	s.load.begin()
	s.begun()
	for round := range killRounds(t) {
		began := time.Now()
		victims := []*process{s.processes[round%len(s.processes)]}
		if s.choices.IntN(4) == 0 { // Another one at the same moment.
			victims = append(victims, s.processes[(round+1+s.choices.IntN(2))%len(s.processes)])
		}
		s.load.until(int64(10 + s.choices.IntN(50)))
		s.pause(0, 200*time.Millisecond)
		var names []string
		for _, p := range victims {
			if api, _ := p.api.Load().(string); api != "" {
				s.load.risk()
			}
			p.kill()
			names = append(names, p.name)
		}
		if s.choices.IntN(3) == 0 { // Longer than others wait before they take over.
			s.pause(time.Second, 8*time.Second)
		}
		for _, p := range victims {
			p.launch()
		}
		for _, p := range victims {
			p.awaitReady()
		}
		s.after("kill -9", strings.Join(names, " and "), began, 30)
	}
	s.load.end()
	s.stop()
}

// A projector is frozen for longer than it may own read models without a sign of
// life; another process takes over, and the one that is thawed, in the middle of
// what it did, writes nothing any more.
func (s *system) freezeOwner() string {
	s.t.Helper()
	frozen := s.owner()
	models := int(s.number(s.db, "SELECT count(*) FROM projection.generations WHERE state = 'live'"))
	frozen.freeze()
	began := time.Now()
	eventually(s.t, "other processes project all read models", func() bool {
		taken := 0
		for _, p := range s.processes {
			if p != frozen {
				taken += p.owned()
			}
		}
		return taken == models
	})
	took := time.Since(began)
	s.load.until(20)
	frozen.thaw()
	eventually(s.t, "the frozen process knows that it is no longer the owner", func() bool { return frozen.owned() == 0 })
	return fmt.Sprintf("%s frozen, taken over after %v", frozen.name, took.Round(100*time.Millisecond))
}
