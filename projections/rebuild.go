package projections

import (
	"context"
	"errors"
	"slices"
	"sync"
)

// RebuildOptions say how to rebuild.
type RebuildOptions struct {
	// Throttle bounds how many events a second each projection takes in; or it is
	// Unhurried, which is the zero value, or Unthrottled.
	Throttle int
	// Confirm has the new generations wait for Confirm or Cancel once they have
	// caught up: Diff tells what would change.
	Confirm bool
	// Resume goes on with generations whose build was interrupted. Otherwise they are
	// dropped.
	Resume bool
	// Act is the id of the operator's act that asked for it, if there is one.
	Act string
	// Progress is told how far each projection is, never twice at a time; it may be
	// nil.
	Progress func(BuildProgress)
}

func (o RebuildOptions) order() Order {
	return Order{Act: o.Act, Throttle: o.Throttle, Confirm: o.Confirm}
}

// Names lists the projections that the program has.
func (e *Engine) Names() []string {
	names := make([]string, len(e.config.Definitions))
	for i, d := range e.config.Definitions {
		names[i] = d.Name
	}
	return names
}

// known returns the names of projections, each once; all of them for none.
func (e *Engine) known(projections []string) ([]string, error) {
	if len(projections) == 0 {
		projections = e.Names()
	}
	var names []string
	for _, name := range projections {
		if _, err := e.definition(name); err != nil {
			return nil, err
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names, nil
}

// RebuildWith rebuilds projections as Rebuild does, all of them in one pass over the
// log; none means all that there are. Each takes its place as soon as it has caught
// up. One that fails does not keep the others from it; the error is then that of all
// that failed. When one of them is being built already, the error wraps ErrBuilding
// and nothing is done.
func (e *Engine) RebuildWith(ctx context.Context, projections []string, o RebuildOptions) error {
	names, err := e.known(projections)
	if err != nil {
		return err
	}
	if o.Progress == nil {
		o.Progress = func(BuildProgress) {}
	}
	var reporting sync.Mutex
	report := func(p BuildProgress) {
		reporting.Lock()
		defer reporting.Unlock()
		o.Progress(p)
	}
	for _, name := range names {
		if _, err := ensureLive(ctx, e.config.Pool, e.definitions[name]); err != nil {
			return err
		}
	}
	from, order, pace := afresh, o.order(), e.pace(o.Throttle)
	if o.Resume {
		from = resume
	}
	return e.buildingAll(ctx, names, operatorPatience, func() error {
		// All are made before the first begins, so that they begin together.
		made := make([]Generation, len(names))
		for i, name := range names {
			if err := e.verifyLive(ctx, name); err != nil {
				return err
			}
			if made[i], err = e.generationFor(ctx, e.definitions[name], from, &order); err != nil {
				return err
			}
		}
		errs := make([]error, len(names))
		var building sync.WaitGroup
		for i, g := range made {
			building.Go(func() { errs[i] = e.buildGeneration(ctx, e.definitions[g.Projection], g, pace, report) })
		}
		building.Wait()
		if ctx.Err() != nil {
			return context.Cause(ctx) // Once, and not for each.
		}
		return errors.Join(errs...)
	})
}
