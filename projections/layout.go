package projections

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
)

// layout is what a definition's SQL creates, whatever has been created of it in
// a generation: a build creates its indexes last, and the values of a row must
// fit into them all the same.
type layout struct {
	schema  string // of the try, which is gone
	tables  map[string]*table
	indexes []index // those of Indexes, in their order
}

// index is an index of a table, beside that of its primary key.
type index struct {
	name, table string
	create      string // SQL, for layout.schema
	// leading is the column by which rows are found with it, if it serves that.
	leading string
}

// beginner is a pool, a connection or a transaction.
type beginner interface {
	Begin(ctx context.Context) (pgx.Tx, error)
}

// readLayout tries a definition's SQL in a schema of its own, and takes it back.
func readLayout(ctx context.Context, db beginner, d Definition) (l *layout, err error) {
	l = &layout{schema: "layout_" + strings.ToLower(rand.Text())}
	taken := errors.New("taken back")
	err = pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
		// The text form of defaults is read, whatever form the database prefers.
		for _, setting := range []string{"DateStyle = 'ISO, YMD'", "bytea_output = 'hex'", "extra_float_digits = 1"} {
			if _, err := tx.Exec(ctx, "SET LOCAL "+setting); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(ctx, "CREATE SCHEMA "+l.schema); err != nil {
			return err
		}
		if err := runIn(ctx, tx, l.schema, d.Tables); err != nil {
			return err
		}
		if err := runIn(ctx, tx, l.schema, d.Indexes); err != nil {
			return err
		}
		if has, err := hasTrigrams(ctx, tx); err != nil {
			return err
		} else if has {
			if err := runIn(ctx, tx, l.schema, d.Trigrams); err != nil {
				return err
			}
		}
		if l.tables, err = readTables(ctx, tx, l.schema); err != nil {
			return err
		}
		if err := l.readIndexes(ctx, tx); err != nil {
			return err
		}
		for _, p := range d.Personal {
			if err := p.check(l.tables); err != nil {
				return err
			}
		}
		return taken
	})
	if !errors.Is(err, taken) {
		return nil, fmt.Errorf("the tables of projection %s: %w", d.Name, err)
	}
	return l, nil
}

// What an entry of an index can hold: Postgres has a limit of 2,704 bytes.
const (
	maxEntry = 2600
	// scalarSize is more than any value takes that is not a text or a number of
	// many digits, numericSize more than one that is.
	scalarSize  = 24
	numericSize = maxDigits + 24
)

// attribute is what an index holds of a row: a column or an expression.
type attribute struct {
	index, table, method, class string
	primary, partial            bool
	create                      string
	place                       int
	expression                  string
	kind                        kind // zero for a type that read models do not have
	// column is empty for an expression; columns are those of the whole index.
	column  string
	columns []string
	// partialFunction, if any, is a function for which not every value will do.
	partialFunction string
}

// totalFunctions are those of Postgres that take any value and give one that
// grows little, if at all. An expression in which a value fails would fail live
// and not in a build, which creates its indexes last.
var totalFunctions = []string{"lower", "upper", "left", "md5", "length", "btrim"}

func (l *layout) readIndexes(ctx context.Context, db querier) error {
	rows, err := db.Query(ctx, `
		SELECT x.relname, c.relname, m.amname, o.opcname, i.indisprimary, i.indpred IS NOT NULL,
		       pg_get_indexdef(x.oid), place, pg_get_indexdef(x.oid, place, false), coalesce(y.typname, ''),
		       coalesce((SELECT attname FROM pg_catalog.pg_attribute WHERE attrelid = c.oid AND attnum = i.indkey[place - 1] AND attnum > 0), ''),
		       ARRAY(SELECT a.attname::text FROM pg_catalog.pg_depend d
		             JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
		             WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = x.oid
		             AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = c.oid AND d.refobjsubid > 0),
		       coalesce((SELECT min(p.proname) FROM regexp_matches(coalesce(i.indexprs::text, '') || coalesce(i.indpred::text, ''),
		                   ':(op)?funcid (\d+)', 'g') f JOIN pg_catalog.pg_proc p ON p.oid = f[2]::oid
		                 WHERE CASE WHEN f[1] = 'op' THEN p.prorettype <> 'bool'::regtype
		                       ELSE p.pronamespace <> 'pg_catalog'::regnamespace OR p.proname <> ALL ($2) END),
		                CASE WHEN coalesce(i.indexprs::text, '') || coalesce(i.indpred::text, '') ~ '\{(COERCEVIAIO|ARRAYCOERCE)' THEN 'a cast' END, '')
		FROM pg_catalog.pg_index i
		JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
		JOIN pg_catalog.pg_class c ON c.oid = i.indrelid
		JOIN pg_catalog.pg_am m ON m.oid = x.relam
		CROSS JOIN generate_series(1, i.indnatts) place
		LEFT JOIN pg_catalog.pg_opclass o ON place <= i.indnkeyatts AND o.oid = i.indclass[place - 1]
		LEFT JOIN pg_catalog.pg_attribute y0 ON y0.attrelid = x.oid AND y0.attnum = place
		LEFT JOIN pg_catalog.pg_type y ON y.oid = y0.atttypid
		WHERE c.relnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = $1)
		ORDER BY x.oid, place`, l.schema, totalFunctions)
	if err != nil {
		return err
	}
	attributes, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (attribute, error) {
		var a attribute
		var typ string
		var class *string
		err := row.Scan(&a.index, &a.table, &a.method, &class, &a.primary, &a.partial, &a.create, &a.place, &a.expression, &typ,
			&a.column, &a.columns, &a.partialFunction)
		if class != nil {
			a.class = *class
		}
		a.kind = kinds[typ]
		return a, err
	})
	if err != nil {
		return err
	}
	for begin := 0; begin < len(attributes); {
		end := begin + 1
		for end < len(attributes) && attributes[end].index == attributes[begin].index {
			end++
		}
		if err := l.add(attributes[begin:end]); err != nil {
			return fmt.Errorf("index %s: %w", attributes[begin].index, err)
		}
		begin = end
	}
	return nil
}

// add takes in an index, and bounds the columns that it holds.
func (l *layout) add(attributes []attribute) error {
	first := attributes[0]
	if first.partialFunction != "" {
		return fmt.Errorf("it uses %s, which may fail for some values", first.partialFunction)
	}
	t := l.tables[first.table]
	var err error
	switch first.method {
	case "btree":
		err = t.boundEntry(attributes)
	case "gin":
		for _, a := range attributes {
			if a.class == "array_ops" { // Each element is an entry.
				t.bound(a, maxEntry)
			}
		}
	case "hash":
	default:
		err = fmt.Errorf("its method is %s, and those of read models are btree, hash and gin", first.method)
	}
	if err != nil || first.primary {
		return err
	}
	x := index{name: first.index, table: first.table, create: first.create}
	if first.method != "gin" && !first.partial {
		x.leading = first.column
	}
	l.indexes = append(l.indexes, x)
	return nil
}

// leftPattern is an expression that is cut off to a number of characters.
var leftPattern = regexp.MustCompile(`^"left"\(.*, ([0-9]+)\)$`)

// boundEntry shares the size of an entry among the texts that it holds.
func (t *table) boundEntry(attributes []attribute) error {
	rest, shares := maxEntry, 0
	for _, a := range attributes {
		switch {
		case a.kind == jsonKind:
			return errors.New("a jsonb value can be too large for a btree")
		case a.cut() > 0:
			rest -= scalarSize + a.cut()
		case t.declared(a):
			rest -= scalarSize + t.columns[t.byName[a.column]].most
		case a.kind == textKind || a.kind == textsKind || a.kind == byteaKind || a.kind == 0:
			shares++
		case a.kind == numericKind:
			rest -= numericSize
		default:
			rest -= scalarSize
		}
	}
	if rest < 0 || shares > 0 && rest/shares < 64 {
		return fmt.Errorf("its entries can be larger than %d bytes", maxEntry)
	}
	for _, a := range attributes {
		if a.cut() == 0 && shares > 0 && !t.declared(a) {
			t.bound(a, rest/shares)
		}
	}
	return nil
}

// declared tells whether an attribute is a column with a declared size.
func (t *table) declared(a attribute) bool {
	return a.column != "" && t.columns[t.byName[a.column]].declared
}

// cut is how many bytes an expression gives at most, if it is cut off.
func (a attribute) cut() int {
	match := leftPattern.FindStringSubmatch(a.expression)
	if a.column != "" || match == nil {
		return 0
	}
	characters, err := strconv.Atoi(match[1])
	if err != nil {
		return maxEntry
	}
	return 4 * characters
}

// bound bounds the columns of an attribute that are of no fixed size.
func (t *table) bound(a attribute, most int) {
	if a.column == "" {
		most /= 2 // A text can grow by half when its case changes.
	}
	for _, name := range a.of() {
		c := &t.columns[t.byName[name]]
		switch c.kind {
		case textKind:
			c.most = min(c.most, most)
		case textsKind: // Its binary form is longer than its text form.
			c.most = min(c.most, most/3)
		case byteaKind: // Its text form has two digits for each byte.
			c.most = min(c.most, 2+2*most)
		default: // Of a fixed size.
		}
	}
}

// of lists the columns of an attribute.
func (a attribute) of() []string {
	if a.column != "" {
		return []string{a.column}
	}
	return slices.DeleteFunc(slices.Clone(a.columns), func(name string) bool {
		return !strings.Contains(a.expression, name)
	})
}

// in is the SQL that creates an index in another schema.
func (l *layout) in(schema string, x index) string {
	return strings.ReplaceAll(x.create, " ON "+l.schema+".", " ON "+pgx.Identifier{schema}.Sanitize()+".")
}

// serving are the indexes without which the rows of a matched change would be
// looked for in the whole table; none if the primary key serves, or if there is
// no such index.
func (l *layout) serving(t *table, match columns) []index {
	if match.has(t.primary[0]) {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(l.indexes), func(x index) bool {
		return x.table != t.name || x.leading == "" || !match.has(t.byName[x.leading])
	})
}
