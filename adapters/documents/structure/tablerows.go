package structure

import (
	"slices"
)

func lineBetween(levels []float64, low, high float64) bool {
	for _, y := range levels {
		if y > low && y < high {
			return true
		}
	}
	return false
}

// sunk is the distance, in ems, below which two lines stand beside rather than below each other.
const sunk = 0.95

// apartRow is the distance, in ems, from which two lines are not of one cell, where cells have several.
const apartRow = 1.5

// groupRows tells which rows of text begin a row of the table: others go on in its cells.
func groupRows(rows []textRow, xs []float64, levels []float64) []bool {
	starts := make([]bool, len(rows))
	starts[0] = true
	var gaps []float64
	ruled := 0
	for i := 1; i < len(rows); i++ {
		if lineBetween(levels, rows[i].baseline, rows[i-1].baseline) {
			starts[i] = true
			ruled++
			continue
		}
		if gap := rows[i-1].baseline - rows[i].baseline; gap >= sunk*rows[i].size {
			gaps = append(gaps, gap)
		}
	}
	if ruled >= 2 && ruledThroughout(starts) {
		return starts
	}
	wide, distinct := widerGap(gaps)
	joined, cells := woven(rows)
	for i := 1; i < len(rows); i++ {
		if starts[i] {
			continue
		}
		gap := rows[i-1].baseline - rows[i].baseline
		switch {
		case joined[i]:
		case gap < sunk*rows[i].size: // lines of cells that are set to different heights
		case cells && columnsOf(rows[i], xs) > 1:
			starts[i] = true
		case distinct:
			starts[i] = gap >= wide
		default:
			starts[i] = beginsRow(rows[i], xs) || cells && gap > apartRow*rows[i].size
		}
	}
	return starts
}

// woven tells which rows of text go on in cells of the row before them: programs write one cell after the other, so that
// the second line of a cell comes before the first line of the cell to its right. The second result tells that there are
// such rows; then lines in several columns that are not woven are a row of their own. A table that is written column by
// column tells nothing.
func woven(rows []textRow) (joined []bool, found bool) {
	joined = make([]bool, len(rows))
	starts, last := 0, -1
	for i, r := range rows {
		first, end := r.pieces[0].order, 0
		for _, p := range r.pieces {
			first, end = min(first, p.order), max(end, p.order)
		}
		if first < last {
			joined[i], found = true, true
			last = max(last, end)
			continue
		}
		starts++
		last = end
	}
	const least = 3 // rows of text that may be all of one row of the table
	if starts < 2 && len(rows) > least {
		return make([]bool, len(rows)), false
	}
	return joined, found
}

// ruledThroughout tells whether there is a line between any two rows of the table, so that what stands between two lines
// is one row. A table that is ruled at its head and its foot alone has one part that is longer than all the others.
func ruledThroughout(starts []bool) bool {
	var parts []int
	for _, s := range starts {
		if s {
			parts = append(parts, 0)
		}
		parts[len(parts)-1]++
	}
	longest := slices.Max(parts)
	slices.Sort(parts)
	const lines = 4 // of text in one row of the table, by which none differs from the usual one
	return longest <= parts[len(parts)/2]+lines && parts[len(parts)/2] <= 2*lines
}

func columnsOf(r textRow, xs []float64) int {
	seen := map[int]bool{}
	for _, p := range r.pieces {
		seen[slot(xs, p.box.Left+1.5)] = true
	}
	return len(seen)
}

// beginsRow tells whether a row of text has something in the first column, or in most columns.
func beginsRow(r textRow, xs []float64) bool {
	for _, p := range r.pieces {
		if slot(xs, p.box.Left+1.5) == 0 {
			return true
		}
	}
	return columnsOf(r, xs)*2 > len(xs)-1
}

// widerGap finds the least distance between rows of the table, if distances clearly fall into two groups: those of lines
// in a cell, and those of rows.
func widerGap(gaps []float64) (float64, bool) {
	if len(gaps) < 2 {
		return 0, false
	}
	sorted := slices.Clone(gaps)
	slices.Sort(sorted)
	const (
		least = 1.2  // points
		share = 0.12 // of the distance of lines
	)
	for i := 1; i < len(sorted); i++ {
		if by := sorted[i] - sorted[i-1]; by >= least && sorted[i]-sorted[0] >= share*sorted[0] {
			return (sorted[i-1] + sorted[i]) / 2, true
		}
	}
	return 0, false
}

// splitRows divides a row of a ruled grid that holds several rows of text in its columns.
//
// What stands below the last line of a grid, as told by open, may be of any number of rows.
func (g *grid) splitRows(open bool) {
	if len(g.cells) > 3 && !open {
		return
	}
	for r := len(g.cells) - 1; r >= 0; r-- {
		least := 3 // rows of text
		if last := r == len(g.cells)-1; open && last {
			least = 2
		} else if len(g.cells) > 3 {
			return
		}
		var pieces []*piece
		spans := false
		for c, one := range g.cells[r] {
			spans = spans || one.rows > 1
			if one.column == c {
				pieces = append(pieces, one.pieces...)
			}
		}
		rows := textRows(pieces)
		if spans || len(rows) < least {
			continue
		}
		full := 0
		for _, row := range rows {
			if n := columnsOf(row, g.xs); n*2 > g.columns() || n > 1 && open {
				full++
			}
		}
		if full*10 < 6*len(rows) {
			continue
		}
		g.splitRow(r, rows, groupRows(rows, g.xs, nil))
	}
}

// splitRow puts several rows in the place of one.
func (g *grid) splitRow(r int, rows []textRow, starts []bool) {
	var ys []float64
	for i := 1; i < len(rows); i++ {
		if starts[i] {
			ys = append(ys, (rows[i-1].baseline-0.2*rows[i-1].size+rows[i].baseline+0.8*rows[i].size)/2)
		}
	}
	if len(ys) == 0 {
		return
	}
	edges := slices.Concat(g.ys[:r+1], ys, g.ys[r+1:])
	part := newGrid(g.page, g.xs, edges[r:r+len(ys)+2])
	at := -1
	for i, row := range rows {
		if i == 0 || starts[i] {
			at++
		}
		for _, p := range row.pieces {
			part.placeAt(p, at)
		}
	}
	for _, row := range part.cells {
		for _, c := range row {
			c.page = g.page
		}
	}
	n := len(ys)
	part.each(func(c *cell) { c.row += r })
	g.each(func(c *cell) {
		if c.row > r {
			c.row += n
		}
	})
	g.cells = slices.Concat(g.cells[:r], part.cells, g.cells[r+1:])
	g.ys = edges
	inner := make([]bool, n)
	g.ruled = slices.Concat(g.ruled[:r], inner, g.ruled[r:])
}
