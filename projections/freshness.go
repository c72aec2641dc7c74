package projections

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/perfectworks/backend/domain/event"
)

// ErrUnknownProjection says that no definition has this name.
var ErrUnknownProjection = errors.New("there is no such projection")

// pollInterval is how often checkpoints are looked up for those who wait for
// the projection of another process.
const pollInterval = 4 * time.Millisecond

// WaitFor returns once queries of a projection show everything up to a
// position. It costs nothing when they do already, and the database is asked
// only when the projection is not this process's own, once for all who wait.
// How long to wait is for ctx to say; the error is then ctx's, also when the
// database did not answer. It is safe for concurrent use and needs no Run in
// this process.
func (e *Engine) WaitFor(ctx context.Context, projection string, position event.Position) error {
	t, ok := e.trackers[projection]
	if !ok {
		return fmt.Errorf("%w: %s", ErrUnknownProjection, projection)
	}
	for {
		ok, owner, changed := t.reached(position)
		if ok {
			return nil
		}
		// The one who holds the turn asks for all who wait.
		turn := e.pollTurn
		var recheck <-chan time.Time
		if owner {
			turn, recheck = nil, time.After(time.Second) // In case the ownership is lost.
		}
		select {
		case <-changed:
		case <-recheck:
		case turn <- struct{}{}:
			err := e.poll(ctx)
			<-turn
			if err != nil && !transient(err) {
				return fmt.Errorf("wait for projection %s: %w", projection, err)
			}
		case <-ctx.Done():
			return fmt.Errorf("wait for projection %s: %w", projection, ctx.Err())
		}
	}
}

// poll looks up all checkpoints, not too soon after the last time. Only the
// holder of the turn calls it.
func (e *Engine) poll(ctx context.Context) error {
	if err := sleep(ctx, time.Until(e.polled.Add(pollInterval))); err != nil {
		return err
	}
	e.polled = time.Now()
	rows, err := e.config.Pool.Query(ctx, `SELECT projection, commit_position::text, prepare_position::text
		FROM projection.generations WHERE state = 'live'`)
	if err != nil {
		return err
	}
	var projection string
	var stored storedPosition
	_, err = pgx.ForEachRow(rows, []any{&projection, &stored.commit, &stored.prepare}, func() error {
		position, err := stored.position()
		if t, ok := e.trackers[projection]; ok && err == nil {
			t.seen(position)
		}
		return err
	})
	return err
}
