// Package auditlog reads the event log for operators: what happened, by whom and
// why, what an aggregate was at any time, and what followed from what. It changes
// nothing, and shows no data about people.
package auditlog

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/perfectworks/backend/domain/act"
	"github.com/perfectworks/backend/domain/event"
)

// Entry is an event as operators see it.
type Entry struct {
	ID       string    `json:"id"`
	Stream   string    `json:"stream"`
	Revision int64     `json:"revision"`
	Position string    `json:"position"`
	Time     time.Time `json:"time"`
	Type     string    `json:"type"`
	// Data are the fields of the event; nil when it cannot be read: Failure says why.
	Data    any    `json:"data"`
	Failure string `json:"failure,omitempty"`

	ActorKind      string `json:"actorKind"`
	ActorID        string `json:"actorId"`
	ActorUserID    string `json:"actorUserId,omitempty"`
	OrganizationID string `json:"organizationId,omitempty"`
	RequestID      string `json:"requestId,omitempty"`
	// ClientAddress and UserAgent are hidden unless they were asked for.
	ClientAddress string `json:"clientAddress,omitempty"`
	UserAgent     string `json:"userAgent,omitempty"`
	// CorrelationID is shared by all that one request set in motion, CommandID names
	// the command that caused the event, and CauseEventID the event that the command
	// follows from.
	CorrelationID string `json:"correlationId,omitempty"`
	CommandID     string `json:"commandId,omitempty"`
	CauseEventID  string `json:"causeEventId,omitempty"`
}

func entryOf(r event.Recorded, err error) Entry {
	m := r.Metadata
	e := Entry{
		ID: r.ID.String(), Stream: r.Stream, Revision: int64(r.Revision), Position: r.Position.String(), Time: r.Time.UTC(),
		ActorKind: string(m.ActorKind), ActorID: m.ActorID, ActorUserID: m.ActorUserID, OrganizationID: m.OrganizationID,
		RequestID: m.RequestID, ClientAddress: m.ClientAddress.String(), UserAgent: m.UserAgent.String(), CorrelationID: m.CorrelationID, CommandID: m.CausationID, CauseEventID: m.CauseEventID,
	}
	if err != nil {
		e.Failure = err.Error()
		return e
	}
	e.Type, e.Data = r.Event.EventType(), Plain(r.Event)
	if _, began := r.Event.(act.OperatorActBegan); began {
		e.Data = Revealed(r.Event) // The reason and the account are kept to be told to other operators.
	}
	return e
}

// Filter says which events are wanted. Empty fields match all.
type Filter struct {
	Organization string
	// Actor is the id of an actor, or of the person behind one.
	Actor string
	// Aggregate is a stream, or a category of streams.
	Aggregate string
	Type      string
	// Since and Until bound the time of recording, Until excluded.
	Since, Until time.Time
	// Correlation is a correlation id or a request id.
	Correlation string
}

func (f Filter) wants(r event.Recorded) bool {
	m := r.Metadata
	category, _, _ := strings.Cut(r.Stream, "-")
	return (f.Organization == "" || m.OrganizationID == f.Organization) &&
		(f.Actor == "" || m.ActorID == f.Actor || m.ActorUserID == f.Actor) &&
		(f.Aggregate == "" || r.Stream == f.Aggregate || category == f.Aggregate) &&
		(f.Type == "" || r.Event != nil && r.Event.EventType() == f.Type) &&
		(f.Since.IsZero() || !r.Time.Before(f.Since)) && (f.Until.IsZero() || r.Time.Before(f.Until)) &&
		(f.Correlation == "" || m.CorrelationID == f.Correlation || m.RequestID == f.Correlation)
}

// Reader reads the log. It is safe for concurrent use.
type Reader struct {
	// Read calls a function for the events between two positions, both included; one
	// that cannot be decoded comes with what is known of it, and an error that
	// Undecodable tells.
	Read        func(ctx context.Context, from, upTo event.Position, each func(event.Recorded, error) error) error
	Undecodable func(error) bool
	Head        func(context.Context) (event.Position, error)
	// Events returns the events of a stream in their order.
	Events func(ctx context.Context, stream string) iter.Seq2[event.Recorded, error]
	// Facts is Events without metadata, which states do not depend on.
	Facts func(ctx context.Context, stream string) iter.Seq2[event.Recorded, error]
	Kinds []event.Kind
}

// Log calls a function for the events up to a position that a filter wants, in their
// order, after another position.
func (r *Reader) Log(ctx context.Context, f Filter, after, upTo event.Position, each func(Entry) error) error {
	return r.Entries(ctx, f, after, upTo, false, each)
}

// Entries is Log. With reveal, data about people is shown as it is: see EntryOf.
func (r *Reader) Entries(ctx context.Context, f Filter, after, upTo event.Position, reveal bool, each func(Entry) error) error {
	return r.Read(ctx, after, upTo, func(recorded event.Recorded, err error) error {
		if err != nil && !r.Undecodable(err) {
			return err
		}
		if recorded.Position.Compare(after) <= 0 {
			return nil
		}
		if f.wants(recorded) {
			return each(EntryOf(recorded, err, reveal))
		}
		return nil
	})
}

// followEvery is how often the end of the log is asked for.
const followEvery = 500 * time.Millisecond

// Follow calls a function for the events that come from now on and that a filter
// wants, until ctx ends.
func (r *Reader) Follow(ctx context.Context, f Filter, each func(Entry) error) error {
	at, err := r.Head(ctx)
	if err != nil {
		return err
	}
	ticker := time.NewTicker(followEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		head, err := r.Head(ctx)
		if err == nil && head.Compare(at) > 0 {
			err = r.Log(ctx, f, at, head, each)
			at = head
		}
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

var (
	// ErrNoStream says that there is no stream of a name.
	ErrNoStream = errors.New("there is no such stream")
	// ErrNoKind says that no aggregate of this program has such streams.
	ErrNoKind = errors.New("no aggregate has such a stream")
)

// Point is a point in the life of an aggregate: a revision, or a time; the present
// for the zero value.
type Point struct {
	Revision *event.Revision
	Time     time.Time
}

func (p Point) includes(r event.Recorded) bool {
	return (p.Revision == nil || r.Revision <= *p.Revision) && (p.Time.IsZero() || !r.Time.After(p.Time))
}

// State is what an aggregate was at a point.
type State struct {
	Stream string `json:"stream"`
	// Revision is that of the last event before the point; -1 when there is none.
	Revision int64      `json:"revision"`
	Time     *time.Time `json:"time"`
	State    any        `json:"state"`
}

// State folds a stream up to a point. Its error wraps ErrNoKind, or ErrNoStream.
func (r *Reader) State(ctx context.Context, stream string, at Point) (State, error) {
	kind, err := r.kindOf(stream)
	if err != nil {
		return State{}, err
	}
	s, folded, found := State{Stream: stream, Revision: int64(event.NoStream)}, kind.Zero, false
	for recorded, err := range r.Facts(ctx, stream) {
		if err != nil {
			return State{}, err
		}
		found = true
		if !at.includes(recorded) {
			break
		}
		folded = kind.Apply(folded, recorded.Event)
		s.Revision, s.Time = int64(recorded.Revision), new(recorded.Time.UTC())
	}
	if !found {
		return State{}, fmt.Errorf("%w: %s", ErrNoStream, stream)
	}
	s.State = Plain(folded)
	return s, nil
}

// Replay calls a function for each event of a stream, with the state before and
// after it. Its error wraps ErrNoKind, or ErrNoStream.
func (r *Reader) Replay(ctx context.Context, stream string, each func(e Entry, before, after any) error) error {
	kind, err := r.kindOf(stream)
	if err != nil {
		return err
	}
	folded, before, found := kind.Zero, any(nil), false
	for recorded, err := range r.Events(ctx, stream) {
		if err != nil {
			return err
		}
		found = true
		folded = kind.Apply(folded, recorded.Event)
		after := Plain(folded)
		if err := each(entryOf(recorded, nil), before, after); err != nil {
			return err
		}
		before = after
	}
	if !found {
		return fmt.Errorf("%w: %s", ErrNoStream, stream)
	}
	return nil
}

func (r *Reader) kindOf(stream string) (event.Kind, error) {
	i := slices.IndexFunc(r.Kinds, func(k event.Kind) bool { return strings.HasPrefix(stream, k.StreamPrefix()) })
	if i < 0 {
		return event.Kind{}, fmt.Errorf("%w: %s", ErrNoKind, stream)
	}
	return r.Kinds[i], nil
}
