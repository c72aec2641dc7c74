package projections

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// ErrLessComplete says that a new generation could not take in more events than
// the live one, which therefore stays.
var ErrLessComplete = errors.New("the new generation has parked more events than the live one")

// swapLockTimeout bounds how long the live projector can be made to wait.
const swapLockTimeout = time.Second

// swap makes a generation the live one, if it has got as far. The rows' locks
// keep both projectors from advancing meanwhile; readers are not held up, and
// each of their statements sees the one or the other generation.
func swap(ctx context.Context, pool *pgxpool.Pool, id int64) (swapped bool, err error) {
	err = pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		next, err := generation(ctx, tx, "WHERE id = $1", id)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, "SELECT set_config('lock_timeout', $1, true)", fmt.Sprint(swapLockTimeout.Milliseconds()))
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `SELECT FROM projection.generations
			WHERE projection = $1 AND state IN ('live', 'building') ORDER BY id FOR UPDATE`, next.Projection)
		if err != nil {
			return err
		}
		live, err := liveGeneration(ctx, tx, next.Projection)
		if err != nil {
			return err
		}
		if next, err = generation(ctx, tx, "WHERE id = $1", id); err != nil {
			return err
		}
		switch {
		case next.State != Building:
			return errFenced
		case next.Position.Compare(live.Position) < 0:
			return nil
		case next.Parked > live.Parked:
			return fmt.Errorf("%w: %d, and %d", ErrLessComplete, next.Parked, live.Parked)
		}
		swapped = true
		return exchange(ctx, tx, live, next)
	})
	if err != nil {
		return false, fmt.Errorf("swap generations: %w", err)
	}
	return swapped, nil
}

func exchange(ctx context.Context, tx pgx.Tx, live, next Generation) error {
	former := live
	former.State = Retired
	for _, rename := range [][2]string{{live.Schema(), former.Schema()}, {next.Schema(), live.Schema()}} {
		_, err := tx.Exec(ctx, fmt.Sprintf("ALTER SCHEMA %s RENAME TO %s",
			pgx.Identifier{rename[0]}.Sanitize(), pgx.Identifier{rename[1]}.Sanitize()))
		if err != nil {
			return err
		}
	}
	if _, err := tx.Exec(ctx, `UPDATE projection.generations
		SET state = 'retired', retired_at = now(), caught_up = false, failure = NULL, failing_since = NULL
		WHERE id = $1`, live.ID); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, "UPDATE projection.generations SET state = 'live', live_at = now() WHERE id = $1", next.ID)
	return err
}
