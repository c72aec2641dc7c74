package projections

import (
	"context"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"pgregory.net/rapid"

	"github.com/perfectworks/backend/adapters/postgres/postgrestest"
	"github.com/perfectworks/backend/domain/personal"
)

// foldTables have keys of one and of several columns, columns of many types,
// defaults, a generated column, and a table that is all key.
const foldTables = `
	CREATE TABLE plain (
		id text PRIMARY KEY, a text, b integer NOT NULL DEFAULT 7, tags text[], data jsonb,
		at timestamptz, twice integer GENERATED ALWAYS AS (b * 2) STORED
	);
	CREATE TABLE "Mixed key" (
		"select" bigint, flag boolean, at timestamptz, a text DEFAULT 'none', b bigint,
		PRIMARY KEY (flag, at, "select")
	);
	CREATE TABLE bare (x text, y smallint, PRIMARY KEY (y, x));`

func value(values ...any) *rapid.Generator[any] { return rapid.SampledFrom(values) }

var (
	someTimes = value(time.Unix(0, 123456789).UTC(), time.Unix(9, 0).In(time.FixedZone("", 3600)))

	plainKey = rapid.Custom(func(t *rapid.T) Row {
		return Row{"id": value("1", "x", `a"b\`, "ü\n").Draw(t, "id")}
	})
	mixedKey = rapid.Custom(func(t *rapid.T) Row {
		return Row{
			"select": value(1, int64(2), uint8(3)).Draw(t, "select"), "flag": rapid.Bool().Draw(t, "flag"),
			"at": someTimes.Draw(t, "at"),
		}
	})
	bareKey = rapid.Custom(func(t *rapid.T) Row {
		return Row{"x": value("", "1", "1 ").Draw(t, "x"), "y": value(1, -1).Draw(t, "y")}
	})
	plainColumns = map[string]*rapid.Generator[any]{
		"a": value(nil, "", "v", "null", "<&>"), "b": value(0, 1, -5),
		"tags": value(nil, []string{}, []string{"x", `{"`}), "data": value(nil, Row{"k": []int{1}}, "text", 1.5, `\u0000`),
		"at": someTimes,
	}
	mixedColumns = map[string]*rapid.Generator[any]{
		"a": value(nil, "v", "none"), "b": value(nil, int64(math.MinInt64), int64(math.MaxInt64)),
	}
)

func someColumns(t *rapid.T, from map[string]*rapid.Generator[any]) Row {
	row := Row{}
	for _, name := range []string{"a", "b", "tags", "data", "at"} {
		if g, ok := from[name]; ok && rapid.Bool().Draw(t, "with "+name) {
			row[name] = g.Draw(t, name)
		}
	}
	return row
}

var someChange = rapid.Custom(func(t *rapid.T) Change {
	table := rapid.SampledFrom([]string{"plain", "plain", "Mixed key", "bare"}).Draw(t, "table")
	key, columns := plainKey, plainColumns
	switch table {
	case "Mixed key":
		key, columns = mixedKey, mixedColumns
	case "bare":
		key, columns = bareKey, nil
	}
	switch rapid.SampledFrom([]Op{OpPut, OpPut, OpPatch, OpPatch, OpDelete, OpPatchWhere, OpDeleteWhere}).Draw(t, "op") {
	case OpPut:
		return Put(table, key.Draw(t, "key"), someColumns(t, columns))
	case OpPatch:
		return Patch(table, key.Draw(t, "key"), someColumns(t, columns))
	case OpDelete:
		return Delete(table, key.Draw(t, "key"))
	case OpPatchWhere:
		if match := matchable(t, columns); len(match) > 0 {
			return PatchWhere(table, match, someColumns(t, columns))
		}
	default:
		if match := matchable(t, columns); len(match) > 0 {
			return DeleteWhere(table, match)
		}
	}
	return Delete(table, key.Draw(t, "key"))
})

// matchable is one or two conditions.
func matchable(t *rapid.T, columns map[string]*rapid.Generator[any]) Row {
	match := Row{}
	for _, name := range []string{"a", "b"} {
		if g, ok := columns[name]; ok && rapid.Bool().Draw(t, "match "+name) {
			match[name] = g.Draw(t, name)
		}
	}
	return match
}

// Folding must be invisible: the tables are as if each change had been applied
// by itself.
func TestFoldedChangesEqualChangesAppliedSingly(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	pool := postgrestest.New(t)
	singly, folded := openFoldTables(t, pool, "singly"), openFoldTables(t, pool, "folded")
	rapid.Check(t, func(t *rapid.T) {
		one := &pgx.Batch{}
		for _, schema := range []string{"singly", "folded"} {
			for _, table := range []string{"plain", `"Mixed key"`, "bare"} {
				one.Queue(fmt.Sprintf("DELETE FROM %s.%s", schema, table))
			}
		}
		changes := rapid.SliceOfN(someChange, 1, 40).Draw(t, "changes")
		all := newFold()
		for _, c := range changes {
			single := newFold()
			single.add(mustEncode(t, singly, c))
			single.queue(one)
			all.add(mustEncode(t, folded, c))
		}
		many := &pgx.Batch{}
		all.queue(many)
		for _, batch := range []*pgx.Batch{one, many} {
			if err := pool.SendBatch(ctx, batch).Close(); err != nil {
				t.Fatal(err)
			}
		}
		for _, table := range []string{"plain", `"Mixed key"`, "bare"} {
			want, got := rowsOf(t, pool, "singly."+table), rowsOf(t, pool, "folded."+table)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("%s differs (-singly +folded):\n%s", table, diff)
			}
		}
	})
}

func mustEncode(t *rapid.T, tables map[string]*table, c Change) effect {
	e, err := encode(tables, c)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func openFoldTables(t *testing.T, pool *pgxpool.Pool, schema string) map[string]*table {
	t.Helper()
	ctx := context.Background()
	err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "CREATE SCHEMA "+schema); err != nil {
			return err
		}
		return runIn(ctx, tx, schema, foldTables)
	})
	if err != nil {
		t.Fatal(err)
	}
	tables, err := readTables(ctx, pool, schema)
	if err != nil {
		t.Fatal(err)
	}
	return tables
}

func rowsOf(t *rapid.T, pool *pgxpool.Pool, table string) []string {
	rows, err := pool.Query(context.Background(), fmt.Sprintf("SELECT t::text FROM %s t ORDER BY 1", table))
	if err != nil {
		t.Fatal(err)
	}
	texts, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return texts
}

// A batch of many events is few statements.
func TestFoldingWritesEachRowOnce(t *testing.T) {
	t.Parallel()
	tables := openFoldTables(t, postgrestest.New(t), "model")
	f := newFold()
	for i := range 500 {
		for _, c := range []Change{
			Put("plain", Row{"id": fmt.Sprint(i % 50)}, Row{"a": "x"}),
			Patch("plain", Row{"id": fmt.Sprint(i % 50)}, Row{"b": i}),
			Patch("plain", Row{"id": fmt.Sprint(100 + i)}, Row{"b": i}),
			Delete("bare", Row{"x": fmt.Sprint(i), "y": 1}),
		} {
			e, err := encode(tables, c)
			if err != nil {
				t.Fatal(err)
			}
			f.add(e)
		}
	}
	batch := &pgx.Batch{}
	f.queue(batch)
	if batch.Len() != 3 {
		t.Errorf("%d statements, want 3: one to put, one to patch, one to delete", batch.Len())
	}
}

func TestTablesThatCannotBeFoldedAreRefused(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	pool := postgrestest.New(t)
	for i, tables := range []string{
		"CREATE TABLE t (a text)",
		"CREATE TABLE t (a jsonb PRIMARY KEY)",
		"CREATE TABLE t (a text PRIMARY KEY, b varchar(3))",
		"CREATE TABLE t (a text PRIMARY KEY, b integer CHECK (b > 0))",
		"CREATE TABLE t (a text PRIMARY KEY, b integer UNIQUE)",
		"CREATE TABLE t (a text PRIMARY KEY, b text REFERENCES t)",
		"CREATE TABLE t (a text PRIMARY KEY, b integer); CREATE UNIQUE INDEX ON t (b) WHERE b > 0",
		`CREATE TABLE t (a text PRIMARY KEY); CREATE TRIGGER r BEFORE UPDATE ON t
			FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()`,
	} {
		err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
			schema := fmt.Sprintf("model%d", i)
			if _, err := tx.Exec(ctx, "CREATE SCHEMA "+schema); err != nil {
				return err
			}
			if err := runIn(ctx, tx, schema, tables); err != nil {
				return err
			}
			if _, err := readTables(ctx, tx, schema); err == nil {
				t.Errorf("accepted: %s", tables)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestChangesThatDoNotFitTheirTableAreRefused(t *testing.T) {
	t.Parallel()
	tables := openFoldTables(t, postgrestest.New(t), "model")
	id := Row{"id": "1"}
	for name, c := range map[string]Change{
		"no such table":            Put("absent", id, nil),
		"no such column":           Patch("plain", id, Row{"colour": 1}),
		"generated column":         Patch("plain", id, Row{"twice": 1}),
		"key is not whole":         Delete("bare", Row{"x": "1"}),
		"key with other columns":   Delete("plain", Row{"id": "1", "a": "x"}),
		"no key":                   Put("plain", nil, Row{"a": "x"}),
		"key changed":              Patch("plain", id, Row{"id": "2"}),
		"key changed for many":     PatchWhere("plain", Row{"a": "x"}, Row{"id": "2"}),
		"matching everything":      DeleteWhere("plain", nil),
		"key of another type":      Delete("plain", Row{"id": 1}),
		"key that is null":         Delete("plain", Row{"id": nil}),
		"key that is not UTF-8":    Delete("plain", Row{"id": "\xff"}),
		"text for a number":        Delete("bare", Row{"x": "1", "y": "1"}),
		"value that is no JSON":    Patch("plain", id, Row{"data": math.NaN()}),
		"value of another type":    Patch("plain", id, Row{"b": "1"}),
		"number out of range":      Patch("plain", id, Row{"b": int64(math.MaxInt32) + 1}),
		"zero byte":                Patch("plain", id, Row{"a": "a\x00b"}),
		"zero byte in a list":      Patch("plain", id, Row{"tags": []string{"\x00"}}),
		"zero byte in JSON":        Patch("plain", id, Row{"data": Row{"k": "\x00"}}),
		"year out of range":        Patch("plain", id, Row{"at": time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}),
		"null":                     PatchWhere("plain", Row{"a": "x"}, Row{"b": nil}),
		"personal text not opened": Patch("plain", id, Row{"a": personal.New("Ada")}),
		"unknown kind":             {Op: 99, Table: "plain", Key: id},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := encode(tables, c); err == nil {
				t.Error("it was accepted")
			}
		})
	}
}
