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
	// generated columns cannot be written; required ones must be, in a new row.
	generated, required columns
}

type column struct {
	name    string // as Postgres knows it
	ident   string // quoted
	kind    kind
	notNull bool
}

// readTables learns the tables of a schema, and makes sure that the values of a
// row can be checked before they are sent: an event that does not fit must show
// by itself, whatever it is folded with.
func readTables(ctx context.Context, db querier, schema string) (map[string]*table, error) {
	if err := refuseRules(ctx, db, schema); err != nil {
		return nil, err
	}
	rows, err := db.Query(ctx, `
		SELECT c.relname, a.attname, t.typname, a.attgenerated <> '' OR a.attidentity <> '',
		       a.attnotnull, a.atthasdef, coalesce(array_position(k.conkey, a.attnum), 0)
		FROM pg_catalog.pg_class c
		JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
		JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
		LEFT JOIN pg_catalog.pg_constraint k ON k.conrelid = c.oid AND k.contype = 'p'
		WHERE c.relnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = $1) AND c.relkind = 'r'
		ORDER BY c.relname, a.attnum`, schema)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	tables := map[string]*table{}
	places := map[*table]map[int]int{} // place in the primary key → column
	for rows.Next() {
		var name, columnName, typ string
		var generated, notNull, hasDefault bool
		var place int
		if err := rows.Scan(&name, &columnName, &typ, &generated, &notNull, &hasDefault, &place); err != nil {
			return nil, err
		}
		t, ok := tables[name]
		if !ok {
			t = &table{ident: pgx.Identifier{schema, name}.Sanitize(), name: name, byName: map[string]int{}}
			tables[name], places[t] = t, map[int]int{}
		}
		i := len(t.columns)
		if err := t.add(columnName, typ, notNull); err != nil {
			return nil, err
		}
		switch {
		case generated:
			t.generated |= 1 << i
		case notNull && !hasDefault:
			t.required |= 1 << i
		}
		if place > 0 {
			t.key |= 1 << i
			places[t][place-1] = i
		}
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	for t, byPlace := range places {
		for place := range len(byPlace) {
			i := byPlace[place]
			if !t.columns[i].kind.comparable() {
				return nil, fmt.Errorf("table %s: column %s cannot be in a primary key here", t.name, t.columns[i].name)
			}
			t.primary = append(t.primary, i)
		}
		if len(t.primary) == 0 {
			return nil, fmt.Errorf("table %s has no primary key", t.name)
		}
	}
	return tables, nil
}

func (t *table) add(name, typ string, notNull bool) error {
	k, ok := kinds[typ]
	switch {
	case !ok:
		return fmt.Errorf("table %s: column %s is of type %s, which read models do not have", t.name, name, typ)
	case len(t.columns) == maxColumns:
		return fmt.Errorf("table %s has more than %d columns", t.name, maxColumns)
	}
	t.byName[name] = len(t.columns)
	t.columns = append(t.columns, column{name, pgx.Identifier{name}.Sanitize(), k, notNull})
	return nil
}

// refuseRules makes sure that a row does not depend on others or on code in the
// database: rows are written in bulk, and only the last of many states.
func refuseRules(ctx context.Context, db querier, schema string) error {
	var rule, table string
	err := db.QueryRow(ctx, `
		WITH tables AS (
			SELECT c.oid, c.relname FROM pg_catalog.pg_class c
			JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1
		), rules AS (
			SELECT conrelid AS oid, conname AS rule FROM pg_catalog.pg_constraint WHERE contype NOT IN ('p', 'n')
			UNION ALL
			SELECT i.indrelid, x.relname FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
			WHERE i.indisunique AND NOT i.indisprimary
			UNION ALL
			SELECT tgrelid, tgname FROM pg_catalog.pg_trigger
		)
		SELECT coalesce(min(rule), ''), coalesce(min(relname), '') FROM rules JOIN tables USING (oid)`,
		schema).Scan(&rule, &table)
	if err != nil {
		return err
	}
	if rule != "" {
		return fmt.Errorf("table %s has %s: tables of read models have primary keys, and no other constraint or trigger", table, rule)
	}
	return nil
}

// list writes the columns of a set, each through format, with sep between them.
func (t *table) list(set columns, sep string, format func(column) string) string {
	var out strings.Builder
	for i, c := range t.columns {
		if !set.has(i) {
			continue
		}
		if out.Len() > 0 {
			out.WriteString(sep)
		}
		out.WriteString(format(c))
	}
	return out.String()
}
