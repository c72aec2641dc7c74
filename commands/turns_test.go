package commands

import (
	"context"
	"errors"
	"sync"
	"testing"
)

func TestTurnsAreTakenOneAfterAnother(t *testing.T) {
	t.Parallel()
	turns, inside := newTurns(), 0 // The race detector watches inside.
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			leave, err := turns.take(t.Context(), "user-1")
			if err != nil {
				t.Error(err)
				return
			}
			inside++
			leave()
		})
	}
	wg.Wait()
	if inside != 50 {
		t.Errorf("%d turns, want 50", inside)
	}
}

func TestWaitingForATurnEndsWithTheContext(t *testing.T) {
	t.Parallel()
	turns := newTurns()
	leave, err := turns.take(t.Context(), "user-1")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := turns.take(ctx, "user-1"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	leave()
	if leave, err = turns.take(t.Context(), "user-1"); err != nil {
		t.Fatal(err)
	}
	leave()
}
