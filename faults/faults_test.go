package faults

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/perfectworks/backend/adapters/eventstore/eventstoretest"
	"github.com/perfectworks/backend/adapters/postgres"
	"github.com/perfectworks/backend/app"
)

// fault is what is done to a system under load. It returns once it is over, and
// says what it did.
type fault struct {
	name string
	do   func(*apart) string
	// short says that it is tried by make test, too.
	short bool
}

// apart is a system whose parts are all apart: a Postgres and an event node of its
// own, and a proxy before the node.
type apart struct {
	*system
	cluster *postgres.Cluster
	node    *process
	network *eventstoretest.Proxy
}

// Postgres goes away, crashes and stands still; the event node goes away; the
// connection to it is cut, slow and silent; a projector stands still for longer
// than it may; the read models are restored from an older backup.
func TestFaults(t *testing.T) {
	t.Parallel()
	all := []fault{
		{"Postgres frozen", (*apart).freezePostgres, true},
		{"Postgres crashed", (*apart).crashPostgres, false},
		{"Postgres stopped", (*apart).stopPostgres, false},
		{"event node cut off", (*apart).cutNode, true},
		{"event node far away", (*apart).delayNode, false},
		{"event node silent", (*apart).silenceNode, false},
		{"event node killed", (*apart).killNode, false},
		{"projector frozen past its lock", (*apart).freezeProjector, true},
		{"older read models restored", (*apart).restoreReadModels, false},
	}
	rounds := 1
	if full() {
		rounds = 3
	}
	s := newApart(t)
	s.start()
	s.load.begin()
	s.begun()
	for range rounds {
		s.choices.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		for _, f := range all {
			if only := os.Getenv(onlyVariable); !f.short && !full() || only != "" && !strings.Contains(f.name, only) {
				continue
			}
			began := time.Now()
			s.load.until(int64(10 + s.choices.IntN(20)))
			detail := f.do(s)
			s.after(f.name, detail, began, 30)
		}
	}
	s.load.end()
	s.stop()
	s.node.stop()
	s.node.checkLog()
}

func newApart(t *testing.T) *apart {
	t.Helper()
	cluster := newCluster(t, nil)
	events := newDatabaseOn(t, cluster.URL(), "events")
	a := &apart{cluster: cluster, node: newNode(t, events)}
	a.network = eventstoretest.StartProxy(t, a.node.startNode())
	a.system = newSystem(t, newReport(t), place{
		databaseURL: cluster.URL(), eventStoreURL: a.network.URL(), logURL: events,
	})
	a.add("server 1", app.RoleAll)
	a.add("server 2", app.RoleAll)
	return a
}

func (a *apart) freezePostgres() string {
	a.t.Helper()
	signalTree(a.t, a.cluster.PID(), syscall.SIGSTOP)
	began := time.Now()
	a.pause(2*time.Second, 8*time.Second)
	n := signalTree(a.t, a.cluster.PID(), syscall.SIGCONT)
	return fmt.Sprintf("%d processes for %v", n, time.Since(began).Round(100*time.Millisecond))
}

func (a *apart) crashPostgres() string {
	a.t.Helper()
	if err := syscall.Kill(a.cluster.PID(), syscall.SIGKILL); err != nil {
		a.t.Fatal(err)
	}
	return "it comes back by itself"
}

func (a *apart) stopPostgres() string {
	a.t.Helper()
	if err := a.cluster.StopServer(a.t.Context()); err != nil {
		a.t.Fatal(err)
	}
	began := time.Now()
	a.pause(0, 8*time.Second)
	if err := a.cluster.StartServer(a.t.Context()); err != nil {
		a.t.Fatal(err)
	}
	return fmt.Sprintf("away for %v", time.Since(began).Round(100*time.Millisecond))
}

func (a *apart) cutNode() string {
	times := 1 + a.choices.IntN(5)
	for range times {
		a.network.Cut()
		a.pause(0, 300*time.Millisecond)
	}
	a.network.Refusing.Store(true)
	a.network.Cut()
	began := time.Now()
	a.pause(0, 4*time.Second)
	a.network.Refusing.Store(false)
	return fmt.Sprintf("%d times, then for %v", times, time.Since(began).Round(100*time.Millisecond))
}

func (a *apart) delayNode() string {
	a.t.Helper()
	delay := time.Duration(20+a.choices.IntN(200)) * time.Millisecond
	a.network.Delay.Store(int64(delay))
	a.load.until(20)
	a.network.Delay.Store(0)
	return delay.String() + " each way"
}

func (a *apart) silenceNode() string {
	a.network.Silent.Store(true)
	began := time.Now()
	a.pause(time.Second, 15*time.Second)
	a.network.Silent.Store(false)
	return "for " + time.Since(began).Round(100*time.Millisecond).String()
}

func (a *apart) killNode() string {
	a.t.Helper()
	a.node.kill()
	began := time.Now()
	a.pause(0, 3*time.Second)
	a.network.Lead(a.node.startNode())
	return "away for " + time.Since(began).Round(100*time.Millisecond).String()
}

func (a *apart) freezeProjector() string {
	a.t.Helper()
	return a.freezeOwner()
}
