package projections

import (
	"context"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// pauses are the waits between attempts. The first attempt does not wait.
type pauses struct {
	backoff *backoff.ExponentialBackOff
	next    time.Duration
}

func newPauses(longest time.Duration) *pauses {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval, b.MaxInterval = 20*time.Millisecond, longest
	return &pauses{backoff: b}
}

func (p *pauses) lengthen() { p.next = p.backoff.NextBackOff() }

func (p *pauses) reset() {
	p.next = 0
	p.backoff.Reset()
}

func (p *pauses) wait(ctx context.Context) error { return sleep(ctx, p.next) }

// sleep waits, or says why ctx ended.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return context.Cause(ctx)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// outlive gives a context that ends some time after the given one does.
func outlive(ctx context.Context, by time.Duration) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		timer := time.AfterFunc(by, cancel)
		context.AfterFunc(longer, func() { timer.Stop() })
	})
	return longer, func() { stop(); cancel() }
}
