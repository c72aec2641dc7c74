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

// AllDestroyed calls a function for each subject whose key was ever destroyed, the
// oldest first.
func (k *Keyring) AllDestroyed(ctx context.Context, found func(Destroyed)) error {
	all, err := k.DestroyedSince(ctx, time.Time{})
	for _, d := range all {
		found(d)
	}
	return err
}

// Destroyed returns those among subjects whose keys are destroyed.
func (k *Keyring) Destroyed(ctx context.Context, subjects []string) (map[string]bool, error) {
	rows, err := k.pool.Query(ctx,
		"SELECT subject FROM subject_keys WHERE subject = ANY($1) AND destroyed_at IS NOT NULL", subjects)
	if err != nil {
		return nil, fmt.Errorf("look for destroyed keys: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("look for destroyed keys: %w", err)
	}
	destroyed := make(map[string]bool, len(found))
	for _, subject := range found {
		destroyed[subject] = true
	}
	return destroyed, nil
}

// Living returns those among subjects that have a key, in the order of their ids.
func (k *Keyring) Living(ctx context.Context, subjects []string) ([]string, error) {
	rows, err := k.pool.Query(ctx,
		"SELECT subject FROM subject_keys WHERE subject = ANY($1) AND destroyed_at IS NULL ORDER BY subject", subjects)
	if err != nil {
		return nil, fmt.Errorf("look for keys: %w", err)
	}
	living, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("look for keys: %w", err)
	}
	return living, nil
}
