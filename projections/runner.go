package projections

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// runner keeps one projection going in this process.
type runner struct {
	engine     *Engine
	definition Definition
	tracker    *tracker
	locks      *locks
	log        *slog.Logger
	// settled says that the live generation has once been this program's own.
	settled bool
}

// errReplaced says that another generation has become the live one.
var errReplaced = errors.New("another generation is live now")

// errSuperseded says that a newer program's generation is live.
var errSuperseded = errors.New("the live tables belong to a newer version of this program")

// longestPause bounds the wait before a failed projection is tried again.
const longestPause = 5 * time.Second

// run takes turns until ctx ends.
func (r *runner) run(ctx context.Context) {
	pauses := newPauses(longestPause)
	for pauses.wait(ctx) == nil {
		err := r.turn(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err == nil, errors.Is(err, errFenced), errors.Is(err, errReplaced), errors.Is(err, errLockLost):
			pauses.reset()
			pauses.lengthen()
			r.log.InfoContext(ctx, "a projection begins anew",
				slog.String("projection", r.definition.Name), slog.Any("reason", err))
		case errors.Is(err, ErrBuilding):
			pauses.lengthen()
		case errors.Is(err, errSuperseded):
			pauses.lengthen()
			r.tracker.failed(err.Error())
		default:
			pauses.lengthen()
			r.tracker.failed(describe(err))
			r.log.ErrorContext(ctx, "a projection cannot run",
				slog.String("projection", r.definition.Name), slog.String("reason", describe(err)))
		}
	}
}

// turn projects the live generation, or builds one when the live one is not
// this program's.
//
// Programs of two versions may run at the same time, while one replaces the
// other. A program that starts builds its own tables, be they newer or older;
// one that sees them replaced later leaves them to a newer one.
func (r *runner) turn(ctx context.Context) error {
	live, err := ensureLive(ctx, r.engine.config.Pool, r.definition)
	if err != nil {
		return err
	}
	if live.builtFor(r.definition) {
		r.settled = true
		return r.own(ctx)
	}
	if r.settled && live.Version >= r.definition.Version {
		return errSuperseded
	}
	r.log.InfoContext(ctx, "the live tables are of another version: building others beside them",
		slog.String("projection", r.definition.Name),
		slog.Int("live", live.Version), slog.Int("version", r.definition.Version))
	r.tracker.builds(true)
	defer r.tracker.builds(false)
	return r.engine.build(ctx, r.definition, resume, func(BuildProgress) {})
}

// own waits until no other process owns the projection, and projects until
// something ends that.
func (r *runner) own(ctx context.Context) error {
	lock, err := r.acquire(ctx)
	if err != nil {
		return err
	}
	defer lock.release(context.WithoutCancel(ctx))
	// Read under the lock: while this process stood by, much may have happened.
	live, err := liveGeneration(ctx, r.engine.config.Pool, r.definition.Name)
	if err != nil {
		return err
	}
	if !live.builtFor(r.definition) {
		return errReplaced
	}
	r.tracker.owns(true)
	defer r.tracker.owns(false)
	p := r.engine.projector(r.definition, live, r.tracker)
	ctx, cancel := context.WithCancelCause(ctx)
	watching := make(chan struct{})
	go func() {
		defer close(watching)
		cancel(r.watch(ctx, lock, live.ID))
	}()
	err = r.engine.follow(ctx, p, r.engine.config.Live)
	cancel(err)
	<-watching
	return err
}

func (r *runner) acquire(ctx context.Context) (*lock, error) {
	for {
		lock, err := r.locks.try(ctx, lockKey(ownerLock, r.definition.Name))
		if err != nil || lock != nil {
			return lock, err
		}
		if err := sleep(ctx, r.engine.config.Watch); err != nil {
			return nil, err
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
