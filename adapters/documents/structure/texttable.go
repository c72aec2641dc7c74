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
		backwards := len(p.runs) > 1 && s.box(p.runs[0]).Left > s.box(p.runs[len(p.runs)-1]).Left // from right to left
		if p.field != nil || len(p.runs) == 1 || backwards {
			out = append(out, span{p.box.Left, p.box.Right})
			continue
		}
		start := len(out)
		for _, run := range p.runs {
			box := s.box(run)
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
	if len(gaps) == 0 || s.isRunningText(rows, box) || isListing(rows) && !d.body.mono {
		return nil
	}
	xs := []float64{box.Left}
	for _, g := range gaps {
		xs = append(xs, (g.from+g.to)/2)
	}
	xs = append(xs, box.Right)
	if isNumbered(rows, xs) {
		return nil
	}
	g := s.gridOf(rows, xs, box, lines)
	if g == nil || !g.plausible() || !g.tabular() {
		return nil
	}
	return g
}

// isListing tells whether all text is in type of a fixed pitch, as lines of code between two rules are.
func isListing(rows []textRow) bool {
	for _, r := range rows {
		for _, p := range r.pieces {
			if !p.style.mono {
				return false
			}
		}
	}
	return true
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
