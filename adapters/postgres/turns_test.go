package postgres_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/perfectworks/backend/adapters/postgres"
	"github.com/perfectworks/backend/adapters/postgres/postgrestest"
)

// While the turns are short and there are connections, one has the turn at a
// time.
func TestTurnsComeOneAfterAnother(t *testing.T) {
	t.Parallel()
	pool := postgrestest.New(t)
	processes := []*postgres.Turns{postgres.NewTurns(pool), postgres.NewTurns(pool)}
	var within, most, missed atomic.Int64
	var wg sync.WaitGroup
	for _, p := range processes {
		wg.Go(func() {
			for range 20 {
				begun := time.Now()
				end := p.Take(t.Context(), "busy")
				if time.Since(begun) > 300*time.Millisecond {
					missed.Add(1) // On a busy machine it may have been given without a lock.
				}
				if n := within.Add(1); n > most.Load() {
					most.Store(n)
				}
				within.Add(-1)
				end()
			}
		})
	}
	wg.Wait()
	if most.Load() != 1 && missed.Load() == 0 {
		t.Errorf("%d had the turn at once", most.Load())
	}
}

// Who has the turn for too long, or for good, holds nobody up: not those who
// wait for the same, nor those of another name.
func TestATurnIsOnlyAHint(t *testing.T) {
	t.Parallel()
	pool := postgrestest.New(t)
	hung, others := postgres.NewTurns(pool), postgres.NewTurns(pool)
	defer hung.Take(t.Context(), "busy")()
	begun := time.Now()
	others.Take(t.Context(), "another")()
	others.Take(t.Context(), "busy")()
	if took := time.Since(begun); took < 400*time.Millisecond || took > 10*time.Second {
		t.Errorf("waited %s", took)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	others.Take(gone, "busy")()
	var ends []func()
	for i := range 20 {
		ends = append(ends, others.Take(t.Context(), fmt.Sprint("of many ", i)))
	}
	for _, end := range ends {
		end()
	}
	for deadline := time.Now().Add(time.Minute); pool.Stat().AcquiredConns() != 1; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d connections are in use after all but one turn", pool.Stat().AcquiredConns())
		}
	}
}
