package projections

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/perfectworks/backend/adapters/postgres/postgrestest"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/personal"
	"github.com/perfectworks/backend/migrations"
	"github.com/perfectworks/backend/projections/projectionstest"
)

// The events and the read model of these tests: counters with a history.
type (
	opened struct {
		ID, Label string
		Group     int
	}
	counted struct {
		ID string
		By int
	}
	closed    struct{ ID string }
	regrouped struct{ From, To int }
	poisonous struct {
		ID   string
		What string
	}
	ignored  struct{ ID string }
	labelled struct {
		ID    string        `json:"id"`
		Label personal.Text `json:"label" subject:"id"`
	}
)

func (opened) EventType() string    { return "Opened" }
func (counted) EventType() string   { return "Counted" }
func (closed) EventType() string    { return "Closed" }
func (regrouped) EventType() string { return "Regrouped" }
func (poisonous) EventType() string { return "Poisonous" }
func (ignored) EventType() string   { return "Ignored" }
func (labelled) EventType() string  { return "Labelled" }

func newLabelled(id, label string) labelled { return labelled{id, personal.New(label)} }

const countersTables = `
	CREATE TABLE counters (
		id       text PRIMARY KEY,
		label    text NOT NULL,
		grp      integer,
		last     integer NOT NULL DEFAULT 0,
		tags     text[] NOT NULL DEFAULT '{}',
		revision bigint NOT NULL,
		opened_at timestamptz NOT NULL
	);
	CREATE TABLE counts (id text, revision bigint, by integer NOT NULL, PRIMARY KEY (id, revision));`

func counters(version int) Definition {
	return Definition{
		Name: "counters", Version: version, Tables: countersTables,
		Indexes: "CREATE INDEX counters_grp ON counters (grp); CREATE INDEX counters_label ON counters (label);",
		Reducers: Join(
			On(func(e opened, r event.Recorded) []Change {
				return []Change{Put("counters", Row{"id": e.ID}, Row{
					"label": e.Label, "grp": e.Group, "revision": int64(r.Revision), "opened_at": r.Time,
				})}
			}),
			On(func(e counted, r event.Recorded) []Change {
				return []Change{
					Patch("counters", Row{"id": e.ID}, Row{"last": e.By, "tags": []string{fmt.Sprint(e.By)}, "revision": int64(r.Revision)}),
					Put("counts", Row{"id": e.ID, "revision": int64(r.Revision)}, Row{"by": e.By}),
				}
			}),
			On(func(e closed, _ event.Recorded) []Change {
				return []Change{Delete("counters", Row{"id": e.ID}), DeleteWhere("counts", Row{"id": e.ID})}
			}),
			On(func(e regrouped, _ event.Recorded) []Change {
				return []Change{PatchWhere("counters", Row{"grp": e.From}, Row{"grp": e.To})}
			}),
			On(func(e poisonous, _ event.Recorded) []Change {
				switch e.What {
				case "panic":
					panic("secret@example.org")
				case "range":
					var none []Change
					return none[len(e.What):]
				case "column":
					return []Change{Patch("counters", Row{"id": e.ID}, Row{"colour": "red"})}
				case "sum": // Only Postgres knows what it is added to.
					most := Add("counts", Row{"id": e.ID, "revision": 99}, Row{"by": math.MaxInt32})
					return []Change{most, most}
				case "index":
					return []Change{Patch("counters", Row{"id": e.ID}, Row{"label": incompressible})}
				case "type":
					return []Change{Patch("counters", Row{"id": e.ID}, Row{"last": "secret@example.org"})}
				case "zero":
					return []Change{Patch("counters", Row{"id": e.ID}, Row{"label": "a\x00b"})}
				}
				return nil
			}),
		),
	}
}

var incompressible = func() string {
	b := make([]byte, 20_000)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range b {
		b[i] = byte('!' + r.IntN(90))
	}
	return string(b)
}()

// harness is a log, a database and an engine.
type harness struct {
	t    testing.TB
	log  *projectionstest.Log
	pool *pgxpool.Pool
}

func newHarness(tb testing.TB) *harness {
	tb.Helper()
	return &harness{tb, projectionstest.NewLog(), postgrestest.New(tb, postgrestest.WithMigrations(migrations.App, migrations.AppTable))}
}

func (h *harness) subscribe(p Progress, o SubscribeOptions) (message.Subscriber, error) {
	return h.log.Subscriber(p, o.MaxEvents).Bundling(o.Bundle), nil
}

func (h *harness) config(definitions ...Definition) Config {
	return Config{
		Pool: h.pool, Definitions: definitions, Watch: 20 * time.Millisecond,
		Subscribe: h.subscribe, Recognise: h.log.Recognise, Read: h.log.Read, Decode: h.log.Decode, Parts: projectionstest.Parts, Head: h.log.Head, Logger: slog.New(slog.DiscardHandler),
	}
}

func (h *harness) engine(config Config) *Engine {
	h.t.Helper()
	e, err := New(config)
	if err != nil {
		h.t.Fatal(err)
	}
	return e
}

// run runs an engine until the test ends, or until the returned function is
// called, which waits for it.
func (h *harness) run(e *Engine) (stop func()) {
	h.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		select {
		case err := <-done:
			if !errors.Is(err, context.Canceled) {
				h.t.Errorf("run: %v", err)
			}
		case <-time.After(30 * time.Second):
			h.t.Error("the engine does not stop")
		}
	}
	h.t.Cleanup(stop)
	return stop
}

func (h *harness) waitFor(e *Engine, projection string, position event.Position) {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := e.WaitFor(ctx, projection, position); err != nil {
		h.t.Fatal(err)
	}
}

// eventually waits for a condition.
func (h *harness) eventually(what string, ok func() bool) {
	h.t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			h.t.Fatalf("it did not come about: %s", what)
		}
	}
}

// dump is all rows of all tables of a schema, in the order of their text.
func (h *harness) dump(schema string) string {
	h.t.Helper()
	ctx := context.Background()
	tables, err := readTables(ctx, h.pool, schema)
	if err != nil {
		h.t.Fatal(err)
	}
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(tables)) {
		var rows []string
		err := h.pool.QueryRow(ctx, fmt.Sprintf(`SELECT coalesce(array_agg(t::text ORDER BY t::text COLLATE "C"), '{}') FROM %s t`,
			tables[name].ident)).Scan(&rows)
		if err != nil {
			h.t.Fatal(err)
		}
		for _, row := range rows {
			lines = append(lines, name+" "+row)
		}
	}
	return strings.Join(lines, "\n")
}

func (h *harness) count(sql string, args ...any) int {
	h.t.Helper()
	var n int
	if err := h.pool.QueryRow(context.Background(), sql, args...).Scan(&n); err != nil {
		h.t.Fatal(err)
	}
	return n
}

func TestFirstStartMakesTheTablesAndProjects(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.log.Append("counter-a", opened{"a", "A", 1}, counted{"a", 5})
	e := h.engine(h.config(counters(1)))
	h.run(e)
	last := h.log.Append("counter-a", counted{"a", 7}, ignored{"a"})
	h.waitFor(e, "counters", last)
	want := `counters (a,A,1,7,{7},2,"2026-01-01 00:00:01+00")
counts (a,1,5)
counts (a,2,7)`
	if got := h.dump("counters"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if n := h.count("SELECT count(*) FROM pg_indexes WHERE schemaname = 'counters' AND indexname = 'counters_grp'"); n != 1 {
		t.Error("the index is missing")
	}
}
