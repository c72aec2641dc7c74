package idempotency

import (
	"context"
	"fmt"
)

// sweepBatch bounds how many rows one statement deletes, so that none holds its
// locks for long.
const sweepBatch = 1000

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
