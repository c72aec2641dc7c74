package httpapi

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/maypok86/otter/v2"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/projections"
)

// Headers of positions in the log.
const (
	headerPosition    = "X-Position"
	headerMinPosition = "X-Min-Position"
	headerAsOf        = "X-As-Of"
)

const (
	// readWait bounds how long a read waits for what must be readable.
	readWait = 2 * time.Second
	// rememberedCallers bounds of how many callers the last write is known.
	rememberedCallers = 100_000
)

// Waiter waits until queries of a read model show the log up to a position, or
// ctx ends.
type Waiter interface {
	WaitFor(ctx context.Context, readModel string, position event.Position) error
}

// Follower knows up to when read models show the log that do not follow it; zero for
// those that do. It answers at once.
type Follower interface {
	AsOf(readModels ...string) time.Time
}

// staleAfter is how far behind a read model may be until answers say so in words.
const staleAfter = 30 * time.Second

// freshness lets callers read what they wrote.
type freshness struct {
	models    Waiter
	follower  Follower // nil where it is not known
	directory interface {
		WaitFor(ctx context.Context, position event.Position) error
	}
	last *otter.Cache[string, marks]
}

// marks are how far a caller has written, as far as is known here.
type marks struct {
	// written is the last write, which the caller's reads must show.
	written event.Position
	// moved is the last write that changed who the caller is or where they act,
	// which the directory must know before it is asked.
	moved event.Position
}

func (m marks) later(n marks) marks {
	return marks{later(m.written, n.written), later(m.moved, n.moved)}
}

func newFreshness(models Waiter, directory Directory) (*freshness, error) {
	last, err := otter.New(&otter.Options[string, marks]{MaximumSize: rememberedCallers})
	if err != nil {
		return nil, fmt.Errorf("make the memory of positions: %w", err)
	}
	f := &freshness{models: models, directory: directory, last: last}
	f.follower, _ = models.(Follower)
	return f, nil
}

// remember notes how far a caller wrote.
func (f *freshness) remember(caller string, m marks) {
	if caller == "" || m.written.IsZero() {
		return
	}
	f.last.Compute(caller, func(before marks, _ bool) (marks, otter.ComputeOp) {
		return before.later(m), otter.WriteOp
	})
}

// of is how far a caller wrote.
func (f *freshness) of(caller string) marks {
	m, _ := f.last.GetIfPresent(caller)
	return m
}

// await waits for read models. One that nobody advances, while another version
// of it is built, is not waited for: asOf is then what the answer is as of. So it is
// for a model that does not follow the log; else it is zero.
func (f *freshness) await(ctx context.Context, models []string, position event.Position) (asOf time.Time, err error) {
	if len(models) == 0 {
		return time.Time{}, nil
	}
	if f.follower != nil {
		asOf = f.follower.AsOf(models...)
	}
	if position.IsZero() {
		return asOf, nil
	}
	ctx, cancel := context.WithTimeout(ctx, readWait)
	defer cancel()
	for _, model := range models {
		err := f.models.WaitFor(ctx, model, position)
		var frozen *projections.FrozenError
		switch {
		case errors.As(err, &frozen):
			if asOf.IsZero() || frozen.AsOf.Before(asOf) {
				asOf = frozen.AsOf
			}
		case err != nil:
			return time.Time{}, behind(ctx, err)
		}
	}
	return asOf, nil
}

// awaitDirectory waits for where principals are looked up.
func (f *freshness) awaitDirectory(ctx context.Context, position event.Position) error {
	if position.IsZero() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, readWait)
	defer cancel()
	return behind(ctx, f.directory.WaitFor(ctx, position))
}

// behind is the error of waiting: errBehind when the time was up.
func behind(ctx context.Context, err error) error {
	if err != nil && (failure.Of(err) != nil || errors.Is(ctx.Err(), context.DeadlineExceeded)) {
		return fmt.Errorf("%w: %w", errBehind, err)
	}
	return err
}

func later(p, q event.Position) event.Position {
	if p.Compare(q) < 0 {
		return q
	}
	return p
}

// dated adds to the message of an answer up to when it shows the changes, if that is
// long ago.
func (x *exchange) dated(message string) string {
	if x.asOf.IsZero() || time.Since(x.asOf) < staleAfter {
		return message
	}
	return message + ", as of " + x.asOf.UTC().Format(time.RFC3339) + ": later changes may be missing"
}
