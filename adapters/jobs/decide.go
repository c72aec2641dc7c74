package jobs

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// Decision is what was decided about a job that had failed.
type Decision struct {
	JobID int64
	Kind  string
	// Failure is that of its last attempt.
	Failure   string
	Decision  string // retry or discard
	Reason    string
	DecidedBy string
	DecidedAt time.Time
}

// The decisions.
const (
	decisionRetry   = "retry"
	decisionDiscard = "discard"
)

// The refusals of a decision.
var (
	ErrNotFailed = errors.New("the job has not failed: only about failed jobs there is something to decide")
	ErrNoReason  = errors.New("a job is discarded for a reason, which must be given")
)

// Retry lets a failed job be tried once more, at once. Who decides it is kept.
func (c *Client) Retry(ctx context.Context, id int64, by string) error {
	return c.decide(ctx, id, Decision{Decision: decisionRetry, DecidedBy: by}, func(tx pgx.Tx) error {
		_, err := c.river.JobRetryTx(ctx, tx, id)
		return err
	})
}

// Discard gives a failed job up: its effect will not come. Who decides it, and
// why, is kept, with the job's arguments and its last failure.
func (c *Client) Discard(ctx context.Context, id int64, by, reason string) error {
	reason = strings.TrimSpace(reason)
	if reason == "" {
		return ErrNoReason
	}
	return c.decide(ctx, id, Decision{Decision: decisionDiscard, DecidedBy: by, Reason: reason}, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "DELETE FROM jobs.river_job WHERE id = $1", id)
		return err
	})
}

func (c *Client) decide(ctx context.Context, id int64, d Decision, carryOut func(pgx.Tx) error) error {
	err := pgx.BeginFunc(ctx, c.config.Pool, func(tx pgx.Tx) error {
		job, err := get(ctx, tx, id, "FOR UPDATE")
		if err != nil {
			return err
		}
		if job.State != StateFailed {
			return ErrNotFailed
		}
		if n := len(job.Failures); n > 0 {
			d.Failure = job.Failures[n-1].Error
		}
		_, err = tx.Exec(ctx, `
			INSERT INTO jobs.decisions (job_id, key, kind, args, attempts, failure, decision, reason, decided_by)
			SELECT id, (metadata ->> 'key')::uuid, kind, args, attempt, $2, $3, $4, $5 FROM jobs.river_job WHERE id = $1`,
			id, d.Failure, d.Decision, d.Reason, d.DecidedBy)
		if err != nil {
			return err
		}
		return carryOut(tx)
	})
	if err != nil {
		return fmt.Errorf("%s job %d: %w", d.Decision, id, err)
	}
	return nil
}

// Decisions lists what was decided lately, the latest first.
func (c *Client) Decisions(ctx context.Context, limit int) ([]Decision, error) {
	setDefault(&limit, 100)
	rows, err := c.config.Pool.Query(ctx, `
		SELECT job_id, kind, coalesce(failure, ''), decision, reason, decided_by, decided_at
		FROM jobs.decisions ORDER BY id DESC LIMIT $1`, limit)
	if err != nil {
		return nil, fmt.Errorf("list decisions: %w", err)
	}
	decisions, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Decision])
	if err != nil {
		return nil, fmt.Errorf("list decisions: %w", err)
	}
	return decisions, nil
}
