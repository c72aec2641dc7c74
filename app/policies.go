package app

import (
	"context"
	"log/slog"
	"time"
)

const (
	// beginTimeout bounds an attempt to give policies their first positions, and so
	// how long a start without the database or the event store waits for it.
	beginTimeout = time.Second
	beginBeat    = 100 * time.Millisecond
)

// beginPolicies gives new policies their positions before the process serves, so
// that they react to what it records, even if the processes that run policies
// start later. Without the database or the event store, which everything that is
// recorded needs as well, that is tried again in the part it returns.
func (a *App) beginPolicies(ctx context.Context) func(context.Context) {
	attempt := func(ctx context.Context) bool {
		ctx, cancel := context.WithTimeout(ctx, beginTimeout)
		defer cancel()
		err := a.work.policies.Begin(ctx)
		if err != nil {
			a.logger.DebugContext(ctx, "new policies cannot begin yet", slog.Any("error", err))
		}
		return err == nil
	}
	begun := attempt(ctx)
	return func(ctx context.Context) {
		for !begun && ctx.Err() == nil {
			select {
			case <-ctx.Done():
			case <-time.After(beginBeat):
				begun = attempt(ctx)
			}
		}
	}
}
