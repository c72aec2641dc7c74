package projections

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"time"
	"unicode/utf8"
)

// effect is a change in the form in which it is folded and sent: checked
// against the table, values in JSON.
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
	e := effect{op: c.Op, table: t}
	var err error
	switch c.Op {
	case OpPut, OpPatch, OpDelete:
		if e.row, err = t.encode(c.Key, c.Set); err != nil {
			return effect{}, err
		}
		if e.row.has&t.key != t.key || len(c.Key) != t.key.len() {
			return effect{}, fmt.Errorf("%w: the key is not the primary key of %s", errChange, t.name)
		}
		e.id, err = t.id(c.Key)
		return e, err
	case OpPatchWhere, OpDeleteWhere:
		if len(c.Key) == 0 {
			return effect{}, fmt.Errorf("%w: it matches all rows of %s", errChange, t.name)
		}
		if e.row, err = t.encode(c.Key, nil); err != nil {
			return effect{}, err
		}
		if e.set, err = t.encode(nil, c.Set); err != nil {
			return effect{}, err
		}
		if e.set.has&t.key != 0 {
			return effect{}, fmt.Errorf("%w: it changes the primary key of %s", errChange, t.name)
		}
		return e, nil
	}
	return effect{}, fmt.Errorf("%w: unknown kind %d", errChange, c.Op)
}

// encode joins two sets of columns, which must be disjoint.
func (t *table) encode(key, set Row) (row, error) {
	r := row{cells: make([][]byte, len(t.columns))}
	buffer := make([]byte, 0, 32*(len(key)+len(set)))
	for _, part := range []Row{key, set} {
		for name, value := range part {
			i, ok := t.byName[name]
			switch {
			case !ok:
				return row{}, fmt.Errorf("%w: table %s has no column %s", errChange, t.name, name)
			case t.generated.has(i):
				return row{}, fmt.Errorf("%w: column %s.%s is generated", errChange, t.name, name)
			case r.has.has(i):
				return row{}, fmt.Errorf("%w: column %s.%s is both key and value", errChange, t.name, name)
			}
			start := len(buffer)
			var err error
			if buffer, err = appendJSON(buffer, value); err != nil {
				return row{}, fmt.Errorf("%w: column %s.%s: %w", errChange, t.name, name, err)
			}
			r.cells[i] = buffer[start:len(buffer):len(buffer)]
			r.has |= 1 << i
		}
	}
	return r, nil
}

// id joins the values of a primary key so that equal ids are equal keys, and
// the other way round. That needs the one Go type for each type of column.
func (t *table) id(key Row) (string, error) {
	out := make([]byte, 0, 48)
	for n, i := range t.primary {
		c := t.columns[i]
		if n > 0 {
			out = append(out, 0) // Postgres has no text with a zero byte.
		}
		v := reflect.ValueOf(key[c.name])
		switch {
		case c.kind == textKey && v.Kind() == reflect.String && utf8.ValidString(v.String()):
			out = append(out, v.String()...)
		case c.kind == integerKey && v.CanInt():
			out = strconv.AppendInt(out, v.Int(), 10)
		case c.kind == integerKey && v.CanUint():
			out = strconv.AppendUint(out, v.Uint(), 10)
		case c.kind == boolKey && v.Kind() == reflect.Bool:
			out = strconv.AppendBool(out, v.Bool())
		default:
			at, ok := key[c.name].(time.Time)
			if c.kind != timeKey || !ok {
				return "", fmt.Errorf("%w: %T is no key for column %s.%s", errChange, key[c.name], t.name, c.name)
			}
			out = strconv.AppendInt(out, at.UnixMicro(), 10)
		}
	}
	return string(out), nil
}

// appendJSON writes a value as encoding/json would, without reflection for the
// usual types.
func appendJSON(dst []byte, value any) ([]byte, error) {
	switch v := value.(type) {
	case nil:
		return append(dst, "null"...), nil
	case bool:
		return strconv.AppendBool(dst, v), nil
	case string:
		return appendString(dst, v)
	case int:
		return strconv.AppendInt(dst, int64(v), 10), nil
	case int64:
		return strconv.AppendInt(dst, v, 10), nil
	case time.Time:
		// Postgres keeps microseconds, and would round.
		v = v.Truncate(time.Microsecond)
		return append(v.AppendFormat(append(dst, '"'), time.RFC3339Nano), '"'), nil
	}
	if v := reflect.ValueOf(value); v.Kind() == reflect.String && !v.Type().Implements(marshaler) {
		return appendString(dst, v.String())
	}
	encoded, err := json.Marshal(value)
	return append(dst, encoded...), err
}

var marshaler = reflect.TypeFor[json.Marshaler]()

func appendString(dst []byte, s string) ([]byte, error) {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			encoded, err := json.Marshal(s)
			return append(dst, encoded...), err
		}
	}
	dst = append(dst, '"')
	dst = append(dst, s...)
	return append(dst, '"'), nil
}
