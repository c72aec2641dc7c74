package policyengine

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/perfectworks/backend/domain/event"
)

// State is how a policy is.
type State string

// The states.
const (
	StateNew        State = "new"        // it has not run yet
	StateLive       State = "live"       // it has caught up with the log
	StateCatchingUp State = "catchingUp" // it is on its way
	StateStopped    State = "stopped"    // it waits for an operator
	StateUnowned    State = "unowned"    // no process runs it
	StateUnknown    State = "unknown"    // this program does not have it
)

// Status is a policy as it is now.
type Status struct {
	Policy    string
	EventType string
	State     State
	Position  event.Position
	// Lag is for how long the policy has been seen behind the log, and LagBytes
	// how much of the log it has yet to read.
	Lag         time.Duration
	LagBytes    uint64
	LastEventAt time.Time
	// Jobs is how many jobs it has led to.
	Jobs      int64
	BeganFrom string
	BeganAt   time.Time
	// Reason is why it is stopped.
	Reason string
}

// Status tells how all policies are, those of other programs included.
func (e *Engine) Status(ctx context.Context) ([]Status, error) {
	all, err := e.checkpoints(ctx)
	if err != nil {
		return nil, err
	}
	head, err := e.config.Head(ctx)
	if err != nil {
		return nil, err
	}
	owned, err := e.owned(ctx)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	var out []Status
	for name, c := range all {
		behind := c.mark.Position.Compare(head) < 0
		s := Status{
			Policy: name, EventType: e.policies[name].EventType, Position: c.mark.Position, Lag: e.behind.lag(name, behind, now),
			LastEventAt: c.lastAt, Jobs: c.jobs, BeganFrom: c.beganFrom, BeganAt: c.beganAt.UTC(), Reason: c.stopped,
		}
		if behind {
			s.LagBytes = head.Commit - c.mark.Position.Commit
		}
		_, known := e.policies[name]
		switch {
		case !known:
			s.State = StateUnknown
		case c.stopped != "":
			s.State = StateStopped
		case !owned:
			s.State = StateUnowned
		case c.caughtUp && (!behind || now.Sub(c.advanced) < settled):
			s.State = StateLive
		default:
			s.State = StateCatchingUp
		}
		out = append(out, s)
	}
	for name, p := range e.policies {
		if _, begun := all[name]; !begun {
			out = append(out, Status{Policy: name, EventType: p.EventType, State: StateNew})
		}
	}
	slices.SortFunc(out, func(a, b Status) int { return strings.Compare(a.Policy, b.Policy) })
	return out, nil
}

// settled is how long a policy may need for an event and still count as live.
const settled = 5 * time.Second

// owned tells whether a process that beats runs the policies.
func (e *Engine) owned(ctx context.Context) (bool, error) {
	var process pgtype.UUID
	var alive bool
	err := e.config.Pool.QueryRow(ctx, "SELECT process, coalesce(process_alive(process), false) FROM policy.owner").Scan(&process, &alive)
	return alive && uuid.UUID(process.Bytes) != uuid.Nil, err
}

// behind remembers since when policies have been seen behind the log.
type behind struct {
	mu    sync.Mutex
	since map[string]time.Time
}

func (b *behind) lag(policy string, isBehind bool, now time.Time) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !isBehind {
		delete(b.since, policy)
		return 0
	}
	if b.since == nil {
		b.since = map[string]time.Time{}
	}
	since, known := b.since[policy]
	if !known {
		b.since[policy], since = now, now
	}
	return now.Sub(since)
}
