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

// Drop removes a generation that is neither live nor being built: its tables,
// its checkpoint and its parked events. The live one of a projection that the
// program no longer has can be dropped too.
func (e *Engine) Drop(ctx context.Context, id int64) error {
	g, err := generation(ctx, e.config.Pool, "WHERE id = $1", id)
	if err != nil {
		return fmt.Errorf("drop generation %d: %w", id, err)
	}
	_, inUse := e.definitions[g.Projection]
	return e.building(ctx, g.Projection, operatorPatience, func() error {
		return dropGeneration(ctx, e.config.Pool, id, !inUse)
	})
}

func dropGeneration(ctx context.Context, pool *pgxpool.Pool, id int64, alsoLive bool) error {
	return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT FROM projection.generations WHERE id = $1 FOR UPDATE", id); err != nil {
			return err
		}
		g, err := generation(ctx, tx, "WHERE id = $1", id)
		if err != nil {
			return fmt.Errorf("drop generation %d: %w", id, err)
		}
		if g.State == Live && !alsoLive {
			return fmt.Errorf("drop generation %d: %w", id, ErrInUse)
		}
		return dropIn(ctx, tx, g)
	})
}

func dropIn(ctx context.Context, tx pgx.Tx, g Generation) error {
	_, err := tx.Exec(ctx, fmt.Sprintf("DROP SCHEMA IF EXISTS %s CASCADE", pgx.Identifier{g.Schema()}.Sanitize()))
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, "DELETE FROM projection.generations WHERE id = $1", g.ID)
	return err
}
