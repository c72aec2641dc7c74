package projections

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
)

// Erasure says that the key of a subject was destroyed, and when.
type Erasure struct {
	Subject string
	At      time.Time
}

const (
	// eraseInterval is how often destroyed keys are asked for, beside when
	// CheckErasures says so.
	eraseInterval = 10 * time.Second
	// eraseOverlap is how long the destruction of a key may take until it shows.
	eraseOverlap = 5 * time.Minute
	// eraseAgain is how long a process may have a destroyed key in memory, or an
	// event that was decoded with it.
	eraseAgain = 75 * time.Second
	// eraseAtOnce is how many subjects are cleared together.
	eraseAtOnce = 500
)

// CheckErasures has Run look for destroyed keys at once. It does not wait.
func (e *Engine) CheckErasures() {
	select {
	case e.erasures <- struct{}{}:
	default: // It is about to look.
	}
}

// eraseOnAndOn clears the personal columns of subjects whose key is destroyed,
// until ctx ends.
func (e *Engine) eraseOnAndOn(ctx context.Context) {
	if e.config.Erased == nil {
		return
	}
	pauses := newPauses(eraseInterval)
	for ctx.Err() == nil {
		wait := eraseInterval
		if err := e.eraseDue(ctx); err != nil && ctx.Err() == nil {
			pauses.lengthen()
			wait = pauses.next
			e.config.Logger.ErrorContext(ctx, "personal columns cannot be cleared", slog.String("reason", describe(err)))
		} else {
			pauses.reset()
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-e.erasures:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// eraseDue clears what has to be cleared for the first or the second time.
func (e *Engine) eraseDue(ctx context.Context) error {
	for ctx.Err() == nil {
		due, err := e.dueErasures(ctx)
		if err != nil || len(due) == 0 {
			return err
		}
		subjects := make([]string, len(due))
		destroyed := make([]time.Time, len(due))
		for i, d := range due {
			subjects[i], destroyed[i] = d.Subject, d.At
		}
		if err := e.Erase(ctx, subjects...); err != nil {
			return err
		}
		_, err = e.config.Pool.Exec(ctx, `
			INSERT INTO projection.erasures (subject, destroyed_at) SELECT * FROM unnest($1::text[], $2::timestamptz[])
			ON CONFLICT (subject) DO UPDATE SET again = erasures.cleared_at < clock_timestamp() - $3::interval`,
			subjects, destroyed, eraseAgain)
		if err != nil {
			return fmt.Errorf("note erasures: %w", err)
		}
	}
	return ctx.Err()
}

func (e *Engine) dueErasures(ctx context.Context) (due []Erasure, err error) {
	var newest time.Time
	err = e.config.Pool.QueryRow(ctx, "SELECT coalesce(max(destroyed_at), '0001-01-01T00:00:00Z') FROM projection.erasures").Scan(&newest)
	if err != nil {
		return nil, fmt.Errorf("read erasures: %w", err)
	}
	if !newest.IsZero() {
		newest = newest.Add(-eraseOverlap)
	}
	recent, err := e.config.Erased(ctx, newest)
	if err != nil {
		return nil, fmt.Errorf("ask for destroyed keys: %w", err)
	}
	subjects := make([]string, len(recent))
	destroyed := make([]time.Time, len(recent))
	for i, r := range recent {
		subjects[i], destroyed[i] = r.Subject, r.At
	}
	rows, err := e.config.Pool.Query(ctx, `
		SELECT subject, at FROM unnest($1::text[], $2::timestamptz[]) r (subject, at)
		WHERE NOT EXISTS (SELECT FROM projection.erasures e WHERE e.subject = r.subject)
		UNION ALL
		SELECT subject, destroyed_at FROM projection.erasures WHERE NOT again AND cleared_at < clock_timestamp() - $3::interval
		LIMIT $4`, subjects, destroyed, eraseAgain, eraseAtOnce)
	if err == nil {
		due, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Erasure])
	}
	if err != nil {
		return nil, fmt.Errorf("read erasures: %w", err)
	}
	return due, nil
}

// Erase clears the personal columns of subjects in all generations: those that
// are live, being built and retired, of all versions. The key of each subject
// must have been destroyed before. What a projector has in memory is read again,
// and then without the key. A retired generation that does not say which of its
// columns are personal is dropped. It can be repeated.
func (e *Engine) Erase(ctx context.Context, subjects ...string) error {
	all, err := generations(ctx, e.config.Pool, "ORDER BY id")
	if err != nil {
		return err
	}
	for _, g := range all {
		if err := e.eraseIn(ctx, g.ID, subjects); err != nil {
			return fmt.Errorf("erase in generation %d of projection %s: %w", g.ID, g.Projection, err)
		}
	}
	return nil
}

func (e *Engine) eraseIn(ctx context.Context, id int64, subjects []string) error {
	return pgx.BeginFunc(ctx, e.config.Pool, func(tx pgx.Tx) error {
		var declared *[]Personal
		err := tx.QueryRow(ctx, "SELECT personal FROM projection.generations WHERE id = $1 FOR UPDATE", id).Scan(&declared)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil // It was dropped.
		}
		if err != nil {
			return err
		}
		g, err := generation(ctx, tx, "WHERE id = $1", id)
		if err != nil {
			return err
		}
		d, known := e.definitions[g.Projection]
		switch {
		case known && (declared == nil && g.State != Retired || g.builtFor(d)):
			declared = &d.Personal
		case declared == nil && g.State == Retired:
			return dropIn(ctx, tx, g)
		}
		if declared == nil || len(*declared) == 0 {
			return nil
		}
		for _, p := range *declared {
			if err := p.clear(ctx, tx, g.Schema(), subjects); err != nil {
				return err
			}
		}
		_, err = tx.Exec(ctx, "UPDATE projection.generations SET epoch = epoch + 1 WHERE id = $1", id)
		return err
	})
}

// PersonalTables returns the tables of all generations in which Erase clears
// columns, as SQL.
func (e *Engine) PersonalTables(ctx context.Context) ([]string, error) {
	all, err := generations(ctx, e.config.Pool, "ORDER BY id")
	if err != nil {
		return nil, err
	}
	var tables []string
	for _, g := range all {
		for _, p := range e.definitions[g.Projection].Personal {
			name := pgx.Identifier{g.Schema(), p.Table}.Sanitize()
			var there bool
			if err := e.config.Pool.QueryRow(ctx, "SELECT to_regclass($1) IS NOT NULL", name).Scan(&there); err != nil {
				return nil, fmt.Errorf("look for the tables of projection %s: %w", g.Projection, err)
			}
			if there && !slices.Contains(tables, name) {
				tables = append(tables, name)
			}
		}
	}
	return tables, nil
}
