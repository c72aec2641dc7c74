package projections

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/perfectworks/backend/domain/event"
)

// Parked is an event that a generation has not taken in: because it could not,
// or because it comes after such a one in its stream. Within a stream, parked
// events are in the order of their positions, and nothing after the first of
// them has been taken in.
type Parked struct {
	Projection string
	Generation int64
	Position   event.Position
	Stream     string
	Revision   event.Revision
	EventID    event.ID
	// EventType is empty when it could not be decoded.
	EventType string
	// Failure is why; empty for an event that only waits. It holds nothing of
	// the event's content.
	Failure  string
	ParkedAt time.Time
}

// parkedWhere reads the parked events that the rest of a query chooses.
func parkedWhere(ctx context.Context, db querier, rest string, args ...any) ([]Parked, error) {
	rows, err := db.Query(ctx, `
		SELECT g.projection, g.id, p.commit_position::text, p.prepare_position::text,
		       p.stream, p.revision, p.event_id, p.event_type, coalesce(p.failure, ''), p.parked_at
		FROM projection.parked p JOIN projection.generations g ON g.id = p.generation_id `+rest, args...)
	if err != nil {
		return nil, fmt.Errorf("read parked events: %w", err)
	}
	parked, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (Parked, error) {
		var p Parked
		var at storedPosition
		var eventID uuid.UUID
		err := row.Scan(&p.Projection, &p.Generation, &at.commit, &at.prepare,
			&p.Stream, &p.Revision, &eventID, &p.EventType, &p.Failure, &p.ParkedAt)
		if err != nil {
			return Parked{}, err
		}
		p.EventID, p.ParkedAt = event.ID(eventID), p.ParkedAt.UTC()
		p.Position, err = at.position()
		return p, err
	})
	if err != nil {
		return nil, fmt.Errorf("read parked events: %w", err)
	}
	return parked, nil
}

// parkedStreams reads which streams have parked events in a generation.
func parkedStreams(ctx context.Context, db querier, generation int64) (map[string]bool, error) {
	rows, err := db.Query(ctx, "SELECT DISTINCT stream FROM projection.parked WHERE generation_id = $1", generation)
	if err != nil {
		return nil, err
	}
	streams, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, err
	}
	set := make(map[string]bool, len(streams))
	for _, stream := range streams {
		set[stream] = true
	}
	return set, nil
}

// queueParked adds the parking of events to a script.
func queueParked(s *script, generation int64, events []entry) error {
	if len(events) == 0 {
		return nil
	}
	type parkedRow struct {
		GenerationID int64     `json:"generation_id"`
		Commit       string    `json:"commit_position"`
		Prepare      string    `json:"prepare_position"`
		Stream       string    `json:"stream"`
		Revision     int64     `json:"revision"`
		EventID      uuid.UUID `json:"event_id"`
		EventType    string    `json:"event_type"`
		Failure      *string   `json:"failure"`
		Decoded      bool      `json:"decoded"`
	}
	rows := make([]parkedRow, len(events))
	for i, e := range events {
		at := storePosition(e.position)
		rows[i] = parkedRow{
			GenerationID: generation, Commit: at.commit, Prepare: at.prepare,
			Stream: e.stream, Revision: int64(e.revision), EventID: uuid.UUID(e.id), EventType: e.eventType,
			Decoded: e.decoded,
		}
		if e.failure != "" {
			rows[i].Failure = &e.failure
		}
	}
	payload, err := json.Marshal(rows)
	if err != nil {
		return fmt.Errorf("park events: %w", err)
	}
	s.queue(`INSERT INTO projection.parked
			(generation_id, commit_position, prepare_position, stream, revision, event_id, event_type, failure, decoded)
		SELECT generation_id, commit_position, prepare_position, stream, revision, event_id, event_type, failure, decoded
		FROM json_populate_recordset(NULL::projection.parked, $1::json)`, payload)
	return nil
}

// ShowParked calls a function for the first parked events of a stream in the live
// tables, limit at most, in their order, with what the log holds. An event that cannot
// be decoded comes with its error and what is still known of it. The error wraps
// ErrNothingParked if there is none.
func (e *Engine) ShowParked(ctx context.Context, projection, stream string, limit int, each func(Parked, event.Recorded, error) error) error {
	if _, err := e.definition(projection); err != nil {
		return err
	}
	all, err := parkedWhere(ctx, e.config.Pool, `WHERE g.projection = $1 AND g.state = 'live' AND p.stream = $2
		ORDER BY p.commit_position, p.prepare_position LIMIT $3`, projection, stream, limit)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		return fmt.Errorf("%w: %s", ErrNothingParked, stream)
	}
	for _, p := range all {
		err := e.config.Read(ctx, p.Position, p.Position, func(r event.Recorded, err error) error {
			if err != nil && !errors.Is(err, ErrUndecodable) {
				return err // It may pass.
			}
			return each(p, r, err)
		})
		if err != nil {
			return fmt.Errorf("read the parked event at %s: %w", p.Position, err)
		}
	}
	return nil
}
