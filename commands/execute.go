package commands

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/payment"
)

// A command decides again after losing a race for its stream. Each loss means that
// another process got through: those of this one take turns. It gives up only after
// maxConflicts losses that took contentionPatience at least: who has just won knows
// the stream and wins the next race more easily, so that on a busy machine one
// process can lose many races within milliseconds.
const (
	maxConflicts       = 32
	contentionPatience = 2 * time.Second
	// longestPause bounds the pauses between attempts after maxConflicts, which are
	// random, so that processes get out of step.
	longestPause = 20 * time.Millisecond
)

// attempts yields once for each attempt that a command may make.
func attempts(yield func() bool) {
	began := time.Now()
	for n := 0; n < maxConflicts || time.Since(began) < contentionPatience; n++ {
		if n >= maxConflicts {
			time.Sleep(rand.N(longestPause)) //nolint:gosec // It keeps no secret.
		}
		if !yield() {
			return
		}
	}
}

// ErrContended is the refusal of a command that lost too many races.
var ErrContended = failure.New(failure.Unavailable, "RESOURCE_CONTENDED",
	"too many others are changing this at the same time: try again")

// ErrStale is the answer to a revision that the caller saw and that has passed.
var ErrStale = failure.New(failure.Stale, "REVISION_STALE",
	"this has changed since it was read: read it again and repeat the change")

// executor is what all use cases run on.
type executor struct {
	streams Streams
	turns   *turns
	lines   *lines
	keys    KeyIndex
	secrets Secrets
	// invitations finds the organizations of invitations.
	invitations InvitationIndex

	memberships MembershipIndex
	eraser      Eraser
	// grace is how long a deactivated account can be restored.
	grace  time.Duration
	mailer Mailer
	// live makes keys of the live kind.
	live   bool
	limits Limits
	// slotPages says where an owner had free slots.
	slotPages slotPages
	// lowBalance is the threshold of token accounts.
	lowBalance int64
	welcome    Welcome
	payments   PaymentProvider
	catalogue  payment.Catalogue
	referrals  Referrals
	// tokens are the use cases of token accounts, for those that follow a payment.
	tokens TokenCommands
	files  Files
}

// outcome is an aggregate after a command.
type outcome[S any] struct {
	State    S
	Revision event.Revision
	Position event.Position
	// written says that the request's events are in the stream, from this attempt
	// or an earlier one.
	written bool
}

func outcomeOf[S any](s Snapshot) outcome[S] {
	return outcome[S]{State: s.State.(S), Revision: s.Revision, Position: s.Position} //nolint:forcetypeassert // The fold is that of ref.
}

func resultOf[S any](o outcome[S], err error) (Result[S], error) {
	if err != nil {
		return Result[S]{}, err
	}
	return Result[S]{Value: o.State, Revision: o.Revision, Position: o.Position}, nil
}

// change is one use of execute: which aggregate, for which organization, what
// the caller saw, and the decision.
type change[S any] struct {
	of           reference[S]
	organization id.Organization
	// expected is the revision that the caller saw, or nil.
	expected *event.Revision
	decide   func(S) ([]event.Event, error)
	// contended says that several requests of this kind for the same aggregate
	// are likely to come at once: they take turns from the beginning.
	contended bool
	// claims are the values that the events use, and that must be the
	// aggregate's before they are written; nil when there are none.
	claims func([]event.Event) []held
	// name gives an event another id than the one that derives from the request;
	// nil when none has one.
	name func(event.Event) (event.ID, bool)
}

// execute loads, decides, claims and appends. When another writer was faster it
// decides again, in turn with others of this process. When an earlier attempt
// of the same request got through, it answers with the aggregate as it is now.
func execute[S any](ctx context.Context, x *executor, req Request, c change[S]) (outcome[S], error) {
	var since *event.Revision
	if req.Retry {
		beginning := event.NoStream
		since = &beginning
	}
	fresh := req.Retry
	if !c.contended {
		o, seen, err := attempt(ctx, x, req, c, fresh, since)
		if !errors.Is(err, ErrWrongRevision) {
			return o, err
		}
		fresh, since = true, &seen
	}
	leave, err := x.turns.take(ctx, c.of.stream)
	if err != nil {
		return outcome[S]{}, fmt.Errorf("wait for other changes of the %s: %w", c.of.category, err)
	}
	defer leave()
	for range attempts {
		o, seen, err := attempt(ctx, x, req, c, fresh, since)
		if !errors.Is(err, ErrWrongRevision) {
			return o, err
		}
		// The faster writer may have been ourselves, in an attempt whose answer
		// was lost: its events are after the revision seen.
		fresh, since = true, &seen
	}
	return outcome[S]{}, ErrContended
}

// attempt is one pass of execute. It looks for an earlier attempt among the
// events after since, unless that is nil. It returns also the revision that it
// decided at; its error wraps ErrWrongRevision when somebody was faster.
func attempt[S any](ctx context.Context, x *executor, req Request, c change[S], fresh bool, since *event.Revision) (outcome[S], event.Revision, error) {
	snapshot, err := c.of.load(ctx, x, fresh)
	if err != nil {
		return outcome[S]{}, 0, err
	}
	if since != nil {
		earlier, written, err := x.streams.Find(ctx, c.of.stream, *since, event.DeriveID(req.ID, c.of.stream, 0))
		if err == nil && written && earlier.Revision > snapshot.Revision {
			snapshot, err = c.of.load(ctx, x, true)
		}
		if err != nil {
			return outcome[S]{}, 0, fmt.Errorf("look for an earlier attempt: %w", err)
		}
		if written {
			o := outcomeOf[S](snapshot)
			o.written = true
			return o, snapshot.Revision, nil
		}
	}
	next, err := c.carryOut(ctx, x, req, snapshot)
	if unchanged := err == nil && next.Revision == snapshot.Revision; !snapshot.Fresh && (unchanged || failure.Of(err) != nil) {
		// The cached state may be behind: it is good for nothing but an append,
		// which the store checks.
		return attempt(ctx, x, req, c, true, since)
	}
	if err != nil {
		return outcome[S]{}, snapshot.Revision, err
	}
	o := outcomeOf[S](next)
	o.written = next.Revision != snapshot.Revision
	return o, snapshot.Revision, nil
}

// carryOut is the snapshot after the change, which is the same one when the
// decision is that nothing happens.
func (c change[S]) carryOut(ctx context.Context, x *executor, req Request, at Snapshot) (Snapshot, error) {
	events, err := c.decide(at.State.(S)) //nolint:forcetypeassert // The fold is that of ref.
	if err != nil {
		return Snapshot{}, err
	}
	// After the decision: to whoever may not know of the aggregate, a guessed
	// revision must not tell whether it exists. RFC 9110, section 13.2.1.
	if c.expected != nil && *c.expected != at.Revision {
		return Snapshot{}, ErrStale
	}
	if len(events) == 0 {
		return at, nil
	}
	if c.claims != nil {
		for _, claim := range c.claims(events) {
			if err := claim.hold(ctx, x, req); err != nil {
				return Snapshot{}, err
			}
		}
	}
	all := drafts(req, at.Stream, c.organization, 0, events)
	for i := range all {
		if c.name == nil {
			break
		}
		if id, named := c.name(all[i].Event); named {
			all[i].ID = id
		}
	}
	return c.of.append(ctx, x, at, all)
}

// drafts are the events as the request writes them, numbered from first on.
func drafts(req Request, stream string, organization id.Organization, first int, events []event.Event) []event.Draft {
	metadata := req.metadata(organization)
	out := make([]event.Draft, len(events))
	for i, e := range events {
		out[i] = event.Draft{ID: event.DeriveID(req.ID, stream, first+i), Event: e, Metadata: metadata}
	}
	return out
}
