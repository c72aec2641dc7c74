package projections

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
)

// retireInterval is how often retired generations are looked through.
const retireInterval = time.Minute

// dropRetiredOnAndOn drops generations that have been retired for long enough,
// until ctx ends.
func (e *Engine) dropRetiredOnAndOn(ctx context.Context) {
	for ctx.Err() == nil {
		if _, err := e.DropRetired(ctx, e.config.KeepRetired); err != nil && ctx.Err() == nil {
			e.config.Logger.WarnContext(ctx, "retired generations cannot be dropped", slog.String("reason", describe(err)))
		}
		_ = sleep(ctx, retireInterval) // The loop looks at ctx.
	}
}

// DropRetired drops all generations that were retired at least so long ago,
// except those of a projection of which another is being built at the moment. It
// returns how many were dropped.
func (e *Engine) DropRetired(ctx context.Context, age time.Duration) (dropped int, err error) {
	rows, err := e.config.Pool.Query(ctx, `SELECT id FROM projection.generations
		WHERE state = 'retired' AND retired_at <= now() - $1::interval
			OR state = 'scratch' AND created_at <= now() - least($1, $2)::interval ORDER BY id`, age, keepScratch)
	if err != nil {
		return 0, fmt.Errorf("look for retired generations: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return 0, fmt.Errorf("look for retired generations: %w", err)
	}
	for _, id := range ids {
		err := e.Drop(ctx, id)
		switch {
		case err == nil:
			dropped++
		case !errors.Is(err, ErrBuilding) && !errors.Is(err, ErrInUse) && !errors.Is(err, errNoGeneration):
			return dropped, err
		}
	}
	return dropped, nil
}
