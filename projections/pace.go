package projections

import (
	"context"
	"time"

	"golang.org/x/time/rate"
)

// The throttles of builds that are no numbers of events a second.
const (
	// Unhurried has builds of a process work half of the time, one after the other,
	// and rest in between. On the way through the log they then use up to a processor
	// together, and leave the rest to those who read and write.
	Unhurried = 0
	// Unthrottled has builds take what they can.
	Unthrottled = -1
)

const (
	// unhurriedBatch is how many events a throttled build writes at once, so that no
	// write is long.
	unhurriedBatch = 2000
	// longestRest bounds each rest.
	longestRest = 250 * time.Millisecond
)

// pace slows builds down. Nil does not.
type pace struct {
	limiter *rate.Limiter
	// turn is held by the build that works or rests.
	turn chan struct{}
}

// pace returns that of a throttle. Builds that are unhurried share one.
func (e *Engine) pace(throttle int) *pace {
	switch {
	case throttle < 0:
		return nil
	case throttle > 0:
		return &pace{limiter: rate.NewLimiter(rate.Limit(throttle), max(throttle/10, 1))}
	}
	return e.unhurried
}

func newUnhurried() *pace { return &pace{turn: make(chan struct{}, 1)} }

// take waits until more events may be taken in.
func (p *pace) take(ctx context.Context, events int) error {
	if p == nil || p.limiter == nil {
		return nil
	}
	for events > 0 {
		some := min(events, p.limiter.Burst())
		if err := p.limiter.WaitN(ctx, some); err != nil {
			return err
		}
		events -= some
	}
	return nil
}

// work does some work, and rests for as long as that took.
func (p *pace) work(ctx context.Context, work func() error) error {
	if p == nil || p.turn == nil {
		return work()
	}
	select {
	case p.turn <- struct{}{}:
		defer func() { <-p.turn }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	began := time.Now()
	if err := work(); err != nil {
		return err
	}
	_ = sleep(ctx, min(time.Since(began), longestRest)) // The work is done in any case.
	return nil
}

// options are those of a build's subscription.
func (p *pace) options(o SubscribeOptions) SubscribeOptions {
	if p != nil {
		o.MaxEvents = min(o.MaxEvents, unhurriedBatch)
	}
	return o
}
