package projections

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/perfectworks/backend/domain/event"
)

// Commit writes what the events since the last commit come to, with the
// checkpoint, in one transaction, or in several when some event has to be
// parked. Once begun it is seen through, within the time to drain.
//
// On the way to the end of the log it does not wait: the next events come while
// these are written, and a failure is the next Commit's. No harm is done, for
// the checkpoint says what is durable. At the end of the log it waits.
func (p *projector) Commit(ctx context.Context, upTo event.Mark, live bool) error {
	if err := p.settle(); err != nil {
		return err
	}
	writing := make(chan error, 1)
	p.writing = writing
	go func(b batch) { writing <- p.commit(ctx, b, upTo, live) }(p.take())
	if live {
		return p.settle()
	}
	return nil
}

// settle waits for the commit under way, and gives its result.
func (p *projector) settle() error {
	if p.writing == nil {
		return nil
	}
	err := <-p.writing
	p.writing = nil
	return err
}

func (p *projector) commit(ctx context.Context, b batch, upTo event.Mark, live bool) error {
	writeCtx, cancel := outlive(ctx, p.drain)
	defer cancel()
	began := time.Now()
	if err := p.pace.work(ctx, func() error { return p.write(writeCtx, b, upTo, live) }); err != nil {
		if judge(err) == fenced {
			p.tracker.refused()
			p.stop(fmt.Errorf("%w: %w", errFenced, err))
		} else {
			p.pause.lengthen()
			p.fail(ctx, err)
		}
		return fmt.Errorf("commit projection %s: %w", p.definition.Name, err)
	}
	p.tracker.wrote(time.Since(began))
	p.pause.reset()
	if p.committed != nil {
		return p.committed(ctx, upTo.Position, live)
	}
	return nil
}

// write writes a batch, and halves it until it knows which event is at fault.
func (p *projector) write(ctx context.Context, b batch, upTo event.Mark, live bool) error {
	err := p.flush(ctx, b, upTo, live)
	if err == nil || judge(err) != guilty || len(b.entries) == 0 {
		return err
	}
	if len(b.entries) == 1 {
		if b.entries[0].failure != "" {
			return err
		}
		b.entries[0].failure = describe(err)
		return p.flush(ctx, b, upTo, live)
	}
	half := len(b.entries) / 2
	first := batch{entries: b.entries[:half], newest: b.newest}
	if err := p.write(ctx, first, b.entries[half-1].mark(), false); err != nil {
		return err
	}
	return p.write(ctx, batch{b.entries[half:], b.events, b.newest}, upTo, live)
}

// flush writes a batch and the checkpoint in one transaction and one round
// trip: the statements of a pgx.Batch are an implicit transaction.
func (p *projector) flush(ctx context.Context, b batch, upTo event.Mark, live bool) error {
	s := &script{least: leastCopied}
	p.queueAdvance(s, b, upTo, live)
	folded := newFold()
	var parked []entry
	newlyParked := map[string]bool{}
	for _, e := range b.entries {
		if e.failure != "" || p.parked[e.stream] || newlyParked[e.stream] {
			parked = append(parked, e)
			newlyParked[e.stream] = true
			continue
		}
		for _, effect := range e.effects {
			folded.add(effect)
		}
	}
	if err := p.indexFor(ctx, folded); err != nil {
		return err
	}
	folded.write(s, p.known)
	if err := queueParked(s, p.generation.ID, parked); err != nil {
		return err
	}
	if err := s.send(ctx, p.pool); err != nil {
		return err
	}
	if live {
		p.known = nil // What comes now is not worth copying.
	}
	p.generation.reached(upTo)
	p.generation.Events += b.events
	p.generation.Parked += len(parked)
	for stream := range newlyParked {
		p.parked[stream] = true
	}
	p.report(ctx, parked)
	p.tracker.parked(p.generation.Parked)
	p.tracker.took(b.events)
	p.tracker.advanced(p.generation.ID, upTo.Position, live, b.newest)
	return nil
}

// matching is by which columns the rows of a change are found.
type matching struct {
	table   *table
	columns columns
}

// indexFor makes the indexes by which matched changes find their rows, where a
// build does not have them yet.
func (p *projector) indexFor(ctx context.Context, f *fold) error {
	if p.generation.indexed {
		return nil
	}
	for _, tf := range f.order {
		for i := range tf.segments {
			change := tf.segments[i].barrier
			if change == nil {
				continue
			}
			by := matching{tf.table, change.row.has}
			if p.indexed[by] {
				continue
			}
			some := p.layout.serving(tf.table, change.row.has)
			err := pgx.BeginFunc(ctx, p.pool, func(tx pgx.Tx) error {
				return createMissing(ctx, tx, p.generation.Schema(), p.layout, some)
			})
			if err != nil { // No event is to blame.
				return errors.New("make indexes: " + describe(err))
			}
			p.indexed[by] = true
		}
	}
	return nil
}

func (p *projector) queueAdvance(s *script, b batch, upTo event.Mark, live bool) {
	from, to := storePosition(p.generation.Position), storePosition(upTo.Position)
	var newest *time.Time
	if !b.newest.IsZero() {
		newest = &b.newest
	}
	last := storePlace(upTo.Last)
	s.queue(`SELECT projection.advance($1, $2, $3,
			$4::text::numeric, $5::text::numeric, $6::text::numeric, $7::text::numeric, $8, $9, $10,
			nullif($11, ''), $12::text::numeric, $13::text::numeric, $14, $15, $16)`,
		p.generation.ID, string(p.generation.State), p.generation.epoch,
		from.commit, from.prepare, to.commit, to.prepare, live, b.events, newest,
		p.generation.mark.Log, last.commit, last.prepare, last.id, last.stream, last.revision)
}

func (p *projector) report(ctx context.Context, parked []entry) {
	for _, e := range parked {
		if e.failure != "" {
			p.log.ErrorContext(ctx, "an event was parked",
				slog.String("projection", p.definition.Name), slog.String("stream", e.stream),
				slog.Int64("revision", int64(e.revision)), slog.String("reason", e.failure))
		}
	}
}

// noteTimeout bounds how long a failure is told to other processes.
const noteTimeout = 2 * time.Second

// fail notes why there is no progress, in memory and for other processes.
func (p *projector) fail(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	reason := describe(err)
	if p.tracker.observe().failure != reason { // Once, not at every attempt.
		p.log.WarnContext(ctx, "a projection does not advance",
			slog.String("projection", p.definition.Name), slog.String("reason", reason))
	}
	p.tracker.failed(reason)
	ctx, cancel := context.WithTimeout(ctx, noteTimeout)
	defer cancel()
	// Without the database this is lost, and so is nothing.
	_, _ = p.pool.Exec(ctx, `UPDATE projection.generations
		SET failure = $2, failing_since = coalesce(failing_since, now()) WHERE id = $1`, p.generation.ID, reason)
}
