package policyengine_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/perfectworks/backend/adapters/jobs"
	"github.com/perfectworks/backend/adapters/policyengine"
	"github.com/perfectworks/backend/adapters/postgres/heartbeat"
	"github.com/perfectworks/backend/adapters/postgres/postgrestest"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/commands/policies"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/migrations"
	"github.com/perfectworks/backend/projections/projectionstest"
)

type (
	happened struct{ Number int }
	other    struct{}
)

// EventType is the stored name.
func (happened) EventType() string { return "SomethingHappened" }

// EventType is the stored name.
func (other) EventType() string { return "OtherHappened" }

// harness is a log and a database, on which processes come and go.
type harness struct {
	t    *testing.T
	pool *pgxpool.Pool
	log  *projectionstest.Log
}

func newHarness(t *testing.T) *harness {
	t.Helper()
	return &harness{t, postgrestest.New(t, postgrestest.WithMigrations(migrations.App, migrations.AppTable)), projectionstest.NewLog()}
}

// policy counts its reactions by the event's number.
func policy(name string, start policies.Start, react func(policies.Reaction, happened) error) policies.Policy {
	if react == nil {
		react = func(policies.Reaction, happened) error { return nil }
	}
	return policies.On(name, start, policies.Options{}, func(_ context.Context, r policies.Reaction, e happened) error { return react(r, e) })
}

// process is one process with an engine and its queue.
type process struct {
	*policyengine.Engine
	jobs  *jobs.Client
	id    uuid.UUID
	heart *heartbeat.Heart
	stop  func()
}

func (h *harness) process(all ...policies.Policy) *process {
	h.t.Helper()
	p := &process{id: uuid.New()}
	logger := slog.New(slog.DiscardHandler)
	if testing.Verbose() {
		logger = slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	var err error
	p.jobs, err = jobs.New(jobs.Config{
		Pool: h.pool, Process: p.id, Logger: logger, Rescue: 50 * time.Millisecond,
		Kinds: policyengine.Kinds(all, policyengine.Reacting{
			Read:       h.read,
			Unreadable: func(error) bool { return false },
			Seed:       func(event.ID) commands.Seed { return commands.Seed{1} },
		}),
	})
	if err != nil {
		h.t.Fatal(err)
	}
	p.Engine, err = policyengine.New(policyengine.Config{
		Pool: h.pool, Process: p.id, Policies: all, Queue: p.jobs, Logger: logger, StandBy: 30 * time.Millisecond,
		Subscribe: func(progress policyengine.Progress) (message.Subscriber, error) {
			return h.log.Subscriber(progress, 10), nil
		},
		Header: func(m *message.Message) (event.Recorded, error) {
			r, err := h.log.Decode(m.Context(), m)
			r.Event, r.Metadata = nil, event.Metadata{}
			return r, err
		},
		Head: h.log.Head, Recognise: h.log.Recognise,
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return p
}

func (h *harness) read(_ context.Context, ref event.Ref) (event.Recorded, error) {
	for _, r := range h.log.Events() {
		if r.Ref() == ref {
			return r, nil
		}
	}
	return event.Recorded{}, fmt.Errorf("there is no %s", ref)
}

// run runs the policies of a process, without working jobs, until the test ends.
func (h *harness) run(p *process) {
	h.t.Helper()
	var err error
	if p.heart, err = heartbeat.Start(h.t.Context(), h.pool, heartbeat.Options{ID: p.id}); err != nil {
		h.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := p.Run(ctx); err != nil {
			h.t.Errorf("run: %v", err)
		}
	})
	p.stop = func() { cancel(); running.Wait() }
	h.t.Cleanup(func() { p.stop(); p.heart.Stop() })
}

// work works jobs until the test ends.
func (h *harness) work(p *process) {
	h.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = p.jobs.Run(ctx) })
	h.t.Cleanup(func() { cancel(); running.Wait() })
}

func (h *harness) eventually(what string, ok func() bool) {
	h.t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			h.t.Fatalf("it did not happen: %s", what)
		}
	}
}

func (h *harness) count(sql string, args ...any) (n int) {
	h.t.Helper()
	if err := h.pool.QueryRow(context.Background(), sql, args...).Scan(&n); err != nil {
		h.t.Fatal(err)
	}
	return n
}

// jobsOf counts the jobs of a policy, and fails if two are for the same event.
func (h *harness) jobsOf(name string) int {
	h.t.Helper()
	if n := h.count("SELECT count(*) - count(DISTINCT args) FROM jobs.river_job WHERE kind = $1", "policy/"+name); n > 0 {
		h.t.Fatalf("%d jobs too many", n)
	}
	return h.count("SELECT count(*) FROM jobs.river_job WHERE kind = $1", "policy/"+name)
}

func (h *harness) append(n int) {
	for i := range n {
		h.log.Append(fmt.Sprintf("thing-%d", i%3), happened{i}, other{})
	}
}

func (h *harness) status(p *process, name string) policyengine.Status {
	h.t.Helper()
	all, err := p.Status(context.Background())
	if err != nil {
		h.t.Fatal(err)
	}
	for _, s := range all {
		if s.Policy == name {
			return s
		}
	}
	h.t.Fatalf("there is no policy %s in %+v", name, all)
	return policyengine.Status{}
}

func (h *harness) reached(p *process, name string, n int) {
	h.t.Helper()
	h.eventually(fmt.Sprintf("%s led to %d jobs", name, n), func() bool {
		return h.jobsOf(name) == n && h.status(p, name).State == policyengine.StateLive
	})
}
