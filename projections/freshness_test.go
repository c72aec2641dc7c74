package projections

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/perfectworks/backend/domain/event"
)

func TestReadersWaitForTheirWrites(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	owner, other := h.engine(h.config(counters(1))), h.engine(h.config(counters(1)))
	h.run(owner)
	var waiting sync.WaitGroup
	for i := range 100 {
		last := h.log.Append("counter-a", counted{"a", i})
		for _, e := range []*Engine{owner, other} {
			waiting.Go(func() {
				h.waitFor(e, "counters", last)
				if n := h.count("SELECT count(*) FROM counters.counts WHERE by <= $1", i); n != i+1 {
					t.Errorf("%d of %d events are seen", n, i+1)
				}
			})
		}
		if i%10 == 0 {
			waiting.Wait()
		}
	}
	waiting.Wait()
}

func TestWaitingIsBounded(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	owner, other := h.engine(h.config(counters(1))), h.engine(h.config(counters(1)))
	h.run(owner)
	last := h.log.Append("counter-a", opened{"a", "A", 0})
	h.waitFor(owner, "counters", last)
	for _, e := range []*Engine{owner, other} {
		ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		err := e.WaitFor(ctx, "counters", event.Position{Commit: last.Commit + 1})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		// What is there needs no waiting, whatever the context.
		h.waitFor(e, "counters", last)
		if err := e.WaitFor(ctx, "counters", last); err != nil {
			t.Errorf("got %v", err)
		}
		cancel()
	}
	if err := owner.WaitFor(context.Background(), "absent", last); !errors.Is(err, ErrUnknownProjection) {
		t.Errorf("got %v", err)
	}
}

// Many who wait for another process's projection ask the database as one would.
func TestWaitersShareTheirQuestions(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	if _, err := ensureLive(context.Background(), h.pool, counters(1)); err != nil {
		t.Fatal(err)
	}
	var questions questionCounter
	poolConfig := h.pool.Config()
	poolConfig.ConnConfig.Tracer = &questions
	pool, err := pgxpool.NewWithConfig(context.Background(), poolConfig)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	config := h.config(counters(1))
	config.Pool = pool
	e := h.engine(config)
	const waiters, timeout = 50, 300 * time.Millisecond
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	var waiting sync.WaitGroup
	for range waiters {
		waiting.Go(func() { _ = e.WaitFor(ctx, "counters", event.Position{Commit: 1}) })
	}
	waiting.Wait()
	if n := questions.Load(); n < 1 || n > int64(timeout/pollInterval)+2 {
		t.Errorf("%d questions in %v", n, timeout)
	}
}

type questionCounter struct{ atomic.Int64 }

func (c *questionCounter) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	c.Add(1)
	return ctx
}

func (c *questionCounter) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}
