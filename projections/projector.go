package projections

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/perfectworks/backend/domain/event"
)

// projector takes events into one generation. It is the handler and the
// Progress of one subscription: events are reduced as they come and kept in
// memory, and Commit writes what they come to, while the next ones come.
//
// The subscription calls it from one goroutine at a time.
type projector struct {
	pool       *pgxpool.Pool
	recognise  Recognise
	decode     Decode
	parts      Parts
	observe    Observe
	definition Definition
	tracker    *tracker
	log        *slog.Logger
	// committed, if set, is called after each commit; its error is Commit's.
	committed func(ctx context.Context, upTo event.Position, live bool) error
	// stop ends the subscription, for a reason.
	stop context.CancelCauseFunc
	// drain bounds how long a commit under way may go on after the end.
	drain  time.Duration
	layout *layout
	tables map[string]*table
	pause  *pauses
	// pace slows a build down.
	pace *pace

	// The writer's own, while one writes: see commit.go.
	generation Generation
	parked     map[string]bool // streams
	skipped    map[event.ID]bool
	// unreadable are events that other tables have parked because they could not be
	// read: see weigh.
	unreadable map[event.ID]bool
	// parksUnreadable has weigh park all events that cannot be read.
	parksUnreadable bool
	// known are the keys of each table, if they could be followed since it was
	// empty; indexed are the matched changes for which a build has made the indexes.
	known   map[string]*keys
	indexed map[matching]bool
	writing chan error // gives the result of the commit under way

	mu    sync.Mutex
	batch batch // since the last commit
}

// batch is events on their way into the tables.
type batch struct {
	entries []entry
	// events counts those that change nothing too; newest is when the last of
	// them was recorded.
	events int64
	newest time.Time
}

// entry is an event on its way into the tables.
type entry struct {
	id        event.ID
	stream    string
	revision  event.Revision
	position  event.Position
	eventType string
	effects   []effect
	// failure is why it has no effects; it will be parked. decoded says that it
	// could be read.
	failure string
	decoded bool
}

// open learns the generation's tables, before the first subscription begins.
func (p *projector) open(ctx context.Context) error {
	if p.layout != nil {
		return nil
	}
	l, err := readLayout(ctx, p.pool, p.definition)
	if err != nil {
		return err
	}
	p.layout, p.tables, p.indexed = l, in(p.generation.Schema(), l.tables), map[matching]bool{}
	return nil
}

// handle takes events in. An error sends all of them back, to be delivered again,
// and leaves the batch as it was.
func (p *projector) handle(m *message.Message) error {
	parts := p.parts(m)
	if parts == nil {
		parts = []*message.Message{m}
	}
	if err := p.pace.take(m.Context(), len(parts)); err != nil {
		return err
	}
	taken := batch{entries: make([]entry, 0, len(parts))}
	err := p.pace.work(m.Context(), func() error {
		for _, part := range parts {
			e, at, err := p.consider(part)
			if err != nil {
				return err
			}
			taken.add(e, at)
		}
		return nil
	})
	if err == nil {
		p.join(taken)
	}
	return err
}

// consider says what an event changes, if anything, and when it was recorded, if
// that is known. An error says that it must be delivered again.
func (p *projector) consider(m *message.Message) (*entry, time.Time, error) {
	eventType := m.Metadata.Get(MetadataType)
	reducer, relevant := p.definition.Reducers[eventType]
	if eventType != "" && !relevant {
		return nil, time.Time{}, nil
	}
	recorded, err := p.read(m)
	located := recorded.Stream != "" && !recorded.Position.IsZero()
	if err != nil && (!errors.Is(err, ErrUndecodable) || !located) {
		p.fail(m.Context(), err)
		return nil, time.Time{}, fmt.Errorf("decode for projection %s: %w", p.definition.Name, err)
	}
	if p.skipped[recorded.ID] {
		return nil, recorded.Time, nil
	}
	e := entry{
		id: recorded.ID, stream: recorded.Stream, revision: recorded.Revision, position: recorded.Position,
		eventType: eventType, decoded: err == nil,
	}
	if err == nil {
		if eventType == "" {
			e.eventType = recorded.Event.EventType()
			reducer, relevant = p.definition.Reducers[e.eventType]
		}
		if relevant {
			_, end := p.observe(m.Context(), p.definition.Name, recorded)
			e.effects, err = p.reduce(reducer, recorded)
			end()
		}
	}
	if err != nil {
		e.failure = describe(err)
	}
	if len(e.effects) == 0 && e.failure == "" {
		return nil, recorded.Time, nil
	}
	return &e, recorded.Time, nil
}

// add adds an event, with what it changes, if anything.
func (b *batch) add(e *entry, at time.Time) {
	b.events++
	if at.After(b.newest) {
		b.newest = at
	}
	if e != nil {
		b.entries = append(b.entries, *e)
	}
}

// join adds events to the batch.
func (p *projector) join(taken batch) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.batch.events += taken.events
	if taken.newest.After(p.batch.newest) {
		p.batch.newest = taken.newest
	}
	if len(taken.entries) > 0 {
		p.batch.entries = append(p.batch.entries, taken.entries...)
		p.tracker.pending()
	}
}

// take begins another batch.
func (p *projector) take() batch {
	p.mu.Lock()
	defer p.mu.Unlock()
	taken := p.batch
	p.batch = batch{entries: make([]entry, 0, len(taken.entries))}
	return taken
}

func (p *projector) read(m *message.Message) (r event.Recorded, err error) {
	defer func() {
		if value := recover(); value != nil {
			err = fmt.Errorf("%w: %w", ErrUndecodable, panicked(value))
		}
	}()
	return p.decode(m.Context(), m)
}

func (p *projector) reduce(reducer Reducer, r event.Recorded) (effects []effect, err error) {
	defer func() {
		if value := recover(); value != nil {
			effects, err = nil, panicked(value)
		}
	}()
	changes, err := reducer(r)
	if err != nil || len(changes) == 0 {
		return nil, err
	}
	effects = make([]effect, len(changes))
	for i, c := range changes {
		if effects[i], err = encode(p.tables, c); err != nil {
			return nil, err
		}
	}
	return effects, nil
}
