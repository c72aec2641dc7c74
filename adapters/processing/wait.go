package processing

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
)

// channel is the Postgres channel on which the ids of operations that ended are told.
const channel = "file_jobs_ended"

// recheck is how often one who waits looks, in case that a notification was lost.
const recheck = time.Second

// Progress is how far an operation is.
type Progress struct {
	// Held says that it waits for others of its organization.
	Held        bool
	Done, Total int
	Ended       bool
	// Position is that of the end in the log; zero before.
	Position event.Position
}

// Progress tells how far an operation is; the zero value of one that is not known
// here, because it is not in the queue yet, or ended long ago.
func (s *Service) Progress(ctx context.Context, name id.Job) (Progress, error) {
	var p Progress
	var position string
	err := s.Pool.QueryRow(ctx, `SELECT queued_at IS NULL AND ended_at IS NULL, pages_done, pages_total, ended_at IS NOT NULL, position
		FROM file_jobs WHERE job_id = $1`, string(name)).Scan(&p.Held, &p.Done, &p.Total, &p.Ended, &position)
	if errors.Is(err, pgx.ErrNoRows) {
		return Progress{}, nil
	}
	if err != nil {
		return Progress{}, fmt.Errorf("look for an operation: %w", err)
	}
	if position != "" {
		if p.Position, err = event.ParsePosition(position); err != nil {
			return Progress{}, fmt.Errorf("look for an operation: %w", err)
		}
	}
	return p, nil
}

// Wait returns the position in the log once an operation has ended, with all that
// follows. How long to wait is for ctx to say; the error is then ctx's.
func (s *Service) Wait(ctx context.Context, name id.Job) (event.Position, error) {
	wake, done := s.waiters.Add(name) // Before the first look, so that nothing is missed.
	defer done()
	ticker := time.NewTicker(recheck)
	defer ticker.Stop()
	for {
		p, err := s.Progress(ctx, name)
		switch {
		case ctx.Err() != nil:
			return event.Position{}, ctx.Err()
		case err != nil:
			s.Logger.DebugContext(ctx, "an operation cannot be looked for", slog.Any("error", err))
		case p.Ended:
			return p.Position, nil
		}
		select {
		case <-ctx.Done():
			return event.Position{}, ctx.Err()
		case <-wake:
		case <-ticker.C:
		}
	}
}

// Listen receives the ends of operations for the calls of Wait in this process, until
// ctx ends. It has a connection of its own, which comes back by itself.
func (s *Service) Listen(ctx context.Context) {
	s.waiters.Listen(ctx, s.Pool, channel,
		func(payload string) (id.Job, bool) { return id.Job(payload), true },
		func(err error) {
			s.Logger.WarnContext(ctx, "the ends of operations are not heard of at the moment", slog.Any("error", err))
		})
}
