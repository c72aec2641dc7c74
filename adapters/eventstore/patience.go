package eventstore

import (
	"sync"
	"time"

	"github.com/perfectworks/backend/domain/event"
)

// patience tells a store that has not caught up from a log that went back: a member
// of a cluster that was restarted, or is slow, ends for a moment before what was read
// from another one. Only an end that stays is a loss. It is safe for concurrent use.
type patience struct {
	lasts time.Duration

	mu sync.Mutex
	// until is the position that must be there. The end was before it first at since,
	// and again at seen.
	until       event.Position
	since, seen time.Time
}

// over notes that the log ends before a position, and tells whether it has done so
// for too long.
func (p *patience) over(position event.Position) bool {
	if p.lasts <= 0 {
		return true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if p.until.IsZero() || now.Sub(p.seen) > p.lasts { // What was seen long ago was another time.
		p.since = now
	}
	p.seen = now
	if p.until.Compare(position) < 0 {
		p.until = position
	}
	return now.Sub(p.since) >= p.lasts
}

// reached notes that the log reaches as far as a position.
func (p *patience) reached(position event.Position) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.until.Compare(position) <= 0 {
		p.until = event.Position{}
	}
}
