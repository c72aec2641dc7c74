package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// State is where a job is in its life.
type State string

// The states. A job that has failed stays until somebody decides about it.
const (
	StateWaiting   State = "waiting" // for its time, a worker, or its next attempt
	StateRunning   State = "running"
	StateCompleted State = "completed"
	StateFailed    State = "failed"
	StateCancelled State = "cancelled"
)

// Ended tells whether nothing more happens with a job by itself.
func (s State) Ended() bool { return s == StateCompleted || s == StateFailed || s == StateCancelled }

// stateOf gives River's state its name here.
const stateOf = `CASE state WHEN 'running' THEN 'running' WHEN 'completed' THEN 'completed'
	WHEN 'discarded' THEN 'failed' WHEN 'cancelled' THEN 'cancelled' ELSE 'waiting' END`

// channel is the Postgres channel on which the keys of jobs that ended are told.
const channel = "jobs_ended"

// defaultRecheck is how often a waiting caller looks by itself, in case that a
// notification was lost with its connection.
const defaultRecheck = 2 * time.Second

// Wait returns once the job of a key has ended, with its state. The job need not
// have been inserted yet: a caller who appended the event that a policy reacts
// to may begin to wait at once. How long to wait is for ctx to say; the error is
// then ctx's, and the state the last one seen, empty for a job that was not
// there. In a process that runs Listen it returns within milliseconds of the
// end, else within two seconds.
//
// When a key has several jobs, the one inserted last counts.
func (c *Client) Wait(ctx context.Context, key uuid.UUID) (State, error) {
	wake, done := c.waiters.Add(key) // Before the first look, so that nothing is missed.
	defer done()
	ticker := time.NewTicker(c.recheck)
	defer ticker.Stop()
	var state State
	for {
		found, err := c.state(ctx, key)
		switch {
		case ctx.Err() != nil:
			return state, ctx.Err()
		case err != nil:
			c.config.Logger.DebugContext(ctx, "a job cannot be looked for", slog.Any("error", err))
		default:
			if state = found; state.Ended() {
				return state, nil
			}
		}
		select {
		case <-ctx.Done():
			return state, ctx.Err()
		case <-wake:
		case <-ticker.C:
		}
	}
}

// state is empty when there is no job of the key.
func (c *Client) state(ctx context.Context, key uuid.UUID) (State, error) {
	var state State
	err := c.config.Pool.QueryRow(ctx, `SELECT `+stateOf+` FROM jobs.river_job
		WHERE metadata @> jsonb_build_object('key', $1::text) ORDER BY id DESC LIMIT 1`, key.String()).Scan(&state)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("look for a job: %w", err)
	}
	return state, nil
}

// Listen receives the ends of jobs for the calls of Wait in this process, until ctx
// ends. It has a connection of its own, which comes back by itself.
func (c *Client) Listen(ctx context.Context) {
	c.waiters.Listen(ctx, c.config.Pool, channel,
		func(payload string) (uuid.UUID, bool) {
			key, err := uuid.Parse(payload)
			return key, err == nil
		},
		func(err error) {
			c.config.Logger.WarnContext(ctx, "the ends of jobs are not heard of at the moment", slog.Any("error", err))
		})
}
