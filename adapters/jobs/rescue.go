package jobs

import (
	"context"
	"log/slog"
	"time"
)

// rescue takes jobs from processes that do not beat any more, until ctx ends.
// Every worker does it: the killed one may have been the only other.
func (c *Client) rescue(ctx context.Context) {
	ticker := time.NewTicker(c.config.Rescue)
	defer ticker.Stop()
	for {
		n, err := c.rescueOnce(ctx)
		switch {
		case err != nil && ctx.Err() == nil:
			c.config.Logger.WarnContext(ctx, "jobs of dead processes cannot be looked for", slog.Any("error", err))
		case n > 0:
			c.metrics.rescued.Add(float64(n))
			c.config.Logger.WarnContext(ctx, "jobs were taken from processes that died", slog.Int64("jobs", n))
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// rescueOnce makes the jobs of dead processes available again, at once. The new
// fence keeps the process, should it only have hung, from ending the job. An
// attempt that ended its process counts like any other, so that a job that
// kills its workers fails in the end. A process that does not beat itself, after
// an outage of the database for example, does not judge others.
func (c *Client) rescueOnce(ctx context.Context) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	// The leader says by the clock until when it leads. That would bar others for as
	// long as the clock went back after it died.
	if _, err := c.config.Pool.Exec(ctx, `DELETE FROM jobs.river_leader
		WHERE process_alive($1) AND leader_id <> $1::text AND NOT EXISTS (
			SELECT FROM processes WHERE id::text = leader_id AND process_alive(id))`, c.config.Process); err != nil {
		return 0, err
	}
	tag, err := c.config.Pool.Exec(ctx, `
		WITH dead AS (
			SELECT id FROM jobs.river_job
			WHERE state = 'running' AND NOT process_alive(attempted_by[cardinality(attempted_by)]::uuid)
				AND process_alive($1)
			ORDER BY id LIMIT 1000 FOR UPDATE SKIP LOCKED
		)
		UPDATE jobs.river_job j SET
			state = CASE WHEN spent THEN 'discarded' ELSE 'available' END::jobs.river_job_state,
			finalized_at = CASE WHEN spent THEN now() END,
			scheduled_at = CASE WHEN spent THEN j.scheduled_at ELSE now() END,
			errors = array_append(j.errors, jsonb_build_object(
				'at', now(), 'attempt', j.attempt, 'error', 'the process that worked it died', 'trace', '')),
			metadata = j.metadata || jsonb_build_object('fence', nextval('jobs.fences'))
		FROM dead, LATERAL (SELECT j2.attempt >= j2.max_attempts AS spent FROM jobs.river_job j2 WHERE j2.id = dead.id) AS s
		WHERE j.id = dead.id AND j.state = 'running'`, c.config.Process)
	if err != nil {
		return 0, err
	}
	return tag.RowsAffected(), nil
}
