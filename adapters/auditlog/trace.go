package auditlog

import (
	"context"
	"errors"
	"fmt"

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
	CauseEventID string   `json:"causeEventId,omitempty"`
	Events       []*Event `json:"events"`
}

// Event is an event of a trace, with the commands and jobs that follow from it.
type Event struct {
	Entry

	Commands []*Command `json:"commands"`
	Jobs     []Job      `json:"jobs"`
}

// Job is a job that follows from an event.
type Job struct {
	ID    int64  `json:"id"`
	Kind  string `json:"kind"`
	State string `json:"state"`
}

// Trace returns what belongs to an id, which is that of a correlation, a request, a
// command or an event: the commands that no event of the trace caused, and below
// them what they caused. jobs finds the jobs of events. Its error wraps ErrNoTrace.
func (r *Reader) Trace(ctx context.Context, id string, jobs func(ctx context.Context, events []string) (map[string][]Job, error)) ([]*Command, error) {
	head, err := r.Head(ctx)
	if err != nil {
		return nil, err
	}
	correlation := ""
	err = r.Log(ctx, Filter{}, event.Position{}, head, func(e Entry) error {
		if correlation == "" && (e.ID == id || e.CommandID == id || e.RequestID == id || e.CorrelationID == id) {
			correlation = e.CorrelationID
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if correlation == "" {
		return nil, fmt.Errorf("%w: %s", ErrNoTrace, id)
	}
	var entries []Entry
	if err := r.Log(ctx, Filter{}, event.Position{}, head, func(e Entry) error {
		if e.CorrelationID == correlation {
			entries = append(entries, e)
		}
		return nil
	}); err != nil {
		return nil, err
	}
	ids := make([]string, len(entries))
	for i, e := range entries {
		ids[i] = e.ID
	}
	followed, err := jobs(ctx, ids)
	if err != nil {
		return nil, err
	}
	return tree(entries, followed), nil
}

// tree puts events below their commands, and commands below what caused them.
func tree(entries []Entry, jobs map[string][]Job) (roots []*Command) {
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
	for _, c := range order {
		if cause, ok := events[c.CauseEventID]; ok {
			cause.Commands = append(cause.Commands, c)
		} else {
			roots = append(roots, c)
		}
	}
	return roots
}
