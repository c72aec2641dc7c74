package projections

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/perfectworks/backend/domain/event"
)

// GenerationState is where a generation is in its life.
type GenerationState string

// The states of a generation.
const (
	// Building: on the way through the log, not yet read by anybody.
	Building GenerationState = "building"
	// Live: what queries read.
	Live GenerationState = "live"
	// Retired: replaced, and kept until it is dropped.
	Retired GenerationState = "retired"
	// Scratch: filled from a part of the log for an operator, never to be live.
	Scratch GenerationState = "scratch"
)

// Generation is one set of a projection's tables, with its checkpoint.
type Generation struct {
	ID         int64
	Projection string
	Version    int
	State      GenerationState
	// Position is how far it has got; CaughtUp says that this was the end of the
	// log when it last advanced.
	Position event.Position
	CaughtUp bool
	// Events is how many events it has taken in, since its beginning.
	Events int64
	// LastEventAt is when the newest of these events was recorded, AdvancedAt
	// when the generation last advanced; zero if never.
	LastEventAt time.Time
	AdvancedAt  time.Time
	// Parked is how many events it could not take in or wait behind such.
	Parked int
	// Failure says why it does not advance, since FailingSince; empty if it does.
	Failure      string
	FailingSince time.Time
	CreatedAt    time.Time

	// LogWentBackAt is since when the log is known to lack events that the tables
	// show; zero when it has all of them.
	LogWentBackAt time.Time

	// Pinned says that an operator chose this generation.
	Pinned bool
	// Order is what an operator asked of it; nil if none did.
	Order *Order

	mark        event.Mark
	fingerprint string
	shapes      map[string]int // see Definition.upgradedShapes
	indexed     bool
	epoch       int64
}

// Schema is the Postgres schema with the generation's tables.
func (g Generation) Schema() string {
	if g.State == Live {
		return g.Projection
	}
	return fmt.Sprintf("%s_g%d", g.Projection, g.ID)
}

// builtFor tells whether the generation's tables are those of a definition.
func (g Generation) builtFor(d Definition) bool {
	return g.Version == d.Version && g.fingerprint == d.fingerprint()
}

const selectGenerations = `
	SELECT id, projection, version, state, commit_position::text, prepare_position::text, caught_up, events,
	       last_event_at, advanced_at, coalesce(failure, ''), failing_since, created_at, fingerprint, indexed, epoch,
	       coalesce(log, ''), coalesce(last_commit_position, 0)::text, coalesce(last_prepare_position, 0)::text,
	       last_event_id, coalesce(last_stream, ''), coalesce(last_revision, 0), log_went_back_at, pinned, coalesce(shapes, '{}'), requested,
	       (SELECT count(*) FROM projection.parked p WHERE p.generation_id = g.id)
	FROM projection.generations g `

// generations reads the rows that the rest of a query chooses.
func generations(ctx context.Context, db querier, rest string, args ...any) ([]Generation, error) {
	rows, err := db.Query(ctx, selectGenerations+rest, args...)
	if err != nil {
		return nil, fmt.Errorf("read the registry of projections: %w", err)
	}
	found, err := pgx.CollectRows(rows, scanGeneration)
	if err != nil {
		return nil, fmt.Errorf("read the registry of projections: %w", err)
	}
	return found, nil
}

func scanGeneration(rows pgx.CollectableRow) (Generation, error) {
	var g Generation
	var p, last storedPosition
	var lastID *uuid.UUID
	var lastEventAt, advancedAt, failingSince, wentBackAt *time.Time
	err := rows.Scan(&g.ID, &g.Projection, &g.Version, &g.State, &p.commit, &p.prepare, &g.CaughtUp, &g.Events,
		&lastEventAt, &advancedAt, &g.Failure, &failingSince, &g.CreatedAt, &g.fingerprint, &g.indexed, &g.epoch,
		&g.mark.Log, &last.commit, &last.prepare, &lastID, &g.mark.Last.Stream, &g.mark.Last.Revision, &wentBackAt, &g.Pinned, &g.shapes, &g.Order,
		&g.Parked)
	if err != nil {
		return Generation{}, err
	}
	for _, at := range []struct {
		to   *time.Time
		from *time.Time
	}{{&g.LastEventAt, lastEventAt}, {&g.AdvancedAt, advancedAt}, {&g.FailingSince, failingSince}, {&g.LogWentBackAt, wentBackAt}} {
		if at.from != nil {
			*at.to = at.from.UTC()
		}
	}
	g.CreatedAt = g.CreatedAt.UTC()
	if g.Position, err = p.position(); err != nil {
		return Generation{}, err
	}
	g.mark.Position = g.Position
	if lastID != nil {
		g.mark.Last.ID = event.ID(*lastID)
		g.mark.Last.Position, err = last.position()
	}
	return g, err
}

// errNoGeneration says that the generation asked for does not exist.
var errNoGeneration = errors.New("there is no such generation")

// generation reads the one row that the rest of a query chooses.
func generation(ctx context.Context, db querier, rest string, args ...any) (Generation, error) {
	found, err := generations(ctx, db, rest, args...)
	if err != nil {
		return Generation{}, err
	}
	if len(found) == 0 {
		return Generation{}, errNoGeneration
	}
	return found[0], nil
}

func liveGeneration(ctx context.Context, db querier, projection string) (Generation, error) {
	return generation(ctx, db, "WHERE projection = $1 AND state = 'live'", projection)
}
