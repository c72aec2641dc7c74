package faults

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/perfectworks/backend/adapters/postgres/postgrestest"
	"github.com/perfectworks/backend/app"
)

// Two servers start at the same moment on nothing: an empty database, or an empty
// folder in which each wants to create the private Postgres. Both are ready, and
// stay so when they are started again at the same moment after a kill.
func TestTwoStartsAtOnce(t *testing.T) {
	t.Parallel()
	if !full() {
		t.Skip("make faults: it takes two servers, twice")
	}
	for name, private := range map[string]bool{"on an empty database": false, "in an empty folder": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at := place{data: filepath.Join(postgrestest.Dir(t), "data")}
			if !private {
				at.databaseURL = postgrestest.URL(t)
			}
			s := newSystem(t, newReport(t), at)
			s.add("server 1", app.RoleAll)
			s.add("server 2", app.RoleAll)
			began := time.Now()
			for _, p := range s.processes {
				p.launch()
			}
			for _, p := range s.processes {
				p.awaitReady()
			}
			if private {
				s.connect(privateURL(t, filepath.Join(s.data, "postgres")))
			}
			s.start()
			s.load.begin()
			s.after("two starts", name, began, 40)
			began = time.Now()
			s.load.risk()
			for _, p := range s.processes {
				p.kill()
			}
			s.start()
			s.after("two starts", "after both were killed", began, 40)
			s.load.end()
			s.stop()
		})
	}
}

// At a start the event store's head reads lower than the checkpoints for a moment, as
// that of a member of a cluster does which has not caught up. Nothing is rebuilt, and
// nothing is taken for lost.
func TestHeadIsLowerForAMoment(t *testing.T) {
	t.Parallel()
	if !full() {
		t.Skip("make faults: it takes an event store of its own")
	}
	a := newApart(t)
	a.start()
	a.load.begin()
	a.begun()

	// A copy of the log, which nobody can write to.
	const older = "older"
	backup := filepath.Join(t.TempDir(), "log")
	events := databaseOf(t, a.cluster.URL(), "events")
	runTool(t, "pg_dump", "--format=custom", "--file="+backup, "--dbname="+forTools(t, events))
	if _, err := a.db.Exec(t.Context(), "CREATE DATABASE "+older); err != nil {
		t.Fatal(err)
	}
	olderURL := databaseOf(t, a.cluster.URL(), older)
	runTool(t, "pg_restore", "--exit-on-error", "--dbname="+forTools(t, olderURL), backup)
	if _, err := a.db.Exec(t.Context(), "ALTER DATABASE "+older+" SET default_transaction_read_only = on"); err != nil {
		t.Fatal(err)
	}
	behind := newNode(t, olderURL)
	generations := a.number(a.db, "SELECT max(id) FROM projection.generations")

	began := time.Now()
	a.load.until(40)
	a.load.pause()
	a.rest()
	a.load.risk()
	for _, p := range a.processes {
		p.kill()
	}
	right := a.network.Target()
	a.network.Lead(behind.startNode())
	for _, p := range a.processes {
		p.launch()
	}
	lower := time.Duration(2+a.choices.IntN(3)) * time.Second
	a.pause(lower, lower)
	a.network.Lead(right)
	for _, p := range a.processes {
		p.awaitReady()
	}
	a.load.resume()
	a.start()
	a.after("head lower than the checkpoints", fmt.Sprintf("for %v", lower), began, 40)
	rebuilt := a.number(a.db, "SELECT count(*) FROM projection.generations WHERE id > $1 AND state <> 'scratch'", generations)
	if rebuilt > 0 {
		t.Errorf("%d read models were rebuilt", rebuilt)
	}
	a.load.end()
	a.stop()
	behind.discard()
}
