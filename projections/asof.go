package projections

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/perfectworks/backend/domain/event"
)

const (
	// asOfBound is how long an event may wait to be projected until readers are told.
	asOfBound = 3 * time.Second
	// asOfInterval is how often this is looked up, at most.
	asOfInterval = time.Second
	// asOfFresh is for how long a look tells of the present: where nobody reads and
	// nothing is projected, none follows.
	asOfFresh = 5 * time.Second
	// asOfTimeout bounds a look.
	asOfTimeout = 5 * time.Second
)

// asOf knows which live tables do not follow the log.
type asOf struct {
	mu      sync.Mutex
	looked  time.Time
	looking bool
	// heads are ends of the log as of times, the oldest first.
	heads []headAt
	// behind is up to when each projection shows the log that does not follow it.
	behind map[string]time.Time
}

type headAt struct {
	at       time.Time
	position event.Position
}

// AsOf returns the time up to which queries of some projections show the log when one
// of them has not followed it for some seconds: no process projects it, or it is stuck.
// It is zero while they do. It does not wait: it tells what was so about a second ago.
// It needs no Run in this process.
func (e *Engine) AsOf(projections ...string) time.Time {
	a := &e.asOf
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.looking && time.Since(a.looked) >= asOfInterval {
		a.looking = true
		go e.lookAsOf(context.Background()) // For others, too.
	}
	var first time.Time
	for _, name := range projections {
		if t, ok := a.behind[name]; ok && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	return first
}

// stalled tells whether a projection takes in no events that wait for it, and says so
// if it says nothing else.
func (e *Engine) stalled(s *Status, advanced, now time.Time) bool {
	e.asOf.mu.Lock()
	oldest, behind := e.asOf.behind[s.Projection]
	fresh := time.Since(e.asOf.looked) < asOfFresh
	e.asOf.mu.Unlock()
	if !behind || !fresh || s.Position.Compare(s.Head) >= 0 {
		return false
	}
	since := later(oldest, advanced)
	if now.Sub(since) < e.config.StuckAfter {
		return false
	}
	if s.Failure == "" {
		s.Failure, s.FailingSince = noEvents, since
	}
	return true
}

// lookAsOf finds out which projections are behind.
func (e *Engine) lookAsOf(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, asOfTimeout)
	defer cancel()
	behind, err := e.behind(ctx)
	a := &e.asOf
	a.mu.Lock()
	defer a.mu.Unlock()
	a.looking, a.looked = false, time.Now()
	if err != nil { // What was known stays: without the database nobody reads.
		e.config.Logger.DebugContext(ctx, "it is not known how far projections are", slog.String("reason", describe(err)))
		return
	}
	a.behind = behind
}

// behind returns, of each projection that does not follow the log, when the oldest
// event was recorded that it does not show. The log is asked only for those that have
// not reached where it ended some time ago.
func (e *Engine) behind(ctx context.Context) (map[string]time.Time, error) {
	now := time.Now()
	rows, err := e.config.Pool.Query(ctx, `SELECT projection, commit_position::text, prepare_position::text
		FROM projection.generations WHERE state = 'live' AND log_went_back_at IS NULL`)
	if err != nil {
		return nil, err
	}
	reached := map[string]event.Position{}
	var name string
	var stored storedPosition
	_, err = pgx.ForEachRow(rows, []any{&name, &stored.commit, &stored.prepare}, func() (err error) {
		reached[name], err = stored.position()
		return err
	})
	if err != nil {
		return nil, err
	}
	head, err := e.config.Head(ctx)
	if err != nil {
		return nil, err
	}
	past := e.asOf.note(headAt{now, head})
	behind := map[string]time.Time{}
	found := map[event.Position]unread{} // Many are at the same position.
	for name, position := range reached {
		if position.Compare(past) >= 0 {
			continue
		}
		u, ok := found[position]
		if !ok {
			if u, err = e.unreadAfter(ctx, position, past, 1); err != nil {
				return nil, err
			}
			found[position] = u
		}
		if u.events > 0 && now.Sub(u.oldest) >= asOfBound {
			behind[name] = u.oldest
		}
	}
	return behind, nil
}

// note keeps where the log ends, and returns where it ended as long ago as an event may
// wait, or longer; zero when that is not known.
func (a *asOf) note(h headAt) event.Position {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.heads = append(a.heads, h)
	for len(a.heads) > 1 && h.at.Sub(a.heads[1].at) >= asOfBound {
		a.heads = a.heads[1:]
	}
	if h.at.Sub(a.heads[0].at) < asOfBound {
		return event.Position{}
	}
	return a.heads[0].position
}
