package projections

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/perfectworks/backend/domain/event"
)

// tracker is what this process knows, at any moment, of a projection's live
// generation, or of a build. It is safe for concurrent use.
type tracker struct {
	mu sync.Mutex
	// owner says that this process projects the live generation, building that
	// it builds another, because the live one is not of its version.
	owner, building bool
	// position is the greatest known of the live generations: queries never go
	// back behind it. changed is closed and replaced when it grows.
	position event.Position
	changed  chan struct{}

	// live says that the owner's subscription has caught up, lately at
	// caughtUpAt; unwritten that events wait for their commit.
	live       bool
	unwritten  bool
	caughtUpAt time.Time
	newest     time.Time

	parkedEvents int
	failure      string
	failingSince time.Time

	commits prometheus.Observer // seconds of each
	events  prometheus.Counter
}

// owns notes whether this process owns the projection.
func (t *tracker) owns(owner bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.owner, t.live, t.unwritten = owner, false, false
	t.failure, t.failingSince = "", time.Time{}
}

// builds notes whether this process builds a generation of its version.
func (t *tracker) builds(building bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.building = building
}

// resumed notes the checkpoint from which this process goes on. It does not end
// a failure: only a commit shows that it has passed.
func (t *tracker) resumed(at event.Position, newest time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.live, t.unwritten, t.newest = false, false, newest
	t.reach(at)
}

// advanced notes a checkpoint that this process wrote.
func (t *tracker) advanced(to event.Position, live bool, newest time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.failure, t.failingSince = "", time.Time{}
	t.live, t.unwritten = live, false
	if newest.After(t.newest) {
		t.newest = newest
	}
	if live {
		t.caughtUpAt = time.Now()
	}
	t.reach(to)
}

// seen notes a checkpoint that another process wrote.
func (t *tracker) seen(position event.Position) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.reach(position)
}

func (t *tracker) reach(position event.Position) {
	if position.Compare(t.position) <= 0 {
		return
	}
	t.position = position
	close(t.changed)
	t.changed = make(chan struct{})
}

func (t *tracker) pending() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.unwritten = true
}

func (t *tracker) parked(n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.parkedEvents = n
}

func (t *tracker) failed(reason string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.failingSince.IsZero() {
		t.failingSince = time.Now()
	}
	t.failure = reason
}

// trackerView is a tracker at one moment.
type trackerView struct {
	observation
	owner        bool
	building     bool
	position     event.Position
	parkedEvents int
	failure      string
	failingSince time.Time
}

func (t *tracker) observe() trackerView {
	t.mu.Lock()
	defer t.mu.Unlock()
	return trackerView{
		observation: observation{
			owned: t.owner, live: t.live, unwritten: t.unwritten, newest: t.newest, caughtUpAt: t.caughtUpAt,
		},
		owner: t.owner, building: t.building, position: t.position, parkedEvents: t.parkedEvents,
		failure: t.failure, failingSince: t.failingSince,
	}
}

func (t *tracker) wrote(took time.Duration) { t.commits.Observe(took.Seconds()) }

func (t *tracker) took(events int64) { t.events.Add(float64(events)) }

// reached tells whether queries show what is at a position. If not, changed is
// closed at the next advance.
func (t *tracker) reached(position event.Position) (ok, owner bool, changed <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.position.Compare(position) >= 0, t.owner, t.changed
}
