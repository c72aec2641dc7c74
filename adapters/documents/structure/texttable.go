package structure

import (
	"cmp"
	"math"
	"slices"

	"github.com/perfectworks/backend/adapters/documents/pagetext"
)

const (
	// ruledGutter is the least gap between columns, in ems, where lines tell that there is a table.
	ruledGutter = 0.42
	// spanShare is the share of the rows that may reach over a gap between columns: headings of groups of columns.
	spanShare = 0.13
)

// textRow are the pieces on one baseline of an area.
type textRow struct {
	pieces   []*piece
	baseline float64
	size     float64
}

// textRows puts pieces into rows from top to bottom.
func textRows(pieces []*piece) []textRow {
	pieces = slices.Clone(pieces)
	slices.SortStableFunc(pieces, func(a, b *piece) int { return cmp.Compare(b.baseline, a.baseline) })
	var out []textRow
	for _, p := range pieces {
		if n := len(out); n > 0 && out[n-1].baseline-p.baseline <= 2*rowTolerance*min(out[n-1].size, p.size) {
			out[n-1].pieces = append(out[n-1].pieces, p)
			out[n-1].size = max(out[n-1].size, p.size)
			continue
		}
		out = append(out, textRow{pieces: []*piece{p}, baseline: p.baseline, size: p.size})
	}
	return out
}

// gutters gives the gaps that nearly all rows leave free, from left to right.
func (s *sheet) gutters(rows []textRow, least float64) []span {
	type event struct {
		x     float64
		delta int
	}
	var events []event
	low, high, size := math.Inf(1), math.Inf(-1), 0.0
	for _, r := range rows {
		for _, a := range s.atoms(r) {
			events = append(events, event{a.from, 1}, event{a.to, -1})
			low, high = min(low, a.from), max(high, a.to)
		}
		size += r.size
	}
	size /= float64(max(len(rows), 1))
	slices.SortFunc(events, func(a, b event) int { return cmp.Or(cmp.Compare(a.x, b.x), cmp.Compare(a.delta, b.delta)) })
	allowed := int(spanShare * float64(len(rows)))
	var out []span
	covered, start, best := 0, low, 0
	open := false
	for _, e := range events {
		before := covered
		covered += e.delta
		switch {
		case before > allowed && covered <= allowed:
			start, open, best = e.x, true, covered
		case open && covered < best:
			start, best = e.x, covered
		case open && covered > best && before == best:
			if e.x-start >= least*size && start > low && e.x < high {
				if n := len(out); n > 0 && covered <= allowed && out[n-1].to == start {
					out = out[:n-1]
				}
				out = append(out, span{start, e.x})
			}
			open = covered <= allowed
			if open {
				start, best = e.x, covered
			}
		}
	}
	return out
}

// atoms are the intervals that the runs of a row cover, letters of one word joined.
func (s *sheet) atoms(r textRow) []span {
	const joined = 0.2 // ems between letters at the most, which some programs show one by one
	var out []span
	for _, p := range r.pieces {
		if p.field != nil || len(p.runs) == 1 {
			out = append(out, span{p.box.Left, p.box.Right})
			continue
		}
		start := len(out)
		for _, run := range p.runs {
			box := s.boxes[run]
			if n := len(out); n > start && box.Left-out[n-1].to < joined*p.size {
				out[n-1].to = max(out[n-1].to, box.Right)
				continue
			}
			out = append(out, span{box.Left, box.Right})
		}
	}
	return out
}

// textGrid makes a table of the text in an area, whose columns show by the gaps between them; nil if there are none.
func (d *document) textGrid(s *sheet, box pagetext.Rect, lines []stroke) *grid {
	pieces := s.inside(box.Grow(1))
	rows := textRows(pieces)
	if len(rows) < 2 || len(rows) > maxStrokes {
		return nil
	}
	gaps := s.gutters(rows, ruledGutter)
	if len(gaps) == 0 || s.isRunningText(rows, box) {
		return nil
	}
	xs := []float64{box.Left}
	for _, g := range gaps {
		xs = append(xs, (g.from+g.to)/2)
	}
	xs = append(xs, box.Right)
	g := s.gridOf(rows, xs, box, lines)
	if g == nil || !g.plausible() || !g.tabular() {
		return nil
	}
	return g
}

// isRunningText tells whether lines fill an area from side to side.
func (s *sheet) isRunningText(rows []textRow, box pagetext.Rect) bool {
	full := 0
	for _, r := range rows {
		for _, p := range r.pieces {
			if len(p.text) > 50 && p.box.Width() > 0.72*box.Width() {
				full++
			}
		}
	}
	return full*4 > len(rows)
}

// gridOf deals rows of text out to columns, and groups them to rows of the table.
func (s *sheet) gridOf(rows []textRow, xs []float64, box pagetext.Rect, lines []stroke) *grid {
	for i := range rows {
		rows[i].pieces = s.splitAt(rows[i].pieces, xs)
	}
	var levels []float64
	for _, l := range lines {
		if l.to-l.from > 0.5*box.Width() {
			levels = append(levels, l.at)
		}
	}
	slices.Sort(levels)
	levels = apart(levels)
	starts := groupRows(rows, xs, levels)
	ys := []float64{max(box.Top, rows[0].baseline+0.8*rows[0].size)}
	var ruled []bool
	for i := 1; i < len(rows); i++ {
		if !starts[i] {
			continue
		}
		y := (rows[i-1].baseline - 0.2*rows[i-1].size + rows[i].baseline + 0.8*rows[i].size) / 2
		ys = append(ys, y)
		ruled = append(ruled, lineBetween(levels, rows[i].baseline, rows[i-1].baseline))
	}
	last := rows[len(rows)-1]
	ys = append(ys, min(box.Bottom, last.baseline-0.3*last.size))
	ruled = append(ruled, false)
	if len(ys) < 3 {
		return nil
	}
	g := newGrid(s.page.Number, slices.Clone(xs), ys)
	g.ruled = ruled
	at := -1
	for i, r := range rows {
		if i == 0 || starts[i] {
			at++
		}
		for _, p := range r.pieces {
			g.placeAt(p, at)
		}
	}
	g.tidy()
	g.read()
	return g
}

// placeAt puts a piece into a row.
func (g *grid) placeAt(p *piece, r int) {
	const inside = 1.5
	c0, c1 := slot(g.xs, p.box.Left+inside), slot(g.xs, p.box.Right-inside)
	if c1 > c0 {
		g.merge(r, c0, r, c1)
	}
	g.cells[r][c0].pieces = append(g.cells[r][c0].pieces, p)
}

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
	for i := 1; i < len(rows); i++ {
		if starts[i] {
			continue
		}
		gap := rows[i-1].baseline - rows[i].baseline
		switch {
		case gap < sunk*rows[i].size: // lines of cells that are set to different heights
		case distinct:
			starts[i] = gap >= wide
		default:
			starts[i] = beginsRow(rows[i], xs)
		}
	}
	return starts
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
func (g *grid) splitRows() {
	if len(g.cells) > 3 {
		return
	}
	for r := len(g.cells) - 1; r >= 0; r-- {
		var pieces []*piece
		spans := false
		for c, one := range g.cells[r] {
			spans = spans || one.rows > 1
			if one.column == c {
				pieces = append(pieces, one.pieces...)
			}
		}
		rows := textRows(pieces)
		if spans || len(rows) < 3 {
			continue
		}
		full := 0
		for _, row := range rows {
			if columnsOf(row, g.xs)*2 > g.columns() {
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

// tabular tells whether columns of a grid that text alone has shown are those of a table: cells are short, or they stand
// beside each other in most rows.
func (g *grid) tabular() bool {
	beside := 0
	for _, row := range g.cells {
		n := 0
		for c, one := range row {
			if one.column == c && len(one.pieces) > 0 {
				n++
			}
		}
		if n > 1 {
			beside++
		}
	}
	return beside*2 >= len(g.cells) && beside >= 2
}
