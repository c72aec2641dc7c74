package idempotency

import (
	"context"
	"fmt"
	"log/slog"
	"time"
)

const (
	sweepEvery = 10 * time.Minute
	// sweepBatch bounds how many rows one statement deletes, so that none holds
	// its locks for long.
	sweepBatch = 1000
)

// Sweep deletes expired requests, and returns how many.
func (s *Store) Sweep(ctx context.Context) (int64, error) {
	var all int64
	for {
		tag, err := s.pool.Exec(ctx, `
			DELETE FROM idempotency.requests WHERE scope IN (
				SELECT scope FROM idempotency.requests WHERE expires_at <= now()
				LIMIT $1 FOR UPDATE SKIP LOCKED)`, sweepBatch)
		if err != nil {
			return all, fmt.Errorf("delete expired requests: %w", err)
		}
		all += tag.RowsAffected()
		if tag.RowsAffected() < sweepBatch {
			return all, nil
		}
	}
}

// Run sweeps now and then until ctx ends.
func (s *Store) Run(ctx context.Context, logger *slog.Logger) {
	ticker := time.NewTicker(sweepEvery)
	defer ticker.Stop()
	for {
		switch n, err := s.Sweep(ctx); {
		case err != nil && ctx.Err() == nil:
			logger.WarnContext(ctx, "expired idempotency keys were not deleted", "error", err)
		case n > 0:
			logger.DebugContext(ctx, "deleted expired idempotency keys", "count", n)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}
