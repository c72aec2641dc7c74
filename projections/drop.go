package projections

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// ErrInUse says that a generation is live or being built, and cannot be dropped.
var ErrInUse = errors.New("the generation is in use")

// dropGeneration removes a generation's tables, checkpoint and parked events,
// unless it is live.
func dropGeneration(ctx context.Context, pool *pgxpool.Pool, id int64) error {
	return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT FROM projection.generations WHERE id = $1 FOR UPDATE", id); err != nil {
			return err
		}
		g, err := generation(ctx, tx, "WHERE id = $1", id)
		if err != nil {
			return fmt.Errorf("generation %d: %w", id, err)
		}
		if g.State == Live {
			return fmt.Errorf("generation %d: %w", id, ErrInUse)
		}
		_, err = tx.Exec(ctx, fmt.Sprintf("DROP SCHEMA IF EXISTS %s CASCADE", pgx.Identifier{g.Schema()}.Sanitize()))
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, "DELETE FROM projection.generations WHERE id = $1", id)
		return err
	})
}
