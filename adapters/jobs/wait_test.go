package jobs_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/perfectworks/backend/adapters/jobs"
)

type waited struct {
	state jobs.State
	err   error
}

func waitIn(ctx context.Context, c *jobs.Client, key uuid.UUID) <-chan waited {
	result := make(chan waited, 1)
	go func() {
		state, err := c.Wait(ctx, key)
		result <- waited{state, err}
	}()
	return result
}

// Another process works the job; the one that waits is told.
func TestWaitReturnsAtTheEndOfAJob(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	finish := make(chan struct{})
	worker := start(t, pool, setup{options: jobs.Options{MaxAttempts: 1}, work: func(_ context.Context, job jobs.Job[noted]) error {
		<-finish
		if job.Args.Number == 2 {
			return jobs.Final(errors.New("damaged"))
		}
		return nil
	}})
	api := newClient(t, pool, setup{})
	api.SetRecheck(time.Hour) // It must be told.
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	listening, stopListening := context.WithCancel(ctx)
	heard := make(chan struct{})
	go func() { defer close(heard); api.Listen(listening) }()
	defer func() { stopListening(); <-heard }()
	done, failed, never := uuid.New(), uuid.New(), uuid.New()
	first, second := waitIn(ctx, api.Client, done), waitIn(ctx, api.Client, failed) // Before they are there.
	eventually(t, "it listens", func() bool {
		var n int
		err := pool.QueryRow(ctx, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query = 'LISTEN jobs_ended'").Scan(&n)
		return err == nil && n == 2
	})
	insert(t, pool, api.Client, jobs.Insertion{Args: noted{1}, Key: done}, jobs.Insertion{Args: noted{2}, Key: failed})
	close(finish)
	if got := <-first; got.state != jobs.StateCompleted || got.err != nil {
		t.Errorf("the one that was done: %+v", got)
	}
	if got := <-second; got.state != jobs.StateFailed || got.err != nil {
		t.Errorf("the one that failed: %+v", got)
	}
	if state, err := api.Wait(ctx, done); state != jobs.StateCompleted || err != nil {
		t.Errorf("after the end: %s, %v", state, err)
	}
	short, stop := context.WithTimeout(ctx, 50*time.Millisecond)
	defer stop()
	if state, err := worker.Wait(short, never); state != "" || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("one that never comes: %q, %v", state, err)
	}
}

// A notification that was lost costs time, not the answer.
func TestWaitingLooksByItself(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	p := start(t, pool, setup{})
	deaf := newClient(t, pool, setup{})
	deaf.SetRecheck(20 * time.Millisecond)
	key := uuid.New()
	result := waitIn(t.Context(), deaf.Client, key)
	insert(t, pool, p.Client, jobs.Insertion{Args: noted{1}, Key: key})
	if got := <-result; got.state != jobs.StateCompleted || got.err != nil {
		t.Errorf("got %+v", got)
	}
}

func TestWhatWasMissedWhileTheConnectionWasDownIsLookedFor(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	p := start(t, pool, setup{})
	p.SetRecheck(time.Hour)
	eventually(t, "it listens", func() bool {
		tag, err := pool.Exec(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
			WHERE datname = current_database() AND query = 'LISTEN jobs_ended'`)
		return err == nil && tag.RowsAffected() == 1
	})
	key := uuid.New()
	result := waitIn(t.Context(), p.Client, key)
	insert(t, pool, p.Client, jobs.Insertion{Args: noted{1}, Key: key})
	if got := <-result; got.state != jobs.StateCompleted || got.err != nil {
		t.Errorf("got %+v", got)
	}
}
