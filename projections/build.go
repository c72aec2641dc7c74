package projections

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/perfectworks/backend/domain/event"
)

// Phase is what a build is doing.
type Phase string

// The phases of a build, in their order.
const (
	PhaseReading  Phase = "reading the log"
	PhaseIndexing Phase = "making indexes"
	PhaseDraining Phase = "reaching the live generation"
	PhaseReady    Phase = "waiting for a confirmation"
	PhaseDone     Phase = "live"
)

// BuildProgress is how far the build of a generation has got.
type BuildProgress struct {
	Projection string
	Version    int
	Generation int64
	Phase      Phase
	// Position is on its way from the log's beginning to Head.
	Position, Head event.Position
	// Events is how many events the generation has taken in, EventsPerSecond
	// how fast this goes, over the whole run.
	Events          int64
	EventsPerSecond float64
	// Remaining is the time left at the present pace until Head; zero when
	// unknown.
	Remaining time.Duration
	// Failure is why it does not get on at the moment; empty if it does.
	Failure string
}

// beginning says where a build begins.
type beginning int

const (
	// afresh drops what an earlier build has left.
	afresh beginning = iota
	// resume goes on with a generation that was made for the same definition:
	// a build that was interrupted, or tables that were live before.
	resume
)

// reportInterval is how often progress is reported.
const reportInterval = 250 * time.Millisecond

var (
	errSwapped = errors.New("the new generation is live")
	errReady   = errors.New("the new generation waits for a confirmation")
	errAgain   = errors.New("the build goes on with a new subscription")
)

// Rebuild makes a new generation of a projection from the beginning of the log
// and puts it in the place of the live one, which is served and projected
// meanwhile, by this or any other process, and afterwards kept as retired.
// progress is called from another goroutine, never twice at a time, and not
// after Rebuild has returned. When ctx ends, the live generation stays.
func (e *Engine) Rebuild(ctx context.Context, projection string, progress func(BuildProgress)) error {
	return e.RebuildWith(ctx, []string{projection}, RebuildOptions{Throttle: Unthrottled, Progress: progress})
}

// build is one build of one generation.
type build struct {
	engine    *Engine
	projector *projector
	report    func(BuildProgress)
	pace      *pace
	// confirm has it wait once it has caught up.
	confirm bool

	mu       sync.Mutex
	progress BuildProgress
	began    time.Time
	from     event.Position
	had      int64 // events, at the beginning of this run
}

// build builds a generation, under the build lock.
func (e *Engine) build(ctx context.Context, d Definition, from beginning, pace *pace, report func(BuildProgress)) error {
	if err := e.verifyLive(ctx, d.Name); err != nil {
		return err
	}
	g, err := e.generationFor(ctx, d, from, nil)
	if err != nil {
		return err
	}
	return e.buildGeneration(ctx, d, g, pace, report)
}

// buildGeneration builds a generation further and puts it in the place of the
// live one.
func (e *Engine) buildGeneration(ctx context.Context, d Definition, g Generation, pace *pace, report func(BuildProgress)) error {
	if _, err := amend(ctx, e.config.Pool, g.ID, Building, Order{Since: time.Now().UTC(), From: g.Events}); err != nil {
		return err
	}
	b := &build{
		pace: pace, confirm: g.Order != nil && g.Order.Confirm,
		engine: e, projector: e.projector(d, g, e.metrics.tracker(d.Name)),
		report: report, began: time.Now(), from: g.Position, had: g.Events,
		progress: BuildProgress{
			Projection: d.Name, Version: g.Version, Generation: g.ID,
			Phase: PhaseReading, Position: g.Position, Events: g.Events,
		},
	}
	b.projector.observe = func(ctx context.Context, _ string, _ event.Recorded) (context.Context, func()) {
		return ctx, func() {}
	}
	b.projector.pace = pace
	return b.run(ctx)
}

// generationFor finds or makes the generation to build, for an order or nil.
func (e *Engine) generationFor(ctx context.Context, d Definition, from beginning, order *Order) (Generation, error) {
	// What is being built comes before what was live, the newest of that first.
	const others = "WHERE projection = $1 AND state IN ('building', 'retired') ORDER BY state, id DESC"
	found, err := generations(ctx, e.config.Pool, others, d.Name)
	if err != nil {
		return Generation{}, err
	}
	var fitting []Generation
	for _, g := range found {
		cancelled := g.Order != nil && g.Order.Cancelled
		// What was retired is no build that was interrupted: an operator's rebuild does
		// not go back to it.
		interrupted := g.State == Building || order == nil
		if from == resume && g.builtFor(d) && g.LogWentBackAt.IsZero() && !cancelled && interrupted {
			fitting = append(fitting, g)
		} else if g.State == Building {
			if err := dropGeneration(ctx, e.config.Pool, g.ID, false); err != nil {
				return Generation{}, err
			}
		}
	}
	if len(fitting) == 0 {
		return createGeneration(ctx, e.config.Pool, d, Building, order)
	}
	if order == nil {
		order = &Order{} // What it was made for once does not count.
	}
	g, err := e.takeUp(ctx, fitting[0])
	if err == nil {
		g, err = e.reorder(ctx, g, *order)
	}
	return g, err
}

// takeUp goes on with a generation where it stopped. Its schema keeps its name.
func (e *Engine) takeUp(ctx context.Context, g Generation) (Generation, error) {
	err := pgx.BeginFunc(ctx, e.config.Pool, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE projection.generations SET state = 'building', epoch = epoch + 1, retired_at = NULL
			WHERE id = $1`, g.ID)
		if err == nil {
			g, err = generation(ctx, tx, "WHERE id = $1", g.ID)
		}
		return err
	})
	if err != nil {
		return Generation{}, fmt.Errorf("take up generation %d: %w", g.ID, err)
	}
	return g, nil
}

// run subscribes until the generation has been swapped in. Each subscription
// ends when it has caught up and something else is due: the indexes, or an
// attempt to swap that came too early, for then only a new subscription is sure
// to reach a later position without a new event.
func (b *build) run(ctx context.Context) error {
	b.projector.committed = b.committed
	reporting, stop := context.WithCancel(ctx)
	reported := make(chan struct{})
	go func() {
		defer close(reported)
		b.reportOn(reporting)
	}()
	defer func() { stop(); <-reported }()
	for pauses := newPauses(longestPause); ; {
		err := b.engine.follow(ctx, b.projector, b.pace.options(b.engine.config.Rebuild))
		switch {
		case errors.Is(err, errSwapped), errors.Is(err, errReady):
			stop()
			<-reported
			b.finish(errors.Is(err, errSwapped))
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.Is(err, errFenced) && b.cancelled(ctx):
			return fmt.Errorf("projection %s: %w", b.progress.Projection, ErrCancelled)
		case errors.Is(err, errFenced) && b.goesOn(ctx):
		case transient(err):
			pauses.lengthen()
			b.projector.tracker.failed(describe(err))
			_ = pauses.wait(ctx) // follow looks at ctx.
		case !errors.Is(err, errAgain):
			return fmt.Errorf("build generation %d of projection %s: %w", b.progress.Generation, b.progress.Projection, err)
		}
	}
}

// goesOn tells whether a generation that another process has changed is still
// to be built: personal columns may have been cleared in it.
func (b *build) goesOn(ctx context.Context) bool {
	g, err := generation(ctx, b.engine.config.Pool, "WHERE id = $1", b.progress.Generation)
	return err == nil && g.State == Building && g.epoch != b.projector.generation.epoch
}

// cancelled tells whether an operator has given the generation up.
func (b *build) cancelled(ctx context.Context) bool {
	g, err := generation(ctx, b.engine.config.Pool, "WHERE id = $1", b.progress.Generation)
	return errors.Is(err, errNoGeneration) || err == nil && g.Order != nil && g.Order.Cancelled
}

// committed is called after each commit, by the one goroutine of the
// subscription.
func (b *build) committed(ctx context.Context, upTo event.Position, live bool) error {
	p := b.projector
	b.mu.Lock()
	b.progress.Position, b.progress.Events = upTo, p.generation.Events
	b.mu.Unlock()
	if !live {
		return nil
	}
	if !p.generation.indexed {
		return b.index(ctx)
	}
	if b.confirm {
		found, err := amend(ctx, p.pool, p.generation.ID, Building, Order{Ready: true})
		if err == nil && !found {
			err = errFenced
		}
		if err == nil {
			err = errReady
		}
		if transient(err) {
			return err
		}
		p.stop(err)
		return nil
	}
	b.enter(PhaseDraining)
	swapped, err := swap(ctx, b.engine.config.Pool, p.generation.ID)
	if err == nil && !swapped {
		err = b.engine.verifyLive(ctx, p.definition.Name) // Perhaps it is beyond the log's end.
	}
	switch {
	case swapped:
		p.stop(errSwapped)
	case err != nil && !transient(err):
		p.stop(err)
	default:
		if err != nil {
			b.engine.config.Logger.InfoContext(ctx, "a swap is tried again",
				slog.String("projection", p.definition.Name), slog.String("reason", describe(err)))
		}
		p.stop(errAgain)
	}
	return nil
}

func (b *build) index(ctx context.Context) error {
	b.enter(PhaseIndexing)
	p := b.projector
	err := pgx.BeginFunc(ctx, p.pool, func(tx pgx.Tx) error {
		if b.pace != nil { // One processor is enough.
			if _, err := tx.Exec(ctx, "SET LOCAL max_parallel_maintenance_workers = 0"); err != nil {
				return err
			}
		}
		return createIndexes(ctx, tx, p.generation, p.layout)
	})
	for _, t := range sorted(p.tables) {
		if err == nil { // Else queries would look at each row, even where an index has all they need.
			_, err = p.pool.Exec(ctx, "VACUUM "+t.ident)
		}
	}
	switch {
	case err == nil:
		p.stop(errAgain)
		return nil
	case transient(err):
		return err // The subscriber comes back, later.
	default:
		p.stop(fmt.Errorf("make indexes: %w", err))
		return nil
	}
}

func (b *build) enter(phase Phase) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.progress.Phase = phase
}
