package directory_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/perfectworks/backend/domain/apikey"
	"github.com/perfectworks/backend/domain/domaintest"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/projections"
	"github.com/perfectworks/backend/projections/directory"
)

func withKey() []event.Event { return with(adaAtAcme, issued(key1, acme, ada)) }

// accepts tells whether a process would let the key in right now.
func accepts(t *testing.T, p process) bool {
	t.Helper()
	if err := p.Current(t.Context()); err != nil {
		if !errors.Is(err, directory.ErrBehind) || failure.Of(err).Kind != failure.Unavailable {
			t.Fatalf("got %v", err)
		}
		return false
	}
	k, found := p.Key(secretOf(key1))
	return found && !k.Revoked
}

// The bound of the contract: whatever happens to a process, it refuses a key
// that was revoked longer than Bound ago.
func TestRevocationIsHeededEverywhereWithinTheBound(t *testing.T) {
	t.Parallel()
	for name, trouble := range map[string]func(*memoryLog, process){
		"none":                      func(*memoryLog, process) {},
		"the subscription stands":   func(_ *memoryLog, p process) { p.hold(true) },
		"the store is slow":         func(l *memoryLog, p process) { p.hold(true); l.setHead(900*time.Millisecond, nil) },
		"the store hangs":           func(l *memoryLog, p process) { p.hold(true); l.setHead(time.Hour, nil) },
		"the store is away":         func(l *memoryLog, p process) { p.hold(true); l.setHead(0, errAway) },
		"only the store is slow":    func(l *memoryLog, _ process) { l.setHead(900*time.Millisecond, nil) },
		"the store is a bit slow":   func(l *memoryLog, p process) { p.hold(true); l.setHead(300*time.Millisecond, nil) },
		"only the head is not seen": func(l *memoryLog, _ process) { l.setHead(0, errAway) },
	} {
		for _, phase := range []time.Duration{time.Millisecond, 50 * time.Millisecond, 110 * time.Millisecond, 190 * time.Millisecond} { // of the beat
			t.Run(fmt.Sprint(name, " ", phase), func(t *testing.T) {
				t.Parallel()
				domaintest.Bubble(t, func(t *testing.T) {
					log := newLog()
					log.append(withKey()...)
					one, two := log.start(t), log.start(t)
					time.Sleep(100 * time.Millisecond)
					if !accepts(t, one) || !accepts(t, two) {
						t.Fatal("the key is not accepted at first")
					}
					trouble(log, two)
					time.Sleep(phase)
					log.append(apikey.Revoked{KeyID: key1})
					revoked := time.Now()
					for time.Since(revoked) < 5*time.Second {
						at := time.Since(revoked)
						if (accepts(t, one) || accepts(t, two)) && at > directory.Bound {
							t.Fatalf("accepted %v after it was revoked", at)
						}
						time.Sleep(7 * time.Millisecond)
					}
				})
			})
		}
	}
}

func TestADirectoryThatCannotProveItsAgeSaysSoAndRecovers(t *testing.T) {
	t.Parallel()
	domaintest.Bubble(t, func(t *testing.T) {
		log := newLog()
		log.append(withKey()...)
		p := log.start(t)
		synctest.Wait()
		log.setHead(0, errAway)
		lost := time.Now()

		time.Sleep(700 * time.Millisecond)
		if !accepts(t, p) {
			t.Error("refused before the bound has passed")
		}
		time.Sleep(time.Until(lost.Add(1100 * time.Millisecond)))
		asked := time.Now()
		if accepts(t, p) {
			t.Error("accepted after the bound")
		}
		if waited := time.Since(asked); waited == 0 || waited > 500*time.Millisecond {
			t.Errorf("just after the bound: waited %v", waited)
		}
		asked = time.Now()
		if accepts(t, p) || time.Since(asked) > 0 {
			t.Errorf("in a long outage: waited %v", time.Since(asked))
		}
		if err := p.Ready(); err == nil || !errors.Is(err, errAway) {
			t.Errorf("not ready for the reason %v", err)
		}

		log.setHead(0, nil)
		time.Sleep(250 * time.Millisecond)
		if err := p.Ready(); err != nil || !accepts(t, p) {
			t.Errorf("not recovered: %v", err)
		}
	})
}

func TestAShortPauseCostsTimeAndNoAnswers(t *testing.T) {
	t.Parallel()
	domaintest.Bubble(t, func(t *testing.T) {
		log := newLog()
		log.append(withKey()...)
		p := log.start(t)
		synctest.Wait()
		log.setHead(0, errAway)
		time.AfterFunc(1300*time.Millisecond, func() { log.setHead(0, nil) })
		for range 200 {
			if !accepts(t, p) {
				t.Fatal("refused")
			}
			time.Sleep(10 * time.Millisecond)
		}
	})
}

func TestReadyTellsLateFromBlind(t *testing.T) {
	t.Parallel()
	domaintest.Bubble(t, func(t *testing.T) {
		log := newLog()
		log.append(withKey()...)
		p := log.start(t)
		synctest.Wait()
		p.hold(true)
		log.append(apikey.Revoked{KeyID: key1})
		time.Sleep(1500 * time.Millisecond)
		err := p.Ready()
		if err == nil || !strings.Contains(err.Error(), "late: it is at C:500/P:500 of C:600/P:600") {
			t.Errorf("late: %v", err)
		}
		if age, known := p.Age(); !known || age < time.Second || age > 2*time.Second {
			t.Errorf("age %v %v", age, known)
		}
		if err := directory.New(directory.Config{}).Ready(); err == nil {
			t.Error("ready before it runs")
		}
		if _, known := directory.New(directory.Config{}).Age(); known {
			t.Error("an age before it runs")
		}
	})
}

func TestCatchUpFindsWhatAnotherProcessJustWrote(t *testing.T) {
	t.Parallel()
	domaintest.Bubble(t, func(t *testing.T) {
		log := newLog()
		log.append(adaAtAcme...)
		p := log.start(t)
		synctest.Wait()
		time.Sleep(30 * time.Millisecond)
		p.hold(true)
		time.AfterFunc(100*time.Millisecond, func() { p.hold(false) })
		log.append(issued(key1, acme, ada))
		if _, found := p.Key(secretOf(key1)); found {
			t.Fatal("found before")
		}
		if err := p.CatchUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, found := p.Key(secretOf(key1)); !found {
			t.Error("not found")
		}
	})
}

func TestCatchUpIsBounded(t *testing.T) {
	t.Parallel()
	domaintest.Bubble(t, func(t *testing.T) {
		log := newLog()
		log.append(withKey()...)
		p := log.start(t)
		synctest.Wait()

		before, began := log.heads.Load(), time.Now()
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				for time.Since(began) < time.Second {
					if err := p.CatchUp(t.Context()); err != nil {
						t.Error(err)
					}
					time.Sleep(time.Millisecond)
				}
			})
		}
		all.Wait()
		if asked := log.heads.Load() - before; asked > 60 {
			t.Errorf("the store was asked %d times in a second", asked)
		}

		p.hold(true)
		log.append(apikey.Revoked{KeyID: key1})
		began = time.Now()
		if err := p.CatchUp(t.Context()); !errors.Is(err, directory.ErrBehind) {
			t.Errorf("got %v", err)
		}
		if waited := time.Since(began); waited > directory.Bound {
			t.Errorf("waited %v", waited)
		}
	})
}

func TestAnIdleDirectoryAsksTheStoreSeldom(t *testing.T) {
	t.Parallel()
	domaintest.Bubble(t, func(t *testing.T) {
		log := newLog()
		log.start(t)
		time.Sleep(10 * time.Second)
		if asked := log.heads.Load(); asked > 52 {
			t.Errorf("the store was asked %d times in ten seconds", asked)
		}
	})
}

func TestWaitFor(t *testing.T) {
	t.Parallel()
	domaintest.Bubble(t, func(t *testing.T) {
		log := newLog()
		p := log.start(t)
		synctest.Wait()
		p.hold(true)
		at := log.append(withKey()...)

		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if err := p.WaitFor(ctx, at); !errors.Is(err, directory.ErrBehind) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		time.AfterFunc(50*time.Millisecond, func() { p.hold(false) })
		if err := p.WaitFor(t.Context(), at); err != nil {
			t.Fatal(err)
		}
		if _, found := p.Key(secretOf(key1)); !found || p.Applied() != at {
			t.Errorf("found %v, at %v", found, p.Applied())
		}
		if err := p.WaitFor(t.Context(), at); err != nil {
			t.Error(err)
		}
	})
}

func TestIrrelevantEventsAreProgress(t *testing.T) {
	t.Parallel()
	domaintest.Bubble(t, func(t *testing.T) {
		log := newLog()
		p := log.start(t)
		at := log.append(apikey.DescriptionChanged{KeyID: key1})
		p.decode = func(event.Recorded) error { return errors.New("decoded for nothing") }
		time.Sleep(300 * time.Millisecond)
		if p.Applied() != at || p.Ready() != nil {
			t.Errorf("at %v, want %v: %v", p.Applied(), at, p.Ready())
		}
	})
}

func TestDecodingThatFails(t *testing.T) {
	t.Parallel()
	domaintest.Bubble(t, func(t *testing.T) {
		log := newLog()
		p := log.start(t)
		failures := 5
		p.decode = func(r event.Recorded) error {
			switch r.Event.(type) {
			case apikey.Issued:
				if failures--; failures >= 0 {
					return errAway
				}
			case apikey.Revoked:
				return fmt.Errorf("%w: a newer release wrote it", projections.ErrUndecodable)
			}
			return nil
		}
		log.append(withKey()...)
		time.Sleep(300 * time.Millisecond)
		if k, found := p.Key(secretOf(key1)); !found || k.Unreadable || p.nacks.Load() != 5 {
			t.Errorf("after an error that passed: found %v, %v, %d times refused", found, k, p.nacks.Load())
		}
		at := log.append(apikey.Revoked{KeyID: key1})
		time.Sleep(300 * time.Millisecond)
		if k, _ := p.Key(secretOf(key1)); !k.Unreadable || p.Applied() != at {
			t.Errorf("after an error that stays: %v at %v", k, p.Applied())
		}
	})
}

func TestRunReportsThatItCannotSubscribe(t *testing.T) {
	t.Parallel()
	d := directory.New(directory.Config{
		Subscribe: func(projections.Progress, projections.SubscribeOptions) (message.Subscriber, error) {
			return nil, errAway
		},
	})
	if err := d.Run(t.Context()); !errors.Is(err, errAway) {
		t.Errorf("got %v", err)
	}
}

func TestRunReportsThatItsSubscriptionEnded(t *testing.T) {
	t.Parallel()
	d := directory.New(directory.Config{
		Subscribe: func(projections.Progress, projections.SubscribeOptions) (message.Subscriber, error) {
			return ended{}, nil
		},
		Head: newLog().head,
	})
	if err := d.Run(t.Context()); err == nil {
		t.Error("no error")
	}
}

// ended is a subscriber whose subscriptions are over at once.
type ended struct{}

func (ended) Close() error { return nil }

func (ended) Subscribe(context.Context, string) (<-chan *message.Message, error) {
	out := make(chan *message.Message)
	close(out)
	return out, nil
}
