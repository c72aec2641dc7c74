package eventstore

import (
	"slices"
	"sync"

	"github.com/perfectworks/backend/domain/event"
)

// FeedOptions tune a Feed.
type FeedOptions struct {
	// Prefixes are the beginnings of the names of the streams that it brings;
	// those of all our streams when nil.
	Prefixes []string
	// Bytes bounds what it holds of the log, with what was decoded of that; 8 MiB
	// when zero. One event is always held.
	Bytes int
}

// Feed is one subscription for all consumers of a process that are near the end
// of the log: each event is received once, and decoded once. It holds the latest
// events, within a budget of bytes.
//
// A consumer begins with a subscription of its own, unless the feed holds what
// comes after its position, and joins at the end of the log. The first to get
// there hands its subscription over. The feed never waits for a consumer: one
// that has not taken the oldest event when that must go subscribes by itself
// again, after the last event that it has taken, and comes back at the end of
// the log. When nobody is left, the subscription ends. When it is dropped, all
// consumers begin again with their checkpoints, as with subscriptions of their
// own.
//
// It is safe for concurrent use.
type Feed struct {
	prefixes []string
	bytes    int

	mu   sync.Mutex
	ring *ring // the latest; nil at first
}

// NewFeed returns a feed that does nothing until consumers join it: see
// SubscriberOptions.
func NewFeed(opts FeedOptions) *Feed {
	setDefault(&opts.Bytes, 8<<20)
	if opts.Prefixes == nil {
		opts.Prefixes = StreamPrefixes()
	}
	return &Feed{prefixes: slices.Clone(opts.Prefixes), bytes: opts.Bytes}
}

// Forget drops all decoded events: when a person's key is destroyed, their texts
// are still in events that were decoded before.
func (f *Feed) Forget() {
	if r := f.current(); r != nil {
		r.forget()
	}
}

func (f *Feed) current() *ring {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.ring
}

// attach gives a consumer a place in the feed, if that holds all that comes after
// the consumer's position.
func (f *Feed) attach(life *life, position event.Position, live bool) (*reader, bool) {
	r := f.current()
	if r == nil {
		return nil, false
	}
	return r.attach(life, position, live)
}

// join is attach for a consumer that has got to the end of the log by a
// subscription of its own. When there is no feed, its subscription becomes the
// feed's, which adopted tells.
func (f *Feed) join(own *received, position event.Position) (_ *reader, adopted, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ring != nil {
		if reader, ok := f.ring.attach(own.life, position, true); ok {
			return reader, false, true
		}
		if f.ring.open() {
			return nil, false, false
		}
	}
	if !own.detach() {
		return nil, false, false // It is about to end.
	}
	ring := newRing(own.life, position, f.bytes, own.cancel)
	reader, _ := ring.attach(own.life, position, true)
	f.ring = ring
	go ring.fill(own)
	return reader, true, true
}
