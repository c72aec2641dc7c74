package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// middleware is around the work of every job.
type middleware struct {
	river.MiddlewareDefaults
	client *Client
}

// Work implements rivertype.WorkerMiddleware.
func (m *middleware) Work(ctx context.Context, job *rivertype.JobRow, inner func(context.Context) error) (err error) {
	c := m.client
	began := time.Now()
	defer func() {
		c.metrics.worked(job.Kind, err, time.Since(began))
		if err != nil {
			c.failed(ctx, job, err)
		}
	}()
	meta, err := readMetadata(job.Metadata)
	if err != nil {
		return err
	}
	if err := c.kinds[job.Kind].decodes(job.EncodedArgs); err != nil {
		return Final(fmt.Errorf("read a job's arguments: %w", err))
	}
	// The report of this attempt carries the fence: see the trigger of that name.
	if err := river.MetadataSet(ctx, fenceMember, meta.Fence); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer c.running.add(Lease{job.ID, meta.Fence}, cancel)()
	defer func() {
		if p := recover(); p != nil {
			// What was thrown may hold anything; the stack holds no values.
			c.config.Logger.ErrorContext(ctx, "a job panicked", slog.Int64("job", job.ID),
				slog.String("kind", job.Kind), slog.String("stack", string(debug.Stack())))
			err = errPanic
		}
	}()
	return inner(ctx)
}

var errPanic = errors.New("the job panicked: the log has the place")

// failed reports a failed attempt, and makes it the last one if another would
// fail as well.
func (c *Client) failed(ctx context.Context, job *rivertype.JobRow, err error) {
	attrs := []any{
		slog.Int64("job", job.ID), slog.String("kind", job.Kind),
		slog.Int("attempt", job.Attempt), slog.Any("error", err),
	}
	switch {
	case errors.Is(context.Cause(ctx), ErrLeaseLost):
		c.config.Logger.WarnContext(ctx, "a job was taken from this worker", attrs...)
	case errors.Is(err, context.Canceled):
		c.config.Logger.InfoContext(ctx, "a job was interrupted", attrs...)
	case isFinal(err):
		job.MaxAttempts = job.Attempt // River looks at this row to decide.
		c.config.Logger.ErrorContext(ctx, "a job has failed", attrs...)
	case job.Attempt >= job.MaxAttempts:
		c.config.Logger.ErrorContext(ctx, "a job has failed for the last time", attrs...)
	default:
		c.config.Logger.WarnContext(ctx, "a job failed and is tried again", attrs...)
	}
}

// running are the jobs that this process works.
type running struct {
	mu   sync.Mutex
	jobs map[Lease]context.CancelCauseFunc
}

// add notes a job until the returned function is called.
func (r *running) add(l Lease, cancel context.CancelCauseFunc) (done func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.jobs == nil {
		r.jobs = map[Lease]context.CancelCauseFunc{}
	}
	r.jobs[l] = cancel
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.jobs, l)
	}
}

func (r *running) leases() []Lease {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Collect(maps.Keys(r.jobs))
}

func (r *running) lost(l Lease) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if cancel, ok := r.jobs[l]; ok {
		cancel(ErrLeaseLost)
	}
}

// watch interrupts jobs that are not this worker's any more, so that they do not
// go on for nothing. It is the fence that keeps them from doing harm.
func (c *Client) watch(ctx context.Context) {
	ticker := time.NewTicker(c.config.Watch)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		leases := c.running.leases()
		if len(leases) == 0 {
			continue
		}
		held, err := c.held(ctx, leases)
		if err != nil {
			continue // Without the database no worker can take a job either.
		}
		for _, l := range leases {
			if !held[l] {
				c.running.lost(l)
			}
		}
	}
}

func (c *Client) held(ctx context.Context, leases []Lease) (map[Lease]bool, error) {
	ids := make([]int64, len(leases))
	for i, l := range leases {
		ids[i] = l.JobID
	}
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	// The notification of a cancellation may be lost; River's mark is not.
	rows, err := c.config.Pool.Query(ctx, `SELECT id, coalesce((metadata ->> 'fence')::bigint, 0)
		FROM jobs.river_job WHERE id = ANY($1) AND state = 'running' AND NOT metadata ? 'cancel_attempted_at'`, ids)
	if err != nil {
		return nil, err
	}
	held := map[Lease]bool{}
	var l Lease
	_, err = pgx.ForEachRow(rows, []any{&l.JobID, &l.Fence}, func() error {
		held[l] = true
		return nil
	})
	return held, err
}

// queryTimeout bounds the questions of this package to the database.
const queryTimeout = 5 * time.Second
