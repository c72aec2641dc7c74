package projections

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// ErrLessComplete says that a new generation could not take in events that the
// live one has taken in, which therefore stays.
var ErrLessComplete = errors.New("the new generation has parked events that the live one has taken in")

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
		case next.State != Building || !next.LogWentBackAt.IsZero():
			return errFenced
		case !live.LogWentBackAt.IsZero(): // Anything is better.
		case next.Position.Compare(live.Position) < 0:
			return nil
		default:
			if err := compareParked(ctx, tx, live, next); err != nil {
				return err
			}
		}
		swapped = true
		return exchange(ctx, tx, live, next)
	})
	if err != nil {
		return false, fmt.Errorf("swap generations: %w", err)
	}
	return swapped, nil
}

// compareParked refuses a generation that could not take in what the live one
// did. Events of types that the live one leaves alone do not count, nor do those
// that only wait behind them: they are parked, and for an operator to see.
func compareParked(ctx context.Context, tx pgx.Tx, live, next Generation) error {
	var lacking int
	err := tx.QueryRow(ctx, `
		SELECT count(*) FROM projection.parked n, projection.generations g
		WHERE n.generation_id = $1 AND g.id = $2 AND n.failure IS NOT NULL
		AND (g.event_types IS NULL OR n.event_type = '' OR n.event_type = ANY (g.event_types))
		AND NOT EXISTS (SELECT FROM projection.parked l WHERE l.generation_id = g.id AND l.event_id = n.event_id)
		AND NOT EXISTS (SELECT FROM projection.decisions d
			WHERE d.decision = 'skip' AND d.projection = g.projection AND d.version = g.version AND d.event_id = n.event_id)`,
		next.ID, live.ID).Scan(&lacking)
	if err != nil {
		return err
	}
	if lacking > 0 {
		return fmt.Errorf("%w: %d", ErrLessComplete, lacking)
	}
	return nil
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
		SET state = 'retired', retired_at = now(), caught_up = false, pinned = false, failure = NULL, failing_since = NULL
		WHERE id = $1`, live.ID); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `UPDATE projection.generations SET state = 'live', live_at = now(),
		pinned = coalesce((requested ->> 'pin')::boolean, false) WHERE id = $1`, next.ID)
	return err
}
