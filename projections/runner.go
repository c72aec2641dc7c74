package projections

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/perfectworks/backend/domain/event"
)

// runner keeps one projection going in this process. It projects the live
// generation, if it has the reducers for it, and beside that builds one of its
// own when the live one is another's.
type runner struct {
	engine     *Engine
	definition Definition
	tracker    *tracker
	locks      *locks
	log        *slog.Logger
	// settled says that the live generation has once been this program's own.
	settled atomic.Bool
	// deserted is since when no process has been seen at work on the live
	// generation; zero while one is. It is the builder's own.
	deserted time.Time
}

// errReplaced says that another generation has become the live one.
var errReplaced = errors.New("another generation is live now")

// errSuperseded says that a newer program's generation is live.
var errSuperseded = errors.New("the live tables belong to a newer version of this program")

// errNothingToDo says that there is no work at the moment.
var errNothingToDo = errors.New("there is nothing to do")

// longestPause bounds the wait before a failed projection is tried again.
const longestPause = 5 * time.Second

// run works until ctx ends.
func (r *runner) run(ctx context.Context) {
	var working sync.WaitGroup
	working.Go(func() { r.keep(ctx, r.project, r.tracker.failed) })
	working.Go(func() { r.keep(ctx, r.build, r.tracker.failedToBuild) })
	working.Wait()
}

// keep does some work again and again until ctx ends.
func (r *runner) keep(ctx context.Context, work func(context.Context) error, failed func(string)) {
	pauses := newPauses(longestPause)
	for pauses.wait(ctx) == nil {
		err := work(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case errors.Is(err, errNothingToDo):
			pauses.reset()
			_ = sleep(ctx, r.engine.config.Watch) // The loop looks at ctx.
		case err == nil, errors.Is(err, errFenced), errors.Is(err, errReplaced), errors.Is(err, errLockLost):
			pauses.reset()
			pauses.lengthen()
			r.log.InfoContext(ctx, "a projection begins again",
				slog.String("projection", r.definition.Name), slog.Any("reason", err))
		case errors.Is(err, ErrBuilding):
			pauses.lengthen()
		case errors.Is(err, errSuperseded):
			pauses.reset()
			failed(err.Error())
			_ = sleep(ctx, r.engine.config.Watch)
		default:
			pauses.lengthen()
			failed(describe(err))
			r.log.ErrorContext(ctx, "a projection cannot run",
				slog.String("projection", r.definition.Name), slog.String("reason", describe(err)))
		}
	}
}

// project projects the live generation for as long as it is one that this
// program has the reducers for.
func (r *runner) project(ctx context.Context) error {
	live, err := ensureLive(ctx, r.engine.config.Pool, r.definition)
	if err != nil {
		return err
	}
	d, ok := r.definition.reducing(live)
	if !ok || !live.LogWentBackAt.IsZero() {
		return errNothingToDo
	}
	return r.own(ctx, d)
}

// own waits until no other process owns the projection, and projects until
// something ends that.
func (r *runner) own(ctx context.Context, d Definition) error {
	lock, err := r.acquire(ctx, d)
	if err != nil {
		return err
	}
	defer lock.release(context.WithoutCancel(ctx))
	r.engine.retryUnread(ctx, d.Name)
	// Read under the lock: while this process stood by, much may have happened.
	live, err := liveGeneration(ctx, r.engine.config.Pool, r.definition.Name)
	if err != nil {
		return err
	}
	if !d.reduces(live) {
		return errReplaced
	}
	r.tracker.owns(true)
	defer r.tracker.owns(false)
	p := r.engine.projector(d, live, r.tracker)
	ctx, cancel := context.WithCancelCause(ctx)
	watching := make(chan struct{})
	go func() {
		defer close(watching)
		cancel(r.watch(ctx, lock, live.ID))
	}()
	err = r.engine.follow(ctx, p, r.engine.config.Live)
	cancel(err)
	<-watching
	if errors.Is(err, event.ErrLogWentBack) {
		return errNothingToDo // It has been said; what to do now is the builder's to decide.
	}
	return err
}

// acquire waits for the lock of the owner, while the live generation is one of
// the definition.
func (r *runner) acquire(ctx context.Context, d Definition) (*lock, error) {
	for {
		lock, err := r.locks.try(ctx, lockKey(ownerLock, d.Name))
		if err != nil || lock != nil {
			return lock, err
		}
		if err := sleep(ctx, r.engine.config.Watch); err != nil {
			return nil, err
		}
		live, err := liveGeneration(ctx, r.engine.config.Pool, d.Name)
		if err != nil {
			return nil, err
		}
		if !d.reduces(live) {
			return nil, errReplaced
		}
	}
}

// watch returns when the lock is lost or the generation no longer live. The
// checkpoint's compare-and-set protects the tables in any case; this is so that
// it is noticed while no events come.
func (r *runner) watch(ctx context.Context, lock *lock, id int64) error {
	for {
		if err := sleep(ctx, r.engine.config.Watch); err != nil {
			return err
		}
		liveID, err := lock.liveID(ctx, r.definition.Name)
		switch {
		case err != nil:
			return err
		case liveID != id:
			return errReplaced
		}
	}
}

// build builds a generation when the live one is not this program's, or shows
// what the log no longer holds. Meanwhile the live one is served, and projected
// by whoever has its reducers.
//
// Programs of two versions may run at the same time, while one replaces the
// other. A program that starts builds its own tables, be they newer or older;
// one that sees them replaced later leaves them to the newer one, until no
// process of that is left.
func (r *runner) build(ctx context.Context) error {
	live, ordered, err := r.look(ctx)
	if err != nil {
		return err
	}
	r.tell(ctx, live, "")
	if ordered.waits() {
		return r.carryOut(ctx, ordered)
	}
	if !live.LogWentBackAt.IsZero() {
		return r.rebuild(ctx, live)
	}
	if live.builtFor(r.definition) {
		r.settled.Store(true)
		r.tracker.served(live, true)
		r.tracker.failedToBuild("")
		return errNothingToDo
	}
	projected, err := r.attended(ctx, live)
	if err != nil {
		return err
	}
	r.served(live, projected)
	switch {
	case live.Pinned:
		return errNothingToDo
	case r.settled.Load() && live.Version >= r.definition.Version &&
		(r.deserted.IsZero() || time.Since(r.deserted) < r.engine.config.Deserted):
		return errSuperseded
	}
	r.log.InfoContext(ctx, "the live tables are of another version: building others beside them",
		slog.String("projection", r.definition.Name),
		slog.Int("live", live.Version), slog.Int("version", r.definition.Version))
	return r.construct(ctx, live)
}

// look reads the live generation, and the one that is being built, if there is one.
func (r *runner) look(ctx context.Context) (live, building Generation, err error) {
	found, err := generations(ctx, r.engine.config.Pool, "WHERE projection = $1 AND state IN ('live', 'building')", r.definition.Name)
	for _, g := range found {
		if g.State == Live {
			live = g
		} else {
			building = g
		}
	}
	if err == nil && live.ID == 0 {
		live, err = ensureLive(ctx, r.engine.config.Pool, r.definition)
	}
	return live, building, err
}

// rebuild replaces tables of a log that went back, if it may.
func (r *runner) rebuild(ctx context.Context, live Generation) error {
	r.tracker.wentBack(live.ID)
	if !r.engine.config.RebuildWhenLogWentBack {
		return errNothingToDo
	}
	// Another log is hardly what anybody wants: an operator must say so.
	switch _, err := r.engine.config.Recognise(ctx, live.mark); {
	case errors.Is(err, event.ErrAnotherLog) && !r.engine.config.AdoptAnotherLog:
		return errNothingToDo
	case err != nil && !errors.Is(err, event.ErrLogWentBack):
		return err
	}
	r.log.WarnContext(ctx, "the log went back: building new tables beside the live ones",
		slog.String("projection", r.definition.Name), slog.Int64("generation", live.ID))
	return r.construct(ctx, live)
}

// construct builds a generation in the place of the live one, unless that is no
// longer what it was: an operator may have chosen another meanwhile.
func (r *runner) construct(ctx context.Context, live Generation) error {
	r.tracker.builds(true)
	defer r.tracker.builds(false)
	building, cancel := context.WithCancel(ctx)
	defer cancel()
	go r.attend(building)
	if wait := r.engine.config.BeforeBuild; wait != nil {
		wait(ctx)
	}
	return r.engine.building(ctx, r.definition.Name, 0, func() error {
		now, err := liveGeneration(ctx, r.engine.config.Pool, r.definition.Name)
		if err != nil {
			return err
		}
		if now.ID != live.ID || now.Pinned != live.Pinned {
			return errReplaced
		}
		pace := r.engine.pace(Unhurried)
		if !live.LogWentBackAt.IsZero() { // Nobody is served meanwhile.
			pace = nil
		}
		return r.engine.build(ctx, r.definition, resume, pace, func(BuildProgress) {})
	})
}

// attend keeps up to date, during a build, whether the live tables are projected.
func (r *runner) attend(ctx context.Context) {
	for sleep(ctx, r.engine.config.Watch) == nil {
		live, err := liveGeneration(ctx, r.engine.config.Pool, r.definition.Name)
		if err != nil || live.builtFor(r.definition) {
			continue
		}
		held, err := r.engine.ownedAnywhere(ctx)
		if err == nil {
			r.served(live, held[lockKey(ownerLock, r.definition.Name)])
		}
	}
}

// served notes what queries read, and whether it is projected, or will be by
// this process in a moment.
func (r *runner) served(live Generation, projected bool) {
	_, able := r.definition.reducing(live)
	r.tracker.served(live, projected || able)
}

// attended tells whether some process projects the live generation, and notes
// since when none has been at work on it.
func (r *runner) attended(ctx context.Context, live Generation) (projected bool, err error) {
	held, err := r.engine.ownedAnywhere(ctx)
	if err != nil {
		return false, err
	}
	projected = held[lockKey(ownerLock, live.Projection)]
	if projected || held[lockKey(buildLock, live.Projection)] {
		r.deserted = time.Time{}
	} else if r.deserted.IsZero() {
		r.deserted = time.Now()
	}
	return projected, nil
}
