package projections

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/perfectworks/backend/domain/event"
)

// Recognise makes sure that the log still holds what a mark says was read from
// it, and returns the mark to go on from: it names the log, and its position may
// be that of the mark's last event. Its error wraps event.ErrLogWentBack if the
// log does not.
type Recognise func(context.Context, event.Mark) (event.Mark, error)

// Resume reads the checkpoint and what has been parked, and makes sure that the
// log is still the one that the checkpoint is of. It waits while the database or
// the log does not answer, longer after each failure.
func (p *projector) Resume(ctx context.Context) (event.Position, error) {
	_ = p.settle() // What became of it, the checkpoint says.
	p.take()
	for {
		if err := p.pause.wait(ctx); err != nil {
			return event.Position{}, err
		}
		err := p.load(ctx)
		switch {
		case err == nil:
			return p.generation.Position, nil
		case errors.Is(err, errFenced), errors.Is(err, event.ErrLogWentBack):
			p.stop(err)
			return event.Position{}, err
		}
		p.pause.lengthen()
		p.fail(ctx, err)
	}
}

func (p *projector) load(ctx context.Context) error {
	g, err := p.reread(ctx)
	if err != nil {
		return err
	}
	if !g.LogWentBackAt.IsZero() {
		return event.ErrLogWentBack
	}
	mark, err := p.recognise(ctx, g.mark)
	if errors.Is(err, event.ErrLogWentBack) {
		p.tracker.wentBack(g.ID)
		return errors.Join(err, noteWentBack(ctx, p.pool, p.log, g, err))
	}
	if err != nil {
		return err
	}
	if mark.Position != g.Position {
		if g, err = p.rewind(ctx, g, mark.Position); err != nil {
			return err
		}
	}
	g.mark.Log = mark.Log
	parked, err := parkedStreams(ctx, p.pool, g.ID)
	if err != nil {
		return err
	}
	switch {
	case g.Position.IsZero():
		p.known = map[string]*keys{}
		for name := range p.tables {
			p.known[name] = newKeys()
		}
	case g.Position != p.generation.Position: // Some other rows may have come in between.
		p.known = nil
	}
	if p.skipped, err = skippedEvents(ctx, p.pool, g); err != nil {
		return err
	}
	p.generation, p.parked = g, parked
	p.tracker.resumed(g.ID, g.Position, g.LastEventAt)
	p.tracker.parked(g.Parked)
	return nil
}

func (p *projector) reread(ctx context.Context) (Generation, error) {
	g, err := generation(ctx, p.pool, "WHERE id = $1", p.generation.ID)
	if errors.Is(err, errNoGeneration) || err == nil && g.State != p.generation.State {
		return Generation{}, errFenced
	}
	return g, err
}

// rewind takes a checkpoint back to the last event of this system: what the log
// held beyond, which was not for the generation, is no longer there.
func (p *projector) rewind(ctx context.Context, g Generation, to event.Position) (Generation, error) {
	p.log.WarnContext(ctx, "a checkpoint is taken back: the log has changed after its last event",
		slog.String("projection", p.definition.Name), slog.String("from", g.Position.String()), slog.String("to", to.String()))
	from, at := storePosition(g.Position), storePosition(to)
	tag, err := p.pool.Exec(ctx, `UPDATE projection.generations
		SET commit_position = $4::text::numeric, prepare_position = $5::text::numeric, epoch = epoch + 1
		WHERE id = $1 AND epoch = $2 AND state = $3
		AND commit_position = $6::text::numeric AND prepare_position = $7::text::numeric`,
		g.ID, g.epoch, string(g.State), at.commit, at.prepare, from.commit, from.prepare)
	if err != nil {
		return Generation{}, err
	}
	if tag.RowsAffected() == 0 {
		return Generation{}, errFenced
	}
	p.tracker.rewound(g.ID, to)
	return p.reread(ctx)
}

// LogOf names the log that all live generations of a database are of. It is empty
// when they are of none yet, or not of one: an operator is rebuilding them.
func LogOf(ctx context.Context, pool *pgxpool.Pool) (string, error) {
	var log string
	var count int
	err := pool.QueryRow(ctx, `SELECT coalesce(max(log), ''), count(DISTINCT split_part(log, '#', 1))
		FROM projection.generations WHERE state = 'live' AND log IS NOT NULL`).Scan(&log, &count)
	if err != nil {
		return "", fmt.Errorf("read which log the read models are of: %w", err)
	}
	if count != 1 {
		return "", nil
	}
	return log, nil
}

// verify makes sure that the log still holds what a generation shows, which
// nobody may project at the moment. If not, it is noted for all processes.
func (e *Engine) verify(ctx context.Context, g Generation) error {
	if !g.LogWentBackAt.IsZero() {
		return nil // It is known.
	}
	_, err := e.config.Recognise(ctx, g.mark)
	if errors.Is(err, event.ErrLogWentBack) {
		return noteWentBack(ctx, e.config.Pool, e.config.Logger, g, err)
	}
	return err
}

func (e *Engine) verifyLive(ctx context.Context, projection string) error {
	live, err := liveGeneration(ctx, e.config.Pool, projection)
	if err != nil {
		return err
	}
	return e.verify(ctx, live)
}

func noteWentBack(ctx context.Context, pool *pgxpool.Pool, log *slog.Logger, g Generation, reason error) error {
	log.ErrorContext(ctx, "the log went back: a projection shows what the log no longer holds",
		slog.String("projection", g.Projection), slog.Int64("generation", g.ID), slog.Any("reason", reason))
	_, err := pool.Exec(ctx, `UPDATE projection.generations
		SET log_went_back_at = coalesce(log_went_back_at, now()), epoch = epoch + 1,
		    failure = $2, failing_since = coalesce(failing_since, now()), caught_up = false
		WHERE id = $1`, g.ID, reason.Error())
	if err != nil {
		return fmt.Errorf("note that the log went back: %w", err)
	}
	return nil
}

// reached notes the position of a commit.
func (g *Generation) reached(upTo event.Mark) {
	g.Position, g.mark.Position = upTo.Position, upTo.Position
	if !upTo.Last.IsZero() {
		g.mark.Last = upTo.Last
	}
}

// mark is the place of an event as the end of a batch.
func (e entry) mark() event.Mark {
	return event.Mark{Position: e.position, Last: event.Place{
		ID: e.id, Position: e.position, Stream: e.stream, Revision: e.revision,
	}}
}
