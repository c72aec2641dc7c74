package projections

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/perfectworks/backend/domain/event"
)

// projector takes events into one generation. It is the handler and the
// Progress of one subscription: events are reduced as they come and kept in
// memory, and Commit writes what they come to.
type projector struct {
	pool       *pgxpool.Pool
	decode     Decode
	observe    Observe
	definition Definition
	tracker    *tracker
	log        *slog.Logger
	// committed, if set, is called after each commit; its error is Commit's.
	committed func(ctx context.Context, upTo event.Position, live bool) error
	// stop ends the subscription, for a reason.
	stop context.CancelCauseFunc
	// drain bounds how long a commit under way may go on after the end.
	drain time.Duration

	mu         sync.Mutex
	generation Generation
	tables     map[string]*table
	parked     map[string]bool // streams
	queue      []entry
	events     int64     // since the last commit, with those that change nothing
	newest     time.Time // of these
	pause      *pauses
}

// entry is an event on its way into the tables.
type entry struct {
	id        event.ID
	stream    string
	revision  event.Revision
	position  event.Position
	eventType string
	effects   []effect
	// failure is why it has no effects; it will be parked.
	failure string
}

// open learns the generation's tables. It is called once, before the
// subscription begins.
func (p *projector) open(ctx context.Context) error {
	tables, err := readTables(ctx, p.pool, p.generation.Schema())
	if err != nil {
		return fmt.Errorf("read the tables of projection %s: %w", p.definition.Name, err)
	}
	p.tables = tables
	return nil
}

// Resume reads the checkpoint and what has been parked. It waits while the
// database does not answer, longer after each failure.
func (p *projector) Resume(ctx context.Context) (event.Position, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.queue, p.events, p.newest = nil, 0, time.Time{}
	for {
		if err := p.pause.wait(ctx); err != nil {
			return event.Position{}, err
		}
		err := p.load(ctx)
		switch {
		case err == nil:
			return p.generation.Position, nil
		case errors.Is(err, errFenced):
			p.stop(err)
			return event.Position{}, err
		}
		p.pause.lengthen()
		p.fail(ctx, err)
	}
}

func (p *projector) load(ctx context.Context) error {
	g, err := generation(ctx, p.pool, "WHERE id = $1", p.generation.ID)
	if errors.Is(err, errNoGeneration) || err == nil && g.State != p.generation.State {
		return errFenced
	}
	if err != nil {
		return err
	}
	parked, err := parkedStreams(ctx, p.pool, g.ID)
	if err != nil {
		return err
	}
	p.generation, p.parked = g, parked
	p.tracker.resumed(g.Position, g.LastEventAt)
	p.tracker.parked(g.Parked)
	return nil
}

// handle takes one event in. An error sends it back, to be delivered again.
func (p *projector) handle(m *message.Message) error {
	eventType := m.Metadata.Get(MetadataType)
	reducer, relevant := p.definition.Reducers[eventType]
	if eventType != "" && !relevant {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.events++
		return nil
	}
	recorded, err := p.read(m)
	located := recorded.Stream != "" && !recorded.Position.IsZero()
	if err != nil && (!errors.Is(err, ErrUndecodable) || !located) {
		p.fail(m.Context(), err)
		return fmt.Errorf("decode for projection %s: %w", p.definition.Name, err)
	}
	e := entry{
		id: recorded.ID, stream: recorded.Stream, revision: recorded.Revision, position: recorded.Position,
		eventType: eventType,
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
	p.mu.Lock()
	defer p.mu.Unlock()
	p.events++
	if recorded.Time.After(p.newest) {
		p.newest = recorded.Time
	}
	if len(e.effects) > 0 || e.failure != "" {
		p.queue = append(p.queue, e)
		p.tracker.pending()
	}
	return nil
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

// Commit writes what the events since the last commit come to, with the
// checkpoint, in one transaction, or in several when some event has to be
// parked. Once begun it is seen through, within the time to drain.
func (p *projector) Commit(ctx context.Context, upTo event.Position, live bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	writeCtx, cancel := outlive(ctx, p.drain)
	defer cancel()
	began := time.Now()
	if err := p.write(writeCtx, p.queue, upTo, live); err != nil {
		if judge(err) == fenced {
			p.stop(fmt.Errorf("%w: %w", errFenced, err))
		} else {
			p.pause.lengthen()
			p.fail(ctx, err)
		}
		return fmt.Errorf("commit projection %s: %w", p.definition.Name, err)
	}
	p.tracker.wrote(time.Since(began))
	p.queue, p.newest = p.queue[:0], time.Time{}
	p.pause.reset()
	if p.committed != nil {
		return p.committed(ctx, upTo, live)
	}
	return nil
}

// write writes entries, and halves them until it knows which one is at fault.
func (p *projector) write(ctx context.Context, entries []entry, upTo event.Position, live bool) error {
	err := p.flush(ctx, entries, upTo, live)
	if err == nil || judge(err) != guilty || len(entries) == 0 {
		return err
	}
	if len(entries) == 1 {
		if entries[0].failure != "" {
			return err
		}
		entries[0].failure = describe(err)
		return p.flush(ctx, entries, upTo, live)
	}
	half := len(entries) / 2
	if err := p.write(ctx, entries[:half], entries[half-1].position, false); err != nil {
		return err
	}
	return p.write(ctx, entries[half:], upTo, live)
}

// flush writes entries and the checkpoint in one transaction and one round
// trip: the statements of a pgx.Batch are an implicit transaction.
func (p *projector) flush(ctx context.Context, entries []entry, upTo event.Position, live bool) error {
	batch := &pgx.Batch{}
	from, to := storePosition(p.generation.Position), storePosition(upTo)
	var newest *time.Time
	if !p.newest.IsZero() {
		newest = &p.newest
	}
	batch.Queue("SELECT projection.advance($1, $2, $3, $4::text::numeric, $5::text::numeric, $6::text::numeric, $7::text::numeric, $8, $9, $10)",
		p.generation.ID, string(p.generation.State), p.generation.epoch,
		from.commit, from.prepare, to.commit, to.prepare, live, p.events, newest)
	folded := newFold()
	var parked []entry
	newlyParked := map[string]bool{}
	for _, e := range entries {
		if e.failure != "" || p.parked[e.stream] || newlyParked[e.stream] {
			parked = append(parked, e)
			newlyParked[e.stream] = true
			continue
		}
		for _, effect := range e.effects {
			folded.add(effect)
		}
	}
	folded.queue(batch)
	if err := queueParked(batch, p.generation.ID, parked); err != nil {
		return err
	}
	if err := p.pool.SendBatch(ctx, batch).Close(); err != nil {
		return err
	}
	p.generation.Position = upTo
	p.generation.Events += p.events
	p.tracker.took(p.events)
	p.events = 0
	for stream := range newlyParked {
		p.parked[stream] = true
	}
	for _, e := range parked {
		if e.failure != "" {
			p.log.ErrorContext(ctx, "an event was parked",
				slog.String("projection", p.definition.Name), slog.String("stream", e.stream),
				slog.Int64("revision", int64(e.revision)), slog.String("reason", e.failure))
		}
	}
	p.generation.Parked += len(parked)
	p.tracker.parked(p.generation.Parked)
	p.tracker.advanced(upTo, live, p.newest)
	return nil
}

// fail notes why there is no progress, in memory and for other processes.
func (p *projector) fail(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	reason := describe(err)
	p.tracker.failed(reason)
	p.log.WarnContext(ctx, "a projection does not advance",
		slog.String("projection", p.definition.Name), slog.String("reason", reason))
	// Without the database this is lost, and so is nothing.
	_, _ = p.pool.Exec(ctx, `UPDATE projection.generations
		SET failure = $2, failing_since = coalesce(failing_since, now()) WHERE id = $1`, p.generation.ID, reason)
}
