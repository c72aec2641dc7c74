package projections

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/perfectworks/backend/domain/event"
)

// State is how a projection does.
type State string

// The states of a projection.
const (
	// StateLive: it has caught up with the log, and follows it.
	StateLive State = "live"
	// StateCatchingUp: it advances, and is behind.
	StateCatchingUp State = "catching up"
	// StateStuck: it has not advanced for a while; Failure says why.
	StateStuck State = "stuck"
	// StateStopped: no process projects it.
	StateStopped State = "stopped"
	// StateLogWentBack: the log no longer holds what it shows.
	StateLogWentBack State = "log went back"
)

// Status is how a projection does, as of now.
type Status struct {
	Projection string
	// Version and Generation are those that queries read. Outdated says that
	// they are not of this program's version, as during a build.
	Version    int
	Generation int64
	Outdated   bool
	// Building says that this process builds tables of its version meanwhile,
	// Pinned that an operator chose the live ones.
	Building, Pinned bool

	State State
	// Owned says that this process projects it. Owner is the process that does, zero
	// for none; only Inspect knows it.
	Owned bool
	Owner Owner
	// Position is what queries show, Head the end of the log; zero when unknown.
	// A live projection's may lag behind where the log holds what is not for it.
	Position, Head event.Position
	// LagBytes is how much of the log is still to be read, Lag for how long the
	// oldest of it may have waited. Both are 0 when it has caught up.
	LagBytes uint64
	Lag      time.Duration
	// LagEvents is how many events are still to be read: about so many, if it is
	// estimated.
	// Only Inspect knows it, as all that follows here.
	LagEvents    int64
	LagEstimated bool
	// Events is how many events it has taken in. EventsPerSecond is how many of late;
	// negative when this process has not looked before.
	Events          int64
	EventsPerSecond float64
	// Parked is how many events it could not take in or wait behind such.
	Parked int
	// Failure is why it does not advance, since FailingSince; empty if it does.
	Failure      string
	FailingSince time.Time
}

// Status tells how all projections do, in the order of their definitions. It is quick,
// and leaves out what only Inspect measures.
func (e *Engine) Status(ctx context.Context) ([]Status, error) { return e.status(ctx, time.Now(), nil) }

// Inspect is Status for operators: with the owners, with the lag as it stands in the
// log, and with the pace since earlier calls. The state is judged by whether events
// are taken in, whatever the owner says of itself.
func (e *Engine) Inspect(ctx context.Context) ([]Status, error) {
	holders, err := e.owners(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the owners: %w", err)
	}
	var now time.Time // Of the clock by which generations advance.
	if err := e.config.Pool.QueryRow(ctx, "SELECT clock_timestamp()").Scan(&now); err != nil {
		return nil, fmt.Errorf("read the clock: %w", err)
	}
	return e.status(ctx, now, func(s *Status, g Generation, paces map[int64]float64) {
		e.measure(ctx, s, g, now)
		s.Owner, s.EventsPerSecond = holders[lockKey(ownerLock, s.Projection)], -1
		if pace, ok := paces[g.ID]; ok {
			s.EventsPerSecond = pace
		}
	})
}

func (e *Engine) status(ctx context.Context, now time.Time, inspect func(*Status, Generation, map[int64]float64)) ([]Status, error) {
	live, err := generations(ctx, e.config.Pool, "WHERE state = 'live'")
	if err != nil {
		return nil, err
	}
	owned, err := e.ownedAnywhere(ctx)
	if err != nil {
		return nil, err
	}
	var paces map[int64]float64
	if inspect != nil {
		paces = e.pacesSince(time.Now(), live)
	}
	head := e.readHead(ctx)
	byName := map[string]Generation{}
	for _, g := range live {
		byName[g.Projection] = g
	}
	all := make([]Status, 0, len(e.config.Definitions))
	for _, d := range e.config.Definitions {
		g := byName[d.Name]
		s := Status{
			Projection: d.Name, Version: g.Version, Generation: g.ID, Outdated: !g.builtFor(d),
			Position: g.Position, Head: head, Parked: g.Parked, Failure: g.Failure, FailingSince: g.FailingSince,
			Pinned: g.Pinned,
		}
		observed := observation{
			owned: owned[lockKey(ownerLock, d.Name)], live: g.CaughtUp,
			newest: g.LastEventAt, caughtUpAt: g.AdvancedAt, advancedAt: g.AdvancedAt, lost: !g.LogWentBackAt.IsZero(),
		}
		own := e.trackers[d.Name].observe()
		if own.owner && !observed.lost {
			observed = own.observation
			s.Owned, s.Position = true, own.position
		} else if own.building && !observed.owned {
			observed.owned, observed.live = true, false // On the way to tables that are projected.
		}
		if own.owner || own.failure != "" {
			s.Failure, s.FailingSince = own.failure, own.failingSince
		}
		s.Building = own.building
		if s.Failure == "" && own.buildFailure != "" {
			s.Failure, s.FailingSince = own.buildFailure, own.buildFailingSince
			observed.elsewhere = observed.owned && observed.live
		}
		e.assess(&s, observed, now)
		if inspect != nil {
			inspect(&s, g, paces)
		}
		all = append(all, s)
	}
	return all, nil
}

// Served reports whether queries of the projections find the tables of this
// program's version. At the first start of a program they do not, until the tables
// have been built. It needs no Run in this process.
func (e *Engine) Served(ctx context.Context, projections ...string) (bool, error) {
	live, err := generations(ctx, e.config.Pool, "WHERE state = 'live'")
	if err != nil {
		return false, err
	}
	for _, name := range projections {
		d, err := e.definition(name)
		if err != nil {
			return false, err
		}
		if !slices.ContainsFunc(live, func(g Generation) bool { return g.Projection == name && g.builtFor(d) }) {
			return false, nil
		}
	}
	return true, nil
}

// observation is what a projection's state is judged by.
type observation struct {
	owned, live, unwritten bool
	// lost says that the log went back, elsewhere that a failure is not of the
	// tables that queries read.
	lost, elsewhere    bool
	newest, caughtUpAt time.Time
	// advancedAt is when it last took events in.
	advancedAt time.Time
}

func (e *Engine) assess(s *Status, o observation, now time.Time) {
	switch {
	case o.lost:
		s.State = StateLogWentBack
	case !o.elsewhere && !s.FailingSince.IsZero() && now.Sub(s.FailingSince) >= e.config.StuckAfter:
		s.State = StateStuck
	case !o.owned:
		s.State = StateStopped
	case e.stalled(s, o.advancedAt, now):
		s.State = StateStuck
	case o.live:
		s.State = StateLive
	default:
		s.State = StateCatchingUp
	}
	s.LagBytes, s.Lag = o.lag(s.Position, s.Head, now)
}

// lag is measured against the newest event taken in or the last time that the
// end of the log was reached, whichever was later.
func (o observation) lag(position, head event.Position, now time.Time) (bytes uint64, waited time.Duration) {
	if o.owned && o.live && !o.unwritten || position.Compare(head) >= 0 {
		return 0, 0
	}
	since := o.newest
	if o.live && o.caughtUpAt.After(since) {
		since = o.caughtUpAt
	}
	if !since.IsZero() {
		waited = max(0, now.Sub(since))
	}
	return head.Commit - position.Commit, waited
}

// ownedAnywhere asks which of our advisory locks some session holds.
func (e *Engine) ownedAnywhere(ctx context.Context) (map[int64]bool, error) {
	rows, err := e.config.Pool.Query(ctx, `SELECT classid::bigint << 32 | objid::bigint FROM pg_catalog.pg_locks
		WHERE locktype = 'advisory' AND objsubid = 1 AND granted
		AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())`)
	if err != nil {
		return nil, fmt.Errorf("read locks: %w", err)
	}
	defer rows.Close()
	held := map[int64]bool{}
	for rows.Next() {
		var key int64
		if err := rows.Scan(&key); err != nil {
			return nil, fmt.Errorf("read locks: %w", err)
		}
		held[key] = true
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read locks: %w", err)
	}
	return held, nil
}

// Generations lists all generations of all projections of the database: first
// the live one of each, then what is being built, then those that are retired.
func (e *Engine) Generations(ctx context.Context) ([]Generation, error) {
	return generations(ctx, e.config.Pool, `ORDER BY projection,
		array_position(ARRAY['live', 'building', 'retired', 'scratch'], state), id DESC`)
}

// Parked lists the first parked events of a projection's generations, in order, limit
// at most, and how many there are.
func (e *Engine) Parked(ctx context.Context, projection string, limit int) (first []Parked, all int64, err error) {
	if _, err := e.definition(projection); err != nil {
		return nil, 0, err
	}
	first, err = parkedWhere(ctx, e.config.Pool, "WHERE g.projection = $1 ORDER BY g.id, p.commit_position, p.prepare_position LIMIT $2", projection, limit)
	if err != nil || len(first) < limit {
		return first, int64(len(first)), err
	}
	err = e.config.Pool.QueryRow(ctx, `SELECT count(*) FROM projection.parked p JOIN projection.generations g ON g.id = p.generation_id
		WHERE g.projection = $1`, projection).Scan(&all)
	if err != nil {
		return nil, 0, fmt.Errorf("count parked events: %w", err)
	}
	return first, all, nil
}

// headCache keeps the end of the log as last known, for metrics.
type headCache struct {
	mu       sync.Mutex
	position event.Position
}

// headInterval is how often the end of the log is looked up for metrics.
const headInterval = 2 * time.Second

func (e *Engine) watchHead(ctx context.Context) {
	for ctx.Err() == nil {
		e.readHead(ctx)
		e.lookAsOf(ctx)
		_ = sleep(ctx, headInterval) // The loop looks at ctx.
	}
}

// readHead asks for the end of the log; without an answer in time, it is what
// it was.
func (e *Engine) readHead(ctx context.Context) event.Position {
	ctx, cancel := context.WithTimeout(ctx, headInterval)
	defer cancel()
	head, err := e.config.Head(ctx)
	e.head.mu.Lock()
	defer e.head.mu.Unlock()
	if err == nil { // It may be less than before: the log may go back.
		e.head.position = head
	}
	return e.head.position
}
