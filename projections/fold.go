package projections

import "slices"

// fold joins the effects of a batch so that each row is written once. The
// result is the same as if they were applied one by one, because effects on
// different rows do not touch each other; a change of many rows at once is a
// barrier within its table.
type fold struct {
	tables map[*table]*tableFold
	order  []*tableFold
}

type tableFold struct {
	table    *table
	segments []segment
}

// segment is a set of rows to write, and then perhaps a change of many rows.
type segment struct {
	byID    map[string]int
	rows    []foldedRow
	barrier *effect
}

// foldedRow is all that happens to one row: one Put, Patch or Delete.
type foldedRow struct {
	op  Op
	row row
}

func newFold() *fold { return &fold{tables: map[*table]*tableFold{}} }

func (f *fold) add(e effect) {
	tf, ok := f.tables[e.table]
	if !ok {
		tf = &tableFold{table: e.table}
		f.tables[e.table] = tf
		f.order = append(f.order, tf)
	}
	last := len(tf.segments) - 1
	if last < 0 || tf.segments[last].barrier != nil {
		tf.segments = append(tf.segments, segment{byID: map[string]int{}})
		last++
	}
	s := &tf.segments[last]
	if e.op == OpPatchWhere || e.op == OpDeleteWhere {
		s.barrier = &e
		return
	}
	if i, ok := s.byID[e.id]; ok {
		s.rows[i] = s.rows[i].then(e, tf.table.key)
		return
	}
	s.byID[e.id] = len(s.rows)
	s.rows = append(s.rows, foldedRow{e.op, e.row})
}

// then is what two effects on one row come to.
func (f foldedRow) then(e effect, key columns) foldedRow {
	if e.op != OpPatch {
		return foldedRow{e.op, e.row} // Put and Delete do not look back.
	}
	if f.op == OpDelete {
		return f // There is no row to patch.
	}
	merged := row{has: f.row.has | e.row.has, cells: slices.Clone(f.row.cells)}
	for i, cell := range e.row.cells {
		if e.row.has.has(i) && !key.has(i) {
			merged.cells[i] = cell
		}
	}
	return foldedRow{f.op, merged}
}
