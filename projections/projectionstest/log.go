// Package projectionstest is a log in memory, with a subscriber that keeps the
// contract of projections.Subscribe, so that the rules of projections can be
// tested apart from a store.
package projectionstest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/perfectworks/backend/domain/event"
)

// Began is when the first event of a log is recorded; each later one comes a
// second after the one before.
var Began = time.Date(2026, 1, 1, 0, 0, 1, 0, time.UTC)

// PositionStep lies between the positions of two events.
const PositionStep = 100

// identity is the name of every log, until it is exchanged.
const identity = "a log in memory"

// Log is a log in memory. It is safe for concurrent use.
type Log struct {
	mu        sync.Mutex
	events    []event.Recorded
	revisions map[string]event.Revision
	grown     chan struct{}
	beyond    uint64
	failures  map[event.ID]error
	failure   error
	erased    map[string]bool
	lives     int // how often it went back
	identity  string
	strangers int // how often it was taken for another log
}

// NewLog returns an empty log.
func NewLog() *Log {
	return &Log{identity: identity, revisions: map[string]event.Revision{}, grown: make(chan struct{}), failures: map[event.ID]error{}, erased: map[string]bool{}}
}

// Append records events in a stream, and returns the last one's position.
func (l *Log) Append(stream string, events ...event.Event) event.Position {
	return l.AppendWith(event.Metadata{}, stream, events...)
}

// AppendWith is Append with metadata.
func (l *Log) AppendWith(metadata event.Metadata, stream string, events ...event.Event) event.Position {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range events {
		n := len(l.events) + 1
		revision, ok := l.revisions[stream]
		if ok {
			revision++
		}
		l.revisions[stream] = revision
		at := uint64(n) * PositionStep
		l.events = append(l.events, event.Recorded{
			ID: event.DeriveID(event.ID{1, byte(l.lives)}, stream, n), Stream: stream, Revision: revision,
			Position: event.Position{Commit: at, Prepare: at},
			Time:     Began.Add(time.Duration(n-1) * time.Second), Event: e, Metadata: metadata,
		})
	}
	close(l.grown)
	l.grown = make(chan struct{})
	return l.end()
}

// GoBack takes away all events after a position, as a restored backup does. What
// is recorded afterwards has other ids.
func (l *Log) GoBack(to event.Position) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(l.events)
	for n > 0 && l.events[n-1].Position.Compare(to) > 0 {
		n--
	}
	l.events = l.events[:n:n]
	l.revisions = map[string]event.Revision{}
	for _, e := range l.events {
		l.revisions[e.Stream] = e.Revision
	}
	l.lives++
	close(l.grown)
	l.grown = make(chan struct{})
}

// Exchange makes it another log, with the same events.
func (l *Log) Exchange() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.identity += ", exchanged"
	l.lives++
	close(l.grown)
	l.grown = make(chan struct{})
}

// Strangers tells how often the log was taken for another since.
func (l *Log) Strangers() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.strangers
}

// Recognise is projections.Recognise.
func (l *Log) Recognise(_ context.Context, mark event.Mark) (event.Mark, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if mark.Log != "" && mark.Log != l.identity {
		l.strangers++
		return event.Mark{}, event.ErrAnotherLog
	}
	known := mark.Last.IsZero()
	for _, e := range l.events {
		known = known || e.ID == mark.Last.ID && e.Position == mark.Last.Position
	}
	if !known {
		return event.Mark{}, fmt.Errorf("%w: %s is not there", event.ErrLogWentBack, mark.Last.Position)
	}
	if mark.Position.Compare(l.reachable()) > 0 {
		mark.Position = mark.Last.Position
	}
	mark.Log = l.identity
	return mark, nil
}

// Read is projections.Read.
func (l *Log) Read(ctx context.Context, from, upTo event.Position, each func(event.Recorded, error) error) error {
	for _, e := range l.Events() {
		if e.Position.Compare(from) < 0 || e.Position.Compare(upTo) > 0 {
			continue
		}
		if err := each(l.Decode(ctx, NewMessage(ctx, e))); err != nil {
			return err
		}
	}
	return nil
}

// life tells how often the log went back.
func (l *Log) life() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lives
}

// reachable is up to where a subscription gets.
func (l *Log) reachable() event.Position {
	end := l.end()
	end.Commit, end.Prepare = end.Commit+l.beyond, end.Prepare+l.beyond
	return end
}

// Events are all that were recorded.
func (l *Log) Events() []event.Recorded {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.events[:len(l.events):len(l.events)]
}

// Head is the position of the last event.
func (l *Log) Head(context.Context) (event.Position, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.end(), nil
}

func (l *Log) end() event.Position {
	if len(l.events) == 0 {
		return event.Position{}
	}
	return l.events[len(l.events)-1].Position
}

// Pass lets subscribers that reach the end pass beyond it by so much, as over
// events that are filtered out. Only a new subscription notices.
func (l *Log) Pass(by uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.beyond = by
}

// Fail makes decoding fail for one event, or for all with the zero id; nil ends
// it.
func (l *Log) Fail(id event.ID, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if id == (event.ID{}) {
		l.failure = err
	} else {
		l.failures[id] = err
	}
}

// Erase destroys the keys of subjects: their personal texts read as erased from
// now on.
func (l *Log) Erase(subjects ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range subjects {
		l.erased[s] = true
	}
}

type recordedKey struct{}

// NewMessage is the message for an event.
func NewMessage(ctx context.Context, r event.Recorded) *message.Message {
	m := message.NewMessage(r.ID.String(), nil)
	m.Metadata.Set("type", r.Event.EventType())
	m.SetContext(context.WithValue(ctx, recordedKey{}, r))
	return m
}

type partsKey struct{}

// Parts is projections.Parts.
func Parts(m *message.Message) []*message.Message {
	parts, _ := m.Context().Value(partsKey{}).([]*message.Message)
	return parts
}

// Decode is the event in a message. With an error, it is only where the event
// stands.
func (l *Log) Decode(_ context.Context, m *message.Message) (event.Recorded, error) {
	r, ok := m.Context().Value(recordedKey{}).(event.Recorded)
	if !ok {
		return event.Recorded{}, errors.New("the message is not of a log in memory")
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, err := range []error{l.failure, l.failures[r.ID]} {
		if err != nil {
			r.Event = nil
			return r, fmt.Errorf("decode: %w", err)
		}
	}
	if len(l.erased) > 0 {
		r.Event = erase(r.Event, l.erased)
		r.Metadata = erase(r.Metadata, l.erased)
	}
	return r, nil
}

// after returns the events after a position, where the log ends, and what tells
// of more.
func (l *Log) after(p event.Position) ([]event.Recorded, event.Position, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := 0
	for i < len(l.events) && l.events[i].Position.Compare(p) <= 0 {
		i++
	}
	return l.events[i:], l.reachable(), l.grown
}
