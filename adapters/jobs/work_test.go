package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/perfectworks/backend/adapters/jobs"
	"github.com/perfectworks/backend/adapters/postgres/heartbeat"
	"github.com/perfectworks/backend/domain/failure"
)

func TestAJobIsInsertedWithItsTransaction(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	var worked sync.Map
	p := start(t, pool, setup{work: func(_ context.Context, job jobs.Job[noted]) error {
		worked.Store(job.Args.Number, job)
		return nil
	}})
	rolledBack := errors.New("rolled back")
	err := pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
		if err := p.Insert(t.Context(), tx, jobs.Insertion{Args: noted{1}}); err != nil {
			return err
		}
		return rolledBack
	})
	if !errors.Is(err, rolledBack) {
		t.Fatal(err)
	}
	insert(t, pool, p.Client, jobs.Insertion{Args: noted{2}}, jobs.Insertion{Args: noted{3}})
	eventually(t, "both were worked", func() bool {
		_, second := worked.Load(2)
		_, third := worked.Load(3)
		return second && third
	})
	if _, first := worked.Load(1); first {
		t.Error("a job of a transaction that was rolled back was worked")
	}
	job, _ := worked.Load(2)
	if j := job.(jobs.Job[noted]); j.Attempt != 1 || j.Lease.Fence == 0 || j.CreatedAt.Location() != time.UTC {
		t.Errorf("got %+v", j)
	}
}

func TestAJobWaitsForItsTime(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	p := newClient(t, pool, setup{})
	at := time.Now().Add(time.Hour).UTC().Truncate(time.Microsecond)
	insert(t, pool, p.Client, jobs.Insertion{Args: noted{1}, At: at})
	if job := only(t, p.Client); job.State != jobs.StateWaiting || !job.ScheduledAt.Equal(at) {
		t.Errorf("got %+v", job)
	}
}

func TestInsertRefusesAnUnknownKind(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	p := newClient(t, pool, setup{})
	err := pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
		return p.Insert(t.Context(), tx, jobs.Insertion{Args: texts{}})
	})
	if err == nil {
		t.Error("it was accepted")
	}
}

func TestAFailedAttemptIsRepeated(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	p := start(t, pool, setup{work: func(_ context.Context, job jobs.Job[noted]) error {
		if job.Attempt < 2 {
			return errors.New("an outage")
		}
		return nil
	}})
	insert(t, pool, p.Client, jobs.Insertion{Args: noted{1}})
	job := waitFor(t, p.Client, jobs.StateCompleted)
	if len(job.Failures) != 1 || job.Failures[0].Error != "an outage" || job.Attempt != 2 {
		t.Errorf("got %+v", job)
	}
}

func TestWhatWouldFailAgainIsNotRepeated(t *testing.T) {
	t.Parallel()
	for name, work := range map[string]func() error{
		"final": func() error { return jobs.Final(errors.New("there is no such page")) },
		"refused": func() error {
			return fmt.Errorf("revoke: %w", failure.New(failure.NotFound, "KEY_NOT_FOUND", "no such key"))
		},
		"spent":  func() error { return errors.New("an outage") },
		"panics": func() error { panic("secret") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := newPool(t)
			options := jobs.Options{}
			if name == "spent" || name == "panics" {
				options.MaxAttempts = 1
			}
			p := start(t, pool, setup{options: options, work: func(context.Context, jobs.Job[noted]) error { return work() }})
			insert(t, pool, p.Client, jobs.Insertion{Args: noted{1}})
			job := waitFor(t, p.Client, jobs.StateFailed)
			if job.Attempt != 1 || len(job.Failures) != 1 {
				t.Errorf("got %+v", job)
			}
			if name == "panics" && job.Failures[0].Error != "the job panicked: the log has the place" {
				t.Errorf("the failure shows what was thrown: %q", job.Failures[0].Error)
			}
		})
	}
}

func TestAnOutageMayPass(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	p := start(t, pool, setup{work: func(_ context.Context, job jobs.Job[noted]) error {
		if job.Attempt == 1 {
			return failure.New(failure.Unavailable, "CONTENDED", "try again")
		}
		return nil
	}})
	insert(t, pool, p.Client, jobs.Insertion{Args: noted{1}})
	waitFor(t, p.Client, jobs.StateCompleted)
}

// A worker is killed: its job is taken up again by another.
func TestAJobOfADeadProcessIsTakenUpAgain(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	release := make(chan struct{})
	defer close(release)
	first := start(t, pool, setup{work: func(ctx context.Context, _ jobs.Job[noted]) error {
		select { // As if it had gone: it returns for nothing.
		case <-release:
		case <-time.After(time.Minute):
		}
		return ctx.Err()
	}, stop: time.Millisecond})
	insert(t, pool, first.Client, jobs.Insertion{Args: noted{1}})
	waitFor(t, first.Client, jobs.StateRunning)
	second := start(t, pool, setup{})
	first.die()
	began := time.Now()
	job := waitFor(t, second.Client, jobs.StateCompleted)
	if took := time.Since(began); took > 15*time.Second {
		t.Errorf("it took %v", took)
	}
	if job.Process != second.id || job.Attempt != 2 || len(job.Failures) != 1 {
		t.Errorf("got %+v", job)
	}
}

// A job that kills its workers fails in the end.
func TestAJobThatKillsItsWorkersFails(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	release := make(chan struct{})
	defer close(release)
	first := start(t, pool, setup{
		options: jobs.Options{MaxAttempts: 1}, stop: time.Millisecond,
		work: func(context.Context, jobs.Job[noted]) error { <-release; return nil },
	})
	insert(t, pool, first.Client, jobs.Insertion{Args: noted{1}})
	waitFor(t, first.Client, jobs.StateRunning)
	second := start(t, pool, setup{})
	first.die()
	job := waitFor(t, second.Client, jobs.StateFailed)
	if len(job.Failures) != 1 || job.EndedAt.IsZero() {
		t.Errorf("got %+v", job)
	}
}

// A worker that hung goes on after another has taken its job: it is told, what
// it writes is refused, and its report changes nothing.
func TestALateWorkerIsFenced(t *testing.T) {
	t.Parallel()
	for name, report := range map[string]error{
		"reports success": nil,
		"reports failure": errors.New("late"),
		"reports refusal": jobs.Final(errors.New("late")),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := newPool(t)
			var firstLease, secondLease atomic.Pointer[jobs.Lease]
			cause := make(chan error, 1)
			thaw, finish := make(chan struct{}), make(chan struct{})
			confirm := func(l jobs.Lease) error {
				return pgx.BeginFunc(context.Background(), pool, func(tx pgx.Tx) error { return l.Confirm(context.Background(), tx) })
			}
			first := start(t, pool, setup{work: func(ctx context.Context, job jobs.Job[noted]) error {
				firstLease.Store(&job.Lease)
				if err := confirm(job.Lease); err != nil {
					t.Errorf("the holder's lease: %v", err)
				}
				<-ctx.Done()
				cause <- context.Cause(ctx)
				<-thaw
				return report
			}})
			insert(t, pool, first.Client, jobs.Insertion{Args: noted{1}})
			waitFor(t, first.Client, jobs.StateRunning)
			eventually(t, "it is worked", func() bool { return firstLease.Load() != nil })
			second := start(t, pool, setup{work: func(_ context.Context, job jobs.Job[noted]) error {
				secondLease.Store(&job.Lease)
				<-finish
				return confirm(job.Lease)
			}})
			first.die()
			eventually(t, "another took the job", func() bool { return secondLease.Load() != nil })
			if err := <-cause; !errors.Is(err, jobs.ErrLeaseLost) {
				t.Errorf("the late worker was stopped by %v", err)
			}
			if a, b := firstLease.Load(), secondLease.Load(); b.Fence <= a.Fence || a.JobID != b.JobID {
				t.Errorf("the fence went from %+v to %+v", a, b)
			}
			if err := confirm(*firstLease.Load()); !errors.Is(err, jobs.ErrLeaseLost) {
				t.Errorf("the late worker confirms: %v", err)
			}
			close(thaw)
			first.stop() // Its report is written by now.
			if job := only(t, second.Client); job.State != jobs.StateRunning || job.Process != second.id {
				t.Errorf("the late report had an effect: %+v", job)
			}
			close(finish)
			if job := waitFor(t, second.Client, jobs.StateCompleted); len(job.Failures) != 1 {
				t.Errorf("got %+v", job)
			}
			if err := confirm(*secondLease.Load()); !errors.Is(err, jobs.ErrLeaseLost) {
				t.Errorf("a job that ended confirms: %v", err)
			}
		})
	}
}

// A job under way is finished at the end, or given to others within the bound,
// and the attempt does not count.
func TestTheEndFinishesJobsOrGivesThemToOthers(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	began := make(chan struct{}, 2)
	p := start(t, pool, setup{stop: 200 * time.Millisecond, work: func(ctx context.Context, job jobs.Job[noted]) error {
		began <- struct{}{}
		if job.Args.Number == 1 {
			time.Sleep(20 * time.Millisecond) // Work that needs a moment more.
			return nil
		}
		<-ctx.Done()
		return ctx.Err()
	}})
	insert(t, pool, p.Client, jobs.Insertion{Args: noted{1}}, jobs.Insertion{Args: noted{2}})
	<-began
	<-began
	stopping := time.Now()
	p.stop()
	if took := time.Since(stopping); took > 10*time.Second {
		t.Errorf("the end took %v", took)
	}
	all, err := p.List(t.Context(), jobs.Query{})
	if err != nil || len(all) != 2 {
		t.Fatal(all, err)
	}
	if all[1].State != jobs.StateCompleted {
		t.Errorf("the one that needed a moment: %+v", all[1])
	}
	if all[0].State != jobs.StateWaiting || all[0].Attempt != 0 || len(all[0].Failures) != 0 || all[0].ScheduledAt.After(time.Now()) {
		t.Errorf("the one that goes on: %+v", all[0])
	}
}

// A job that ignores its context does not keep Run from returning.
func TestTheEndComesInAnyCase(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes five seconds")
	}
	t.Parallel()
	pool := newPool(t)
	began, release := make(chan struct{}), make(chan struct{})
	p := newClient(t, pool, setup{stop: time.Millisecond, work: func(context.Context, jobs.Job[noted]) error {
		close(began)
		<-release
		return nil
	}})
	heart, err := heartbeat.Start(t.Context(), pool, heartbeat.Options{ID: p.id})
	if err != nil {
		t.Fatal(err)
	}
	defer heart.Stop()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	insert(t, pool, p.Client, jobs.Insertion{Args: noted{1}})
	<-began
	cancel()
	select {
	case err := <-ended:
		if err == nil {
			t.Error("it does not say that a job was left")
		}
	case <-time.After(20 * time.Second):
		t.Error("it does not end")
	}
	close(release)
}
