package projections

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/failure"
)

// ErrUnknownProjection says that no definition has this name.
var ErrUnknownProjection = errors.New("there is no such projection")

// errNotFresh says that queries show what the log no longer holds.
var errNotFresh = failure.New(failure.Unavailable, "READ_MODEL_OUTDATED",
	"the event log went back behind this read model, which is not rebuilt yet")

// FrozenError says that nobody projects the tables that queries read, because
// they are of another version of the program: they show the log as of a time,
// until the tables of this version have been built.
type FrozenError struct {
	Projection string
	// AsOf is when the tables last advanced.
	AsOf time.Time
}

// Error says which read model it is.
func (e *FrozenError) Error() string {
	return fmt.Sprintf("projection %s is served as of %s while another version of it is built",
		e.Projection, e.AsOf.UTC().Format(time.RFC3339))
}

const (
	// pollInterval is how often checkpoints are looked up for those who wait for
	// the projection of another process.
	pollInterval = 4 * time.Millisecond
	// probeInterval is how long a caller waits before the end of the log is looked
	// up for them, and between two looks.
	probeInterval = 25 * time.Millisecond
)

// WaitFor returns once queries of a projection show everything up to a
// position. It costs nothing when they do already, and the database is asked
// only when the projection is not this process's own, once for all who wait.
// How long to wait is for ctx to say; the error is then ctx's, also when the
// database did not answer. It is safe for concurrent use and needs no Run in
// this process.
//
// A position may be of an event that no projection of this program is given,
// such as one that a newer program wrote into streams of its own: then it is
// enough that queries show all that came before.
//
// The error is a *FrozenError when nobody projects the tables, and wraps
// event.ErrLogWentBack when they show what the log no longer holds.
func (e *Engine) WaitFor(ctx context.Context, projection string, position event.Position) error {
	t, ok := e.trackers[projection]
	if !ok {
		return fmt.Errorf("%w: %s", ErrUnknownProjection, projection)
	}
	began, polled := time.Now(), false
	var probe <-chan time.Time
	for {
		a := t.await()
		switch {
		case a.lost && polled:
			return fmt.Errorf("wait for projection %s: %w: %w", projection, errNotFresh, event.ErrLogWentBack)
		case a.position.Compare(position) >= 0:
			return nil
		case a.frozen && polled:
			return &FrozenError{Projection: projection, AsOf: a.asOf}
		}
		if probe == nil {
			probe = time.After(probeInterval)
		}
		// The holder of the turn asks for all who wait.
		turn := e.pollTurn
		var recheck <-chan time.Time
		if a.owner && !a.lost {
			turn, recheck = nil, time.After(time.Second) // In case the ownership is lost.
		}
		select {
		case <-a.changed:
		case <-recheck:
		case <-probe:
			probe = nil
			position = e.required(ctx, position, began)
		case turn <- struct{}{}:
			err := e.poll(ctx)
			<-turn
			polled = err == nil
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
	rows, err := e.config.Pool.Query(ctx, `SELECT projection, id, commit_position::text, prepare_position::text,
		log_went_back_at IS NOT NULL FROM projection.generations WHERE state = 'live'`)
	if err != nil {
		return err
	}
	var projection string
	var id int64
	var stored storedPosition
	var lost bool
	_, err = pgx.ForEachRow(rows, []any{&projection, &id, &stored.commit, &stored.prepare, &lost}, func() error {
		position, err := stored.position()
		if t, ok := e.trackers[projection]; ok && err == nil {
			t.seen(id, position, lost)
		}
		return err
	})
	return err
}

// ends is where the log ended when it was last looked up for those who wait.
type ends struct {
	asked time.Time
	// all is the end of the whole log, ours that of what subscriptions deliver.
	all, ours event.Position
}

// required is up to where queries must show the log so that they show all of a
// position: less than the position, when the log holds nothing after that which
// subscriptions deliver. Only what was asked for since a time counts: the log
// then held the position. Without an answer it is the position itself.
func (e *Engine) required(ctx context.Context, position event.Position, since time.Time) event.Position {
	select {
	case e.probeTurn <- struct{}{}:
		defer func() { <-e.probeTurn }()
	case <-ctx.Done():
		return position
	}
	if e.ends.asked.Before(since) || time.Since(e.ends.asked) > probeInterval {
		now := ends{asked: time.Now()}
		var err error
		if now.all, err = e.config.End(ctx); err != nil {
			return position
		}
		if now.ours, err = e.config.Head(ctx); err != nil {
			return position
		}
		e.ends = now
	}
	// A position beyond the end of the log is nobody's, or of a log that went back.
	if e.ends.all.Compare(position) >= 0 && e.ends.ours.Compare(position) < 0 {
		return e.ends.ours
	}
	return position
}
