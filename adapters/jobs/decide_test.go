package jobs_test

import (
	"context"
	"encoding/json"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/perfectworks/backend/adapters/jobs"
)

func TestAFailedJobIsKeptUntilSomebodyDecides(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	var mended atomic.Bool
	p := start(t, pool, setup{work: func(_ context.Context, job jobs.Job[noted]) error {
		if mended.Load() && job.Args.Number == 7 {
			return nil
		}
		return jobs.Final(errors.New("damaged"))
	}})
	key := uuid.New()
	insert(t, pool, p.Client, jobs.Insertion{Args: noted{7}, Key: key})
	job := waitFor(t, p.Client, jobs.StateFailed)
	if job.Key != key || string(job.Args) != `{"number": 7}` || job.Failures[0].Error != "damaged" {
		t.Errorf("got %+v", job)
	}
	// A year goes by.
	if _, err := pool.Exec(t.Context(), `UPDATE jobs.river_job SET created_at = created_at - interval '1 year',
		finalized_at = finalized_at - interval '1 year', scheduled_at = scheduled_at - interval '1 year'`); err != nil {
		t.Fatal(err)
	}
	again := start(t, pool, setup{}) // It cleans the queue when it begins.
	insert(t, pool, p.Client, jobs.Insertion{Args: noted{8}})
	eventually(t, "the other was worked", func() bool {
		all, err := again.List(t.Context(), jobs.Query{Limit: 1})
		return err == nil && len(all) == 1 && all[0].State.Ended()
	})
	if job, err := p.Get(t.Context(), job.ID); err != nil || job.State != jobs.StateFailed {
		t.Errorf("after a year: %+v, %v", job, err)
	}
}

func TestRetryAndDiscard(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	pool := newPool(t)
	var mended atomic.Bool
	p := start(t, pool, setup{work: func(context.Context, jobs.Job[noted]) error {
		if mended.Load() {
			return nil
		}
		return jobs.Final(errors.New("damaged"))
	}})
	insert(t, pool, p.Client, jobs.Insertion{Args: noted{1}})
	id := waitFor(t, p.Client, jobs.StateFailed).ID
	if err := p.Retry(ctx, id, "ada"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it failed again", func() bool {
		job := only(t, p.Client)
		return job.State == jobs.StateFailed && job.Attempt == 2
	})
	if err := p.Discard(ctx, id, "ada", " "); !errors.Is(err, jobs.ErrNoReason) {
		t.Errorf("without a reason: %v", err)
	}
	mended.Store(true)
	if err := p.Retry(ctx, id, "ada"); err != nil {
		t.Fatal(err)
	}
	waitFor(t, p.Client, jobs.StateCompleted)
	for name, err := range map[string]error{
		"retry": p.Retry(ctx, id, "ada"), "discard": p.Discard(ctx, id, "ada", "why not"),
	} {
		if !errors.Is(err, jobs.ErrNotFailed) {
			t.Errorf("%s a job that is done: %v", name, err)
		}
	}
	mended.Store(false)
	insert(t, pool, p.Client, jobs.Insertion{Args: noted{2}})
	var failed jobs.Record
	eventually(t, "the second failed", func() bool {
		all, err := p.List(ctx, jobs.Query{State: jobs.StateFailed})
		if err != nil || len(all) != 1 {
			return false
		}
		failed = all[0]
		return true
	})
	if err := p.Discard(ctx, failed.ID, "ada", "the customer has left"); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Get(ctx, failed.ID); !errors.Is(err, jobs.ErrUnknownJob) {
		t.Errorf("a discarded job: %v", err)
	}
	if err := p.Discard(ctx, failed.ID, "ada", "again"); !errors.Is(err, jobs.ErrUnknownJob) {
		t.Errorf("discarded twice: %v", err)
	}
	decisions, err := p.Decisions(ctx, 0)
	if err != nil || len(decisions) != 3 {
		t.Fatal(decisions, err)
	}
	d := decisions[0]
	if d.JobID != failed.ID || d.Decision != "discard" || d.Reason != "the customer has left" || d.DecidedBy != "ada" ||
		d.Failure != "damaged" || d.Kind != "noted" || time.Since(d.DecidedAt) > time.Hour {
		t.Errorf("got %+v", d)
	}
	var args json.RawMessage
	if err := pool.QueryRow(ctx, "SELECT args FROM jobs.decisions ORDER BY id DESC LIMIT 1").Scan(&args); err != nil || string(args) != `{"number": 2}` {
		t.Errorf("the arguments: %s, %v", args, err)
	}
}
