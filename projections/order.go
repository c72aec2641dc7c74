package projections

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
)

// Order is what an operator asked of a generation, and what became of that. It is
// stored with the generation, so that another process can go on with it.
type Order struct {
	// Act is the id of the operator's act, which Config.Ended is told of.
	Act string `json:"act,omitempty"`
	// Server says that servers carry it out. Otherwise the program that gave it does.
	Server bool `json:"server,omitempty"`
	// Throttle is as in RebuildOptions.
	Throttle int `json:"throttle,omitempty"`
	// Confirm has the generation wait for Confirm once it has caught up; Ready says
	// that it does.
	Confirm bool `json:"confirm,omitempty"`
	Ready   bool `json:"ready,omitempty"`
	// Pin keeps servers from building another generation in its place.
	Pin bool `json:"pin,omitempty"`
	// Cancelled says that it is given up, Failure why it could not be carried out.
	Cancelled bool   `json:"cancelled,omitempty"`
	Failure   string `json:"failure,omitempty"`
	// Told says that Config.Ended was told.
	Told bool `json:"told,omitempty"`
	// Since is when this run of the build began, and From the events that the
	// generation had taken in by then.
	Since time.Time `json:"since,omitzero"`
	From  int64     `json:"from,omitempty"`
}

var (
	// ErrNotBuilding says that no generation of the projection is being built.
	ErrNotBuilding = errors.New("no generation of the projection is being built")
	// ErrNotReady says that a generation has not caught up, and cannot be compared or
	// confirmed yet.
	ErrNotReady = errors.New("the new generation does not wait for a confirmation")
	// ErrCancelled says that an operator has cancelled the build.
	ErrCancelled = errors.New("the build was cancelled")
	// ErrLagging says that the live tables do not reach the position of a new
	// generation, and cannot be compared with it.
	ErrLagging = errors.New("the live tables are behind the new generation")
)

// amend changes fields of the order of a generation that is in a state. It tells
// whether there is one.
func amend(ctx context.Context, db execer, id int64, state GenerationState, changes Order) (bool, error) {
	text, err := json.Marshal(changes)
	if err != nil {
		return false, err
	}
	tag, err := db.Exec(ctx, `UPDATE projection.generations SET requested = coalesce(requested, '{}') || $3::jsonb
		WHERE id = $1 AND state = $2`, id, string(state), string(text))
	if err != nil {
		return false, fmt.Errorf("note what was asked of generation %d: %w", id, err)
	}
	return tag.RowsAffected() > 0, nil
}

// buildingGeneration returns the generation of a projection that is being built.
func buildingGeneration(ctx context.Context, db querier, projection string) (Generation, error) {
	g, err := generation(ctx, db, "WHERE projection = $1 AND state = 'building'", projection)
	if errors.Is(err, errNoGeneration) {
		err = ErrNotBuilding
	}
	return g, err
}

// Built returns the generation of a projection that is being built, or waits for a
// confirmation, by whatever process. The error wraps ErrNotBuilding if there is none.
func (e *Engine) Built(ctx context.Context, projection string) (Generation, error) {
	if _, err := e.definition(projection); err != nil {
		return Generation{}, err
	}
	return buildingGeneration(ctx, e.config.Pool, projection)
}

// waits tells whether servers are to go on with the generation.
func (g Generation) waits() bool {
	o := g.Order
	return o != nil && g.State == Building && o.Server && !o.Ready && !o.Cancelled && o.Failure == ""
}

// OrderRebuild asks servers to rebuild projections, in one pass over the log where
// they can. It returns the new generations; Built tells how far they are. The error
// wraps ErrBuilding when one of them is being built already; then nothing is asked.
func (e *Engine) OrderRebuild(ctx context.Context, projections []string, o RebuildOptions) ([]Generation, error) {
	names, err := e.known(projections)
	if err != nil {
		return nil, err
	}
	order := o.order()
	order.Server = true
	var ordered []Generation
	err = e.buildingAll(ctx, names, operatorPatience, func() error {
		for _, name := range names {
			live, err := ensureLive(ctx, e.config.Pool, e.definitions[name])
			if err != nil {
				return err
			}
			at, err := buildingGeneration(ctx, e.config.Pool, name)
			if err == nil && (at.waits() || live.LogWentBackAt.IsZero() && !live.builtFor(e.definitions[name]) && !live.Pinned) {
				err = fmt.Errorf("projection %s: %w", name, ErrBuilding)
			}
			if err != nil && !errors.Is(err, ErrNotBuilding) {
				return err
			}
		}
		for _, name := range names {
			g, err := e.generationFor(ctx, e.definitions[name], afresh, &order)
			if err != nil {
				return err
			}
			ordered = append(ordered, g)
		}
		return nil
	})
	return ordered, err
}

// OrderConfirm has servers put a generation that waits for a confirmation in the
// place of the live one. The error wraps ErrNotReady if none does.
func (e *Engine) OrderConfirm(ctx context.Context, projection string) (Generation, error) {
	var g Generation
	err := e.onReady(ctx, projection, func(ready Generation) error {
		o := *ready.Order
		o.Server, o.Ready, o.Confirm = true, false, false
		var err error
		g, err = e.reorder(ctx, ready, o)
		return err
	})
	return g, err
}

// reorder replaces the order of a generation that is being built.
func (e *Engine) reorder(ctx context.Context, g Generation, o Order) (Generation, error) {
	text, err := json.Marshal(o)
	if err != nil {
		return g, err
	}
	_, err = e.config.Pool.Exec(ctx, `UPDATE projection.generations SET requested = $2::jsonb, epoch = epoch + 1
		WHERE id = $1 AND state = 'building'`, g.ID, string(text))
	if err != nil {
		return g, fmt.Errorf("note what was asked of generation %d: %w", g.ID, err)
	}
	return generation(ctx, e.config.Pool, "WHERE id = $1", g.ID)
}

// onReady does something, under the build lock, with a generation that waits for a
// confirmation.
func (e *Engine) onReady(ctx context.Context, projection string, work func(Generation) error) error {
	if _, err := e.definition(projection); err != nil {
		return err
	}
	return e.building(ctx, projection, operatorPatience, func() error {
		g, err := buildingGeneration(ctx, e.config.Pool, projection)
		if err != nil {
			return err
		}
		if g.Order == nil || !g.Order.Ready {
			return ErrNotReady
		}
		return work(g)
	})
}

// Confirm puts a generation that waits for it in the place of the live one, once it
// has caught up with what came since. progress is as for Rebuild.
func (e *Engine) Confirm(ctx context.Context, projection string, progress func(BuildProgress)) error {
	return e.onReady(ctx, projection, func(g Generation) error {
		d, ok := e.definitions[projection].reducing(g)
		if !ok {
			return ErrNoReducers
		}
		o := *g.Order
		o.Ready, o.Confirm = false, false
		g, err := e.reorder(ctx, g, o)
		if err != nil {
			return err
		}
		return e.buildGeneration(ctx, d, g, e.pace(o.Throttle), progress)
	})
}

// cancelPatience is how long Cancel waits for the process that builds to notice.
const cancelPatience = 30 * time.Second

// Cancel gives up the generation of a projection that is being built or waits for a
// confirmation, and drops it. It waits until the process that builds it has noticed.
// The error wraps ErrNotBuilding if there is none.
func (e *Engine) Cancel(ctx context.Context, projection string) (Generation, error) {
	if _, err := e.definition(projection); err != nil {
		return Generation{}, err
	}
	var g Generation
	err := pgx.BeginFunc(ctx, e.config.Pool, func(tx pgx.Tx) (err error) {
		if g, err = buildingGeneration(ctx, tx, projection); err != nil {
			return err
		}
		found, err := amend(ctx, tx, g.ID, Building, Order{Cancelled: true})
		if err == nil && !found {
			err = ErrNotBuilding
		}
		if err == nil {
			_, err = tx.Exec(ctx, "UPDATE projection.generations SET epoch = epoch + 1 WHERE id = $1", g.ID)
		}
		return err
	})
	if err != nil {
		return g, fmt.Errorf("cancel the build of projection %s: %w", projection, err)
	}
	err = e.building(ctx, projection, cancelPatience, func() error {
		err := dropGeneration(ctx, e.config.Pool, g.ID, false)
		if errors.Is(err, errNoGeneration) {
			err = nil // The process that built it has dropped it.
		}
		return err
	})
	return g, err
}

// carryOut goes on with a generation that an operator ordered. One that cannot be
// built is kept, with the reason, until it is cancelled or ordered anew.
func (r *runner) carryOut(ctx context.Context, ordered Generation) error {
	d, ok := r.definition.reducing(ordered)
	if !ok {
		return errNothingToDo // A program that has the reducers will.
	}
	r.log.InfoContext(ctx, "an operator's order is carried out: building a generation",
		slog.String("projection", ordered.Projection), slog.Int64("generation", ordered.ID))
	return r.engine.building(ctx, ordered.Projection, 0, func() error {
		g, err := generation(ctx, r.engine.config.Pool, "WHERE id = $1", ordered.ID)
		if err != nil || !g.waits() {
			return errors.Join(errReplaced, err)
		}
		if g, err = r.engine.takeUp(ctx, g); err != nil {
			return err
		}
		err = r.engine.buildGeneration(ctx, d, g, r.engine.pace(g.Order.Throttle), func(BuildProgress) {})
		switch {
		case err == nil && g.Order.Pin:
			return r.engine.pin(ctx, g)
		case err == nil, errors.Is(err, ErrCancelled):
			return nil
		case ctx.Err() != nil || transient(err):
			return err
		}
		_, noted := amend(ctx, r.engine.config.Pool, g.ID, Building, Order{Failure: describe(err)})
		r.tell(ctx, g, describe(err))
		return errors.Join(err, noted)
	})
}

// tell tells how an order ended, once. What could not be told is told later.
func (r *runner) tell(ctx context.Context, g Generation, failure string) {
	if g.Order == nil || !g.Order.Server || g.Order.Told || g.Order.Act == "" || r.engine.config.Ended == nil {
		return
	}
	err := r.engine.config.Ended(ctx, g.Order.Act, failure)
	if err == nil {
		state := g.State
		if failure != "" {
			state = Building
		}
		_, err = amend(ctx, r.engine.config.Pool, g.ID, state, Order{Told: true})
	}
	if err != nil && ctx.Err() == nil {
		r.log.WarnContext(ctx, "the end of an operator's order is told later",
			slog.String("projection", g.Projection), slog.String("reason", describe(err)))
	}
}

// Build is a generation that is being built, as any process sees it.
type Build struct {
	Generation

	// Progress is how far it has got. Its phase tells reading from draining by the
	// position alone.
	Progress BuildProgress
}

// Builds tells how far the generations are that are being built or wait for a
// confirmation, by whatever process, in the order of their projections' names.
func (e *Engine) Builds(ctx context.Context) ([]Build, error) {
	found, err := generations(ctx, e.config.Pool, "WHERE state = 'building' ORDER BY projection")
	if err != nil || len(found) == 0 {
		return nil, err
	}
	head := e.readHead(ctx)
	builds := make([]Build, len(found))
	for i, g := range found {
		p := BuildProgress{
			Projection: g.Projection, Version: g.Version, Generation: g.ID, Phase: PhaseReading,
			Position: g.Position, Head: head, Events: g.Events, Failure: g.Failure,
		}
		if g.indexed {
			p.Phase = PhaseDraining
		}
		if o := g.Order; o != nil {
			if o.Ready {
				p.Phase = PhaseReady
			}
			if o.Failure != "" {
				p.Failure = o.Failure
			}
			if seconds := g.AdvancedAt.Sub(o.Since).Seconds(); !o.Since.IsZero() && seconds > 0 && !o.Ready {
				p.EventsPerSecond = float64(g.Events-o.From) / seconds
			}
		}
		if left := float64(head.Commit) - float64(g.Position.Commit); p.Phase == PhaseReading && left > 0 && p.EventsPerSecond > 0 && g.Position.Commit > 0 {
			perEvent := float64(g.Position.Commit) / float64(g.Events)
			p.Remaining = time.Duration(left / perEvent / p.EventsPerSecond * float64(time.Second)).Round(time.Second)
		}
		builds[i] = Build{g, p}
	}
	return builds, nil
}

// Done is which part of the log is taken in, from 0 to 1.
func (p BuildProgress) Done() float64 {
	if p.Head.Commit == 0 || p.Position.Compare(p.Head) >= 0 {
		return 1
	}
	return float64(p.Position.Commit) / float64(p.Head.Commit)
}
