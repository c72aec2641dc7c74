package projections

import (
	"context"
	"time"
)

// reportOn reports progress until ctx ends.
func (b *build) reportOn(ctx context.Context) {
	ticker := time.NewTicker(reportInterval)
	defer ticker.Stop()
	for {
		// Without an answer the last one known stays.
		if head, err := b.engine.config.Head(ctx); err == nil {
			b.mu.Lock()
			b.progress.Head = head
			b.mu.Unlock()
		}
		b.report(b.snapshot(time.Now()))
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

func (b *build) finish(live bool) {
	if b.enter(PhaseReady); live {
		b.enter(PhaseDone)
	}
	p := b.snapshot(time.Now())
	p.Head, p.Remaining = p.Position, 0
	b.report(p)
}

func (b *build) snapshot(now time.Time) BuildProgress {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.progress
	p.Failure = b.projector.tracker.observe().failure
	seconds := now.Sub(b.began).Seconds()
	if seconds <= 0 {
		return p
	}
	p.EventsPerSecond = float64(p.Events-b.had) / seconds
	// Positions are offsets in the log: the pace is bytes per second.
	if done := p.Position.Commit - b.from.Commit; p.Phase == PhaseReading && done > 0 && p.Head.Commit > p.Position.Commit {
		left := float64(p.Head.Commit-p.Position.Commit) / float64(done) * seconds
		p.Remaining = time.Duration(left * float64(time.Second)).Round(time.Second)
	}
	return p
}
