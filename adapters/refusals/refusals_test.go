package refusals_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/perfectworks/backend/adapters/refusals"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/refusal"
)

// told is what a recorder told.
type told struct {
	mu    sync.Mutex
	of    map[string]int64
	first map[string]int64
	ids   map[event.ID]bool
	fail  int
}

func (r *told) record(_ context.Context, req commands.Request, c commands.RecordRefusals) (commands.Result[refusal.State], error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fail > 0 {
		r.fail--
		return commands.Result[refusal.State]{}, errors.New("not now")
	}
	if r.ids[req.ID] {
		return commands.Result[refusal.State]{}, errors.New("the same command twice")
	}
	r.ids[req.ID] = true
	if r.of[c.Kind.Operation] == 0 {
		r.first[c.Kind.Operation] = c.Count
	}
	r.of[c.Kind.Operation] += c.Count
	return commands.Result[refusal.State]{}, nil
}

func run(t *testing.T, fail int) (*refusals.Recorder, *told, func()) {
	t.Helper()
	to := &told{of: map[string]int64{}, first: map[string]int64{}, ids: map[event.ID]bool{}, fail: fail}
	r := refusals.New(to.record, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); r.Run(ctx) }()
	stop := sync.OnceFunc(func() { cancel(); <-done })
	t.Cleanup(stop)
	return r, to, stop
}

// Each refusal is told once, whoever notes it, also those that are left at the
// end; the first of a kind does not wait for the others.
func TestEachRefusalIsToldOnce(t *testing.T) {
	t.Parallel()
	r, to, stop := run(t, 0)
	r.Note(commands.Request{}, refusal.Kind{Operation: "early"})
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		to.mu.Lock()
		n := to.of["early"]
		to.mu.Unlock()
		if n == 1 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the first is not told at once")
		}
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for i := range 300 {
				r.Note(commands.Request{}, refusal.Kind{Operation: fmt.Sprint(i % 3)})
			}
		})
	}
	all.Wait()
	stop()
	for _, operation := range []string{"0", "1", "2"} {
		if to.of[operation] != 800 {
			t.Errorf("%s was told %d times", operation, to.of[operation])
		}
	}
}

// What could not be told is told later.
func TestAFailureLosesNothing(t *testing.T) {
	t.Parallel()
	r, to, stop := run(t, 1)
	for range 5 {
		r.Note(commands.Request{}, refusal.Kind{Operation: "a"})
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		to.mu.Lock()
		failed := to.fail == 0
		to.mu.Unlock()
		if failed || time.Now().After(deadline) {
			break
		}
	}
	r.Note(commands.Request{}, refusal.Kind{Operation: "a"})
	stop()
	if to.of["a"] != 6 {
		t.Errorf("%d were told of 6", to.of["a"])
	}
}

// Somebody who tries everything fills neither memory nor log.
func TestKindsAreBounded(t *testing.T) {
	t.Parallel()
	r, to, stop := run(t, 0)
	for i := range 10_000 {
		r.Note(commands.Request{}, refusal.Kind{Operation: fmt.Sprint(i)})
	}
	stop()
	if n := len(to.of); n == 0 || n > 2*4096 {
		t.Errorf("%d kinds were told", n)
	}
}
