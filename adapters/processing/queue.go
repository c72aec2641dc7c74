package processing

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/perfectworks/backend/adapters/jobs"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
)

// Enqueue implements commands.OperationQueue. An operation that is there already
// stays, and comes before others once a caller waits for it.
func (s *Service) Enqueue(ctx context.Context, o commands.QueuedOperation) error {
	// The policy comes after nearly every request. It need not wait for its turn only
	// to find that there is nothing to do.
	var there bool
	err := s.Pool.QueryRow(ctx, "SELECT EXISTS (SELECT FROM file_jobs WHERE job_id = $1 AND (NOT async OR $2))", string(o.JobID), o.Async).Scan(&there)
	if err == nil && !there {
		err = s.inTurn(ctx, o.OrganizationID, func(tx pgx.Tx) error {
			_, err := tx.Exec(ctx, `INSERT INTO file_jobs (job_id, file_id, organization_id, async, trace_parent) VALUES ($1, $2, $3, $4, $5)
				ON CONFLICT (job_id) DO UPDATE SET async = file_jobs.async AND excluded.async`,
				string(o.JobID), string(o.FileID), string(o.OrganizationID), o.Async, o.TraceParent)
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("queue an operation: %w", err)
	}
	return nil
}

// notWaitingForDisk begins a transaction whose commit does not wait for the disk.
//
// When Postgres itself crashes, the last moments of such transactions are lost. What
// comes after them in the same database is lost as well, or waits for the disk for
// them too. So that a job was fetched says that its insertion is durable, that the job
// of a policy ended says that its operation is in the queue, and that the job of an
// operation ended says that its end was noted. Otherwise these jobs run again.
var notWaitingForDisk = pgx.TxOptions{BeginQuery: "BEGIN; SET LOCAL synchronous_commit = off"}

// inTurn changes the queue of an organization, while others are kept from it, and lets
// in what its share then allows. All that happens on files of an organization passes
// through here, one after the other: waiting for the disk would bound how many files an
// organization can have worked on.
func (s *Service) inTurn(ctx context.Context, organization id.Organization, change func(pgx.Tx) error) error {
	return pgx.BeginTxFunc(ctx, s.Pool, notWaitingForDisk, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock(hashtextextended('file_jobs/' || $1, 0))", string(organization)); err != nil {
			return err
		}
		if err := change(tx); err != nil {
			return err
		}
		return s.letIn(ctx, tx, organization)
	})
}

// letIn inserts as many jobs of an organization as its share allows. An operation
// counts until the work on its document is done, or its end is noted. The state of its
// job would not do: the queue notes that a job ended some time after the job let the
// next ones in, and what came in between would be held back, and nothing would let it
// in.
func (s *Service) letIn(ctx context.Context, tx pgx.Tx, organization id.Organization) error {
	var queued int
	if err := tx.QueryRow(ctx, `SELECT count(*) FROM file_jobs
		WHERE organization_id = $1 AND queued_at IS NOT NULL AND worked_at IS NULL AND ended_at IS NULL`, string(organization)).Scan(&queued); err != nil {
		return err
	}
	free := s.Share + 1 - queued
	if free <= 0 {
		return nil
	}
	// What RETURNING returns has no order of its own.
	rows, err := tx.Query(ctx, `WITH next AS (
			UPDATE file_jobs SET queued_at = now() WHERE job_id IN (
				SELECT job_id FROM file_jobs WHERE organization_id = $1 AND queued_at IS NULL AND ended_at IS NULL
				ORDER BY async, inserted_at, job_id LIMIT $2)
			RETURNING job_id, file_id, async, trace_parent, inserted_at)
		SELECT job_id, file_id, async, trace_parent FROM next ORDER BY async, inserted_at, job_id`, string(organization), free)
	if err != nil {
		return err
	}
	type held struct {
		JobID       id.Job
		FileID      id.File
		Async       bool
		TraceParent string
	}
	next, err := pgx.CollectRows(rows, pgx.RowToStructByPos[held])
	if err != nil {
		return err
	}
	all := make([]jobs.Insertion, len(next))
	for i, h := range next {
		all[i] = jobs.Insertion{
			Args: args{OrganizationID: organization, FileID: h.FileID, JobID: h.JobID}, Key: keyOf(h.JobID),
			Priority: priority(queued+i < s.Share, h.Async), TraceParent: h.TraceParent,
		}
	}
	return s.queue.Insert(ctx, tx, all...)
}

// priority puts what a caller waits for before what no caller does, and all that is
// beyond an organization's share after both.
func priority(withinShare, async bool) int {
	p := 1
	if async {
		p++
	}
	if !withinShare {
		p += 2
	}
	return p
}

// next lets operations of an organization in, once the end of one was noted.
func (s *Service) next(ctx context.Context, organization id.Organization) error {
	return s.inTurn(ctx, organization, func(pgx.Tx) error { return nil })
}

// worked notes that the document of an operation was worked on, and lets the next ones
// in.
func (s *Service) worked(ctx context.Context, organization id.Organization, name id.Job) error {
	return s.inTurn(ctx, organization, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "UPDATE file_jobs SET worked_at = now() WHERE job_id = $1", string(name))
		return err
	})
}

// Stop implements commands.OperationQueue: it tells those who wait, and interrupts
// the worker.
func (s *Service) Stop(ctx context.Context, name id.Job, at event.Position) error {
	if err := s.ended(ctx, name, at); err != nil {
		return err
	}
	if err := s.queue.Cancel(ctx, keyOf(name)); err != nil {
		return err
	}
	var organization id.Organization
	err := s.Pool.QueryRow(ctx, "SELECT organization_id FROM file_jobs WHERE job_id = $1", string(name)).Scan(&organization)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err == nil {
		err = s.next(ctx, organization) // The one that waited has left its place.
	}
	if err != nil {
		return fmt.Errorf("queue the next operation: %w", err)
	}
	return nil
}

// ended notes that an operation has ended, with all that follows, and tells those
// who wait for it.
func (s *Service) ended(ctx context.Context, name id.Job, at event.Position) error {
	position := ""
	if !at.IsZero() {
		position = at.String()
	}
	err := pgx.BeginTxFunc(ctx, s.Pool, notWaitingForDisk, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `WITH ended AS (
				UPDATE file_jobs SET ended_at = coalesce(ended_at, now()), position = CASE WHEN $2 = '' THEN position ELSE $2 END WHERE job_id = $1)
			SELECT pg_notify($3, $1)`, string(name), position, channel)
		return err
	})
	if err != nil {
		return fmt.Errorf("note the end of an operation: %w", err)
	}
	s.waiters.Wake(name)
	return nil
}

// LetIn lets held operations of all organizations in. It is for the case that a
// process ended just when it should have done so.
func (s *Service) LetIn(ctx context.Context) error {
	rows, err := s.Pool.Query(ctx, "SELECT DISTINCT organization_id FROM file_jobs WHERE queued_at IS NULL AND ended_at IS NULL")
	if err != nil {
		return fmt.Errorf("look for held operations: %w", err)
	}
	organizations, err := pgx.CollectRows(rows, pgx.RowTo[id.Organization])
	if err != nil {
		return fmt.Errorf("look for held operations: %w", err)
	}
	for _, organization := range organizations {
		if err := s.next(ctx, organization); err != nil {
			return fmt.Errorf("queue held operations: %w", err)
		}
	}
	return nil
}

// Unended implements commands.OperationQueue.
func (s *Service) Unended(ctx context.Context, organization id.Organization) ([]commands.QueuedOperation, error) {
	rows, err := s.Pool.Query(ctx, `SELECT organization_id, file_id, job_id, async, trace_parent FROM file_jobs
		WHERE organization_id = $1 AND ended_at IS NULL ORDER BY inserted_at`, string(organization))
	if err != nil {
		return nil, fmt.Errorf("look for the operations of an organization: %w", err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[commands.QueuedOperation])
	if err != nil {
		return nil, fmt.Errorf("look for the operations of an organization: %w", err)
	}
	return all, nil
}
