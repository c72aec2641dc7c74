package eventlog

import (
	"slices"
	"sync"
)

// tail holds the latest events for those who follow the log live. It is
// published in the order of the log, after commit. A reader that falls behind
// its beginning goes on from Postgres.
type tail struct {
	maxEvents int
	maxBytes  int64

	mu      sync.RWMutex
	events  []*Event
	bytes   int64
	before  int64 // position up to which events are no longer held
	end     int64
	changed chan struct{} // closed at the next publication
	// replaced is closed when the log turns out to be another.
	replaced chan struct{}
}

// maxHeldBytes is where a batch of live events ends early.
const maxHeldBytes = 1 << 20

func newTail(maxEvents int, maxBytes int64) *tail {
	return &tail{maxEvents: maxEvents, maxBytes: maxBytes, changed: make(chan struct{}), replaced: make(chan struct{})}
}

// restart empties the tail. Its next event is the first after position.
func (t *tail) restart(position int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.events, t.bytes = nil, 0
	t.before, t.end = position, position
}

// replace tells those who follow that their positions are of another log.
func (t *tail) replace() {
	t.mu.Lock()
	defer t.mu.Unlock()
	close(t.replaced)
	t.replaced = make(chan struct{})
}

func (t *tail) replacement() <-chan struct{} {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.replaced
}

func (t *tail) publish(events []*Event) {
	t.mu.Lock()
	t.events = append(t.events, events...)
	for _, e := range events {
		t.bytes += e.memory()
	}
	t.end = events[len(events)-1].Position
	t.trim()
	changed := t.changed
	t.changed = make(chan struct{})
	t.mu.Unlock()
	close(changed)
}

// trim lets go of the oldest events once there are twice too many, so that the
// copying is paid for by as many publications.
func (t *tail) trim() {
	if len(t.events) < 2*t.maxEvents && t.bytes < 2*t.maxBytes {
		return
	}
	first := 0
	for len(t.events)-first > t.maxEvents || t.bytes > t.maxBytes && first < len(t.events)-1 {
		t.bytes -= t.events[first].memory()
		first++
	}
	t.before = t.events[first-1].Position
	t.events = slices.Clone(t.events[first:])
}

// after appends to buf the events after a position, as many as fit and as have
// not more than about maxBytes: a reader that is held up keeps them from being
// freed. When there are none yet, wait is closed as soon as there may be. It is
// not ok when the tail no longer reaches back that far.
func (t *tail) after(position int64, buf []*Event) (events []*Event, wait <-chan struct{}, ok bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if position < t.before {
		return nil, nil, false
	}
	if position >= t.end {
		return nil, t.changed, true
	}
	first, found := slices.BinarySearchFunc(t.events, position, func(e *Event, position int64) int {
		return int(min(max(e.Position-position, -1), 1))
	})
	if found {
		first++
	}
	events = buf[:0]
	for bytes := int64(0); first < len(t.events) && len(events) < cap(buf) && bytes < maxHeldBytes; first++ {
		events = append(events, t.events[first])
		bytes += t.events[first].memory()
	}
	return events, nil, true
}

// memory is about what the event takes.
func (e *Event) memory() int64 {
	const structure = 200
	return int64(structure + len(e.Stream) + len(e.Type) + len(e.Metadata) + len(e.Data))
}
