package policyengine_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/perfectworks/backend/adapters/jobs"
	"github.com/perfectworks/backend/adapters/policyengine"
	"github.com/perfectworks/backend/commands/policies"
	"github.com/perfectworks/backend/domain/event"
)

// Each event leads to one job, which leads to one reaction.
func TestEachEventLeadsToOneReaction(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	var mu sync.Mutex
	reactions := map[int][]policies.Reaction{}
	p := h.process(policy("one", policies.FromBeginning(), func(r policies.Reaction, e happened) error {
		mu.Lock()
		defer mu.Unlock()
		reactions[e.Number] = append(reactions[e.Number], r)
		return nil
	}))
	h.append(20)
	h.run(p)
	h.work(p)
	h.append(0)
	h.log.Append("thing-9", happened{20})
	h.reached(p, "one", 21)
	h.eventually("all were reacted to", func() bool { mu.Lock(); defer mu.Unlock(); return len(reactions) == 21 })
	for n, all := range reactions {
		if len(all) != 1 {
			t.Fatalf("event %d was reacted to %d times", n, len(all))
		}
		r := all[0]
		if r.Request.ID != policies.CommandID("one", r.Event.ID) || r.Request.CauseEventID != r.Event.ID.String() ||
			!r.Request.Retry || r.Request.Principal.Policy != "one" || r.Fence == 0 || r.Request.Now.Before(r.Event.Time) {
			t.Errorf("event %d: got %+v", n, r.Request)
		}
	}
	s := h.status(p, "one")
	if head, _ := h.log.Head(t.Context()); s.Position != head || s.Jobs != 21 || s.BeganFrom != "beginning" || s.EventType != "SomethingHappened" {
		t.Errorf("got %+v", s)
	}
	key := policies.CommandID("one", h.log.Events()[0].ID)
	if state, err := p.jobs.Wait(t.Context(), [16]byte(key)); err != nil || !state.Ended() {
		t.Errorf("the job cannot be waited for by its key: %s, %v", state, err)
	}
}

func TestWhereAPolicyStarts(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.append(5)
	third := h.log.Events()[5].Position
	p := h.process(
		policy("now", policies.FromNow(), nil),
		policy("beginning", policies.FromBeginning(), nil),
		policy("after", policies.After(third), nil),
	)
	h.run(p)
	h.reached(p, "beginning", 5)
	h.append(1)
	h.reached(p, "now", 1)
	h.reached(p, "beginning", 6)
	h.reached(p, "after", 3)
	// They begin once.
	p.stop()
	h.append(1)
	again := h.process(policy("now", policies.FromNow(), nil), policy("later", policies.FromNow(), nil))
	h.run(again)
	h.reached(again, "now", 2)
	h.reached(again, "later", 0)
	h.append(1)
	h.reached(again, "later", 1)
	if s := h.status(again, "beginning"); s.State != policyengine.StateUnknown || h.jobsOf("beginning") != 6 {
		t.Errorf("a policy that the program does not have: %+v", s)
	}
}

// A process that does not run the policies gives them their positions when it
// starts: what happens before one does is reacted to. The first process chooses.
func TestPoliciesBeginWithTheFirstProcess(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.append(2)
	serving := h.process(policy("mail", policies.FromNow(), nil))
	if err := serving.Begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.append(3)
	running := h.process(policy("mail", policies.FromNow(), nil))
	if err := running.Begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.append(1)
	h.run(running)
	h.reached(running, "mail", 4)
	if err := serving.Begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.append(1)
	h.reached(running, "mail", 5)
}

// One that was started in the past holds up no other, and joins them.
func TestAPolicyThatIsBehindHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	first := h.process(policy("old", policies.FromBeginning(), nil))
	h.append(300)
	h.run(first)
	h.reached(first, "old", 300)
	first.stop()
	second := h.process(policy("old", policies.FromBeginning(), nil), policy("new", policies.FromBeginning(), nil))
	h.run(second)
	h.append(5)
	h.reached(second, "old", 305)
	h.reached(second, "new", 305)
	h.append(5)
	h.reached(second, "old", 310)
	h.reached(second, "new", 310)
}

// Two processes with the same policies: one runs them, and when it ends, or
// hangs, the other goes on where it was.
func TestOneProcessRunsThePolicies(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*process){
		"it ends":  func(p *process) { p.stop() },
		"it hangs": func(p *process) { p.heart.Stop() }, // And goes on writing.
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t)
			all := []*process{
				h.process(policy("one", policies.FromBeginning(), nil)),
				h.process(policy("one", policies.FromBeginning(), nil)),
			}
			h.run(all[0])
			h.append(50)
			h.reached(all[0], "one", 50)
			h.run(all[1])
			h.append(50)
			end(all[0])
			h.append(50)
			h.reached(all[1], "one", 150)
			h.append(10)
			h.reached(all[1], "one", 160)
			if n := h.count("SELECT count(*) FROM policy.owner WHERE process = $1", all[1].id); n != 1 {
				t.Error("the other does not own the policies")
			}
		})
	}
}

// What cannot be committed is not lost and not there twice.
func TestAFailedCommitComesAgain(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	p := h.process(policy("one", policies.FromBeginning(), nil))
	h.run(p)
	h.append(3)
	h.reached(p, "one", 3)
	if _, err := h.pool.Exec(t.Context(), "ALTER TABLE jobs.river_job RENAME TO hidden"); err != nil {
		t.Fatal(err)
	}
	before := h.status(p, "one").Position
	h.append(3)
	h.eventually("it was tried", func() bool {
		return h.count("SELECT count(*) FROM pg_stat_database WHERE datname = current_database() AND xact_rollback > 0") == 1
	})
	if after := h.status(p, "one").Position; after != before {
		t.Errorf("the position went from %v to %v without the jobs", before, after)
	}
	if _, err := h.pool.Exec(t.Context(), "ALTER TABLE jobs.hidden RENAME TO river_job"); err != nil {
		t.Fatal(err)
	}
	h.reached(p, "one", 6)
}

// The jobs are on disk when the position is, also in a database that is set not
// to wait for it.
func TestJobsAreDurable(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	var name string
	if err := h.pool.QueryRow(t.Context(), "SELECT current_database()").Scan(&name); err != nil {
		t.Fatal(err)
	}
	for _, sql := range []string{
		"ALTER DATABASE " + name + " SET synchronous_commit = off",
		`CREATE TABLE seen (durability text)`,
		`CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$
			BEGIN INSERT INTO seen VALUES (current_setting('synchronous_commit')); RETURN NULL; END $$`,
		`CREATE TRIGGER see AFTER INSERT ON jobs.river_job EXECUTE FUNCTION see()`,
	} {
		if _, err := h.pool.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	h.pool.Reset()
	p := h.process(policy("one", policies.FromBeginning(), nil))
	h.run(p)
	h.append(3)
	h.reached(p, "one", 3)
	if n := h.count("SELECT count(*) FROM seen WHERE durability <> 'on'"); n > 0 || h.count("SELECT count(*) FROM seen") == 0 {
		t.Errorf("%d insertions did not wait for the disk", n)
	}
}

// An operator sends a policy to another position, also while it runs.
func TestAnOperatorStartsAPolicyAnew(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	p := h.process(policy("one", policies.FromNow(), nil))
	h.append(4)
	h.run(p)
	h.reached(p, "one", 0)
	operator := h.process(policy("one", policies.FromNow(), nil))
	if err := operator.Start(t.Context(), "one", policies.FromBeginning()); err != nil {
		t.Fatal(err)
	}
	h.reached(p, "one", 4)
	if err := operator.Start(t.Context(), "two", policies.FromNow()); !errors.Is(err, policyengine.ErrUnknownPolicy) {
		t.Errorf("an unknown policy: %v", err)
	}
}

func TestADelayedReactionWaits(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	delayed := policy("one", policies.FromBeginning(), nil)
	delayed.Delay = 1000 * 24 * time.Hour
	p := h.process(delayed)
	h.run(p)
	h.append(1)
	h.reached(p, "one", 1)
	all, err := p.jobs.List(t.Context(), jobs.Query{})
	if err != nil || len(all) != 1 || !all[0].ScheduledAt.Equal(h.log.Events()[0].Time.Add(delayed.Delay)) {
		t.Errorf("got %+v, %v", all, err)
	}
}

func TestPoliciesAreChecked(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*policies.Policy){
		"name":  func(p *policies.Policy) { p.Name = "Some Name" },
		"event": func(p *policies.Policy) { p.EventType = "" },
		"start": func(p *policies.Policy) { p.Start = policies.Start{} },
		"react": func(p *policies.Policy) { p.React = nil },
	} {
		p := policy("one", policies.FromNow(), nil)
		change(&p)
		if _, err := policyengine.New(policyengine.Config{Policies: []policies.Policy{p}}); err == nil {
			t.Errorf("without a usable %s: accepted", name)
		}
	}
	p := policy("one", policies.FromNow(), nil)
	if _, err := policyengine.New(policyengine.Config{Policies: []policies.Policy{p, p}}); err == nil {
		t.Error("the same name twice: accepted")
	}
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	p := h.process(policy("one", policies.FromBeginning(), nil))
	h.run(p)
	h.append(2)
	h.reached(p, "one", 2)
	registry := prometheus.NewRegistry()
	_, err := policyengine.New(policyengine.Config{
		Pool: h.pool, Policies: []policies.Policy{policy("one", policies.FromBeginning(), nil)}, Head: h.log.Head, Registerer: registry,
	})
	if err != nil {
		t.Fatal(err)
	}
	measured := func() map[string]float64 {
		families, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]float64{}
		for _, f := range families {
			got[f.GetName()] = f.GetMetric()[0].GetGauge().GetValue() + f.GetMetric()[0].GetCounter().GetValue()
		}
		return got
	}
	if problems, err := testutil.GatherAndLint(registry); err != nil || len(problems) > 0 {
		t.Errorf("%v %v", problems, err)
	}
	if got := measured(); got["perfectworks_policy_live"] != 1 || got["perfectworks_policy_lag_seconds"] != 0 || got["perfectworks_policy_jobs_total"] != 2 {
		t.Errorf("got %v", got)
	}
	p.stop()
	h.append(1)
	measured()
	time.Sleep(10 * time.Millisecond)
	if got := measured(); got["perfectworks_policy_live"] != 0 || got["perfectworks_policy_lag_seconds"] <= 0 {
		t.Errorf("without an owner: %v", got)
	}
}

func TestStartsAreRead(t *testing.T) {
	t.Parallel()
	for _, start := range []policies.Start{policies.FromNow(), policies.FromBeginning(), policies.After(event.Position{Commit: 7, Prepare: 6})} {
		if got, err := policies.ParseStart(start.String()); err != nil || got != start {
			t.Errorf("%s became %v, %v", start, got, err)
		}
	}
	if _, err := policies.ParseStart("yesterday"); err == nil {
		t.Error("it was accepted")
	}
}

// When the log went back, nobody knows which of the lost events led to what: the
// policies stop until an operator says where they go on.
func TestPoliciesStopWhenTheLogWentBack(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	p := h.process(policy("one", policies.FromBeginning(), nil))
	h.append(3)
	h.run(p)
	h.reached(p, "one", 3)
	head, err := h.log.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	h.append(2)
	h.reached(p, "one", 5)
	h.log.GoBack(head)
	h.append(4)
	h.eventually("the policy has stopped", func() bool { return h.status(p, "one").State == policyengine.StateStopped })
	if s := h.status(p, "one"); s.Jobs != 5 {
		t.Errorf("%d jobs, want none for what came after the loss", s.Jobs)
	}
	if err := p.Start(t.Context(), "one", policies.After(head)); err != nil {
		t.Fatal(err)
	}
	h.reached(p, "one", 9)
}
