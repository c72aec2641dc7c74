package auditlog

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/perfectworks/backend/domain/event"
)

// ErrNoTrace says that the log knows nothing of an id.
var ErrNoTrace = errors.New("no event has this id, or was caused by it")

// Command is a command of a trace, with the events that it caused.
type Command struct {
	ID        string `json:"id"`
	ActorKind string `json:"actorKind"`
	ActorID   string `json:"actorId"`
	// CauseEventID is the event that the command follows from, if it is in the trace.
	CauseEventID string `json:"causeEventId,omitempty"`
	// Webhook is what the command follows from, unless that is below an event.
	Webhook *Webhook `json:"webhook,omitempty"`
	Events  []*Event `json:"events"`
}

// Event is an event of a trace, with the commands and jobs that follow from it, and the
// webhooks by which others answered it.
type Event struct {
	Entry

	Commands []*Command `json:"commands"`
	Jobs     []Job      `json:"jobs"`
	Webhooks []*Webhook `json:"webhooks,omitempty"`
}

// Webhook is what another system told, with the jobs and the command that follow from
// it.
type Webhook struct {
	ID         string     `json:"id"`
	Type       string     `json:"type"`
	Source     string     `json:"source"`
	State      string     `json:"state"`
	ReceivedAt time.Time  `json:"receivedAt"`
	CommandID  string     `json:"commandId"`
	Jobs       []Job      `json:"jobs"`
	Commands   []*Command `json:"commands,omitempty"`

	// Answers is the id of the event that it answers; empty when that is not in the
	// trace.
	Answers string `json:"-"`
}

// Job is a job that follows from an event.
type Job struct {
	ID    int64  `json:"id"`
	Kind  string `json:"kind"`
	State string `json:"state"`
}

// Around finds what the log itself does not hold of a trace.
type Around struct {
	// Jobs finds the jobs of events, by the ids of these.
	Jobs func(ctx context.Context, events []string) (map[string][]Job, error)
	// Webhooks finds the webhooks that answer some events, or from which their commands
	// follow.
	Webhooks func(ctx context.Context, entries []Entry) ([]*Webhook, error)
}

// Trace returns what belongs to an id, which is that of a correlation, a request, a
// command, an event or a webhook: the commands that no event of the trace caused, and
// below them what they caused. What follows from webhooks that answer an event of the
// trace belongs to it, too. Its error wraps ErrNoTrace.
func (r *Reader) Trace(ctx context.Context, id string, around Around) ([]*Command, error) {
	head, err := r.Head(ctx)
	if err != nil {
		return nil, err
	}
	correlation := ""
	err = r.scan(ctx, head, func(recorded event.Recorded, _ error) error {
		m := recorded.Metadata
		if m.RequestID == id || m.CorrelationID == id || m.CausationID == id || recorded.ID.String() == id {
			correlation = m.CorrelationID
			return errFound
		}
		return nil
	})
	if err != nil && !errors.Is(err, errFound) {
		return nil, err
	}
	if correlation == "" {
		return nil, fmt.Errorf("%w: %s", ErrNoTrace, id)
	}
	entries, err := r.correlated(ctx, head, correlation)
	if err != nil {
		return nil, err
	}
	webhooks, err := around.Webhooks(ctx, entries)
	if err != nil {
		return nil, err
	}
	// The command of a webhook begins a correlation of its own, named by its id.
	var answers []string
	for _, w := range webhooks {
		if w.CommandID != correlation {
			answers = append(answers, w.CommandID)
		}
	}
	if len(answers) > 0 {
		more, err := r.correlated(ctx, head, answers...)
		if err != nil {
			return nil, err
		}
		entries = append(entries, more...)
	}
	ids := make([]string, len(entries))
	for i, e := range entries {
		ids[i] = e.ID
	}
	followed, err := around.Jobs(ctx, ids)
	if err != nil {
		return nil, err
	}
	return tree(entries, followed, webhooks), nil
}

var errFound = errors.New("found")

// scan reads the log up to a position. Events that cannot be decoded come with an
// error.
func (r *Reader) scan(ctx context.Context, upTo event.Position, each func(event.Recorded, error) error) error {
	return r.Read(ctx, event.Position{}, upTo, func(recorded event.Recorded, err error) error {
		if err != nil && !r.Undecodable(err) {
			return err
		}
		return each(recorded, err)
	})
}

// correlated returns the events of some correlations.
func (r *Reader) correlated(ctx context.Context, upTo event.Position, correlations ...string) (entries []Entry, err error) {
	err = r.scan(ctx, upTo, func(recorded event.Recorded, err error) error {
		if slices.Contains(correlations, recorded.Metadata.CorrelationID) {
			entries = append(entries, entryOf(recorded, err))
		}
		return nil
	})
	return entries, err
}

// tree puts events below their commands, and commands and webhooks below what caused
// them.
func tree(entries []Entry, jobs map[string][]Job, webhooks []*Webhook) (roots []*Command) {
	events, commands := map[string]*Event{}, map[string]*Command{}
	var order []*Command
	for _, e := range entries {
		c, ok := commands[e.CommandID]
		if !ok {
			c = &Command{ID: e.CommandID, ActorKind: e.ActorKind, ActorID: e.ActorID, CauseEventID: e.CauseEventID}
			commands[e.CommandID] = c
			order = append(order, c)
		}
		events[e.ID] = &Event{Entry: e, Commands: []*Command{}, Jobs: append([]Job{}, jobs[e.ID]...)}
		c.Events = append(c.Events, events[e.ID])
	}
	answered := map[*Command]bool{}
	for _, w := range webhooks {
		c := commands[w.CommandID]
		cause, ok := events[w.Answers]
		switch {
		case ok && cause.CommandID != w.CommandID: // It does not answer what follows from it.
			cause.Webhooks = append(cause.Webhooks, w)
			if c != nil {
				w.Commands, answered[c] = []*Command{c}, true
			}
		case c != nil:
			c.Webhook = w
		}
	}
	for _, c := range order {
		if answered[c] {
			continue
		}
		if cause, ok := events[c.CauseEventID]; ok {
			cause.Commands = append(cause.Commands, c)
		} else {
			roots = append(roots, c)
		}
	}
	return roots
}
