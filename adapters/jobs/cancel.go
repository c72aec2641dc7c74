package jobs

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river/rivertype"
)

// Cancel ends the jobs of a key that have not ended: those that wait at once, those
// that are worked by interrupting them, within about a second.
func (c *Client) Cancel(ctx context.Context, key uuid.UUID) error {
	rows, err := c.config.Pool.Query(ctx, `SELECT id FROM jobs.river_job
		WHERE metadata @> jsonb_build_object('key', $1::text) AND finalized_at IS NULL`, key.String())
	var ids []int64
	if err == nil {
		ids, err = pgx.CollectRows(rows, pgx.RowTo[int64])
	}
	for _, id := range ids {
		if _, gone := c.river.JobCancel(ctx, id); gone != nil && !errors.Is(gone, rivertype.ErrNotFound) {
			err = errors.Join(err, gone)
		}
	}
	if err != nil {
		return fmt.Errorf("cancel a job: %w", err)
	}
	return nil
}

// State returns the state of the job of a key, of the one inserted last; it is empty
// when there is none.
func (c *Client) State(ctx context.Context, key uuid.UUID) (State, error) { return c.state(ctx, key) }
