package directory

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/failure"
)

const (
	// Bound is how old what the directory says may be: a revocation that was
	// acknowledged longer ago is heeded, in every process.
	Bound = time.Second
	// grace is how long a caller waits for a directory that has just passed the
	// bound: a short pause of the store should cost time, not answers.
	grace = 500 * time.Millisecond

	// The log's head is asked for every beat, and at a caller's demand, but
	// never more often than demandBeat allows.
	beat       = 200 * time.Millisecond
	demandBeat = 20 * time.Millisecond
	// beatTimeout ends a question that the store leaves open.
	beatTimeout = 2 * time.Second
)

// ErrBehind says that the directory cannot prove that it knows of the latest
// revocations.
var ErrBehind = failure.New(failure.Unavailable, "AUTHENTICATION_UNAVAILABLE",
	"who may do what cannot be checked right now: try again")

// freshness proves how old the directory's knowledge is. Whoever has applied
// the log up to what was its head at a time knows all that was written before
// that time.
type freshness struct {
	// open says that proofs count: they do not while the directory is at the
	// work of its start.
	open bool
	// lost says that the log went back behind what the directory knows.
	lost   error
	asOf   time.Time // zero at first
	proofs []proof   // not reached yet, the oldest first
	err    error     // of the latest question for the head
}

type proof struct {
	asked time.Time
	head  event.Position
}

// maxProofs bounds the proofs of a directory that is far behind.
const maxProofs = 16

// expect notes that the head, asked for at a time, was there. It is not called
// with an earlier time than before.
func (f *freshness) expect(p proof, applied event.Position) {
	if len(f.proofs) == maxProofs {
		f.proofs = f.proofs[:maxProofs-1]
	}
	f.proofs = append(f.proofs, p)
	f.reached(applied)
}

func (f *freshness) reached(applied event.Position) {
	if !f.open {
		return
	}
	n := 0
	for n < len(f.proofs) && f.proofs[n].head.Compare(applied) <= 0 {
		f.asOf = f.proofs[n].asked
		n++
	}
	if n > 0 {
		f.proofs = slices.Delete(f.proofs, 0, n)
	}
}

// Age is how old what the directory knows is at most; false says that it has
// not caught up with the log since the start.
func (d *Directory) Age() (time.Duration, bool) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return time.Since(d.freshness.asOf), !d.freshness.asOf.IsZero()
}

// Ready is nil while the directory keeps within Bound, else the reason why not,
// which tells one that follows the log late from one that cannot see its end: a
// failure that can be shown to anybody, with a cause for operators.
func (d *Directory) Ready() error {
	d.mu.RLock()
	defer d.mu.RUnlock()
	f := &d.freshness
	if time.Since(f.asOf) <= Bound {
		return nil
	}
	if f.lost != nil {
		return fmt.Errorf("%w: %w", unready("the event log went back: the directory knows what the log no longer holds"), f.lost)
	}
	if f.err != nil {
		return fmt.Errorf("%w: %w", unready("the directory cannot see the end of the log"), f.err)
	}
	if len(f.proofs) == 0 {
		return unready("the directory has not asked for the end of the log lately")
	}
	return unready(fmt.Sprintf("the directory follows the log late: it is at %s of %s",
		d.applied, f.proofs[len(f.proofs)-1].head))
}

func unready(reason string) error {
	return failure.New(failure.Unavailable, ErrBehind.Code, reason)
}

// Current is nil when nothing that was acknowledged longer than Bound ago is
// unknown here. It waits a moment for that when the bound has just passed; else
// its error is ErrBehind.
func (d *Directory) Current(ctx context.Context) error {
	d.mu.RLock()
	asOf := d.freshness.asOf
	d.mu.RUnlock()
	if time.Since(asOf) <= Bound {
		return nil
	}
	ctx, cancel := context.WithDeadline(ctx, asOf.Add(Bound+grace))
	defer cancel()
	return d.waitUntil(ctx, func() bool { return time.Since(d.freshness.asOf) <= Bound })
}

// CatchUp waits until everything is known here that was acknowledged before the
// call, for as long as ErrBehind allows. All callers together ask the store
// for its head at most once every demandBeat.
func (d *Directory) CatchUp(ctx context.Context) error {
	called := time.Now()
	select {
	case d.demand <- struct{}{}:
	default: // Somebody has just asked for the same.
	}
	ctx, cancel := context.WithTimeout(ctx, Bound)
	defer cancel()
	return d.waitUntil(ctx, func() bool { return !d.freshness.asOf.Before(called) })
}

// WaitFor waits until the directory has applied the log up to a position.
func (d *Directory) WaitFor(ctx context.Context, to event.Position) error {
	return d.waitUntil(ctx, func() bool { return d.applied.Compare(to) >= 0 })
}

// vouch opens the directory and keeps it open until ctx ends.
func (d *Directory) vouch(ctx context.Context) {
	for ctx.Err() == nil {
		d.open(ctx)
		d.pulse(ctx)
	}
}

// pulse asks for the head of the log until ctx ends or the directory is closed.
func (d *Directory) pulse(ctx context.Context) {
	for {
		asked := time.Now()
		_, _ = d.ask(ctx, asked) // It keeps both.
		select {
		case <-ctx.Done():
			return
		case <-time.After(demandBeat):
		}
		select {
		case <-ctx.Done():
			return
		case <-d.closed:
			return
		case <-d.demand:
		case <-time.After(beat - time.Since(asked)):
		}
	}
}

func (d *Directory) ask(ctx context.Context, asked time.Time) (event.Position, error) {
	ctx, cancel := context.WithTimeout(ctx, beatTimeout)
	defer cancel()
	head, err := d.config.Head(ctx)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.freshness.err = err
	if err == nil {
		d.freshness.expect(proof{asked, head}, d.applied)
		d.wake()
	}
	return head, err
}

// waiter is a caller who waits for a condition.
type waiter struct {
	ready func() bool // called with the lock held
	done  chan struct{}
}

// waitUntil waits for a condition on what the lock guards. Its error is
// ErrBehind when ctx ended first.
func (d *Directory) waitUntil(ctx context.Context, ready func() bool) error {
	w := &waiter{ready: ready, done: make(chan struct{})}
	d.mu.Lock()
	if ready() {
		d.mu.Unlock()
		return nil
	}
	d.waiters = append(d.waiters, w)
	d.mu.Unlock()
	select {
	case <-w.done:
		return nil
	case <-ctx.Done():
		d.mu.Lock()
		defer d.mu.Unlock()
		d.waiters = slices.DeleteFunc(d.waiters, func(other *waiter) bool { return other == w })
		return fmt.Errorf("%w: %w", ErrBehind, ctx.Err())
	}
}

// wake lets those go on whose condition has come true.
func (d *Directory) wake() {
	d.waiters = slices.DeleteFunc(d.waiters, func(w *waiter) bool {
		if !w.ready() {
			return false
		}
		close(w.done)
		return true
	})
}
