package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
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

const (
	// defaultRecheck is how often a waiting caller looks by itself, in case that
	// a notification was lost with its connection.
	defaultRecheck = 2 * time.Second
	relistenPause  = 500 * time.Millisecond
	hangUpTimeout  = time.Second
)

// waiters are those who wait for the end of jobs, by key.
type waiters struct {
	recheck time.Duration
	mu      sync.Mutex
	byKey   map[uuid.UUID]map[chan struct{}]bool
}

func (w *waiters) add(key uuid.UUID) (wake chan struct{}, done func()) {
	wake = make(chan struct{}, 1)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.byKey == nil {
		w.byKey = map[uuid.UUID]map[chan struct{}]bool{}
	}
	if w.byKey[key] == nil {
		w.byKey[key] = map[chan struct{}]bool{}
	}
	w.byKey[key][wake] = true
	return wake, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.byKey[key], wake)
		if len(w.byKey[key]) == 0 {
			delete(w.byKey, key)
		}
	}
}

func (w *waiters) wake(key uuid.UUID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for wake := range w.byKey[key] {
		poke(wake)
	}
}

func (w *waiters) wakeAll() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, all := range w.byKey {
		for wake := range all {
			poke(wake)
		}
	}
}

func poke(wake chan<- struct{}) {
	select {
	case wake <- struct{}{}:
	default: // It has not looked since the last time.
	}
}

// Wait returns once the job of a key has ended, with its state. The job need not
// have been inserted yet: a caller who appended the event that a policy reacts
// to may begin to wait at once. How long to wait is for ctx to say; the error is
// then ctx's, and the state the last one seen, empty for a job that was not
// there. In a process that runs Listen it returns within milliseconds of the
// end, else within two seconds.
//
// When a key has several jobs, the one inserted last counts.
func (c *Client) Wait(ctx context.Context, key uuid.UUID) (State, error) {
	wake, done := c.waiters.add(key) // Before the first look, so that nothing is missed.
	defer done()
	ticker := time.NewTicker(c.waiters.recheck)
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
	for {
		err := c.listen(ctx)
		if ctx.Err() != nil {
			return
		}
		c.config.Logger.WarnContext(ctx, "the ends of jobs are not heard of at the moment", slog.Any("error", err))
		select {
		case <-ctx.Done():
			return
		case <-time.After(relistenPause):
		}
	}
}

func (c *Client) listen(ctx context.Context) error {
	conn, err := pgx.ConnectConfig(ctx, c.config.Pool.Config().ConnConfig)
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), hangUpTimeout)
		defer cancel()
		_ = conn.Close(ctx) // It is of no more use either way.
	}()
	if _, err := conn.Exec(ctx, "LISTEN "+channel); err != nil {
		return err
	}
	c.waiters.wakeAll() // Something may have ended meanwhile.
	for {
		n, err := conn.WaitForNotification(ctx)
		if err != nil {
			return err
		}
		if key, err := uuid.Parse(n.Payload); err == nil {
			c.waiters.wake(key)
		}
	}
}
