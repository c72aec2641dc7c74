package projections

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/perfectworks/backend/domain/event"
)

const (
	// maxCounted bounds how many events are counted that a projection has not taken
	// in: beyond, their number is estimated.
	maxCounted = 1000
	// countTimeout bounds the counting.
	countTimeout = 2 * time.Second
)

// unread is what a projection has not taken in.
type unread struct {
	// events is how many there are, at least if more is set.
	events int64
	more   bool
	// oldest is when the first of them was recorded.
	oldest time.Time
}

var errCounted = errors.New("enough is counted")

// unreadAfter counts the events after a position, up to some of them.
func (e *Engine) unreadAfter(ctx context.Context, position, head event.Position, most int64) (u unread, err error) {
	if e.config.Read == nil || position.Compare(head) >= 0 {
		return u, nil
	}
	ctx, cancel := context.WithTimeout(ctx, countTimeout)
	defer cancel()
	err = e.config.Read(ctx, position, head, func(r event.Recorded, err error) error {
		if err != nil && !errors.Is(err, ErrUndecodable) {
			return err
		}
		if r.Position.Compare(position) <= 0 {
			return nil
		}
		if u.events == 0 {
			u.oldest = r.Time
		}
		if u.events++; u.events == most {
			u.more = true
			return errCounted
		}
		return nil
	})
	if errors.Is(err, errCounted) {
		err = nil
	}
	return u, err
}

// measure replaces what a status says of the lag by what the log says, and judges by
// the events that were taken in: a projection that takes in none is stuck, whatever
// its process says of itself. Lag and state stay as they are when the log does not
// answer.
func (e *Engine) measure(ctx context.Context, s *Status, g Generation, now time.Time) {
	s.Events, s.LagEvents = g.Events, 0
	if s.State == StateLogWentBack || s.Position.Compare(s.Head) >= 0 {
		return
	}
	u, err := e.unreadAfter(ctx, s.Position, s.Head, maxCounted)
	if err != nil {
		return
	}
	s.LagEvents, s.LagEstimated = u.events, u.more
	if u.events == 0 {
		return
	}
	if u.more && g.Events > 0 && s.Position.Commit > 0 { // About as many in each byte as before.
		s.LagEvents = max(u.events, int64(float64(s.Head.Commit-s.Position.Commit)*float64(g.Events)/float64(s.Position.Commit)))
	}
	s.LagBytes = s.Head.Commit - s.Position.Commit
	s.Lag = max(0, now.Sub(u.oldest))
	idle := now.Sub(later(g.AdvancedAt, g.CreatedAt))
	if s.State == StateLive || s.State == StateCatchingUp {
		if min(s.Lag, idle) >= e.config.StuckAfter {
			s.State = StateStuck
			if s.Failure == "" {
				s.Failure, s.FailingSince = noEvents, now.Add(-min(s.Lag, idle))
			}
		} else if s.Lag >= lagging {
			s.State = StateCatchingUp
		}
	}
}

const (
	// noEvents is why a projection is stuck that says nothing of a failure.
	noEvents = "its owner takes in no events, and does not say why"
	// lagging is how long an event may wait until the projection counts as behind.
	lagging = time.Second
)

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// sampleFor is for how long samples are kept, by which the pace is measured.
const sampleFor = 10 * time.Second

// sample is how many events generations had taken in at a time.
type sample struct {
	at     time.Time
	events map[int64]int64
}

// pacesSince adds a sample, and returns how many events a second each generation took
// in since the oldest one that is kept. There is none without an earlier sample.
func (e *Engine) pacesSince(now time.Time, generations []Generation) map[int64]float64 {
	e.sampling.Lock()
	defer e.sampling.Unlock()
	s := sample{now, map[int64]int64{}}
	for _, g := range generations {
		s.events[g.ID] = g.Events
	}
	for len(e.samples) > 1 && now.Sub(e.samples[0].at) > sampleFor {
		e.samples = e.samples[1:]
	}
	paces := map[int64]float64{}
	if len(e.samples) > 0 && now.After(e.samples[0].at) {
		first := e.samples[0]
		for id, events := range s.events {
			if had, ok := first.events[id]; ok {
				paces[id] = float64(events-had) / now.Sub(first.at).Seconds()
			}
		}
	}
	e.samples = append(e.samples, s)
	return paces
}

// Owner is the process that projects a projection.
type Owner struct {
	// Process is its id, and Name what it calls itself: its machine, number and role.
	Process, Name string
	// Since is since when it holds its locks.
	Since time.Time
}

// owners asks which processes hold our advisory locks.
func (e *Engine) owners(ctx context.Context) (map[int64]Owner, error) {
	rows, err := e.config.Pool.Query(ctx, `
		SELECT l.classid::bigint << 32 | l.objid::bigint, coalesce(p.id::text, ''), coalesce(p.name, ''), coalesce(a.backend_start, 'epoch')
		FROM pg_catalog.pg_locks l
		LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
		LEFT JOIN processes p ON a.application_name LIKE '% ' || p.id
		WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND l.granted
		AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())`)
	if err != nil {
		return nil, err
	}
	all := map[int64]Owner{}
	var key int64
	var o Owner
	_, err = pgx.ForEachRow(rows, []any{&key, &o.Process, &o.Name, &o.Since}, func() error {
		o.Since = o.Since.UTC()
		all[key] = o
		return nil
	})
	return all, err
}
