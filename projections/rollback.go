package projections

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/jackc/pgx/v5"
)

// ErrNotRetired says that a generation cannot be gone back to: it is not one of
// the projection's retired ones, or shows what the log no longer holds.
var ErrNotRetired = errors.New("there is no such retired generation to go back to")

// Rollback puts a retired generation back in the place of the live one, once it
// has caught up by its own reducers; id 0 is the one that was retired last. The
// error wraps ErrNoReducers when this program does not have them and something
// has happened since. No running server then builds another in its place, until
// somebody calls Rebuild. progress is as for Rebuild.
func (e *Engine) Rollback(ctx context.Context, projection string, id int64, progress func(BuildProgress)) error {
	definition, err := e.definition(projection)
	if err != nil {
		return err
	}
	err = e.building(ctx, projection, operatorPatience, func() error {
		g, err := e.retired(ctx, projection, id)
		if err != nil {
			return err
		}
		if err := e.dropBuilding(ctx, projection); err != nil {
			return err
		}
		if d, ok := definition.reducing(g); ok {
			err = e.catchUp(ctx, d, g, progress)
		} else {
			err = e.swapBack(ctx, g)
		}
		if err != nil {
			return err
		}
		return e.pin(ctx, g)
	})
	if err != nil {
		return fmt.Errorf("go back in projection %s: %w", projection, err)
	}
	return nil
}

// dropBuilding drops what an interrupted build has left.
func (e *Engine) dropBuilding(ctx context.Context, projection string) error {
	g, err := generation(ctx, e.config.Pool, "WHERE projection = $1 AND state = 'building'", projection)
	if errors.Is(err, errNoGeneration) {
		return nil
	}
	if err != nil {
		return err
	}
	return dropGeneration(ctx, e.config.Pool, g.ID, false)
}

// OrderRollback is Rollback by servers. It returns the generation that is to be live:
// Built tells how far it is. One that shows all already is live at once.
func (e *Engine) OrderRollback(ctx context.Context, projection string, id int64, act string) (g Generation, err error) {
	definition, err := e.definition(projection)
	if err != nil {
		return g, err
	}
	err = e.building(ctx, projection, operatorPatience, func() error {
		if g, err = e.retired(ctx, projection, id); err != nil {
			return err
		}
		at, err := buildingGeneration(ctx, e.config.Pool, projection)
		if err == nil && at.waits() {
			return ErrBuilding
		}
		if err != nil && !errors.Is(err, ErrNotBuilding) {
			return err
		}
		if err := e.dropBuilding(ctx, projection); err != nil {
			return err
		}
		if _, ok := definition.reducing(g); !ok {
			if err := e.swapBack(ctx, g); err != nil {
				return err
			}
			return e.pin(ctx, g)
		}
		if g, err = e.takeUp(ctx, g); err != nil {
			return err
		}
		g, err = e.reorder(ctx, g, Order{Act: act, Server: true, Pin: true, Throttle: Unthrottled})
		return err
	})
	if err != nil {
		return g, fmt.Errorf("go back in projection %s: %w", projection, err)
	}
	return g, nil
}

// retired returns a retired generation that can be gone back to; id 0 is the one that
// was retired last.
func (e *Engine) retired(ctx context.Context, projection string, id int64) (Generation, error) {
	g, err := generation(ctx, e.config.Pool, `WHERE projection = $1 AND state = 'retired' AND log_went_back_at IS NULL
		AND ($2 = 0 OR id = $2) ORDER BY retired_at DESC, id DESC LIMIT 1`, projection, id)
	if errors.Is(err, errNoGeneration) {
		err = ErrNotRetired
	}
	return g, err
}

func (e *Engine) catchUp(ctx context.Context, d Definition, g Generation, progress func(BuildProgress)) error {
	g, err := e.takeUp(ctx, g)
	if err == nil {
		g, err = e.reorder(ctx, g, Order{Pin: true}) // Not what it was made for.
	}
	if err != nil {
		return err
	}
	return e.buildGeneration(ctx, d, g, nil, progress)
}

// swapBack is for a generation without reducers, which may go back only if it
// shows everything.
func (e *Engine) swapBack(ctx context.Context, g Generation) error {
	taken, err := e.takeUp(ctx, g)
	if err != nil {
		return err
	}
	swapped, err := swap(ctx, e.config.Pool, taken.ID)
	if swapped {
		return nil
	}
	_, undo := e.config.Pool.Exec(ctx, `UPDATE projection.generations SET state = 'retired', retired_at = now()
		WHERE id = $1 AND state = 'building'`, g.ID)
	if err == nil {
		err = fmt.Errorf("generation %d of version %d: %w", g.ID, g.Version, ErrNoReducers)
	}
	return errors.Join(err, undo)
}

func (e *Engine) pin(ctx context.Context, g Generation) error {
	e.config.Logger.WarnContext(ctx, "an operator went back to an earlier generation",
		slog.String("projection", g.Projection), slog.Int64("generation", g.ID), slog.Int("version", g.Version))
	return pgx.BeginFunc(ctx, e.config.Pool, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "UPDATE projection.generations SET pinned = true WHERE id = $1 AND state = 'live'", g.ID)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `INSERT INTO projection.decisions (decision, projection, version, generation_id)
			VALUES ('rollback', $1, $2, $3)`, g.Projection, g.Version, g.ID)
		return err
	})
}
