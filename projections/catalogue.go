package projections

import (
	"context"
	"fmt"
	"math/bits"
	"strings"

	"github.com/jackc/pgx/v5"
)

// querier is a pool, a connection or a transaction.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// columns is a set of a table's columns, by their number.
type columns uint64

const maxColumns = 64

func (c columns) has(i int) bool { return c&(1<<i) != 0 }

func (c columns) len() int { return bits.OnesCount64(uint64(c)) }

// table is a table as Postgres describes it.
type table struct {
	// ident is the quoted name with its schema.
	ident   string
	name    string
	columns []column
	byName  map[string]int
	// primary lists the primary key's columns in their order; key is the same
	// as a set.
	primary []int
	key     columns
	// generated columns cannot be written.
	generated columns
}

type column struct {
	name  string // as Postgres knows it
	ident string // quoted
	json  []byte // as the name of a JSON member, with its colon
	kind  keyKind
}

// keyKind says which Go values can be compared as this column of a primary key.
type keyKind int

const (
	notKey keyKind = iota
	textKey
	integerKey
	boolKey
	timeKey
)

var keyKinds = map[string]keyKind{
	"text": textKey, "varchar": textKey, "int2": integerKey, "int4": integerKey, "int8": integerKey,
	"bool": boolKey, "timestamptz": timeKey,
}

// readTables learns the tables of a schema.
func readTables(ctx context.Context, db querier, schema string) (map[string]*table, error) {
	rows, err := db.Query(ctx, `
		SELECT c.relname, a.attname, t.typname, a.attgenerated <> '' OR a.attidentity <> '',
		       coalesce(array_position(k.conkey, a.attnum), 0)
		FROM pg_catalog.pg_class c
		JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
		JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
		LEFT JOIN pg_catalog.pg_constraint k ON k.conrelid = c.oid AND k.contype = 'p'
		WHERE n.nspname = $1 AND c.relkind IN ('r', 'p') AND NOT c.relispartition
		ORDER BY c.relname, a.attnum`, schema)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	tables := map[string]*table{}
	places := map[*table]map[int]int{} // place in the primary key → column
	for rows.Next() {
		var name, columnName, typ string
		var generated bool
		var place int
		if err := rows.Scan(&name, &columnName, &typ, &generated, &place); err != nil {
			return nil, err
		}
		t, ok := tables[name]
		if !ok {
			t = &table{ident: pgx.Identifier{schema, name}.Sanitize(), name: name, byName: map[string]int{}}
			tables[name], places[t] = t, map[int]int{}
		}
		if err := t.add(columnName, typ, generated, place, places[t]); err != nil {
			return nil, err
		}
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	for t, byPlace := range places {
		if len(byPlace) == 0 {
			return nil, fmt.Errorf("table %s has no primary key", t.name)
		}
		for place := range len(byPlace) {
			t.primary = append(t.primary, byPlace[place+1])
		}
	}
	return tables, nil
}

func (t *table) add(name, typ string, generated bool, place int, places map[int]int) error {
	i := len(t.columns)
	if i == maxColumns {
		return fmt.Errorf("table %s has more than %d columns", t.name, maxColumns)
	}
	member, err := appendJSON(nil, name)
	if err != nil {
		return err
	}
	c := column{name: name, ident: pgx.Identifier{name}.Sanitize(), json: append(member, ':')}
	if generated {
		t.generated |= 1 << i
	}
	if place > 0 {
		if c.kind = keyKinds[typ]; c.kind == notKey {
			return fmt.Errorf("table %s: a column of type %s cannot be in a primary key here", t.name, typ)
		}
		t.key |= 1 << i
		places[place] = i
	}
	t.columns = append(t.columns, c)
	t.byName[name] = i
	return nil
}

// list writes the columns of a set, each through format, with sep between them.
func (t *table) list(set columns, sep string, format func(ident string) string) string {
	var out strings.Builder
	for i, c := range t.columns {
		if !set.has(i) {
			continue
		}
		if out.Len() > 0 {
			out.WriteString(sep)
		}
		out.WriteString(format(c.ident))
	}
	return out.String()
}
