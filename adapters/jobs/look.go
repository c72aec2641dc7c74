package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// ErrUnknownJob says that there is no job of this number: it may have completed
// and been deleted since.
var ErrUnknownJob = errors.New("there is no such job")

// Record is a job as operators see it.
type Record struct {
	ID          int64
	Key         uuid.UUID // zero when it has none
	Kind        string
	Queue       string
	State       State
	Attempt     int
	MaxAttempts int
	Args        json.RawMessage
	CreatedAt   time.Time
	// ScheduledAt is when it is or was due.
	ScheduledAt time.Time
	// EndedAt is zero for a job that has not ended.
	EndedAt time.Time
	// Process is the one that works it, or worked it last; zero for none.
	Process uuid.UUID
	// Failures are those of its attempts, the latest last.
	Failures []Failure
}

// Failure is why an attempt failed.
type Failure struct {
	Attempt int       `json:"attempt"`
	At      time.Time `json:"at"`
	Error   string    `json:"error"`
}

// Query says which jobs to list. Empty fields match all.
type Query struct {
	State State
	Kind  string
	// Before lists only jobs of lesser numbers, for further pages.
	Before int64
	// Limit is 100 when zero.
	Limit int
}

const recordColumns = `id, coalesce(metadata ->> 'key', ''), kind, queue, ` + stateOf + `,
	attempt, max_attempts, args, created_at, scheduled_at, finalized_at,
	coalesce(attempted_by[cardinality(attempted_by)], ''), to_jsonb(coalesce(errors, '{}'))`

// List lists jobs, the latest first.
func (c *Client) List(ctx context.Context, q Query) ([]Record, error) {
	setDefault(&q.Limit, 100)
	rows, err := c.config.Pool.Query(ctx, `SELECT `+recordColumns+` FROM jobs.river_job
		WHERE ($1 = '' OR `+stateOf+` = $1) AND ($2 = '' OR kind = $2) AND ($3 = 0 OR id < $3)
		ORDER BY id DESC LIMIT $4`, string(q.State), q.Kind, q.Before, q.Limit)
	if err != nil {
		return nil, fmt.Errorf("list jobs: %w", err)
	}
	records, err := pgx.CollectRows(rows, scanRecord)
	if err != nil {
		return nil, fmt.Errorf("list jobs: %w", err)
	}
	return records, nil
}

// Get finds a job; ErrUnknownJob if there is none.
func (c *Client) Get(ctx context.Context, id int64) (Record, error) {
	return get(ctx, c.config.Pool, id, "")
}

type queryer interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

func get(ctx context.Context, db queryer, id int64, lock string) (Record, error) {
	rows, err := db.Query(ctx, "SELECT "+recordColumns+" FROM jobs.river_job WHERE id = $1 "+lock, id)
	if err != nil {
		return Record{}, fmt.Errorf("read job %d: %w", id, err)
	}
	record, err := pgx.CollectExactlyOneRow(rows, scanRecord)
	if errors.Is(err, pgx.ErrNoRows) {
		return Record{}, fmt.Errorf("job %d: %w", id, ErrUnknownJob)
	}
	if err != nil {
		return Record{}, fmt.Errorf("read job %d: %w", id, err)
	}
	return record, nil
}

func scanRecord(row pgx.CollectableRow) (Record, error) {
	var r Record
	var key, process string
	var endedAt *time.Time
	var failures []byte
	err := row.Scan(&r.ID, &key, &r.Kind, &r.Queue, &r.State, &r.Attempt, &r.MaxAttempts, &r.Args,
		&r.CreatedAt, &r.ScheduledAt, &endedAt, &process, &failures)
	if err != nil {
		return Record{}, err
	}
	r.Key, _ = uuid.Parse(key)
	r.Process, _ = uuid.Parse(process)
	r.CreatedAt, r.ScheduledAt = r.CreatedAt.UTC(), r.ScheduledAt.UTC()
	if endedAt != nil {
		r.EndedAt = endedAt.UTC()
	}
	return r, json.Unmarshal(failures, &r.Failures)
}
