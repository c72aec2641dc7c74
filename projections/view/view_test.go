package view_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/perfectworks/backend/adapters/postgres/postgrestest"
	"github.com/perfectworks/backend/domain/personal"
	"github.com/perfectworks/backend/projections/view"
)

type base struct {
	ID   string        `db:"id"`
	Name personal.Text `db:"name"`
}

type thing struct {
	base
	Kind  kind      `db:"kind"`
	Tags  []kind    `db:"tags"`
	At    time.Time `db:"at"`
	Ended time.Time `db:"ended"`
	Twice int64     `db:"twice"`
}

type kind string

var errMissing = errors.New("missing")

func TestFirst(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	pool := postgrestest.New(t)
	if _, err := pool.Exec(ctx, `
		CREATE TABLE things (id text, name text, kind text, tags text[], at timestamptz, ended timestamptz, size bigint);
		INSERT INTO things VALUES
			('1', 'Ada', 'a', '{x,y}', '2026-03-01T12:00:00.123Z', NULL, 21),
			('2', '', 'b', '{}', '2026-03-01T12:00:00Z', '2026-03-02T12:00:00Z', -1)`); err != nil {
		t.Fatal(err)
	}
	columns := view.Of[thing]("t", map[string]string{"twice": "2 * t.size"})
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for id, want := range map[string]thing{
		"1": {base: base{"1", personal.New("Ada")}, Kind: "a", Tags: []kind{"x", "y"}, At: at.Add(123 * time.Millisecond), Twice: 42},
		"2": {base: base{ID: "2"}, Kind: "b", Tags: []kind{}, At: at, Ended: at.AddDate(0, 0, 1), Twice: -2},
	} {
		got, err := columns.First(ctx, pool, errMissing, "FROM things t WHERE t.id = @id", pgx.NamedArgs{"id": id})
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(thing{})); diff != "" || err != nil {
			t.Errorf("%s: %v\n%s", id, err, diff)
		}
		if got.At.Location() != time.UTC || got.Ended.IsZero() != want.Ended.IsZero() {
			t.Errorf("%s: times %v, %v", id, got.At, got.Ended)
		}
	}
	if _, err := columns.First(ctx, pool, errMissing, "FROM things t WHERE false", nil); !errors.Is(err, errMissing) {
		t.Errorf("no row: %v", err)
	}
	if _, err := columns.First(ctx, pool, errMissing, "FROM nothing t", nil); err == nil || errors.Is(err, errMissing) {
		t.Errorf("a failing query: %v", err)
	}
}

func TestMistakesPanic(t *testing.T) {
	t.Parallel()
	for what, mistake := range map[string]func(){
		"a field without a tag": func() { view.Of[struct{ ID string }]("t", nil) },
		"a computed column without a field": func() {
			view.Of[base]("t", map[string]string{"size": "1"})
		},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s is accepted", what)
				}
			}()
			mistake()
		}()
	}
}
