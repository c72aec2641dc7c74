package app

import (
	"context"
	"log/slog"
	"time"

	"github.com/perfectworks/backend/adapters/httpapi/idempotency"
	"github.com/perfectworks/backend/adapters/jobs"
)

// periodic is the work that is due by the clock. Each asks what is due and does
// all of it.
func (c *core) periodic(logger *slog.Logger) []jobs.Periodic {
	answers := idempotency.NewStore(c.db.pool, c.keys, c.heart.ID())
	return []jobs.Periodic{
		{
			Name: "sweep-idempotent-requests", Every: 10 * time.Minute, Timeout: 5 * time.Minute,
			Work: func(ctx context.Context, _ time.Time) error {
				n, err := answers.Sweep(ctx)
				if n > 0 {
					logger.DebugContext(ctx, "expired idempotent requests were deleted", slog.Int64("requests", n))
				}
				return err
			},
		},
	}
}
