// Package readmodeltest tests read models as they run: given events, their
// tables hold these rows, on a real Postgres and through the engine.
package readmodeltest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/projections"
	"github.com/perfectworks/backend/projections/projectionstest"
)

const timeout = 30 * time.Second

// Model is a read model that follows a log in memory.
type Model struct {
	tb         testing.TB
	Log        *projectionstest.Log
	engine     *projections.Engine
	pool       *pgxpool.Pool
	definition projections.Definition
}

// New runs a read model until the test ends. The database has the migrations
// of the application.
func New(tb testing.TB, pool *pgxpool.Pool, d projections.Definition) *Model {
	tb.Helper()
	log := projectionstest.NewLog()
	engine, err := projections.New(projections.Config{
		Pool: pool, Definitions: []projections.Definition{d}, Decode: log.Decode, Head: log.Head,
		Rebuild: projections.SubscribeOptions{MaxEvents: 50},
		Subscribe: func(p projections.Progress, o projections.SubscribeOptions) (message.Subscriber, error) {
			return log.Subscriber(p, o.MaxEvents), nil
		},
	})
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- engine.Run(ctx) }()
	tb.Cleanup(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			tb.Errorf("run the read model: %v", err)
		}
	})
	return &Model{tb, log, engine, pool, d}
}

// Given records events in a stream and waits until the model shows them. None
// may be parked.
func (m *Model) Given(stream string, events ...event.Event) {
	m.tb.Helper()
	m.GivenWith(event.Metadata{}, stream, events...)
}

// GivenWith is Given with metadata.
func (m *Model) GivenWith(metadata event.Metadata, stream string, events ...event.Event) {
	m.tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	if err := m.engine.WaitFor(ctx, m.definition.Name, m.Log.AppendWith(metadata, stream, events...)); err != nil {
		m.tb.Fatal(err)
	}
	parked, _, err := m.engine.Parked(ctx, m.definition.Name, 10)
	if err != nil {
		m.tb.Fatal(err)
	}
	for _, p := range parked {
		m.tb.Errorf("%s is parked: %s", p.EventType, p.Failure)
	}
}

// Then checks the rows of a table, in the order of their keys. Columns that are
// empty, zero, false or null may be left out.
func (m *Model) Then(table string, want ...projections.Row) {
	m.tb.Helper()
	rows, err := m.pool.Query(context.Background(), fmt.Sprintf(`SELECT to_jsonb(t) FROM %s t ORDER BY 1`,
		pgx.Identifier{m.definition.Name, table}.Sanitize()))
	if err != nil {
		m.tb.Fatal(err)
	}
	got, err := pgx.CollectRows(rows, pgx.RowTo[map[string]any])
	if err != nil {
		m.tb.Fatal(err)
	}
	for _, row := range got {
		leaveOutZeros(row)
	}
	wanted := make([]map[string]any, 0, len(want))
	for _, row := range want {
		wanted = append(wanted, m.normal(row))
	}
	if diff := cmp.Diff(wanted, got); diff != "" && len(wanted)+len(got) > 0 {
		m.tb.Errorf("%s (-want +got):\n%s", table, diff)
	}
}

// normal is a row as Postgres would give it back.
func (m *Model) normal(row projections.Row) map[string]any {
	m.tb.Helper()
	copied := map[string]any{}
	for name, value := range row {
		if at, ok := value.(time.Time); ok {
			value = at.UTC().Format("2006-01-02T15:04:05.999999-07:00")
		}
		copied[name] = value
	}
	text, err := json.Marshal(copied)
	if err != nil {
		m.tb.Fatal(err)
	}
	normal := map[string]any{}
	if err := json.Unmarshal(text, &normal); err != nil {
		m.tb.Fatal(err)
	}
	leaveOutZeros(normal)
	return normal
}

func leaveOutZeros(row map[string]any) {
	for name, value := range row {
		switch value {
		case nil, "", false, float64(0):
			delete(row, name)
		}
	}
}

// RefusesOthers checks that each reducer refuses an event of another type, and
// does not speak for an event of which schemas do not tell.
func RefusesOthers(t *testing.T, d projections.Definition, schemas ...[]event.Schema) {
	t.Helper()
	known := map[string]bool{}
	for _, of := range schemas {
		for _, s := range of {
			known[s.Type] = true
		}
	}
	for name, reduce := range d.Reducers {
		if !known[name] {
			t.Errorf("%s is no event", name)
		}
		changes, err := reduce(event.Recorded{Event: foreign{}})
		if !errors.Is(err, projections.ErrWrongEvent) || changes != nil {
			t.Errorf("%s, given an event of another type: %v, %v", name, changes, err)
		}
	}
}

// Follows checks that the model takes in all of an aggregate's events: those of
// a stream whose revision it shows.
func Follows(t *testing.T, d projections.Definition, schemas []event.Schema) {
	t.Helper()
	for _, s := range schemas {
		if d.Reducers[s.Type] == nil {
			t.Errorf("%s moves the revision of its stream, and the model does not follow it", s.Type)
		}
	}
}

type foreign struct{}

func (foreign) EventType() string { return "Foreign" }
