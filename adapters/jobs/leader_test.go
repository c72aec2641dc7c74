package jobs_test

import (
	"context"
	"testing"

	"github.com/google/uuid"

	"github.com/perfectworks/backend/adapters/postgres/heartbeat"
)

// The leader of the periodic jobs died, and the clock of the database went back: its
// term ends in an hour. Another process leads as soon as it sees that the leader does
// not beat. One that beats is left alone.
func TestADeadLeaderIsReplaced(t *testing.T) {
	t.Parallel()
	for name, beats := range map[string]bool{"it died": false, "it lives": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := newPool(t)
			former := uuid.New()
			if beats {
				heart, err := heartbeat.Start(t.Context(), pool, heartbeat.Options{ID: former})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(heart.Stop)
			}
			if _, err := pool.Exec(t.Context(), `INSERT INTO jobs.river_leader (leader_id, elected_at, expires_at)
				VALUES ($1, now() + interval '59 minutes', now() + interval '1 hour')`, former.String()); err != nil {
				t.Fatal(err)
			}
			successor := start(t, pool, setup{})
			leader := func() (id string) {
				if err := pool.QueryRow(context.Background(), "SELECT coalesce(max(leader_id), '') FROM jobs.river_leader").Scan(&id); err != nil {
					t.Fatal(err)
				}
				return id
			}
			if !beats {
				eventually(t, "another process leads", func() bool { return leader() == successor.id.String() })
				return
			}
			// It has looked at all processes once it has taken a job from a dead one.
			if _, err := pool.Exec(t.Context(), `INSERT INTO jobs.river_job (kind, args, max_attempts, state, attempt, attempted_by, attempted_at)
				VALUES ('noted', '{}', 9, 'running', 1, ARRAY[gen_random_uuid()::text], now())`); err != nil {
				t.Fatal(err)
			}
			eventually(t, "the job of a dead process is worked", func() bool {
				var n int
				err := pool.QueryRow(context.Background(), "SELECT count(*) FROM jobs.river_job WHERE state = 'completed'").Scan(&n)
				return err == nil && n == 1
			})
			if got := leader(); got != former.String() {
				t.Errorf("a living leader was replaced by %q", got)
			}
		})
	}
}
