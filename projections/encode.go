package projections

import (
	"errors"
	"fmt"
	"reflect"
	"unicode/utf8"
)

// effect is a change in the form in which it is folded and sent: checked
// against the table, values in Postgres' text form.
type effect struct {
	op    Op
	table *table
	// id names the row; not for PatchWhere and DeleteWhere.
	id string
	// row has the key's columns and those to set, or the columns to match. That
	// of a Put is whole.
	row row
	// set has the columns to set of a PatchWhere.
	set row
	// deltas are what an Add adds.
	deltas []delta
}

// delta is what is added to a column.
type delta struct {
	column int
	by     decimal
}

// row is a part of a table's row. cells has a place for each of the table's
// columns, filled for those of has: a value in its text form, or nil for null.
// Rows are shared and never changed.
type row struct {
	has   columns
	cells [][]byte
}

func (r row) null(i int) bool { return r.cells[i] == nil }

var errChange = errors.New("the reducer's change does not fit the table")

// encode checks a change against its table.
func encode(tables map[string]*table, c Change) (effect, error) {
	t, ok := tables[c.Table]
	if !ok {
		return effect{}, fmt.Errorf("%w: there is no table %s", errChange, c.Table)
	}
	switch c.Op {
	case OpPut, OpPatch, OpDelete, OpMerge:
		return t.encodeOne(c)
	case OpAdd:
		return t.encodeAdd(c)
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
	if c.Op == OpPut || c.Op == OpMerge {
		if err := t.complete(r.has); err != nil {
			return effect{}, err
		}
	}
	id, err := t.id(c.Key, r)
	if c.Op == OpPut {
		r = t.whole(r)
	}
	return effect{op: c.Op, table: t, id: id, row: r}, err
}

func (t *table) encodeAdd(c Change) (effect, error) {
	e, err := t.encodeOne(Change{OpPatch, c.Table, c.Key, nil})
	if err != nil {
		return effect{}, err
	}
	e.op = OpAdd
	given := e.row.has
	if err := t.known(c.Key, c.Set); err != nil {
		return effect{}, err
	}
	e.deltas = make([]delta, 0, len(c.Set))
	for i := range t.columns {
		column := &t.columns[i]
		value, ok := c.Set[column.name]
		if !ok {
			continue
		}
		given |= 1 << i
		d, err := column.kind.delta(value)
		if err != nil {
			return effect{}, t.wrong(i, err)
		}
		e.deltas = append(e.deltas, delta{i, d})
	}
	return e, t.complete(given)
}

// delta reads a number to add. It may be beyond what the column can hold, as
// from one end to the other.
func (k kind) delta(value any) (decimal, error) {
	v := reflect.ValueOf(value)
	switch k {
	case smallintKind, integerKind, bigintKind:
		if !isNull(value) && (v.CanInt() || v.CanUint()) {
			return numeric(v)
		}
	case numericKind:
		if !isNull(value) {
			return numeric(v)
		}
	default:
		return decimal{}, errors.New("nothing can be added to it")
	}
	return decimal{}, fmt.Errorf("a %T cannot be added to it", value)
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

// encode joins two sets of columns, which must be disjoint. It goes through them
// in the table's order, so that the same mistake is found each time.
func (t *table) encode(key, set Row, stored bool) (row, error) {
	if err := t.known(key, set); err != nil {
		return row{}, err
	}
	r := row{cells: make([][]byte, len(t.columns))}
	buffer := make([]byte, 0, 32*(len(key)+len(set)))
	for i := range t.columns {
		c := &t.columns[i]
		value, ok := key[c.name]
		if !ok {
			if value, ok = set[c.name]; !ok {
				continue
			}
		}
		r.has |= 1 << i
		var err error
		if buffer, r.cells[i], err = c.cell(buffer, value); err != nil {
			return row{}, t.wrong(i, err)
		}
		if stored && c.notNull && r.null(i) {
			return row{}, t.wrong(i, errors.New("it cannot be null"))
		}
	}
	return r, nil
}

// known makes sure that columns exist, and are not given twice.
func (t *table) known(key, set Row) error {
	for _, part := range [...]Row{key, set} {
		for name := range part {
			if _, ok := t.byName[name]; !ok {
				return fmt.Errorf("%w: table %s has no column %s", errChange, t.name, name)
			}
		}
	}
	for name := range key {
		if _, ok := set[name]; ok {
			return fmt.Errorf("%w: column %s.%s is both key and value", errChange, t.name, name)
		}
	}
	return nil
}

// cell writes a value behind buffer, and returns it: nil for null.
func (c column) cell(buffer []byte, value any) (grown, cell []byte, err error) {
	if isNull(value) {
		return buffer, nil, nil
	}
	begin := len(buffer)
	if buffer, err = c.kind.appendValue(buffer, value); err != nil {
		return buffer, nil, err
	}
	cell = buffer[begin:len(buffer):len(buffer)]
	switch {
	case c.kind == jsonKind && string(cell) == "null":
		return buffer, nil, nil
	case len(cell) > c.most:
		return buffer, nil, fmt.Errorf("a value of %d bytes %w: it takes %d", len(cell), errMisfit, c.most)
	}
	return buffer, cell, nil
}

func (t *table) wrong(i int, err error) error {
	return fmt.Errorf("%w: column %s.%s: %w", errChange, t.name, t.columns[i].name, err)
}

// complete makes sure that a new row has all columns that it must have.
func (t *table) complete(given columns) error {
	if missing := t.required &^ given; missing != 0 {
		return fmt.Errorf("%w: a row of %s lacks %s", errChange, t.name, t.names(missing))
	}
	return nil
}

// whole is a new row: the columns not given have their defaults.
func (t *table) whole(r row) row {
	cells := make([][]byte, len(t.columns))
	for i := range cells {
		cells[i] = t.defaults[i]
		if r.has.has(i) {
			cells[i] = r.cells[i]
		}
	}
	return row{t.all(), cells}
}

// id joins the values of a primary key so that equal ids are equal keys, and
// the other way round: equal values have the same cell, and none holds a zero
// byte.
func (t *table) id(key Row, r row) (string, error) {
	out := make([]byte, 0, 64)
	for n, i := range t.primary {
		if n > 0 {
			out = append(out, 0)
		}
		// Texts that differ in what is not UTF-8 would be stored as the same.
		if t.columns[i].kind == textKind && !utf8.ValidString(textOf(key[t.columns[i].name])) {
			return "", t.wrong(i, fmt.Errorf("a key that is not UTF-8 %w", errMisfit))
		}
		out = append(out, r.cells[i]...)
	}
	return string(out), nil
}

func textOf(value any) string {
	v := reflect.ValueOf(value)
	for v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	return v.String()
}
