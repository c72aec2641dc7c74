package eventstore

import (
	"slices"
	"sync"
	"time"

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
	// Gathering is for how long consumers that begin with the same part of the log
	// may join a pass over it; 200 ms when zero. Patience bounds for how long a pass
	// waits for a consumer that takes nothing; 2 s when zero.
	Gathering, Patience time.Duration
}

// Feed is one subscription for all consumers of a process that are near the end
// of the log: each event is received once, and decoded once. It holds the latest
// events, within a budget of bytes.
//
// Consumers that are far from the end of the log read it in passes: those that
// begin where a pass holds what comes after their position take part in it, others
// begin one. A pass is one subscription too, and waits for its consumers. One that
// takes nothing for some time goes on with a subscription of its own.
//
// A consumer joins the feed at the end of the log. The first to get there hands
// its subscription over. The feed never waits for a consumer: one
// that has not taken the oldest event when that must go subscribes by itself
// again, after the last event that it has taken, and comes back at the end of
// the log. When nobody is left, the subscription ends. When it is dropped, all
// consumers begin again with their checkpoints, as with subscriptions of their
// own.
//
// It is safe for concurrent use.
type Feed struct {
	prefixes            []string
	bytes               int
	gathering, patience time.Duration
	// turn is held by the one who begins a pass, which the others wait for.
	turn chan struct{}

	mu   sync.Mutex
	ring *ring // the latest; nil at first
	// passes are those under way.
	passes []*ring
}

// NewFeed returns a feed that does nothing until consumers join it: see
// SubscriberOptions.
func NewFeed(opts FeedOptions) *Feed {
	setDefault(&opts.Bytes, 8<<20)
	setDefault(&opts.Gathering, 200*time.Millisecond)
	setDefault(&opts.Patience, 2*time.Second)
	if opts.Prefixes == nil {
		opts.Prefixes = StreamPrefixes()
	}
	return &Feed{
		prefixes: slices.Clone(opts.Prefixes), bytes: opts.Bytes,
		gathering: opts.Gathering, patience: opts.Patience, turn: make(chan struct{}, 1),
	}
}

// Forget drops all decoded events: when a person's key is destroyed, their texts
// are still in events that were decoded before.
func (f *Feed) Forget() {
	for _, r := range f.rings() {
		r.forget()
	}
}

// rings are that of the end of the log, if there is one, and those of the passes.
func (f *Feed) rings() []*ring {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.passes = slices.DeleteFunc(f.passes, func(r *ring) bool { return !r.open() })
	if f.ring == nil {
		return slices.Clone(f.passes)
	}
	return append([]*ring{f.ring}, f.passes...)
}

// attach gives a consumer a place in the feed or a pass, if one holds all that
// comes after the consumer's position.
func (f *Feed) attach(life *life, position event.Position) (*reader, bool) {
	for _, r := range f.rings() {
		if reader, ok := r.attach(life, position, false); ok {
			return reader, true
		}
	}
	return nil, false
}

// begin makes a consumer's subscription that of a pass.
func (f *Feed) begin(own *received, position event.Position) (*reader, bool) {
	if !own.detach() {
		return nil, false // It is about to end.
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	r := newRing(own.life, position, f.bytes, own.cancel)
	r.live, r.pass = false, &pass{gathering: time.Now().Add(f.gathering), patience: f.patience}
	reader, _ := r.attach(own.life, position, false)
	f.passes = append(f.passes, r)
	go r.fill(own)
	return reader, true
}

// joinFrom is join for a consumer that has got to the end of the log in a pass.
func (f *Feed) joinFrom(r *reader, position event.Position) (_ *reader, adopted, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ring != nil && f.ring.open() {
		joined, ok := f.ring.attach(r.ring.life, position, true)
		return joined, false, ok
	}
	if !r.ring.open() {
		return nil, false, false
	}
	r.ring.promote()
	f.ring = r.ring
	f.passes = slices.DeleteFunc(f.passes, func(other *ring) bool { return other == r.ring })
	return r, true, true
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
