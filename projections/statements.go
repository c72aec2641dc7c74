package projections

import (
	"bytes"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// queue adds the folded effects to a batch: for each table and segment one
// statement to delete rows, one for each set of columns to patch, one for each
// set of columns to put.
func (f *fold) queue(batch *pgx.Batch) {
	for _, tf := range f.order {
		for _, s := range tf.segments {
			s.queue(batch, tf.table)
		}
	}
}

func (s *segment) queue(batch *pgx.Batch, t *table) {
	type group struct {
		op  Op
		has columns
	}
	var order []group
	payloads := map[group]*rowset{}
	for _, r := range s.rows {
		g := group{r.op, r.row.has}
		if r.op == OpPatch && g.has == t.key {
			continue // It sets nothing.
		}
		p, ok := payloads[g]
		if !ok {
			p = &rowset{}
			payloads[g] = p
			order = append(order, g)
		}
		p.add(t, r.row)
	}
	for _, op := range []Op{OpDelete, OpPatch, OpPut} {
		for _, g := range order {
			if g.op == op {
				batch.Queue(t.statement(op, g.has), payloads[g].json())
			}
		}
	}
	if s.barrier != nil {
		s.barrier.queue(batch)
	}
}

func (e *effect) queue(batch *pgx.Batch) {
	match := (&rowset{}).with(e.table, e.row).json()
	if e.op == OpDeleteWhere {
		batch.Queue(e.table.deleteWhere(e.row), match)
	} else if e.set.has != 0 {
		batch.Queue(e.table.patchWhere(e.row, e.set), match, (&rowset{}).with(e.table, e.set).json())
	}
}

// rowset writes rows as a JSON array of objects. An object names only the
// columns that are set.
type rowset struct{ buffer bytes.Buffer }

func (p *rowset) add(t *table, r row) {
	separator := byte(',')
	if p.buffer.Len() == 0 {
		separator = '['
	}
	p.buffer.WriteByte(separator)
	separator = '{'
	for i, cell := range r.cells {
		if !r.has.has(i) {
			continue
		}
		p.buffer.WriteByte(separator)
		p.buffer.Write(t.columns[i].json)
		p.buffer.Write(cell)
		separator = ','
	}
	p.buffer.WriteByte('}')
}

func (p *rowset) with(t *table, r row) *rowset {
	p.add(t, r)
	return p
}

// json ends the array.
func (p *rowset) json() []byte {
	p.buffer.WriteByte(']')
	return p.buffer.Bytes()
}

// statement writes rows that all have the same columns.
func (t *table) statement(op Op, has columns) string {
	plain := func(ident string) string { return ident }
	from := fmt.Sprintf("json_populate_recordset(NULL::%s, $1::json) AS r", t.ident)
	sameKey := t.list(t.key, " AND ", func(c string) string { return "t." + c + " = r." + c })
	switch op {
	case OpDelete:
		return fmt.Sprintf("DELETE FROM %s AS t USING %s WHERE %s", t.ident, from, sameKey)
	case OpPatch:
		set := t.list(has&^t.key, ", ", func(c string) string { return c + " = r." + c })
		return fmt.Sprintf("UPDATE %s AS t SET %s FROM %s WHERE %s", t.ident, set, from, sameKey)
	default:
		// A row that is there is replaced whole: the columns not given too.
		action := "NOTHING"
		if rest := t.all() &^ t.key &^ t.generated; rest != 0 {
			action = "UPDATE SET " + t.list(rest, ", ", func(c string) string { return c + " = EXCLUDED." + c })
		}
		return fmt.Sprintf("INSERT INTO %s (%s) SELECT %s FROM %s ON CONFLICT (%s) DO %s",
			t.ident, t.list(has, ", ", plain), t.list(has, ", ", func(c string) string { return "r." + c }),
			from, t.list(t.key, ", ", plain), action)
	}
}

func (t *table) all() columns { return columns(1)<<len(t.columns) - 1 }

func (t *table) deleteWhere(match row) string {
	return fmt.Sprintf("DELETE FROM %s AS t USING json_populate_recordset(NULL::%s, $1::json) AS m WHERE %s",
		t.ident, t.ident, t.matching(match))
}

func (t *table) patchWhere(match, set row) string {
	return fmt.Sprintf("UPDATE %s AS t SET %s FROM json_populate_recordset(NULL::%s, $1::json) AS m, "+
		"json_populate_recordset(NULL::%s, $2::json) AS r WHERE %s",
		t.ident, t.list(set.has, ", ", func(c string) string { return c + " = r." + c }),
		t.ident, t.ident, t.matching(match))
}

// matching compares so that indexes serve, also where null is meant.
func (t *table) matching(match row) string {
	var nulls, values columns
	for i := range match.cells {
		if !match.has.has(i) {
			continue
		}
		if match.null(i) {
			nulls |= 1 << i
		} else {
			values |= 1 << i
		}
	}
	isNull := t.list(nulls, " AND ", func(c string) string { return "t." + c + " IS NULL" })
	equal := t.list(values, " AND ", func(c string) string { return "t." + c + " = m." + c })
	if isNull != "" && equal != "" {
		return isNull + " AND " + equal
	}
	return isNull + equal
}
