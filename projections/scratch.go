package projections

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/perfectworks/backend/domain/event"
)

// scratchBatch is how many events are taken into scratch tables at a time.
const scratchBatch = 10_000

// keepScratch is how long scratch tables are kept that nobody dropped.
const keepScratch = 24 * time.Hour

// openScratch creates scratch tables of a definition. The caller drops them.
func (e *Engine) openScratch(ctx context.Context, d Definition) (p *projector, err error) {
	g, err := createGeneration(ctx, e.config.Pool, d, Scratch, nil)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, e.dropScratch(ctx, g))
		}
	}()
	// What these tables do is in no metric.
	p = e.projector(d, g, &tracker{
		changed: make(chan struct{}),
		commits: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "scratch"}), events: prometheus.NewCounter(prometheus.CounterOpts{Name: "scratch"}),
		fenced: prometheus.NewCounter(prometheus.CounterOpts{Name: "scratch"}),
	})
	p.observe = func(ctx context.Context, _ string, _ event.Recorded) (context.Context, func()) { return ctx, func() {} }
	if err := p.open(ctx); err != nil {
		return nil, err
	}
	p.parked, p.known = map[string]bool{}, map[string]*keys{}
	for name := range p.tables {
		p.known[name] = newKeys()
	}
	p.skipped, err = skippedEvents(ctx, e.config.Pool, g)
	return p, err
}

// dropScratchTimeout bounds the dropping of scratch tables at the end.
const dropScratchTimeout = 30 * time.Second

func (e *Engine) dropScratch(ctx context.Context, g Generation) error {
	ctx, cancel := outlive(ctx, dropScratchTimeout)
	defer cancel()
	return dropGeneration(ctx, e.config.Pool, g.ID, false)
}

// fill takes in the events after the position that the tables have reached, up to
// another one, included. report is told how many they are after each batch.
func (p *projector) fill(ctx context.Context, read Read, upTo event.Position, report func(position event.Position, events int64)) error {
	from := p.generation.Position
	if from.Compare(upTo) >= 0 {
		return nil
	}
	var b batch
	var last event.Mark
	flush := func(ctx context.Context, mark event.Mark) error {
		if err := p.write(ctx, b, mark, false); err != nil {
			return err
		}
		b = batch{}
		report(p.generation.Position, p.generation.Events)
		return nil
	}
	err := read(ctx, from, upTo, func(r event.Recorded, err error) error {
		if r.Position.Compare(from) <= 0 {
			return nil
		}
		entry, err := p.weigh(r, err)
		if err != nil {
			return err
		}
		b.add(entry, r.Time)
		last = event.Mark{Position: r.Position, Last: r.Place()}
		if b.events < scratchBatch {
			return nil
		}
		return flush(ctx, last)
	})
	if err != nil {
		return err
	}
	last.Position = upTo
	return flush(ctx, last)
}

// weigh says what an event changes, if anything, as consider does. An event that
// cannot be read matters only to tables that have parked it, too.
func (p *projector) weigh(r event.Recorded, err error) (*entry, error) {
	if err != nil && !errors.Is(err, ErrUndecodable) {
		return nil, err
	}
	if p.skipped[r.ID] || err != nil && !p.unreadable[r.ID] && !p.parksUnreadable {
		return nil, nil
	}
	if err != nil {
		return &entry{id: r.ID, stream: r.Stream, revision: r.Revision, position: r.Position, failure: describe(err)}, nil
	}
	e := entry{id: r.ID, stream: r.Stream, revision: r.Revision, position: r.Position, eventType: r.Event.EventType(), decoded: true}
	reducer, relevant := p.definition.Reducers[e.eventType]
	if !relevant {
		return nil, nil
	}
	effects, err := p.reduce(reducer, r)
	if err != nil {
		e.failure = describe(err)
	}
	if e.effects = effects; len(effects) == 0 && e.failure == "" {
		return nil, nil
	}
	return &e, nil
}

// Replay takes a part of the log into scratch tables of a projection, from an empty
// state: the events after one position, up to another one, included. It tells what
// the read model would say of these events alone. The tables are in the schema of
// the generation returned, and are dropped after a day, or by Drop. Nothing that is
// live is touched. report is told how far it has got.
func (e *Engine) Replay(ctx context.Context, projection string, from, upTo event.Position, report func(position event.Position, events int64)) (_ Generation, err error) {
	d, err := e.definition(projection)
	if err != nil {
		return Generation{}, err
	}
	p, err := e.openScratch(ctx, d)
	if err != nil {
		return Generation{}, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("replay into projection %s: %w", projection, err), e.dropScratch(ctx, p.generation))
		}
	}()
	if err := p.start(ctx, from); err != nil {
		return Generation{}, err
	}
	if err := p.fill(ctx, e.config.Read, upTo, report); err != nil {
		return Generation{}, err
	}
	if err := pgx.BeginFunc(ctx, p.pool, func(tx pgx.Tx) error { return createIndexes(ctx, tx, p.generation, p.layout) }); err != nil {
		return Generation{}, err
	}
	return p.generation, nil
}

// start has empty tables begin after a position.
func (p *projector) start(ctx context.Context, from event.Position) error {
	if from.IsZero() {
		return nil
	}
	return p.write(ctx, batch{}, event.Mark{Position: from}, false)
}

// Rows calls a function for the rows of a generation's tables, one table after the
// other, in the order of their keys, as JSON objects. Columns with data about people
// are hidden.
func (e *Engine) Rows(ctx context.Context, g Generation, each func(table string, row json.RawMessage) error) error {
	d, err := e.definition(g.Projection)
	if err != nil {
		return err
	}
	l, err := readLayout(ctx, e.config.Pool, d)
	if err != nil {
		return fmt.Errorf("read the rows of projection %s: %w", g.Projection, err)
	}
	for _, t := range sorted(in(g.Schema(), l.tables)) {
		if err := e.rowsOf(ctx, d, t, each); err != nil {
			return fmt.Errorf("read the rows of projection %s: %w", g.Projection, err)
		}
	}
	return nil
}

func (e *Engine) rowsOf(ctx context.Context, d Definition, t *table, each func(table string, row json.RawMessage) error) error {
	rows, err := e.config.Pool.Query(ctx, "SELECT to_jsonb(t)::text FROM "+t.ident+" t ORDER BY "+t.keyTexts())
	if err != nil {
		return err
	}
	var row string
	_, err = pgx.ForEachRow(rows, []any{&row}, func() error {
		_, shown := d.hidden(t.name, nil, json.RawMessage(row))
		return each(t.name, shown)
	})
	return err
}
