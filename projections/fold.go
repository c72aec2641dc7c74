package projections

import "slices"

// fold joins the effects of a batch so that each row is written once. The
// result is the same as if they were applied one by one, because effects on
// different rows do not touch each other; a change of many rows at once is a
// barrier within its table.
//
// It fails if and only if one of the effects would fail by itself, in its turn:
// that is what finds the event that is at fault.
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

// foldedRow is what the changes of one row come to. What they make of the row
// depends on whether it was there before: absent is the row that they insert
// then, if any, and present what they change in one that was there.
type foldedRow struct {
	id string
	// settled says that there was a Put or a Delete, before which nothing
	// matters: absent is then the row in any case, or nil if it is deleted.
	settled bool
	absent  *values
	present values
}

// values are columns with what becomes of them.
type values struct {
	row
	// sums are what is added to columns: on top of those of has, or on top of
	// what is in the row. Nil for nothing.
	sums *sums
}

// sums are what is added to some columns.
type sums struct {
	of  columns
	all []columnSum
}

type columnSum struct {
	column int
	sum
}

func (s *sums) add(deltas []delta) {
	for _, d := range deltas {
		if !s.of.has(d.column) {
			s.of |= 1 << d.column
			s.all = append(s.all, columnSum{column: d.column})
		}
		to := s.sum(d.column)
		*to = to.plus(d.by)
	}
}

// sum is that of a column of s.
func (s *sums) sum(column int) *sum {
	for i := range s.all {
		if s.all[i].column == column {
			return &s.all[i].sum
		}
	}
	return nil
}

// sum is what deltas come to, and the least and the greatest of the
// intermediate results: each of them must fit into the column.
type sum struct {
	some                   bool
	total, least, greatest decimal
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
	if last < 0 || tf.segments[last].barrier != nil || tf.segments[last].mustWrite(e) {
		tf.segments = append(tf.segments, segment{byID: map[string]int{}})
		last++
	}
	s := &tf.segments[last]
	if e.op == OpPatchWhere || e.op == OpDeleteWhere {
		s.barrier = &e
		return
	}
	i, ok := s.byID[e.id]
	if !ok {
		i = len(s.rows)
		s.byID[e.id] = i
		s.rows = append(s.rows, foldedRow{id: e.id, present: values{row: row{e.table.key, e.row.cells}}})
	}
	s.rows[i].take(e)
}

// mustWrite tells whether an effect would replace what was added to a column,
// of which is not known yet whether it fits.
func (s *segment) mustWrite(e effect) bool {
	i, ok := s.byID[e.id]
	if !ok || e.op == OpAdd || e.op == OpPatchWhere || e.op == OpDeleteWhere {
		return false
	}
	replaced := e.row.has
	if e.op == OpDelete {
		replaced = e.table.all()
	}
	return (s.rows[i].present.summed()|s.rows[i].absent.summed())&replaced != 0
}

// take folds one more change in.
func (f *foldedRow) take(e effect) {
	switch e.op {
	case OpPut:
		f.settled, f.absent = true, &values{row: e.row}
	case OpDelete:
		f.settled, f.absent = true, nil
	case OpPatch:
		if f.absent != nil {
			f.absent.change(e)
		}
	default: // Merge and Add insert the row that they do not find.
		if f.absent == nil {
			f.absent = &values{row: e.table.whole(row{e.table.key, e.row.cells})}
		}
		f.absent.change(e)
		f.add(e.deltas)
	}
	if !f.settled {
		f.present.change(e)
	}
}

// add adds to columns of the row, absent or present. As long as there was no Put or
// Delete, the same is added to both.
func (f *foldedRow) add(deltas []delta) {
	if len(deltas) == 0 {
		return
	}
	if f.absent.sums == nil {
		f.absent.sums = &sums{}
	}
	f.absent.sums.add(deltas)
	if !f.settled {
		f.present.sums = f.absent.sums
	}
}

// change sets columns. Rows are shared, so they are copied.
func (v *values) change(e effect) {
	switch set := e.row.has &^ e.table.key; {
	case set == 0:
	case v.has == e.table.key:
		v.row = e.row
	default:
		cells := slices.Clone(v.cells)
		for i := range cells {
			if set.has(i) {
				cells[i] = e.row.cells[i]
			}
		}
		v.row = row{v.has | set, cells}
	}
}

// summed are the columns to which something is added.
func (v *values) summed() columns {
	if v == nil || v.sums == nil {
		return 0
	}
	return v.sums.of
}

// resolve adds the sums of columns whose value is known. unfit are those of
// which some intermediate result does not fit into the column: that is left to
// Postgres to refuse, for whether it matters depends on whether there is such a
// row.
func (v *values) resolve(t *table) (resolved values, unfit columns) {
	if v.summed()&v.has == 0 {
		return *v, 0
	}
	resolved = values{row: row{v.has, slices.Clone(v.cells)}}
	const digits = 8 // of most sums
	buffer := make([]byte, 0, digits*len(v.sums.all))
	for _, s := range v.sums.all {
		if !v.has.has(s.column) {
			if resolved.sums == nil {
				resolved.sums = &sums{}
			}
			resolved.sums.of |= 1 << s.column
			resolved.sums.all = append(resolved.sums.all, s)
			continue
		}
		base := decimal{}
		if cell := v.cells[s.column]; cell != nil {
			base, _ = parseDecimal(string(cell)) // A column's value is one.
		}
		result, fits := t.columns[s.column].kind.sum(base, s.sum)
		if !fits {
			unfit |= 1 << s.column
		}
		begin := len(buffer)
		buffer = result.append(buffer)
		resolved.cells[s.column] = buffer[begin:len(buffer):len(buffer)]
	}
	return resolved, unfit
}

func (s sum) plus(d decimal) sum {
	if !s.some {
		return sum{true, d, d, d}
	}
	s.total = s.total.plus(d)
	if s.total.compare(s.least) < 0 {
		s.least = s.total
	}
	if s.total.compare(s.greatest) > 0 {
		s.greatest = s.total
	}
	return s
}

// winding tells whether there are intermediate results beyond the first and the
// last, which is the total.
func (s sum) winding() bool {
	return s.least.sign() < 0 && s.least.compare(s.total) < 0 || s.greatest.sign() > 0 && s.greatest.compare(s.total) > 0
}

// sum adds, or returns the intermediate result that does not fit.
func (k kind) sum(base decimal, s sum) (result decimal, fits bool) {
	if k != numericKind {
		least, greatest := k.limits()
		if low := base.plus(s.least); low.compare(decimal{small: least}) < 0 {
			return low, false
		}
		if high := base.plus(s.greatest); high.compare(decimal{small: greatest}) > 0 {
			return high, false
		}
	}
	return base.plus(s.total), true
}
