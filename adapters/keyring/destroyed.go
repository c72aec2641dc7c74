package keyring

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Destroyed is a subject whose key was destroyed.
type Destroyed struct {
	Subject string
	At      time.Time
}

// DestroyedSince lists the subjects whose keys were destroyed at or after a
// time, the oldest first. One of that time may still be missing while the
// transaction that destroys its key is under way.
func (k *Keyring) DestroyedSince(ctx context.Context, since time.Time) ([]Destroyed, error) {
	rows, err := k.pool.Query(ctx,
		"SELECT subject, destroyed_at FROM subject_keys WHERE destroyed_at >= $1 ORDER BY destroyed_at, subject", since)
	if err != nil {
		return nil, fmt.Errorf("list destroyed keys: %w", err)
	}
	destroyed, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Destroyed])
	if err != nil {
		return nil, fmt.Errorf("list destroyed keys: %w", err)
	}
	return destroyed, nil
}
