package projections

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/perfectworks/backend/migrations"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"pgregory.net/rapid"

	"github.com/perfectworks/backend/adapters/postgres/postgrestest"
	"github.com/perfectworks/backend/domain/personal"
)

// foldTables have keys of one and of several columns, columns of all types,
// defaults, and a table that is all key.
const (
	foldTables = `
	CREATE TABLE plain (
		id text PRIMARY KEY, a text, b integer NOT NULL DEFAULT 7, tags text[], data jsonb, at timestamptz,
		day date DEFAULT '2026-02-03', uid uuid, raw bytea, real double precision, num numeric DEFAULT 1.50, big bigint,
		small smallint NOT NULL DEFAULT 32760, yes boolean DEFAULT true, folded text NOT NULL DEFAULT ''
	);
	CREATE TABLE "Mixed key" (
		"select" bigint, flag boolean, at timestamptz, day date, uid uuid, raw bytea, a text DEFAULT 'none', b bigint,
		PRIMARY KEY (flag, at, "select", day, uid, raw)
	);
	CREATE TABLE bare (x text CHECK (octet_length(x) <= 3), y smallint, PRIMARY KEY (y, x));`
	foldIndexes = `
	CREATE INDEX plain_b ON plain (b) INCLUDE (a);
	CREATE INDEX plain_a ON plain (a, "left"(lower(folded), 20)) WHERE b > 0;
	CREATE INDEX plain_folded ON plain (lower(folded), uid, num);
	CREATE INDEX plain_raw ON plain USING hash (raw);
	CREATE INDEX plain_tags ON plain USING gin (tags, data);
	CREATE INDEX mixed_b ON "Mixed key" (b);`
	foldTrigrams = `CREATE INDEX plain_search ON plain USING gin (a gin_trgm_ops);`
)

var foldTableNames = []string{"plain", `"Mixed key"`, "bare"}

func value(values ...any) *rapid.Generator[any] { return rapid.SampledFrom(values) }

type (
	label  string
	opaque []byte
	// loud has a String method by which different values look the same.
	loud uuid.UUID
)

func (label) String() string { return "label" }
func (loud) String() string  { return "loud" }

var (
	someTimes = value(time.Unix(0, 123456789).UTC(), time.Unix(9, 0).In(time.FixedZone("", 3600)),
		time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(1969, 12, 31, 23, 59, 59, 999_999_999, time.UTC))
	someUUIDs = value(loud{1}, loud{2}, uuid.UUID{15: 255}, [16]byte{7: 9})
	someBytes = value(opaque{}, opaque{0}, []byte{0, 255, '\\'}, []byte("ab"))

	plainKey = rapid.Custom(func(t *rapid.T) Row {
		return Row{"id": value("1", label("x"), label("y"), `a"b\`, "ü\n\t", `\N`).Draw(t, "id")}
	})
	mixedKey = rapid.Custom(func(t *rapid.T) Row {
		return Row{
			"select": value(1, int64(2), uint8(1)).Draw(t, "select"), "flag": rapid.Bool().Draw(t, "flag"),
			"at": someTimes.Draw(t, "at"), "day": someTimes.Draw(t, "day"), "uid": someUUIDs.Draw(t, "uid"), "raw": someBytes.Draw(t, "raw"),
		}
	})
	bareKey = rapid.Custom(func(t *rapid.T) Row {
		return Row{"x": value("", "1", "1 ", "ü", "üü").Draw(t, "x"), "y": value(1, -1).Draw(t, "y")}
	})
	plainColumns = map[string]*rapid.Generator[any]{
		"a":    value(nil, "", "v", "null", "<&>", "\xff", `\.`, "a\r\nb", incompressible),
		"b":    value(0, 1, -5, math.MaxInt32, math.MinInt32),
		"tags": value(nil, []string{}, []label{"x", `{"`, "NULL", "a,b"}),
		"data": value(nil, Row{"k": []int{1}, `"`: "\xff"}, "text", 1.5, `\u0000`, json.RawMessage(`"\\u0000 \ud83d\ude00"`),
			json.RawMessage(`"\\u0000\u0000"`), json.RawMessage(`{"a":1e9,"a":-0.0}`), json.RawMessage(`"\ud83d"`),
			json.RawMessage("null"), json.RawMessage(strings.Repeat("[", 600)+strings.Repeat("]", 600)), json.RawMessage("1e99999")),
		"at": someTimes, "day": someTimes, "uid": someUUIDs, "raw": someBytes,
		"real": value(nil, 0.1, float32(0.1), math.Copysign(0, -1), math.MaxFloat64, 5e-324, 7),
		"num":  value(nil, 0, 0.1, 1e30, -2.5e-7, json.Number("1.50"), json.Number("100e-1"), big.NewInt(-12), uint64(math.MaxUint64)),
		"big":  value(nil, math.MaxInt64, math.MinInt64, new(int64)), "small": value(0, math.MaxInt16, int8(-1)),
		"yes": value(nil, true, false), "folded": value("", "ÄÖ", "İ", strings.Repeat("ȺȾ", 200), strings.Repeat("x", 3000)),
	}
	mixedColumns = map[string]*rapid.Generator[any]{
		"a": value(nil, "v", "none"), "b": value(nil, int64(math.MinInt64), int64(math.MaxInt64)),
	}
	plainDeltas = map[string]*rapid.Generator[any]{
		"b": value(0, 1, -1, 5, math.MaxInt32), "small": value(0, 3, 5, -7, -40000, 65535), "big": value(1, -1, math.MaxInt64, uint64(math.MaxUint64)),
		"num": value(0, 0.25, json.Number("-1.500"), 1e20, big.NewInt(3)),
	}
	mixedDeltas = map[string]*rapid.Generator[any]{"b": value(1, -1, math.MaxInt64)}
)

// someColumns draws few columns: rows of many columns hide what one column does.
func someColumns(t *rapid.T, from map[string]*rapid.Generator[any]) Row {
	row := Row{}
	for range rapid.IntRange(0, 3).Draw(t, "columns") {
		if len(from) == 0 {
			break
		}
		name := rapid.SampledFrom(slices.Sorted(maps.Keys(from))).Draw(t, "column")
		row[name] = from[name].Draw(t, name)
	}
	return row
}

var someChange = rapid.Custom(func(t *rapid.T) Change {
	table := rapid.SampledFrom([]string{"plain", "plain", "Mixed key", "bare"}).Draw(t, "table")
	key, columns, deltas := plainKey, plainColumns, plainDeltas
	switch table {
	case "Mixed key":
		key, columns, deltas = mixedKey, mixedColumns, mixedDeltas
	case "bare":
		key, columns, deltas = bareKey, nil, nil
	}
	switch rapid.SampledFrom([]Op{
		OpPut, OpPut, OpPatch, OpPatch, OpDelete, OpMerge, OpMerge, OpAdd, OpAdd, OpAdd, OpPatchWhere, OpDeleteWhere,
	}).Draw(t, "op") {
	case OpPut:
		return Put(table, key.Draw(t, "key"), someColumns(t, columns))
	case OpPatch:
		return Patch(table, key.Draw(t, "key"), someColumns(t, columns))
	case OpMerge:
		return Merge(table, key.Draw(t, "key"), someColumns(t, columns))
	case OpAdd:
		return Add(table, key.Draw(t, "key"), someColumns(t, deltas))
	case OpPatchWhere:
		if match := matchable(t, columns); len(match) > 0 {
			return PatchWhere(table, match, someColumns(t, columns))
		}
	case OpDeleteWhere:
		if match := matchable(t, columns); len(match) > 0 {
			return DeleteWhere(table, match)
		}
	}
	return Delete(table, key.Draw(t, "key"))
})

// someSum is a change of few rows with much to add.
var someSum = rapid.Custom(func(t *rapid.T) Change {
	key := Row{"id": value("x", "y").Draw(t, "id")}
	set := Row{}
	if n := rapid.IntRange(-2, 2).Draw(t, "what"); n != 0 {
		set["small"] = n * 13_000
	}
	switch rapid.SampledFrom([]Op{OpPut, OpPatch, OpDelete, OpMerge, OpAdd, OpAdd, OpAdd, OpAdd, OpAdd, OpAdd}).Draw(t, "op") {
	case OpPut:
		return Put("plain", key, set)
	case OpPatch:
		return Patch("plain", key, set)
	case OpMerge:
		return Merge("plain", key, set)
	case OpDelete:
		return Delete("plain", key)
	}
	set["num"] = value(0, 0.25, json.Number("-1.500")).Draw(t, "num")
	return Add("plain", key, set)
})

// matchable is one or two conditions.
func matchable(t *rapid.T, columns map[string]*rapid.Generator[any]) Row {
	match := Row{}
	for _, name := range []string{"a", "b", "day", "uid"} {
		if g, ok := columns[name]; ok && rapid.Bool().Draw(t, "match "+name) {
			match[name] = g.Draw(t, name)
		}
	}
	return match
}

// Folding must be invisible: the tables are as if each change had been applied
// by itself, and the whole fails when one of them would.
func TestFoldedChangesEqualChangesAppliedSingly(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]*rapid.Generator[Change]{"all": someChange, "sums": someSum} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			compareFolded(t, change)
		})
	}
}

func compareFolded(t *testing.T, change *rapid.Generator[Change]) {
	t.Helper()
	ctx := context.Background()
	pool := postgrestest.New(t, postgrestest.WithMigrations(migrations.App, migrations.AppTable))
	singly, folded := openFoldTables(t, pool, "singly"), openFoldTables(t, pool, "folded")
	rapid.Check(t, func(t *rapid.T) {
		for _, schema := range []string{"singly", "folded"} {
			for _, table := range foldTableNames {
				if _, err := pool.Exec(ctx, fmt.Sprintf("DELETE FROM %s.%s", schema, table)); err != nil {
					t.Fatal(err)
				}
			}
		}
		var known map[string]*keys
		if rapid.Bool().Draw(t, "from the beginning") {
			known = map[string]*keys{"plain": newKeys(), "Mixed key": newKeys(), "bare": newKeys()}
		}
		for range rapid.IntRange(1, 3).Draw(t, "batches") {
			all, good, failed := newFold(), newFold(), error(nil)
			for _, c := range rapid.SliceOfN(change, 3, 30).Draw(t, "changes") {
				e, err := encode(folded, c)
				if err != nil {
					continue
				}
				single := newFold()
				single.add(mustEncode(t, singly, c))
				err = write(single, nil, pool)
				if err == nil {
					good.add(e)
				} else if judge(err) != guilty {
					t.Fatal(err)
				}
				failed = errors.Join(failed, err)
				all.add(e)
			}
			if failed != nil {
				if err := write(all, known, pool); err == nil || judge(err) != guilty {
					t.Fatalf("one by one: %v; folded: %v", failed, err)
				}
			}
			if err := write(good, known, pool); err != nil {
				t.Fatal(err)
			}
			for _, table := range foldTableNames {
				want, got := rowsOf(t, pool, "singly."+table), rowsOf(t, pool, "folded."+table)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Fatalf("%s differs (-singly +folded):\n%s", table, diff)
				}
			}
		}
	})
}

func write(f *fold, known map[string]*keys, pool *pgxpool.Pool) error {
	s := &script{least: 2}
	f.write(s, known)
	return s.send(context.Background(), pool)
}

func mustEncode(t *rapid.T, tables map[string]*table, c Change) effect {
	e, err := encode(tables, c)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// openFoldTables makes the tables with all their indexes.
func openFoldTables(t *testing.T, pool *pgxpool.Pool, schema string) map[string]*table {
	t.Helper()
	ctx := context.Background()
	d := Definition{Name: schema, Tables: foldTables, Indexes: foldIndexes, Trigrams: foldTrigrams}
	l, err := readLayout(ctx, pool, d)
	if err != nil {
		t.Fatal(err)
	}
	err = pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "CREATE SCHEMA "+schema); err != nil {
			return err
		}
		if err := runIn(ctx, tx, schema, foldTables); err != nil {
			return err
		}
		return createMissing(ctx, tx, schema, l, l.indexes)
	})
	if err != nil {
		t.Fatal(err)
	}
	return in(schema, l.tables)
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
	tables := openFoldTables(t, postgrestest.New(t, postgrestest.WithMigrations(migrations.App, migrations.AppTable)), "model")
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
	s := &script{least: leastCopied}
	f.write(s, nil)
	if len(s.steps) != 1 || s.steps[0].statements.Len() != 3 {
		t.Errorf("%d steps, want one of 3 statements: one to put, one to patch, one to delete", len(s.steps))
	}
}

func TestTablesThatCannotBeFoldedAreRefused(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	pool := postgrestest.New(t)
	for _, tables := range []string{
		"CREATE TABLE t (a text)",
		"CREATE TABLE t (a jsonb PRIMARY KEY)",
		"CREATE TABLE t (a text PRIMARY KEY, b varchar(3))",
		"CREATE TABLE t (a text PRIMARY KEY, b numeric(5, 2))",
		"CREATE TABLE t (a text PRIMARY KEY, b timestamptz(3))",
		"CREATE TABLE t (a text PRIMARY KEY, b integer GENERATED ALWAYS AS (length(a)) STORED)",
		"CREATE TABLE t (a text PRIMARY KEY, b bigint GENERATED ALWAYS AS IDENTITY)",
		"CREATE TABLE t (a text PRIMARY KEY, b bigserial)",
		"CREATE TABLE t (a text PRIMARY KEY, b timestamptz DEFAULT now())",
		"CREATE TABLE t (a text PRIMARY KEY, b timestamptz DEFAULT CURRENT_TIMESTAMP)",
		"CREATE TABLE t (a text PRIMARY KEY, b uuid DEFAULT gen_random_uuid())",
		"CREATE COLLATION c (provider = icu, locale = 'und', deterministic = false); CREATE TABLE t (a text COLLATE c PRIMARY KEY)",
		"CREATE TABLE t (a text PRIMARY KEY); CREATE RULE r AS ON INSERT TO t DO INSTEAD NOTHING",
		"CREATE TABLE t (a text PRIMARY KEY, b jsonb); CREATE INDEX i ON t (b)",
		"CREATE TABLE t (a text PRIMARY KEY, b text); CREATE INDEX i ON t ((b::integer))",
		"CREATE TABLE t (a text PRIMARY KEY, b integer); CREATE INDEX i ON t ((1 / b))",
		"CREATE TABLE t (a text PRIMARY KEY, b integer); CREATE INDEX i ON t (a) WHERE b * 2 > 1",
		"CREATE TABLE t (a text PRIMARY KEY, b text); CREATE INDEX i ON t (left(b, 2000))",
		"CREATE TABLE t (a text PRIMARY KEY, b integer); CREATE INDEX i ON t USING brin (b)",
		"CREATE TABLE t (a text PRIMARY KEY, b integer CHECK (b > 0))",
		"CREATE TABLE t (a text PRIMARY KEY, b bytea CHECK (octet_length(b) <= 5))",
		"CREATE TABLE t (a text PRIMARY KEY, b text CHECK (octet_length(b) <= 5 OR a > b))",
		"CREATE TABLE t (a text PRIMARY KEY, b text CHECK (octet_length(b) <= 3000)); CREATE INDEX ON t (b)",
		"CREATE TABLE t (a text PRIMARY KEY, b integer UNIQUE)",
		"CREATE TABLE t (a text PRIMARY KEY, b text REFERENCES t)",
		"CREATE TABLE t (a text PRIMARY KEY, b integer); CREATE UNIQUE INDEX ON t (b) WHERE b > 0",
		`CREATE TABLE t (a text PRIMARY KEY); CREATE TRIGGER r BEFORE UPDATE ON t
			FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()`,
	} {
		if _, err := readLayout(ctx, pool, Definition{Name: "model", Tables: tables}); err == nil {
			t.Errorf("accepted: %s", tables)
		}
	}
}

func TestChangesThatDoNotFitTheirTableAreRefused(t *testing.T) {
	t.Parallel()
	tables := openFoldTables(t, postgrestest.New(t, postgrestest.WithMigrations(migrations.App, migrations.AppTable)), "model")
	id := Row{"id": "1"}
	for name, c := range map[string]Change{
		"no such table":            Put("absent", id, nil),
		"no such column":           Patch("plain", id, Row{"colour": 1}),
		"key is not whole":         Delete("bare", Row{"x": "1"}),
		"key with other columns":   Delete("plain", Row{"id": "1", "a": "x"}),
		"no key":                   Put("plain", nil, Row{"a": "x"}),
		"key changed":              Patch("plain", id, Row{"id": "2"}),
		"key changed for many":     PatchWhere("plain", Row{"a": "x"}, Row{"id": "2"}),
		"matching everything":      DeleteWhere("plain", nil),
		"key of another type":      Delete("plain", Row{"id": 1}),
		"key that is null":         Delete("plain", Row{"id": nil}),
		"key that is not UTF-8":    Delete("plain", Row{"id": "\xff"}),
		"text beyond its limit":    Put("bare", Row{"x": "üü", "y": 1}, nil),
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
