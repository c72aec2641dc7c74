package admission_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/perfectworks/backend/adapters/httpapi/admission"
	"github.com/perfectworks/backend/domain/domaintest"
)

func enter(t *testing.T, g *admission.Gate, caller, organization string) *admission.Place {
	t.Helper()
	p, err := g.Enter(t.Context(), caller, organization)
	if err != nil {
		t.Fatalf("%s is refused: %v", caller, err)
	}
	return p
}

func TestPlacesAreBounded(t *testing.T) {
	t.Parallel()
	domaintest.Bubble(t, func(t *testing.T) {
		g := admission.New(admission.Limits{Working: 4, PerOrganization: 3, PerCaller: 2, Queued: 3, QueuedPerCaller: 1})
		ada1, ada2 := enter(t, g, "ada", "acme"), enter(t, g, "ada", "acme")
		// Her third waits, and her fourth is refused at once.
		waited := make(chan error, 1)
		go func() {
			p, err := g.Enter(t.Context(), "ada", "acme")
			waited <- err
			if err == nil {
				p.Leave()
			}
		}()
		synctest.Wait()
		if _, err := g.Enter(t.Context(), "ada", "acme"); !errors.Is(err, admission.ErrCallerBusy) {
			t.Errorf("the fourth: %v", err)
		}
		// Others of the organization have what is left of its share.
		bob := enter(t, g, "bob", "acme")
		if _, err := g.Enter(t.Context(), "carol", "acme"); !errors.Is(err, admission.ErrCallerBusy) {
			t.Errorf("beyond the organization's share: %v", err)
		}
		if err := <-waited; !errors.Is(err, admission.ErrCallerBusy) {
			t.Errorf("the third, after all patience: %v", err)
		}
		dave := enter(t, g, "dave", "")
		if _, err := g.Enter(t.Context(), "eve", ""); !errors.Is(err, admission.ErrBusy) {
			t.Errorf("beyond all places: %v", err)
		}
		for _, p := range []*admission.Place{ada1, ada2, bob, dave} {
			p.Leave()
			p.Leave()
		}
		enter(t, g, "eve", "").Leave()
	})
}

// Somebody who asks for much waits behind nobody but himself.
func TestCallersTakeTurns(t *testing.T) {
	t.Parallel()
	domaintest.Bubble(t, func(t *testing.T) {
		g := admission.New(admission.Limits{Working: 1, PerOrganization: 1, PerCaller: 1, Queued: 100, QueuedPerCaller: 50, Patience: time.Hour})
		first := enter(t, g, "first", "")
		var order []string
		var all sync.WaitGroup
		ask := func(caller string) {
			all.Go(func() {
				p := enter(t, g, caller, "")
				order = append(order, caller)
				p.Leave()
			})
			synctest.Wait()
		}
		for range 20 {
			ask("greedy")
		}
		ask("modest")
		first.Leave()
		all.Wait()
		if order[0] != "greedy" || order[1] != "modest" || len(order) != 21 {
			t.Errorf("served in the order %v", order)
		}
	})
}

// A request that only waits holds no place, and gets one again when it goes on.
func TestPausing(t *testing.T) {
	t.Parallel()
	domaintest.Bubble(t, func(t *testing.T) {
		g := admission.New(admission.Limits{Working: 2, PerOrganization: 2, PerCaller: 1, Paused: 10})
		var blocked []*admission.Place
		for range 10 {
			p := enter(t, g, "ada", "acme")
			if err := p.Pause(); err != nil {
				t.Fatal(err)
			}
			blocked = append(blocked, p)
		}
		p := enter(t, g, "ada", "acme")
		if err := p.Pause(); !errors.Is(err, admission.ErrCallerBusy) {
			t.Errorf("the eleventh: %v", err)
		}
		p.Yield() // That is bounded elsewhere.
		q := enter(t, g, "ada", "acme")
		q.Leave()
		if err := p.Resume(t.Context()); err != nil {
			t.Error(err)
		}
		resumed := make(chan error, 1)
		go func() { resumed <- blocked[0].Resume(t.Context()) }()
		time.Sleep(time.Minute) // It is patient.
		p.Leave()
		if err := <-resumed; err != nil {
			t.Error(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := blocked[1].Resume(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("there is no place to resume on: %v", err)
		}
		for _, p := range blocked {
			p.Leave()
		}
		enter(t, g, "ada", "acme").Leave()
	})
}

// Whatever is asked for, no bound is passed, and in the end all is free.
func TestNoBoundIsPassed(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		limits := admission.Limits{
			Working: rapid.IntRange(1, 5).Draw(rt, "working"), Patience: time.Millisecond, Paused: 2,
			PerCaller: rapid.IntRange(1, 3).Draw(rt, "per caller"), PerOrganization: rapid.IntRange(1, 4).Draw(rt, "per organization"),
		}
		g := admission.New(limits)
		requests := rapid.SliceOfN(rapid.IntRange(0, 5), 1, 40).Draw(rt, "callers")
		var working, passed atomic.Int64
		var callers [6]atomic.Int64
		var all sync.WaitGroup
		at := func(caller int, by int64) {
			if callers[caller].Add(by) > int64(limits.PerCaller) || working.Add(by) > int64(limits.Working) {
				passed.Add(1)
			}
		}
		for i, caller := range requests {
			all.Go(func() {
				p, err := g.Enter(context.Background(), fmt.Sprint(caller), fmt.Sprint(caller%2))
				if err != nil {
					return
				}
				defer p.Leave()
				at(caller, 1)
				if i%3 < 2 {
					at(caller, -1)
					if i%3 == 1 {
						p.Yield()
					} else if p.Pause() != nil {
						return
					}
					if p.Resume(context.Background()) != nil {
						return
					}
					at(caller, 1)
				}
				at(caller, -1)
			})
		}
		all.Wait()
		if n := passed.Load(); n > 0 {
			rt.Fatalf("a bound was passed %d times", n)
		}
		for caller := range 6 {
			p, err := g.Enter(context.Background(), fmt.Sprint(caller), "")
			if err != nil {
				rt.Fatalf("a place was lost: %v", err)
			}
			p.Leave()
		}
	})
}
