package processing

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/perfectworks/backend/adapters/jobs"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/file"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/projections/files"
)

const (
	// lookAfter is how long an operation is left alone: longer than the jobs that do
	// the same take.
	lookAfter = 2 * time.Minute
	// keepEnded is how long the progress of an operation is known after its end.
	keepEnded = 7 * 24 * time.Hour
	// page bounds what is looked at together.
	page = 500
)

// Reconcile ends operations whose job cannot do so any more, because it was
// discarded or could not be read, and those whose deadline is over.
func (s *Service) Reconcile(ctx context.Context, now time.Time) error {
	err := s.LetIn(ctx)
	var after files.Job
	for {
		due, listErr := s.Files.Unended(ctx, now.Add(-lookAfter), after, page)
		if listErr != nil {
			return errors.Join(err, listErr)
		}
		for _, o := range due {
			err = errors.Join(err, s.reconcile(ctx, o, now))
			after = o
		}
		if len(due) < page {
			break
		}
	}
	return errors.Join(err, s.finishLeft(ctx, now), s.forget(ctx, now))
}

// reconcile looks after one operation that has not ended.
func (s *Service) reconcile(ctx context.Context, o files.Job, now time.Time) error {
	if !now.Before(o.Deadline) {
		return s.end(ctx, o, file.OperationTimedOut, now)
	}
	var queued bool
	err := s.Pool.QueryRow(ctx, "SELECT queued_at IS NOT NULL FROM file_jobs WHERE job_id = $1", string(o.ID)).Scan(&queued)
	if errors.Is(err, pgx.ErrNoRows) {
		return s.Enqueue(ctx, commands.QueuedOperation{OrganizationID: o.OrganizationID, FileID: o.FileID, JobID: o.ID, Async: true})
	}
	if err != nil || !queued {
		return err
	}
	state, err := s.queue.State(ctx, keyOf(o.ID))
	if err != nil {
		return err
	}
	if state == jobs.StateWaiting || state == jobs.StateRunning {
		return nil
	}
	return s.end(ctx, o, file.OperationLost, now)
}

// end ends an operation from outside.
func (s *Service) end(ctx context.Context, o files.Job, reason file.Reason, now time.Time) error {
	ended, err := s.commands.FailOperation(ctx, s.request(ctx, o.OrganizationID, o.ID, "reconcile", now), commands.FailOperation{
		FileID: o.FileID, JobID: o.ID, Outcome: file.Outcome{Reason: reason},
	})
	if err != nil {
		return fmt.Errorf("end %s: %w", o.ID, err)
	}
	s.metrics.failed(o.Kind, reason)
	s.Logger.WarnContext(ctx, "an operation on a file was ended, because nothing worked on it", slog.String("job", string(o.ID)), slog.String("reason", string(reason)))
	return s.Stop(ctx, o.ID, ended.Position)
}

// finishLeft does what follows from ends after which the process died.
func (s *Service) finishLeft(ctx context.Context, now time.Time) error {
	rows, err := s.Pool.Query(ctx, `SELECT job_id, file_id, organization_id FROM file_jobs
		WHERE ended_at IS NULL AND queued_at < $1 ORDER BY inserted_at LIMIT $2`, now.Add(-lookAfter), page)
	if err != nil {
		return fmt.Errorf("look for operations that ended: %w", err)
	}
	type left struct {
		JobID          id.Job
		FileID         id.File
		OrganizationID id.Organization
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[left])
	if err != nil {
		return fmt.Errorf("look for operations that ended: %w", err)
	}
	for _, l := range all {
		state, stateErr := s.queue.State(ctx, keyOf(l.JobID))
		if stateErr != nil || state == jobs.StateWaiting || state == jobs.StateRunning {
			err = errors.Join(err, stateErr)
			continue
		}
		finished, finishErr := s.commands.FinishOperation(ctx, s.request(ctx, l.OrganizationID, l.JobID, "reconcile", now), commands.FinishOperation{
			FileID: l.FileID, JobID: l.JobID,
		})
		o, known := finished.Value.Operation(l.JobID)
		switch {
		case errors.Is(finishErr, file.ErrJobNotFound):
			err = errors.Join(err, s.ended(ctx, l.JobID, event.Position{}))
		case finishErr != nil:
			err = errors.Join(err, finishErr)
		case known && o.Phase.Ended():
			err = errors.Join(err, s.ended(ctx, l.JobID, finished.Position))
		}
	}
	return err
}

// forget deletes what is known of operations that ended long ago.
func (s *Service) forget(ctx context.Context, now time.Time) error {
	if _, err := s.Pool.Exec(ctx, "DELETE FROM file_jobs WHERE ended_at < $1", now.Add(-keepEnded)); err != nil {
		return fmt.Errorf("forget operations: %w", err)
	}
	return nil
}
