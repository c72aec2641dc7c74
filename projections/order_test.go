package projections

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/google/go-cmp/cmp"

	"github.com/perfectworks/backend/domain/event"
)

// takenIn is how many events the live generation of a projection has taken in.
func (h *harness) takenIn(projection string) int {
	h.t.Helper()
	return h.count("SELECT events FROM projection.generations WHERE state = 'live' AND projection = $1", projection)
}

func (h *harness) built(e *Engine) Generation {
	h.t.Helper()
	g, err := e.Built(context.Background(), "counters")
	if err != nil && !errors.Is(err, ErrNotBuilding) {
		h.t.Fatal(err)
	}
	return g
}

// However it was built, a checkpoint counts the events of the log: each one once.
func TestACheckpointCountsEvents(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]RebuildOptions{
		"unhurried": {}, "unthrottled": {Throttle: Unthrottled}, "throttled": {Throttle: 3000}, "confirmed": {Confirm: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t)
			config := h.config(counters(1), owned("CREATE INDEX things_owner ON things (owner);"))
			config.Rebuild.MaxEvents = 37
			server := h.engine(config)
			h.run(server)
			for i := range 300 {
				h.log.Append(fmt.Sprintf("counter-%d", i%20), opened{fmt.Sprint(i % 20), "x", 0})
			}
			ctx, cancel := context.WithCancel(t.Context())
			var written sync.WaitGroup
			written.Go(func() {
				for i := 0; sleep(ctx, time.Millisecond) == nil; i++ {
					h.log.Append(fmt.Sprintf("counter-%d", i%20), counted{fmt.Sprint(i % 20), i})
				}
			})
			operator := h.engine(config)
			for range 2 {
				if err := operator.RebuildWith(t.Context(), nil, o); err != nil {
					t.Fatal(err)
				}
				if o.Confirm {
					for _, name := range operator.Names() {
						if err := operator.Confirm(t.Context(), name, func(BuildProgress) {}); err != nil {
							t.Fatal(err)
						}
					}
				}
			}
			cancel()
			written.Wait()
			last := h.log.Append("counter-z", opened{"z", "", 0})
			for _, name := range operator.Names() {
				h.waitFor(server, name, last)
				if n := h.takenIn(name); n != len(h.log.Events()) {
					t.Errorf("%s has taken in %d events, and the log holds %d", name, n, len(h.log.Events()))
				}
			}
			if n := h.count("SELECT count(*) FROM projection.generations WHERE state = 'retired'"); n != 4 {
				t.Errorf("%d generations are kept, want 4", n)
			}
			h.compareWithRebuild(server)
		})
	}
}

func TestARebuildOfAnEmptyLog(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	e := h.engine(h.config(counters(1), owned("CREATE INDEX things_owner ON things (owner);")))
	if err := e.RebuildWith(t.Context(), nil, RebuildOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := e.RebuildWith(t.Context(), []string{"counters", "counters"}, RebuildOptions{Confirm: true}); err != nil {
		t.Fatal(err)
	}
	if v, err := e.Diff(t.Context(), "counters"); err != nil || v.Rows != 0 || v.Different != 0 {
		t.Errorf("%+v, %v", v, err)
	}
	if err := e.Confirm(t.Context(), "counters", func(BuildProgress) {}); err != nil {
		t.Fatal(err)
	}
	h.run(e)
	h.waitFor(e, "counters", h.log.Append("counter-a", opened{"a", "", 0}))
	if n := h.takenIn("counters"); n != 1 {
		t.Errorf("%d events were taken in", n)
	}
}

// A generation that waits for a confirmation is compared with the live one as both are
// at one position, also when events have come since.
func TestAGenerationWaitsForItsConfirmation(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	server, operator := h.engine(h.config(counters(1))), h.engine(h.config(counters(1)))
	h.run(server)
	for i := range 40 {
		h.log.Append("counter-a", opened{fmt.Sprint(i), "x", 0})
	}
	h.waitFor(server, "counters", h.log.Append("counter-b", poisonous{"b", "panic"}))
	if _, err := operator.Diff(t.Context(), "counters"); !errors.Is(err, ErrNotBuilding) {
		t.Errorf("before there is one: %v", err)
	}
	if _, err := h.pool.Exec(t.Context(), "UPDATE counters.counters SET label = 'other' WHERE id IN ('7', '8')"); err != nil {
		t.Fatal(err)
	}
	if err := operator.RebuildWith(t.Context(), nil, RebuildOptions{Confirm: true}); err != nil {
		t.Fatal(err)
	}
	builds, err := operator.Builds(t.Context())
	if err != nil || len(builds) != 1 || builds[0].Progress.Phase != PhaseReady || builds[0].Progress.Done() != 1 {
		t.Errorf("%+v, %v", builds, err)
	}
	h.log.Append("counter-b", counted{"b", 1}) // It waits behind the poisonous one.
	last := h.log.Append("counter-a", opened{"new", "x", 0}, counted{"3", 17})
	h.waitFor(server, "counters", last)
	for range 2 {
		v, err := operator.Diff(t.Context(), "counters")
		if err != nil || v.Different != 2 || len(v.Differences) != 2 || v.Rows != 42 || v.Position != last || v.Against == v.Generation {
			t.Fatalf("%+v, %v", v, err)
		}
		if d := v.Differences[0]; d.Table != "counters" || !slices.Equal(d.Key, []string{"7"}) ||
			!strings.Contains(string(d.Live), "other") || !strings.Contains(string(d.Rebuilt), `"x"`) {
			t.Errorf("%+v", d)
		}
	}
	if n := h.count("SELECT count(*) FROM counters.counters WHERE label = 'other'"); n != 2 {
		t.Error("it did not wait")
	}
	if err := h.engine(h.config(counters(1))).Confirm(t.Context(), "counters", func(BuildProgress) {}); err != nil {
		t.Fatal(err)
	}
	if err := operator.Confirm(t.Context(), "counters", func(BuildProgress) {}); !errors.Is(err, ErrNotBuilding) {
		t.Errorf("confirmed again: %v", err)
	}
	h.waitFor(server, "counters", h.log.Append("counter-a", counted{"3", 18}))
	if n := h.takenIn("counters"); n != len(h.log.Events()) {
		t.Errorf("%d events were taken in, and the log holds %d", n, len(h.log.Events()))
	}
	if n := h.count("SELECT parked FROM (SELECT count(*) AS parked FROM projection.parked p JOIN projection.generations g ON g.id = generation_id WHERE state = 'live') p"); n != 2 {
		t.Errorf("%d events are parked, want 2", n)
	}
	h.compareWithRebuild(server)
}

// Columns that only one of two versions has are named, and the others compared.
func TestADiffOverVersions(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	e := h.engine(h.config(counters(1)))
	stop := h.run(e)
	h.waitFor(e, "counters", h.log.Append("counter-a", opened{"a", "x", 0}, counted{"a", 1}))
	stop()
	next := countersRenamed()
	operator := h.engine(h.config(next))
	if err := operator.RebuildWith(t.Context(), nil, RebuildOptions{Confirm: true}); err != nil {
		t.Fatal(err)
	}
	v, err := operator.Diff(t.Context(), "counters")
	if err != nil || len(v.NotCompared) == 0 {
		t.Fatalf("%+v, %v", v, err)
	}
	for _, d := range v.Differences {
		if d.Live != nil && d.Rebuilt != nil && d.Table == "counts" {
			t.Errorf("a row of equal tables differs: %+v", d)
		}
	}
}

// A build is given up by any process, whichever works on it.
func TestABuildIsCancelled(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	for i := range 500 {
		h.log.Append("counter-a", counted{"a", i})
	}
	config := h.config(counters(1))
	config.Rebuild.MaxEvents = 10
	e := h.engine(config)
	if _, err := e.Cancel(t.Context(), "counters"); !errors.Is(err, ErrNotBuilding) {
		t.Errorf("without a build: %v", err)
	}
	done := make(chan error, 1)
	go func() { done <- e.RebuildWith(context.Background(), nil, RebuildOptions{Throttle: 100}) }()
	other := h.engine(config)
	h.eventually("it is under way", func() bool { return h.built(other).Events > 0 })
	if _, err := other.Cancel(t.Context(), "counters"); err != nil {
		t.Fatal(err)
	}
	if err := <-done; !errors.Is(err, ErrCancelled) {
		t.Errorf("the build ended with %v", err)
	}
	if n := h.count("SELECT count(*) FROM projection.generations WHERE state <> 'live'"); n != 0 {
		t.Errorf("%d generations are left", n)
	}
	if err := other.Rebuild(t.Context(), "counters", func(BuildProgress) {}); err != nil {
		t.Error(err)
	}
}

// What was interrupted goes on where it was, as it was asked for.
func TestAnInterruptedRebuildGoesOn(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	for i := range 300 {
		h.log.Append("counter-a", counted{"a", i})
	}
	config := h.config(counters(1))
	config.Rebuild.MaxEvents = 10
	e := h.engine(config)
	var id int64
	for range 3 {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		had := h.built(e)
		go func() {
			done <- e.RebuildWith(ctx, nil, RebuildOptions{Throttle: 500, Resume: true})
		}()
		h.eventually("it goes on", func() bool { return h.built(e).Events > had.Events })
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		if g := h.built(e); id != 0 && g.ID != id {
			t.Errorf("generation %d is built after %d", g.ID, id)
		} else {
			id = g.ID
		}
	}
	var first BuildProgress
	err := e.RebuildWith(t.Context(), nil, RebuildOptions{Throttle: Unthrottled, Resume: true, Progress: func(p BuildProgress) {
		if first.Generation == 0 {
			first = p
		}
	}})
	if err != nil || first.Generation != id || first.Events == 0 {
		t.Errorf("it went on with %+v, %v", first, err)
	}
	if n := h.takenIn("counters"); n != 300 {
		t.Errorf("%d events were taken in, want 300", n)
	}
}

// Two operators rebuild at once: one after the other, or one of them is refused.
func TestRebuildsAtTheSameTime(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	for i := range 200 {
		h.log.Append("counter-a", counted{"a", i})
	}
	server := h.engine(h.config(counters(1)))
	h.run(server)
	var done, refused atomic.Int32
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			switch err := h.engine(h.config(counters(1), owned("CREATE INDEX things_owner ON things (owner);"))).RebuildWith(context.Background(), nil, RebuildOptions{}); {
			case err == nil:
				done.Add(1)
			case errors.Is(err, ErrBuilding):
				refused.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	all.Wait()
	if done.Load() == 0 || done.Load()+refused.Load() != 4 {
		t.Errorf("%d were done and %d refused", done.Load(), refused.Load())
	}
	if n := h.count("SELECT count(*) FROM projection.generations WHERE state = 'building'"); n != 0 {
		t.Errorf("%d are being built", n)
	}
	h.waitFor(server, "counters", h.log.Append("counter-a", counted{"a", 0}))
	if n := h.takenIn("counters"); n != 201 {
		t.Errorf("%d events were taken in, want 201", n)
	}
}

// told collects how orders ended.
type told struct {
	mu    sync.Mutex
	ends  map[string][]string
	fails int
}

func (o *told) ended(_ context.Context, act, failure string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.fails > 0 {
		o.fails--
		return errors.New("the log does not answer")
	}
	o.ends[act] = append(o.ends[act], failure)
	return nil
}

func (o *told) of(act string) []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.ends[act])
}

// Servers carry out what is ordered from another process, also after they were
// stopped in the middle of it, and tell how it ended.
func TestServersCarryOutOrders(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	for i := range 300 {
		h.log.Append("counter-a", opened{"a", "x", 0}, counted{"a", i})
	}
	ends := &told{ends: map[string][]string{}, fails: 2}
	config := h.config(counters(1), owned("CREATE INDEX things_owner ON things (owner);"))
	config.Rebuild.MaxEvents = 10
	config.Ended = ends.ended
	serve := func() (stop func()) { return h.run(h.engine(config)) }
	office := h.engine(h.config(counters(1), owned("CREATE INDEX things_owner ON things (owner);"))) // It gives orders only.
	stop := serve()
	ordered, err := office.OrderRebuild(t.Context(), nil, RebuildOptions{Throttle: 300, Act: "first"})
	if err != nil || len(ordered) != 2 {
		t.Fatalf("%+v, %v", ordered, err)
	}
	if _, err := office.OrderRebuild(t.Context(), []string{"counters"}, RebuildOptions{}); !errors.Is(err, ErrBuilding) {
		t.Errorf("ordered twice: %v", err)
	}
	h.eventually("it is under way", func() bool { return h.built(office).Events > 20 })
	stop()
	at := h.built(office)
	if at.ID == 0 || at.ID != ordered[0].ID {
		t.Fatalf("after the server stopped: %+v", at)
	}
	stop = serve()
	h.eventually("it is live", func() bool {
		return h.count("SELECT count(*) FROM projection.generations WHERE state = 'live' AND id IN ($1, $2)", ordered[0].ID, ordered[1].ID) == 2
	})
	h.eventually("the end is told", func() bool { return len(ends.of("first")) >= 2 }) // One for each.
	if n := h.takenIn("counters"); n != 600 {
		t.Errorf("%d events were taken in, want 600", n)
	}

	if _, err := office.OrderRebuild(t.Context(), []string{"counters"}, RebuildOptions{Throttle: Unthrottled, Confirm: true, Act: "second"}); err != nil {
		t.Fatal(err)
	}
	h.eventually("it waits", func() bool { g := h.built(office); return g.Order != nil && g.Order.Ready })
	if v, err := office.Diff(t.Context(), "counters"); err != nil || v.Different != 0 {
		t.Errorf("%+v, %v", v, err)
	}
	if got := ends.of("second"); got != nil {
		t.Errorf("before it is confirmed: %q", got)
	}
	waiting := h.built(office).ID
	if _, err := office.OrderConfirm(t.Context(), "counters"); err != nil {
		t.Fatal(err)
	}
	h.eventually("the end is told", func() bool { return len(ends.of("second")) == 1 })

	back, err := office.OrderRollback(t.Context(), "counters", ordered[0].ID, "third")
	if err != nil || back.ID != ordered[0].ID {
		t.Fatalf("%+v, %v", back, err)
	}
	h.eventually("it is gone back to", func() bool { return len(ends.of("third")) == 1 })
	if n := h.count("SELECT count(*) FROM projection.generations WHERE id = $1 AND state = 'live' AND pinned", back.ID); n != 1 {
		t.Error("the generation is not pinned")
	}
	if n := h.count("SELECT count(*) FROM projection.generations WHERE id = $1 AND state = 'retired'", waiting); n != 1 {
		t.Error("the generation before is not kept")
	}
	if diff := cmp.Diff([]string{""}, ends.of("third")); diff != "" {
		t.Error(diff)
	}
	stop()
}

// An order that cannot be carried out says why, is not tried again and again, and can
// be cancelled or given anew.
func TestAnOrderThatFails(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	e := h.engine(h.config(counters(1)))
	stop := h.run(e)
	h.waitFor(e, "counters", h.log.Append("counter-a", opened{"a", "A", 0}, counted{"a", 1}))
	stop()
	worse := counters(1)
	worse.Reducers["Counted"] = func(event.Recorded) ([]Change, error) { return nil, errors.New("a mistake") }
	ends := &told{ends: map[string][]string{}}
	config := h.config(worse)
	config.Ended = ends.ended
	server := h.engine(config)
	h.run(server)
	if _, err := server.OrderRebuild(t.Context(), nil, RebuildOptions{Act: "one"}); err != nil {
		t.Fatal(err)
	}
	h.eventually("it fails", func() bool { g := h.built(server); return g.Order != nil && g.Order.Failure != "" && g.Order.Told })
	if got := ends.of("one"); len(got) != 1 || !strings.Contains(got[0], ErrLessComplete.Error()) {
		t.Errorf("told: %q", got)
	}
	if g, err := server.Cancel(t.Context(), "counters"); err != nil || g.Order.Act != "one" {
		t.Errorf("%+v, %v", g, err)
	}
}

// A throttled rebuild takes its time.
func TestThrottle(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	for i := range 300 {
		h.log.Append("counter-a", counted{"a", i})
	}
	e := h.engine(h.config(counters(1)))
	began := time.Now()
	if err := e.RebuildWith(t.Context(), nil, RebuildOptions{Throttle: 300}); err != nil {
		t.Fatal(err)
	}
	// A tenth of a second's events are let through at once.
	if took := time.Since(began); took < 800*time.Millisecond {
		t.Errorf("300 events took %s at 300 a second", took)
	}
}

// silent is a subscription that brings nothing from some moment on, and says so to
// nobody.
func silent(next Subscribe, from *atomic.Bool) Subscribe {
	return func(p Progress, o SubscribeOptions) (message.Subscriber, error) {
		return next(&quiet{p, from}, o)
	}
}

type quiet struct {
	Progress

	from *atomic.Bool
}

// Commit hangs.
func (q *quiet) Commit(ctx context.Context, upTo event.Mark, live bool) error {
	if q.from.Load() {
		<-ctx.Done()
		return ctx.Err()
	}
	return q.Progress.Commit(ctx, upTo, live)
}

// A projection whose owner lives, holds its locks and takes in no events is stuck, and
// one without an owner is stopped: both are told within seconds, and readers learn up
// to when they see the log.
func TestStuckAndStoppedAreToldByEvents(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	var hangs atomic.Bool
	config := h.config(counters(1))
	config.Subscribe = silent(config.Subscribe, &hangs)
	config.StuckAfter = 500 * time.Millisecond
	server := h.engine(config)
	stop := h.run(server)
	other := h.engine(config)
	h.waitFor(server, "counters", h.log.Append("counter-a", opened{"a", "", 0}))
	inspect := func(e *Engine) Status {
		all, err := e.Inspect(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return all[0]
	}
	if s := inspect(other); s.State != StateLive || s.LagEvents != 0 || s.Events != 1 || s.EventsPerSecond >= 0 {
		t.Errorf("while it follows: %+v", s)
	}
	if at := other.AsOf("counters"); !at.IsZero() {
		t.Errorf("while it follows, readers are told %s", at)
	}
	hangs.Store(true)
	h.log.Append("counter-a", counted{"a", 1}, counted{"a", 2})
	oldest := h.log.Events()[1].Time
	for name, e := range map[string]*Engine{"its owner": server, "another process": other} {
		h.eventually(name+" tells that it is stuck", func() bool {
			s := inspect(e)
			return s.State == StateStuck && s.LagEvents == 2 && s.Failure != "" && s.LagBytes > 0 && s.EventsPerSecond == 0
		})
		h.eventually(name+" tells readers", func() bool { return e.AsOf("other", "counters").Equal(oldest) })
	}
	h.eventually("the metrics tell it", func() bool { return h.status(server).State == StateStuck })
	stop()
	h.eventually("it is stopped", func() bool { return inspect(other).State == StateStopped })
	if at := other.AsOf("counters"); !at.Equal(oldest) {
		t.Errorf("readers are told %s, want %s", at, oldest)
	}
	hangs.Store(false)
	h.run(h.engine(config))
	h.eventually("it follows again", func() bool { return inspect(other).State == StateLive && other.AsOf("counters").IsZero() })
}
