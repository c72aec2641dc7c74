package projections

import (
	"context"
	"fmt"
	"maps"
	"math/bits"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
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

// execer is a pool or a transaction.
type execer interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}

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
	// required columns must be given in a new row.
	required columns
	// defaults is a row of all columns, those of the key null.
	defaults [][]byte
}

type column struct {
	name    string // as Postgres knows it
	ident   string // quoted
	kind    kind
	notNull bool
	// most is how many bytes the text form of a value can have; declared says
	// that a constraint has set it.
	most     int
	declared bool
}

// sizePattern is the one CHECK constraint that tables may have.
const sizePattern = `^CHECK \(\(octet_length\(("[^"]+"|[a-z_][a-z0-9_]*)\) <= ([0-9]+)\)\)$`

// maxValue is how many bytes the text form of a value can have in a column
// without an index. An event is smaller; Postgres' own limits, such as those of
// jsonb, are far beyond.
const maxValue = 16 << 20

// readTables learns the tables of a schema, and makes sure that the values of a
// row can be checked before they are sent: an event that does not fit must show
// by itself, whatever it is folded with.
func readTables(ctx context.Context, db querier, schema string) (map[string]*table, error) {
	if err := refuseRules(ctx, db, schema); err != nil {
		return nil, err
	}
	tables := map[string]*table{}
	rows, err := db.Query(ctx, `
		SELECT c.relname, a.attname, t.typname, a.atttypmod, coalesce(l.collisdeterministic, true), a.attnotnull,
		       coalesce(pg_get_expr(d.adbin, d.adrelid), ''), coalesce(array_position(k.conkey, a.attnum), 0)
		FROM pg_catalog.pg_class c
		JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
		JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
		LEFT JOIN pg_catalog.pg_collation l ON l.oid = a.attcollation
		LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
		LEFT JOIN pg_catalog.pg_constraint k ON k.conrelid = c.oid AND k.contype = 'p'
		WHERE c.relnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = $1) AND c.relkind = 'r'
		ORDER BY c.relname, a.attnum`, schema)
	if err != nil {
		return nil, err
	}
	places := map[*table]map[int]int{} // place in the primary key → column
	defaults := map[*table][]string{}
	var name, columnName, typ, fallback string
	var modifier, place int
	var deterministic, notNull bool
	_, err = pgx.ForEachRow(rows, []any{&name, &columnName, &typ, &modifier, &deterministic, &notNull, &fallback, &place}, func() error {
		t, ok := tables[name]
		if !ok {
			t = &table{name: name, ident: pgx.Identifier{schema, name}.Sanitize(), byName: map[string]int{}}
			tables[name], places[t] = t, map[int]int{}
		}
		switch {
		case modifier != -1:
			return fmt.Errorf("table %s: column %s limits its type, which read models do not", name, columnName)
		case !deterministic:
			return fmt.Errorf("table %s: column %s has a collation in which different texts are equal", name, columnName)
		}
		if place > 0 {
			places[t][place-1] = len(t.columns)
		}
		defaults[t] = append(defaults[t], fallback)
		return t.add(columnName, typ, notNull)
	})
	if err != nil {
		return nil, err
	}
	for _, t := range tables {
		if err := t.identify(places[t]); err != nil {
			return nil, err
		}
		if err := t.readDefaults(ctx, db, defaults[t]); err != nil {
			return nil, err
		}
	}
	return tables, readSizes(ctx, db, schema, tables)
}

// readSizes learns which columns have a limited size.
func readSizes(ctx context.Context, db querier, schema string, tables map[string]*table) error {
	rows, err := db.Query(ctx, `
		SELECT c.relname, a.attname, m[2]::integer FROM pg_catalog.pg_constraint k
		JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
		JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.conkey[1]
		CROSS JOIN regexp_match(pg_get_constraintdef(k.oid), $2) m
		WHERE k.contype = 'c' AND c.relnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = $1)`, schema, sizePattern)
	if err != nil {
		return err
	}
	var name, columnName string
	var size int
	_, err = pgx.ForEachRow(rows, []any{&name, &columnName, &size}, func() error {
		c := &tables[name].columns[tables[name].byName[columnName]]
		if c.kind != textKind {
			return fmt.Errorf("table %s: column %s is no text, and has no size to limit", name, columnName)
		}
		c.most, c.declared = min(c.most, size), true
		return nil
	})
	return err
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
	t.columns = append(t.columns, column{name, pgx.Identifier{name}.Sanitize(), k, notNull, maxValue, false})
	return nil
}

// identify sets the primary key.
func (t *table) identify(byPlace map[int]int) error {
	for place := range len(byPlace) {
		i := byPlace[place]
		if !t.columns[i].kind.identifies() {
			return fmt.Errorf("table %s: column %s cannot be in a primary key here", t.name, t.columns[i].name)
		}
		t.primary = append(t.primary, i)
		t.key |= 1 << i
	}
	if len(t.primary) == 0 {
		return fmt.Errorf("table %s has no primary key", t.name)
	}
	return nil
}

// readDefaults has Postgres evaluate the defaults, which are constants, and
// finds out which columns a new row must be given.
func (t *table) readDefaults(ctx context.Context, db querier, expressions []string) error {
	selected := make([]string, len(expressions))
	values := make([]*string, len(expressions))
	into := make([]any, len(expressions))
	for i, expression := range expressions {
		selected[i], into[i] = "NULL", &values[i]
		if expression != "" && !t.key.has(i) {
			selected[i] = "(" + expression + ")::text"
		}
	}
	if err := db.QueryRow(ctx, "SELECT "+strings.Join(selected, ", ")).Scan(into...); err != nil {
		return fmt.Errorf("table %s: its defaults: %w", t.name, err)
	}
	t.defaults = make([][]byte, len(values))
	for i, value := range values {
		switch {
		case value != nil:
			t.defaults[i] = []byte(*value)
		case t.columns[i].notNull && !t.key.has(i):
			t.required |= 1 << i
		}
	}
	return nil
}

// refuseRules makes sure that a row does not depend on others, on code in the
// database or on the time: rows are written in bulk, and only the last of many
// states, at any time.
func refuseRules(ctx context.Context, db querier, schema string) error {
	var rule, table string
	err := db.QueryRow(ctx, `
		WITH tables AS (
			SELECT c.oid, c.relname FROM pg_catalog.pg_class c
			JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1
		), rules AS (
			SELECT conrelid AS oid, conname AS rule FROM pg_catalog.pg_constraint
			WHERE contype NOT IN ('p', 'n') AND NOT (contype = 'c' AND pg_get_constraintdef(oid) ~ $2)
			UNION ALL
			SELECT i.indrelid, x.relname FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
			WHERE i.indisunique AND NOT i.indisprimary
			UNION ALL
			SELECT tgrelid, tgname FROM pg_catalog.pg_trigger
			UNION ALL
			SELECT ev_class, rulename FROM pg_catalog.pg_rewrite
			UNION ALL
			SELECT attrelid, 'the computed column ' || attname FROM pg_catalog.pg_attribute
			WHERE attgenerated <> '' OR attidentity <> ''
			UNION ALL
			SELECT d.adrelid, 'a default that is no constant' FROM pg_catalog.pg_attrdef d
			WHERE d.adbin::text ~ '\{(SQLVALUEFUNCTION|NEXTVALUEEXPR|COERCEVIAIO)'
			OR EXISTS (SELECT FROM regexp_matches(d.adbin::text, ':(?:op)?funcid (\d+)', 'g') f
				JOIN pg_catalog.pg_proc p ON p.oid = f[1]::oid AND p.provolatile <> 'i')
		)
		SELECT coalesce(min(rule), ''), coalesce(min(relname), '') FROM rules JOIN tables USING (oid)`,
		schema, sizePattern).Scan(&rule, &table)
	if err != nil {
		return err
	}
	if rule != "" {
		return fmt.Errorf("table %s has %s: tables of read models have a primary key, constants as defaults, "+
			"limits by octet_length, and no other constraint, trigger or computed column", table, rule)
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

func (t *table) all() columns { return columns(1)<<len(t.columns) - 1 }

// names lists a set's columns.
func (t *table) names(set columns) string {
	return t.list(set, ", ", func(c column) string { return c.name })
}

// in is the tables as they are in another schema.
func in(schema string, tables map[string]*table) map[string]*table {
	moved := maps.Clone(tables)
	for name, t := range moved {
		other := *t
		other.ident = pgx.Identifier{schema, name}.Sanitize()
		moved[name] = &other
	}
	return moved
}

// sorted lists tables by name.
func sorted(tables map[string]*table) []*table {
	return slices.SortedFunc(maps.Values(tables), func(a, b *table) int { return strings.Compare(a.name, b.name) })
}
