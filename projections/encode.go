package projections

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"time"
	"unicode/utf8"
)

// effect is a change in the form in which it is folded and sent: checked
// against the table, values in Postgres' text form.
type effect struct {
	op    Op
	table *table
	// id names the row; for Put, Patch and Delete.
	id string
	// row has the key's columns and those to set, or the columns to match.
	row row
	// set has the columns to set of a PatchWhere.
	set row
}

// row is a part of a table's row. cells has a place for each of the table's
// columns, filled for those of has. Rows are shared and never changed.
type row struct {
	has   columns
	cells [][]byte
}

var errChange = errors.New("the reducer's change does not fit the table")

// encode checks a change against its table.
func encode(tables map[string]*table, c Change) (effect, error) {
	t, ok := tables[c.Table]
	if !ok {
		return effect{}, fmt.Errorf("%w: there is no table %s", errChange, c.Table)
	}
	switch c.Op {
	case OpPut, OpPatch, OpDelete:
		return t.encodeOne(c)
	case OpPatchWhere, OpDeleteWhere:
		return t.encodeMany(c)
	}
	return effect{}, fmt.Errorf("%w: unknown kind %d", errChange, c.Op)
}

func (t *table) encodeOne(c Change) (effect, error) {
	r, err := t.encode(c.Key, c.Set, true)
	if err != nil {
		return effect{}, err
	}
	if r.has&t.key != t.key || len(c.Key) != t.key.len() {
		return effect{}, fmt.Errorf("%w: the key is not the primary key of %s", errChange, t.name)
	}
	if missing := t.required &^ r.has; c.Op == OpPut && missing != 0 {
		return effect{}, fmt.Errorf("%w: a row of %s lacks %s", errChange, t.name,
			t.list(missing, ", ", func(c column) string { return c.name }))
	}
	id, err := t.id(c.Key)
	return effect{op: c.Op, table: t, id: id, row: r}, err
}

func (t *table) encodeMany(c Change) (effect, error) {
	if len(c.Key) == 0 {
		return effect{}, fmt.Errorf("%w: it matches all rows of %s", errChange, t.name)
	}
	match, err := t.encode(c.Key, nil, false)
	if err != nil {
		return effect{}, err
	}
	set, err := t.encode(nil, c.Set, true)
	if err != nil {
		return effect{}, err
	}
	if set.has&t.key != 0 {
		return effect{}, fmt.Errorf("%w: it changes the primary key of %s", errChange, t.name)
	}
	return effect{op: c.Op, table: t, row: match, set: set}, nil
}

// encode joins two sets of columns, which must be disjoint.
func (t *table) encode(key, set Row, stored bool) (row, error) {
	r := row{cells: make([][]byte, len(t.columns))}
	buffer := make([]byte, 0, 32*(len(key)+len(set)))
	for _, part := range []Row{key, set} {
		for name, value := range part {
			i, ok := t.byName[name]
			switch {
			case !ok:
				return row{}, fmt.Errorf("%w: table %s has no column %s", errChange, t.name, name)
			case t.generated.has(i) && stored:
				return row{}, fmt.Errorf("%w: column %s.%s is generated", errChange, t.name, name)
			case r.has.has(i):
				return row{}, fmt.Errorf("%w: column %s.%s is both key and value", errChange, t.name, name)
			}
			start := len(buffer)
			var err error
			if buffer, err = t.columns[i].kind.appendValue(buffer, value); err != nil {
				return row{}, fmt.Errorf("%w: column %s.%s: %w", errChange, t.name, name, err)
			}
			r.cells[i] = buffer[start:len(buffer):len(buffer)]
			r.has |= 1 << i
			if stored && t.columns[i].notNull && r.null(i) {
				return row{}, fmt.Errorf("%w: column %s.%s cannot be null", errChange, t.name, name)
			}
		}
	}
	return r, nil
}

func (r row) null(i int) bool { return string(r.cells[i]) == null }

// id joins the values of a primary key so that equal ids are equal keys, and
// the other way round.
func (t *table) id(key Row) (string, error) {
	out := make([]byte, 0, 48)
	for n, i := range t.primary {
		if n > 0 {
			out = append(out, 0) // No text has a zero byte.
		}
		c := t.columns[i]
		switch v := reflect.ValueOf(key[c.name]); c.kind {
		case textKind:
			if !utf8.ValidString(v.String()) { // Different ones would be stored as the same.
				return "", fmt.Errorf("%w: the key %s.%s is not UTF-8", errChange, t.name, c.name)
			}
			out = append(out, v.String()...)
		case boolKind:
			out = strconv.AppendBool(out, v.Bool())
		case timeKind:
			out = strconv.AppendInt(out, v.Interface().(time.Time).UnixMicro(), 10) //nolint:forcetypeassert // encode saw it.
		default:
			out = append(out, fmt.Sprint(v)...)
		}
	}
	return string(out), nil
}
