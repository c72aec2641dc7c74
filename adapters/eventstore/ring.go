package eventstore

import (
	"context"
	"errors"
	"slices"
	"sort"
	"sync"
	"time"

	"github.com/perfectworks/backend/domain/event"
)

// errFellOut says that a reader has not kept up: its next item is gone.
var errFellOut = errors.New("the consumer does not keep up with the others")

// ring holds what one subscription brought last, for several readers. When its
// bytes are used up, the oldest item goes, and a reader that has not taken it yet
// has fallen out: the ring of a pass waits for its readers before. It is safe for
// concurrent use.
type ring struct {
	life *life
	// stop ends the subscription, done is closed when it has ended.
	stop func()
	done chan struct{}

	mu    sync.Mutex
	items []item // in the order of their positions
	first uint64 // number of the first item, counted from the beginning
	bytes int    // that the items take
	limit int
	// after is the position after which the ring holds, or has yet to get, all
	// that the subscription brings.
	after event.Position
	// live says that the subscription has caught up with the log.
	live    bool
	readers []*reader
	// ending says that nobody can join any more, ended that nothing more comes,
	// for a reason.
	ending, ended bool
	reason        error
	// changed is closed and replaced when anything of the above changes and
	// somebody waits for that.
	changed chan struct{}
	awaited bool

	// pass is set while the ring is one.
	pass *pass
}

// pass is what makes a ring that of a pass over the log. The ring's lock guards it.
type pass struct {
	// gathering is until when readers may still begin where the ring does.
	gathering time.Time
	// patience bounds for how long the ring waits for a reader that takes nothing.
	patience time.Duration
	// taken, when set, is closed once all readers have taken the items before wake.
	taken chan struct{}
	wake  uint64
}

// newRing makes a ring that begins after a position, up to which the log has
// been read and which is its end.
func newRing(life *life, after event.Position, limit int, stop func()) *ring {
	return &ring{life: life, stop: stop, done: make(chan struct{}), limit: limit, after: after, live: true, changed: make(chan struct{})}
}

// fill takes what a subscription brings, until it has ended.
func (r *ring) fill(from *received) {
	defer close(r.done)
	for i := range from.items {
		from.room.leave(i.size())
		r.add(i)
	}
	r.end(from.dropped)
}

func (r *ring) add(i item) {
	r.waitForReaders(i)
	r.mu.Lock()
	defer r.mu.Unlock()
	defer r.tell()
	switch {
	case i.caughtUp, i.fellBehind:
		r.live = i.caughtUp
		return
	case i.stored != nil:
		i.memo = newMemo()
	}
	if n := len(r.items); i.stored == nil && n > 0 && r.items[n-1].stored == nil && !r.taken(n-1) {
		r.items[n-1] = i // Nobody needs the checkpoint before.
		return
	}
	r.items = append(r.items, i)
	r.bytes += i.held()
	r.trim()
}

// held is about what the item takes in a ring, where it may be decoded too.
func (i item) held() int {
	if i.stored == nil {
		return i.size()
	}
	return i.size() + structure + len(i.stored.Data)
}

// taken tells whether some reader is beyond an item.
func (r *ring) taken(index int) bool {
	return slices.ContainsFunc(r.readers, func(reader *reader) bool { return reader.next > r.first+uint64(index) }) //nolint:gosec // An index is not negative.
}

// trim lets the oldest items go until the rest fits, but for the newest. When
// nobody has kept up, nobody is left to read for.
func (r *ring) trim() {
	n := 0
	for ; n < len(r.items)-1 && (r.bytes > r.limit || r.spent(n)); n++ {
		r.bytes -= r.items[n].held()
		if r.items[n].stored != nil { // A checkpoint takes nothing along that anybody needs.
			r.after = r.items[n].position()
		}
		r.items[n] = item{}
	}
	if n == 0 {
		return
	}
	r.items, r.first = r.items[n:], r.first+uint64(n)
	if !slices.ContainsFunc(r.readers, (*reader).keepsUp) {
		r.ending = true
		r.stop()
	}
}

func (r *ring) end(reason error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ending, r.ended, r.reason = true, true, reason
	r.release()
	r.tell()
}

// release lets all items go once nobody can read them.
func (r *ring) release() {
	if r.ended && len(r.readers) == 0 {
		r.items, r.bytes = nil, 0
	}
}

func (r *ring) tell() {
	if r.awaited {
		close(r.changed)
		r.changed, r.awaited = make(chan struct{}), false
	}
}

// open tells whether readers can join.
func (r *ring) open() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.ending
}

// forget drops what was decoded.
func (r *ring) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, i := range r.items {
		if i.memo != nil {
			i.memo.forget()
		}
	}
}

// spent tells whether a ring that is a pass needs an item no more.
func (r *ring) spent(index int) bool {
	return r.pass != nil && !r.gathering() && !r.wanted(index)
}

// wanted tells whether a reader that keeps up has yet to take an item.
func (r *ring) wanted(index int) bool {
	return slices.ContainsFunc(r.readers, func(reader *reader) bool {
		return reader.keepsUp() && reader.next <= r.first+uint64(index) //nolint:gosec // An index is not negative.
	})
}

func (r *ring) gathering() bool { return time.Now().Before(r.pass.gathering) }

// waitForReaders returns when there is room for an item, or when those who keep it
// have taken nothing for too long, or nobody reads.
func (r *ring) waitForReaders(i item) {
	for waited := time.Now(); ; {
		r.mu.Lock()
		if r.pass == nil || r.ending || len(r.items) == 0 || r.bytes+i.held() <= r.limit ||
			!r.gathering() && (!r.wanted(0) || time.Since(waited) > r.pass.patience) {
			r.mu.Unlock()
			return
		}
		if r.pass.taken == nil {
			// A quarter at a time, so that not each item taken wakes the subscription.
			r.pass.taken, r.pass.wake = make(chan struct{}), r.first+uint64(len(r.items)/4+1)
		}
		taken, oldest := r.pass.taken, r.slowest()
		r.mu.Unlock()
		select {
		case <-taken:
		case <-time.After(passBeat):
		}
		r.mu.Lock()
		if r.slowest() != oldest {
			waited = time.Now()
		}
		r.mu.Unlock()
	}
}

// passBeat is how often a pass that waits looks at the clock.
const passBeat = 50 * time.Millisecond

// slowest is the number of the first item that a reader that keeps up has yet to
// take.
func (r *ring) slowest() uint64 {
	least := r.first + uint64(len(r.items))
	for _, reader := range r.readers {
		if reader.keepsUp() {
			least = min(least, reader.next)
		}
	}
	return least
}

func (r *ring) isPass() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.pass != nil
}

// promote makes the ring of a pass one that waits for nobody.
func (r *ring) promote() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.pass != nil && r.pass.taken != nil {
		close(r.pass.taken)
	}
	r.pass = nil
}

// released tells a pass that waits that there is room.
func (r *ring) released() {
	if r.pass != nil && r.pass.taken != nil && r.slowest() >= r.pass.wake {
		close(r.pass.taken)
		r.pass.taken = nil
	}
}

// attach adds a reader that has read the log up to a position, within the same
// life of it, if the ring holds all that comes then. live is what the reader
// knows of being at the log's end.
func (r *ring) attach(life *life, position event.Position, live bool) (*reader, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ending || r.life != life || position.Compare(r.after) < 0 {
		return nil, false
	}
	index := sort.Search(len(r.items), func(i int) bool { return r.items[i].position().Compare(position) > 0 })
	reader := &reader{ring: r, next: r.first + uint64(index), position: position, live: live} //nolint:gosec // An index is not negative.
	r.readers = append(r.readers, reader)
	return reader, true
}

// reader is one consumer's place in a ring. It belongs to one goroutine.
type reader struct {
	ring *ring
	live bool // as last told
	// Guarded by ring.mu: the number of the next item, and the position of the
	// last one, or where the reader began.
	next     uint64
	position event.Position
}

// keepsUp tells whether no event has gone that the reader has not taken. The
// ring's lock is held.
func (r *reader) keepsUp() bool { return r.position.Compare(r.ring.after) >= 0 }

func (r *reader) poll() (item, bool, error) {
	r.ring.mu.Lock()
	defer r.ring.mu.Unlock()
	i, ok, err := r.take()
	return i, ok, err
}

// take gives the next item, with the ring's lock held.
func (r *reader) take() (item, bool, error) {
	ring := r.ring
	if !r.keepsUp() {
		return item{}, false, errFellOut
	}
	r.next = max(r.next, ring.first)
	for r.next < ring.first+uint64(len(ring.items)) {
		i := ring.items[r.next-ring.first]
		r.next++
		// A ring that began before the reader did has more than it needs.
		if i.position().Compare(r.position) > 0 {
			r.position = i.position()
			ring.released()
			return i, true, nil
		}
	}
	switch {
	case ring.ended:
		return item{}, false, droppedError(ring.reason)
	case ring.live != r.live:
		r.live = ring.live
		return item{caughtUp: r.live, fellBehind: !r.live}, true, nil
	}
	return item{}, false, nil
}

func (r *reader) wait(ctx context.Context, timeout <-chan time.Time) (item, bool, error) {
	for {
		r.ring.mu.Lock()
		i, ok, err := r.take()
		r.ring.awaited = true
		changed := r.ring.changed
		r.ring.mu.Unlock()
		if ok || err != nil {
			return i, false, err
		}
		select {
		case <-changed:
		case <-timeout:
			return item{}, true, nil
		case <-ctx.Done():
			return item{}, false, context.Cause(ctx)
		}
	}
}

// close takes the reader out of the ring. The last one ends the subscription,
// and waits for that.
func (r *reader) close() {
	ring := r.ring
	ring.mu.Lock()
	ring.readers = slices.DeleteFunc(ring.readers, func(other *reader) bool { return other == r })
	ring.released()
	last := len(ring.readers) == 0
	ring.ending = ring.ending || last
	ring.release()
	ring.mu.Unlock()
	if last {
		ring.stop()
		<-ring.done
	}
}
