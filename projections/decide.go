package projections

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/perfectworks/backend/domain/event"
)

var (
	// ErrNothingParked says that a stream has no parked events.
	ErrNothingParked = errors.New("no event of the stream is parked")
	// ErrSharedRows says that the rows that a stream's parked events change were
	// changed since by events that come after them: only a rebuild brings all of
	// them in order.
	ErrSharedRows = errors.New("other events have changed the same rows since: rebuild the projection instead")
	// ErrNoReducers says that this program has no reducers for a generation.
	ErrNoReducers = errors.New("the tables are of another version, which this program has no reducers for")
)

// Read gives the events of this system between two positions, both included, in
// the order of the log. each gets an event that cannot be decoded with its error
// and what is still known of it. Its own error ends the reading.
type Read func(ctx context.Context, from, upTo event.Position, each func(event.Recorded, error) error) error

// RetryParked takes the parked events of a stream into the live tables, in their
// order, until one of them still cannot be taken in, and tells how many were. A
// running server goes on meanwhile. Many are taken in in several transactions: one that
// is interrupted leaves the rest parked. The error wraps ErrSharedRows when the result
// would not be that of a rebuild; then no more is changed.
func (e *Engine) RetryParked(ctx context.Context, projection, stream string) (taken int, err error) {
	return e.decide(ctx, projection, stream, "retry")
}

// retryAtOnce bounds how many streams are tried again by a program that takes up
// tables.
const retryAtOnce = 200

// retryUnread tries again what is parked because it could not be decoded: this
// may be a newer program, which knows more shapes. What cannot be taken in in
// place is left to new tables.
func (e *Engine) retryUnread(ctx context.Context, projection string) {
	if e.config.Read == nil {
		return
	}
	streams, err := e.unreadStreams(ctx, projection)
	if err != nil {
		e.config.Logger.WarnContext(ctx, "parked events are not tried again",
			slog.String("projection", projection), slog.String("reason", describe(err)))
		return
	}
	for _, stream := range streams {
		taken, err := e.decide(ctx, projection, stream, "")
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			e.config.Logger.WarnContext(ctx, "parked events cannot be taken in",
				slog.String("projection", projection), slog.String("stream", stream), slog.Any("error", err))
		case taken > 0:
			e.config.Logger.InfoContext(ctx, "parked events were taken in, which this program can read",
				slog.String("projection", projection), slog.String("stream", stream), slog.Int("events", taken))
		}
	}
}

// unreadStreams are the streams whose first parked event could not be decoded.
func (e *Engine) unreadStreams(ctx context.Context, projection string) ([]string, error) {
	rows, err := e.config.Pool.Query(ctx, `
		SELECT stream FROM (
			SELECT DISTINCT ON (p.stream) p.stream, p.decoded, p.commit_position, p.prepare_position
			FROM projection.parked p JOIN projection.generations g ON g.id = p.generation_id
			WHERE g.projection = $1 AND g.state = 'live'
			ORDER BY p.stream, p.commit_position, p.prepare_position) first
		WHERE NOT decoded ORDER BY commit_position, prepare_position LIMIT $2`, projection, retryAtOnce)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// SkipParked lets the first parked event of a stream go for good: the live
// version and later builds of it leave it out. Those that wait behind are then
// taken in, as by RetryParked; taken counts them.
func (e *Engine) SkipParked(ctx context.Context, projection, stream string) (taken int, err error) {
	return e.decide(ctx, projection, stream, "skip")
}

// decision is what an operator decided about a stream's parked events.
type decision struct {
	engine    *Engine
	projector *projector
	tx        pgx.Tx
	// name is as the table of decisions has it; empty when no operator decided.
	name   string
	stream string
}

// decidedAtOnce bounds how many parked events are held in memory.
const decidedAtOnce = 1000

func (e *Engine) decide(ctx context.Context, projection, stream, name string) (taken int, err error) {
	first := name
	for {
		some, more, err := e.decideSome(ctx, projection, stream, name)
		taken += some
		if err != nil {
			return taken, fmt.Errorf("%s what is parked of %s in projection %s: %w", cmp.Or(first, "retry"), stream, projection, plain(err))
		}
		if !more {
			return taken, nil
		}
		name = "" // It is decided.
	}
}

// decideSome carries out a decision about the first parked events of a stream. It tells
// whether there may be more to take in.
func (e *Engine) decideSome(ctx context.Context, projection, stream, name string) (taken int, more bool, err error) {
	definition, err := e.definition(projection)
	if err != nil {
		return 0, false, err
	}
	err = pgx.BeginFunc(ctx, e.config.Pool, func(tx pgx.Tx) error {
		// The live projector waits, and then finds that it has to begin again.
		_, err := tx.Exec(ctx, "SELECT FROM projection.generations WHERE projection = $1 AND state = 'live' FOR UPDATE", projection)
		if err != nil {
			return err
		}
		live, err := liveGeneration(ctx, tx, projection)
		if err != nil {
			return err
		}
		if !live.LogWentBackAt.IsZero() {
			return event.ErrLogWentBack
		}
		d, ok := definition.reducing(live)
		if !ok {
			return ErrNoReducers
		}
		p := e.projector(d, live, e.metrics.tracker(projection))
		if err := p.open(ctx); err != nil {
			return err
		}
		taken, more, err = (&decision{engine: e, projector: p, tx: tx, name: name, stream: stream}).carryOut(ctx)
		return err
	})
	if err != nil {
		return 0, false, err
	}
	return taken, more, nil
}

// plain is an error that may be shown to operators.
func plain(err error) error {
	if judge(err) == guilty {
		return errors.New(describe(err))
	}
	return err
}

func (d *decision) carryOut(ctx context.Context) (taken int, more bool, err error) {
	parked, err := parkedWhere(ctx, d.tx, `WHERE p.generation_id = $1 AND p.stream = $2
		ORDER BY p.commit_position, p.prepare_position LIMIT $3`, d.projector.generation.ID, d.stream, decidedAtOnce)
	if err != nil {
		return 0, false, err
	}
	more = len(parked) == decidedAtOnce
	if d.name != "" {
		if len(parked) == 0 {
			return 0, false, ErrNothingParked
		}
		if err := d.record(ctx, parked[0]); err != nil {
			return 0, false, err
		}
	}
	gone := parked[:0:0]
	if d.name == "skip" {
		gone, parked = append(gone, parked[0]), parked[1:]
	}
	entries, failed, err := d.reduce(ctx, parked)
	if err != nil {
		return 0, false, err
	}
	if err := d.apply(ctx, entries); err != nil {
		return 0, false, err
	}
	taken = len(entries)
	return taken, more && failed.failure == "", d.unpark(ctx, append(gone, parked[:taken]...), parked[taken:], failed)
}

// record keeps what was decided, by whom and about what.
func (d *decision) record(ctx context.Context, first Parked) error {
	d.engine.config.Logger.WarnContext(ctx, "an operator decided about a parked event",
		slog.String("decision", d.name), slog.String("projection", first.Projection),
		slog.String("stream", first.Stream), slog.Int64("revision", int64(first.Revision)))
	g := d.projector.generation
	_, err := d.tx.Exec(ctx, `INSERT INTO projection.decisions
			(decision, projection, version, generation_id, stream, revision, event_id, failure)
		VALUES ($1, $2, $3, $4, $5, $6, $7, nullif($8, ''))`,
		d.name, g.Projection, g.Version, g.ID, first.Stream, int64(first.Revision), uuid.UUID(first.EventID), first.Failure)
	return err
}

// reduce reads parked events again, until one that still cannot be taken in: it
// has a failure.
func (d *decision) reduce(ctx context.Context, parked []Parked) (entries []entry, failed entry, err error) {
	for _, p := range parked {
		err := d.engine.config.Read(ctx, p.Position, p.Position, func(r event.Recorded, err error) error {
			e := entry{id: r.ID, stream: r.Stream, revision: r.Revision, position: r.Position, decoded: err == nil}
			if err == nil {
				e.effects, err = d.effects(r)
			} else if !errors.Is(err, ErrUndecodable) {
				return err // It may pass.
			}
			if err != nil {
				failed, failed.failure = e, describe(err)
				return nil
			}
			entries = append(entries, e)
			return nil
		})
		if err != nil || failed.failure != "" {
			return entries, failed, err
		}
	}
	return entries, entry{}, nil
}

func (d *decision) effects(r event.Recorded) ([]effect, error) {
	reducer, relevant := d.projector.definition.Reducers[r.Event.EventType()]
	if !relevant {
		return nil, nil
	}
	return d.projector.reduce(reducer, r)
}

// apply writes what the entries come to, if no event that the tables have taken
// in meanwhile has to do with the same rows.
func (d *decision) apply(ctx context.Context, entries []entry) error {
	rows, folded := touched{}, newFold()
	for _, e := range entries {
		for _, effect := range e.effects {
			rows.add(effect)
			folded.add(effect)
		}
	}
	if len(rows) == 0 {
		return nil
	}
	err := d.engine.config.Read(ctx, entries[0].position, d.projector.generation.Position, func(r event.Recorded, err error) error {
		if r.Stream == d.stream {
			return nil
		}
		if errors.Is(err, ErrUndecodable) {
			return nil // It has changed nothing.
		}
		if err != nil {
			return err
		}
		effects, err := d.effects(r)
		if err != nil {
			return nil //nolint:nilerr // It is parked, too.
		}
		for _, effect := range effects {
			if rows.concern(effect) {
				return fmt.Errorf("%w: table %s, by an event of %s", ErrSharedRows, effect.table.name, r.Stream)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	s := &script{least: leastCopied}
	folded.write(s, nil)
	return s.sendIn(ctx, d.tx)
}

// unpark takes events out of the parking and notes why the rest stays there.
func (d *decision) unpark(ctx context.Context, gone, rest []Parked, failed entry) error {
	id := d.projector.generation.ID
	for _, p := range gone {
		at := storePosition(p.Position)
		_, err := d.tx.Exec(ctx, `DELETE FROM projection.parked WHERE generation_id = $1
			AND commit_position = $2::text::numeric AND prepare_position = $3::text::numeric`, id, at.commit, at.prepare)
		if err != nil {
			return err
		}
	}
	if len(rest) > 0 {
		at := storePosition(rest[0].Position)
		_, err := d.tx.Exec(ctx, `UPDATE projection.parked SET failure = $4, decoded = $5 WHERE generation_id = $1
			AND commit_position = $2::text::numeric AND prepare_position = $3::text::numeric`, id, at.commit, at.prepare, failed.failure, failed.decoded)
		if err != nil {
			return err
		}
	}
	_, err := d.tx.Exec(ctx, "UPDATE projection.generations SET epoch = epoch + 1 WHERE id = $1", id)
	return err
}

// touched are the rows that some changes have to do with, by table.
type touched map[*table]*footprint

type footprint struct {
	ids     map[string]bool
	rows    []effect
	matched []effect
}

func (t touched) add(e effect) {
	f, ok := t[e.table]
	if !ok {
		f = &footprint{ids: map[string]bool{}}
		t[e.table] = f
	}
	switch {
	case e.matches():
		f.matched = append(f.matched, e)
	case !f.ids[e.id]:
		f.ids[e.id] = true
		f.rows = append(f.rows, e)
	}
}

// concern tells whether a change may have to do with the same rows. Of a change
// of all rows that match it is certain only that it does not where a column of
// the key differs: others may have had any value in between.
func (t touched) concern(e effect) bool {
	f, ok := t[e.table]
	if !ok {
		return false
	}
	if !e.matches() && f.ids[e.id] {
		return true
	}
	others := f.matched
	if e.matches() {
		others = append(others[:len(others):len(others)], f.rows...)
	}
	for _, other := range others {
		if !apart(e, other) {
			return true
		}
	}
	return false
}

// matches tells whether the effect is on all rows that match.
func (e effect) matches() bool { return e.op == OpPatchWhere || e.op == OpDeleteWhere }

func apart(a, b effect) bool {
	for i := range a.table.columns {
		if a.table.key.has(i) && a.row.has.has(i) && b.row.has.has(i) && string(a.row.cells[i]) != string(b.row.cells[i]) {
			return true
		}
	}
	return false
}

// skippedEvents reads which events an operator has let go for a version.
func skippedEvents(ctx context.Context, db querier, g Generation) (map[event.ID]bool, error) {
	rows, err := db.Query(ctx, `SELECT event_id FROM projection.decisions
		WHERE decision = 'skip' AND projection = $1 AND version = $2`, g.Projection, g.Version)
	if err != nil {
		return nil, err
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return nil, err
	}
	skipped := make(map[event.ID]bool, len(ids))
	for _, id := range ids {
		skipped[event.ID(id)] = true
	}
	return skipped, nil
}
