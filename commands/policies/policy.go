// Package policies says what follows from what: a policy reacts to each event of
// one type with one command, or with one act of the outside world.
//
// A policy is no read model. It has a position in the log, but no tables and no
// generations: rebuilding read models runs no policy. Each event leads to one
// job, in the transaction that moves the position, and the job carries out the
// reaction. A job may run more than once, so that the reaction must not matter
// twice: a command's id derives from the event and the policy, by which the
// store recognises it; to other systems the same id is the idempotency key.
package policies

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
)

// Policy is a reaction to the events of one type.
type Policy struct {
	// Name is the actor in the metadata of what follows, and part of the ids of
	// the commands: it never changes. Lower case letters, digits and hyphens.
	Name string
	// EventType is the stored name of the type.
	EventType string
	// Start is where a policy begins that has never run.
	Start Start
	// React does what follows. It is called at least once for each event. An
	// error is tried again later, unless it is a refusal of the domain: then it
	// waits for an operator. What follows must be done when it returns nil.
	React func(context.Context, Reaction) error

	// Grants are the permissions of the policy's principal, which has no others.
	Grants []access.Permission
	// Delay is how long after the event the reaction comes.
	Delay time.Duration
	// Queue and Timeout are those of the jobs, see adapters/jobs; zero values
	// are for short work.
	Queue   string
	Timeout time.Duration
}

// Reaction is what a policy reacts to, and what it has for it.
type Reaction struct {
	Event    event.Recorded
	Commands *commands.Commands
	// Request is that of the command to issue. Its ID derives from event and
	// policy; it is the idempotency key of other effects too.
	Request commands.Request
	// Fence grows each time that a job is taken up: what is written under it can
	// be told from what a late worker writes. See adapters/jobs.
	Fence int64
}

// Start is where in the log a policy begins. It is always chosen: a policy that
// began at the beginning by mistake would send a mail for each event there ever
// was.
type Start struct {
	name string
	// Position is that of the last event before the policy's first one.
	Position event.Position
}

// FromNow is after everything that has happened when the policy is first run.
func FromNow() Start { return Start{name: "now"} }

// FromBeginning is before everything that ever happened.
func FromBeginning() Start { return Start{name: "beginning"} }

// After is behind a position of the log.
func After(p event.Position) Start { return Start{name: p.String(), Position: p} }

// ParseStart reads "now", "beginning", or a position as event.ParsePosition
// does.
func ParseStart(text string) (Start, error) {
	switch text {
	case FromNow().name:
		return FromNow(), nil
	case FromBeginning().name:
		return FromBeginning(), nil
	}
	p, err := event.ParsePosition(text)
	if err != nil {
		return Start{}, fmt.Errorf("a policy starts from now, from beginning, or after a position: %w", err)
	}
	return After(p), nil
}

// String is the form that ParseStart reads; empty for the zero Start, which is
// none.
func (s Start) String() string { return s.name }

// Now tells whether it is FromNow.
func (s Start) Now() bool { return s == FromNow() }

// Options are the rest of a policy.
type Options struct {
	Grants  []access.Permission
	Delay   time.Duration
	Queue   string
	Timeout time.Duration
}

// after returns the options with a delay.
func (o Options) after(delay time.Duration) Options {
	o.Delay = delay
	return o
}

// On is the policy that reacts to events of type E by any means.
func On[E event.Event](name string, start Start, options Options, react func(context.Context, Reaction, E) error) Policy {
	var zero E
	return Policy{
		Name: name, EventType: zero.EventType(), Start: start,
		Grants: options.Grants, Delay: options.Delay, Queue: options.Queue, Timeout: options.Timeout,
		React: func(ctx context.Context, r Reaction) error {
			e, ok := r.Event.Event.(E)
			if !ok {
				return fmt.Errorf("policy %s reacts to %T, not to %T", name, zero, r.Event.Event)
			}
			return react(ctx, r, e)
		},
	}
}

// Issue is the policy that issues a command for each event of type E.
func Issue[E event.Event, C, R any](
	name string, start Start, options Options,
	handler func(*commands.Commands) commands.Handler[C, R], command func(E) C,
) Policy {
	return On(name, start, options, func(ctx context.Context, r Reaction, e E) error {
		_, err := handler(r.Commands)(ctx, r.Request, command(e))
		return err
	})
}

// namespace is for the ids of the commands that policies issue.
var namespace = uuid.MustParse("a3b04d1e-5b0c-5c0e-9a51-0d4f5f1f2c11")

// CommandID is the id of the command that a policy issues for an event, and the
// key of its job: always the same one.
func CommandID(policy string, cause event.ID) event.ID {
	return event.ID(uuid.NewSHA1(namespace, []byte(policy+"/"+cause.String())))
}

// Request is the request of the command that follows from an event. The time is
// the same in each attempt.
func (p Policy) Request(cause event.Recorded, at time.Time, seed commands.Seed) commands.Request {
	return commands.Request{
		ID: CommandID(p.Name, cause.ID), Now: at.UTC(), Seed: seed,
		// An earlier attempt may have been cut off anywhere.
		Retry:         true,
		Principal:     access.ByPolicy(p.Name, organizationOf(cause), p.Grants...),
		CorrelationID: cause.Metadata.CorrelationID, CauseEventID: cause.ID.String(),
		TraceParent: cause.Metadata.TraceParent,
	}
}

// organizationOf is the organization that the event was caused in.
func organizationOf(r event.Recorded) id.Organization {
	return id.Organization(r.Metadata.OrganizationID)
}
