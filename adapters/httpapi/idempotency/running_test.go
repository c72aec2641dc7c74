package idempotency

import (
	"context"
	"errors"
	"testing"
)

// While an attempt ended, the database did not answer: the next one need not wait
// for the lease to lapse, neither here nor, once the database answers again, in
// other processes. It runs the same command.
func TestAnAttemptWhoseEndWasLostHoldsNothing(t *testing.T) {
	t.Parallel()
	cut, cancel := context.WithCancel(t.Context())
	cancel()
	for name, end := range map[string]func(*Store, Attempt) error{
		"finish":  func(s *Store, a Attempt) error { return s.Finish(cut, a, created) },
		"release": func(s *Store, a Attempt) error { return s.Release(cut, a) },
		"forget":  func(s *Store, a Attempt) error { return s.Forget(cut, a) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store, pool := newStore(t)
			other := NewStore(pool, store.sealer, process(t, pool))
			second := request
			second.Key = "k-2"
			first := begin(t, store, request)
			elsewhere := begin(t, store, second)
			if err := errors.Join(end(store, first), end(store, elsewhere)); err == nil {
				t.Fatal("the end was not lost")
			}
			if _, _, err := other.Begin(t.Context(), second, lease); !errors.Is(err, ErrRunning) {
				t.Errorf("another process, which cannot know: %v", err)
			}
			next := begin(t, store, request)
			if !next.Retry || next.CommandID != first.CommandID || next.Seed != first.Seed {
				t.Error("another command runs")
			}
			if next := begin(t, other, second); !next.Retry || next.CommandID != elsewhere.CommandID {
				t.Error("another command runs elsewhere")
			}
			// What is held now is held.
			for _, s := range []*Store{store, other} {
				for _, r := range []Request{request, second} {
					if _, _, err := s.Begin(t.Context(), r, lease); !errors.Is(err, ErrRunning) {
						t.Errorf("%s: %v", r.Key, err)
					}
				}
			}
		})
	}
}

// The database took an attempt in, and the word of it was lost: as above.
func TestAnAttemptWhoseBeginningWasLostHoldsNothing(t *testing.T) {
	t.Parallel()
	store, _ := newStore(t)
	first := begin(t, store, request)
	store.running.end(first, errors.New("the connection was lost"))
	if next := begin(t, store, request); !next.Retry || next.CommandID != first.CommandID {
		t.Error("another command runs")
	}
	if n := len(store.running.leases); n != 1 {
		t.Errorf("%d attempts are made, want 1", n)
	}
}

// What cannot be given back now is given back later.
func TestLostAttemptsAreKeptUntilTheyAreGivenBack(t *testing.T) {
	t.Parallel()
	store, pool := newStore(t)
	cut, cancel := context.WithCancel(t.Context())
	cancel()
	first := begin(t, store, request)
	if err := store.Release(cut, first); err == nil {
		t.Fatal("the end was not lost")
	}
	if err := store.giveBack(cut); err == nil {
		t.Fatal("it was given back without a database")
	}
	if err := store.giveBack(t.Context()); err != nil {
		t.Fatal(err)
	}
	begin(t, NewStore(pool, store.sealer, process(t, pool)), request)
}
