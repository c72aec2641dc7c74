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
	// generation is the live one as last heard of, position the greatest known of
	// it: queries never go back behind it. changed is closed and replaced when
	// any of these changes.
	generation int64
	position   event.Position
	changed    chan struct{}
	// lost says that the log went back behind what the generation shows.
	lost bool

	// live says that the owner's subscription has caught up, lately at
	// caughtUpAt; unwritten that events wait for their commit.
	live       bool
	unwritten  bool
	caughtUpAt time.Time
	newest     time.Time
	// advancedAt is when it last took events in, or began to.
	advancedAt time.Time

	parkedEvents int
	failure      string
	failingSince time.Time
	// buildFailure is why no generation of this program's version comes about.
	buildFailure      string
	buildFailingSince time.Time
	// frozen says that nobody projects the live tables, asOf when they last
	// advanced.
	frozen bool
	asOf   time.Time

	commits prometheus.Observer // seconds of each
	events  prometheus.Counter
	fenced  prometheus.Counter
}

// owns notes whether this process owns the projection.
func (t *tracker) owns(owner bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.owner, t.live, t.unwritten, t.advancedAt = owner, false, false, time.Now()
	t.frozen = t.frozen && !owner
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
func (t *tracker) resumed(generation int64, at event.Position, newest time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.live, t.unwritten, t.newest = false, false, newest
	t.reach(generation, at)
}

// rewound notes a checkpoint that was taken back.
func (t *tracker) rewound(generation int64, to event.Position) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if generation == t.generation {
		t.position = to
	}
}

// wentBack notes that the log no longer holds what a generation shows.
func (t *tracker) wentBack(generation int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lose(generation)
}

func (t *tracker) lose(generation int64) {
	if generation != t.generation || !t.lost {
		t.generation, t.lost, t.position = generation, true, event.Position{}
		t.tell()
	}
}

// advanced notes a checkpoint that this process wrote.
func (t *tracker) advanced(generation int64, to event.Position, live bool, newest time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.failure, t.failingSince = "", time.Time{}
	t.live, t.unwritten, t.advancedAt = live, false, time.Now()
	if newest.After(t.newest) {
		t.newest = newest
	}
	if live {
		t.caughtUpAt = time.Now()
	}
	t.reach(generation, to)
}

// seen notes a checkpoint that another process wrote; lost says that the log
// went back behind it.
func (t *tracker) seen(generation int64, position event.Position, lost bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if lost {
		t.lose(generation)
	} else {
		t.reach(generation, position)
	}
}

func (t *tracker) reach(generation int64, position event.Position) {
	if generation == t.generation && (t.lost || position.Compare(t.position) <= 0) {
		return
	}
	if generation != t.generation {
		t.lost, t.frozen = false, false
	}
	t.generation, t.position = generation, position
	t.tell()
}

func (t *tracker) tell() {
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

// failedToBuild notes why a build makes no progress; empty when nothing is to be
// built.
func (t *tracker) failedToBuild(reason string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if reason == "" {
		t.buildFailingSince = time.Time{}
	} else if t.buildFailingSince.IsZero() {
		t.buildFailingSince = time.Now()
	}
	t.buildFailure = reason
}

// served notes what queries read, and whether some process projects it.
func (t *tracker) served(live Generation, projected bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	frozen := !projected && !t.owner
	if live.ID != t.generation && t.generation != 0 {
		return // Another is live by now.
	}
	if t.frozen != frozen {
		t.frozen = frozen
		t.tell()
	}
	t.asOf = live.AdvancedAt
	if t.asOf.IsZero() {
		t.asOf = live.CreatedAt
	}
}

// trackerView is a tracker at one moment.
type trackerView struct {
	observation
	owner        bool
	building     bool
	lost         bool
	position     event.Position
	parkedEvents int
	failure      string
	failingSince time.Time

	buildFailure      string
	buildFailingSince time.Time
}

func (t *tracker) observe() trackerView {
	t.mu.Lock()
	defer t.mu.Unlock()
	return trackerView{
		observation: observation{
			owned: t.owner, live: t.live, unwritten: t.unwritten, newest: t.newest, caughtUpAt: t.caughtUpAt, advancedAt: t.advancedAt,
		},
		owner: t.owner, building: t.building, lost: t.lost, position: t.position, parkedEvents: t.parkedEvents,
		failure: t.failure, failingSince: t.failingSince,
		buildFailure: t.buildFailure, buildFailingSince: t.buildFailingSince,
	}
}

func (t *tracker) wrote(took time.Duration) { t.commits.Observe(took.Seconds()) }

func (t *tracker) refused() { t.fenced.Inc() }

func (t *tracker) took(events int64) { t.events.Add(float64(events)) }

// awaited is what those who wait for a position need to know. If nothing of it
// ends their waiting, changed is closed once something may.
type awaited struct {
	position    event.Position
	owner, lost bool
	frozen      bool
	asOf        time.Time
	changed     <-chan struct{}
}

func (t *tracker) await() awaited {
	t.mu.Lock()
	defer t.mu.Unlock()
	return awaited{t.position, t.owner, t.lost, t.frozen, t.asOf, t.changed}
}
