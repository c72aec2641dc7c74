package structure

import (
	"math"
	"slices"

	"github.com/perfectworks/backend/adapters/documents/pagetext"
)

// Tables without lines.
const (
	// alignedGutter is the least gap between columns, in ems, where nothing but the text tells that there is a table.
	alignedGutter = 0.6
	// rowReach is how far apart, in ems, rows of such a table may be.
	rowReach = 3.2
	// maxWrapped is how many lines one cell goes on without another beside it.
	maxWrapped = 8
	// sameEdge is how far, in ems, the edges of cells of a column may differ.
	sameEdge = 0.45
	// maxRows is how many rows of text of one page a table is looked for in; maxEffort how many pieces are looked at for all
	// tables of a page, which are a few thousand on ordinary pages.
	maxRows, maxEffort = 400, 400_000
	// longCell is the mean number of letters of a line from which columns are text rather than cells.
	longCell = 58
)

// alignedTables finds tables in rows of one column of the page and puts objects in their place.
func (d *document) alignedTables(s *sheet, rows []*row) []*row {
	var out []*row
	right := math.Inf(-1)
	for _, r := range rows {
		right = max(right, r.box.Right)
	}
	for i := 0; i < len(rows); {
		if !isMultiple(rows[i]) {
			out = append(out, rows[i])
			i++
			continue
		}
		end := s.tableEnd(rows, i)
		if areEntries(rows[i:end], right) {
			out = append(out, rows[i:end]...)
			i = end
			continue
		}
		var g *grid
		var n int
		if s.effort < maxEffort {
			g, n = d.alignedGrid(s, rows[i:end])
		}
		if g == nil {
			out = append(out, rows[i])
			i++
			continue
		}
		// Lines of the first row's cells may stand above it, if cells are aligned to their middles or bottoms.
		b := &block{kind: table, page: s.page.Number, grid: g, box: g.box, above: -1, below: -1, size: rows[i].pieces[0].size}
		out = append(out, &row{object: b, box: g.box})
		i += n
	}
	return out
}

func isMultiple(r *row) bool { return r.object == nil && len(r.pieces) > 1 }

// tableEnd gives the end of the rows that may be one table from a row on: the last one with several pieces, and the
// lines that go on in its cells.
func (s *sheet) tableEnd(rows []*row, start int) int {
	end := start + 1
	usual := 0.0 // the distance of rows before
	for i := start + 1; i < len(rows) && i-end < maxWrapped && i-start < maxRows; i++ {
		r, before := rows[i], rows[i-1]
		if r.object != nil {
			break
		}
		size := r.pieces[0].size
		gap := before.pieces[0].baseline - r.pieces[0].baseline
		if gap > rowReach*size {
			break
		}
		// A line of its own that is larger, or bold and set apart, is the heading of what follows.
		if p := r.pieces[0]; len(r.pieces) == 1 && (p.size > 1.08*rows[start].pieces[0].size || p.style.bold && gap > 1.5*size && gap > 1.25*usual) {
			break
		}
		usual = gap
		if isMultiple(r) {
			end = i + 1
		}
	}
	last := rows[end-1]
	for i := end; i < len(rows) && i-end < maxWrapped; i++ {
		r := rows[i]
		if r.object != nil || len(r.pieces) > 1 || rows[i-1].pieces[0].baseline-r.pieces[0].baseline > 1.45*r.pieces[0].size {
			break
		}
		goesOn := false
		for k, p := range last.pieces {
			before := k+1 == len(last.pieces) || r.box.Right < last.pieces[k+1].box.Left-sameEdge*p.size
			goesOn = goesOn || math.Abs(p.box.Left-r.box.Left) < sameEdge*p.size && before
		}
		if !goesOn {
			break
		}
		end = i + 1
	}
	return end
}

// alignedGrid makes a table of the first rows of some, and tells how many; nil if there is none.
func (d *document) alignedGrid(s *sheet, rows []*row) (*grid, int) {
	// The gaps are those of the rows that have cells beside each other.
	var multiple []textRow
	for _, r := range rows {
		if isMultiple(r) {
			multiple = append(multiple, textRow{r.pieces, r.pieces[0].baseline, r.pieces[0].size})
		}
	}
	for len(multiple) >= 2 {
		for _, r := range multiple {
			s.effort += len(r.pieces)
		}
		gaps := s.gutters(multiple, alignedGutter)
		if len(gaps) > 0 {
			n := respected(rows, gaps)
			if n == len(rows) {
				return d.alignedOf(s, rows, gaps), n
			}
			// A row that reaches over a gap ends the table; look again at what is before it.
			rows = rows[:n]
			before := len(multiple)
			multiple = multiple[:0]
			for _, r := range rows {
				if isMultiple(r) {
					multiple = append(multiple, textRow{r.pieces, r.pieces[0].baseline, r.pieces[0].size})
				}
			}
			if len(multiple) == before {
				return d.alignedOf(s, rows, gaps), n
			}
			continue
		}
		// Rows further down may be of another kind: try fewer.
		keep := len(multiple) * 2 / 3
		if keep < 3 {
			return nil, 0
		}
		cut := slices.IndexFunc(rows, func(r *row) bool { return isMultiple(r) && r.pieces[0] == multiple[keep].pieces[0] })
		if cut <= 0 {
			return nil, 0
		}
		rows, multiple = rows[:cut], multiple[:keep]
	}
	return nil, 0
}

// respected tells how many rows from the first on reach over no gap; a row of several pieces may, as a heading of a
// group of columns does.
func respected(rows []*row, gaps []span) int {
	for i, r := range rows {
		for _, p := range r.pieces {
			for _, g := range gaps {
				if p.box.Left < g.from && p.box.Right > g.to && len(r.pieces) == 1 {
					return i
				}
			}
		}
	}
	return len(rows)
}

// alignedOf makes a table of rows whose gaps are known; nil if it is none.
func (d *document) alignedOf(s *sheet, rows []*row, gaps []span) *grid {
	for len(rows) > 0 && !isMultiple(rows[len(rows)-1]) && len(rows) > 1 &&
		rows[len(rows)-2].pieces[0].baseline-rows[len(rows)-1].pieces[0].baseline > 1.45*rows[len(rows)-1].pieces[0].size {
		rows = rows[:len(rows)-1]
	}
	var all []textRow
	box := rows[0].box
	multiple, letters, pieces := 0, 0, 0
	mono := true
	for _, r := range rows {
		all = append(all, textRow{slices.Clone(r.pieces), r.pieces[0].baseline, r.pieces[0].size})
		box = box.Union(r.box)
		if isMultiple(r) {
			multiple++
		}
		for _, p := range r.pieces {
			if p.field != nil {
				return nil // a form: its fields stand beside their names
			}
			letters += len(p.text)
			pieces++
			mono = mono && p.style.mono
		}
	}
	columns := len(gaps) + 1
	xs := []float64{box.Left - 1}
	for _, g := range gaps {
		xs = append(xs, (g.from+g.to)/2)
	}
	xs = append(xs, box.Right+1)
	known := multiple >= 2 && (d.heads[rowText(rows[0])] || columns == 2 && isNamed(rows, xs))
	if !known && (multiple < 2 || columns == 2 && multiple < 3 || mono || letters > longCell*pieces) {
		return nil
	}
	if !known && (isListed(rows, xs) || isNumbered(all, xs) || isContents(rows, xs) || !aligned(rows, xs)) {
		return nil
	}
	if !known && columns == 2 && multiple < 4 && !keyed(rows, xs) {
		return nil // as the two sides of a letterhead
	}
	g := s.gridOf(all, xs, pagetext.Rect{Left: box.Left, Right: box.Right, Bottom: box.Bottom - 2, Top: box.Top + 2}, nil)
	if g == nil || !g.plausible() || !g.tabular() {
		return nil
	}
	return g
}
