package jobs

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// Periodic is work that is due by the clock. It asks what is due and does all of
// that, whenever it runs: a run that did not happen, or one too many, does no
// harm. It never runs twice at the same time, save for a worker that hung.
type Periodic struct {
	// Name names it in the queue: letters, digits and hyphens.
	Name string
	// Every is how often, counted from midnight UTC where it divides a day. It
	// runs too when a worker becomes the leader of all.
	Every time.Duration
	// Timeout bounds a run; a minute when zero.
	Timeout time.Duration
	// Ready tells whether there is already all that the work needs, such as read
	// models, which a first start builds; nil when it needs nothing. A run waits for
	// it a short while, and is then left to the next one.
	Ready func(context.Context) (bool, error)
	// Work does what is due at a time, which is in UTC.
	Work func(ctx context.Context, now time.Time) error
}

// periodicPrefix is common to the kinds of periodic jobs.
const periodicPrefix = "periodic/"

// periodicAttempts are made within one run; the next run comes in any case.
const periodicAttempts = 3

// periodicArgs are empty: what is due is asked for when the job runs.
type periodicArgs struct {
	name string
}

// Kind implements Args.
func (a periodicArgs) Kind() string { return periodicPrefix + a.name }

func (p Periodic) kind(pool *pgxpool.Pool) Kind {
	zero := periodicArgs{p.Name}
	options := Options{Timeout: p.Timeout, MaxAttempts: periodicAttempts}
	return On(zero, options, func(ctx context.Context, _ Job[periodicArgs]) error {
		// A later run does the work of those that failed before: they need no
		// decision. While it goes on failing, the last failure is kept.
		if err := settle(ctx, pool, zero.Kind(), 1); err != nil {
			return err
		}
		if ready, err := p.await(ctx); err != nil || !ready {
			return err
		}
		if err := p.Work(ctx, time.Now().UTC()); err != nil {
			return err
		}
		return settle(ctx, pool, zero.Kind(), 0)
	})
}

// How long a run waits for what it needs, and how often it asks: a worker that
// waits does no other work.
const (
	readyTimeout = 10 * time.Second
	readyBeat    = 50 * time.Millisecond
)

// await waits until there is what the work needs, and reports whether there is.
func (p Periodic) await(ctx context.Context) (bool, error) {
	if p.Ready == nil {
		return true, nil
	}
	tick := time.NewTicker(readyBeat)
	defer tick.Stop()
	for began := time.Now(); ; {
		ready, err := p.Ready(ctx)
		if err != nil || ready {
			return ready, err
		}
		if time.Since(began) > readyTimeout {
			return false, nil
		}
		select {
		case <-ctx.Done():
			return false, ctx.Err()
		case <-tick.C:
		}
	}
}

// settle deletes failed runs but for the latest few.
func settle(ctx context.Context, pool *pgxpool.Pool, kind string, keep int) error {
	_, err := pool.Exec(ctx, `DELETE FROM jobs.river_job WHERE state = 'discarded' AND id IN (
		SELECT id FROM jobs.river_job WHERE kind = $1 AND state = 'discarded' ORDER BY id DESC OFFSET $2)`, kind, keep)
	if err != nil {
		return fmt.Errorf("settle earlier runs: %w", err)
	}
	return nil
}

// waiting are the states in which a periodic job stands for the next one, too.
var waiting = []rivertype.JobState{
	rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRetryable,
	rivertype.JobStateRunning, rivertype.JobStateScheduled,
}

func (p Periodic) river() *river.PeriodicJob {
	return river.NewPeriodicJob(every(p.Every), func() (river.JobArgs, *river.InsertOpts) {
		return periodicArgs{p.Name}, &river.InsertOpts{
			MaxAttempts: periodicAttempts,
			UniqueOpts:  river.UniqueOpts{ByArgs: true, ByState: waiting},
		}
	}, &river.PeriodicJobOpts{RunOnStart: true})
}

// every is a schedule in UTC that does not depend on when it began.
type every time.Duration

// Next implements river.PeriodicSchedule.
func (e every) Next(now time.Time) time.Time {
	return now.UTC().Truncate(time.Duration(e)).Add(time.Duration(e))
}
