package structure

import (
	"slices"

	"github.com/perfectworks/backend/adapters/documents/pagetext"
)

// findTables finds the tables of a page by their lines and areas, and takes their text out of the page.
func (d *document) findTables(s *sheet) {
	lying, standing := s.strokes()
	var open []stroke // lines that no line meets
	for _, f := range s.striped(frames(lying, standing)) {
		if len(f.standing) == 0 {
			open = append(open, f.lying...)
			continue
		}
		if g := d.ruledGrid(s, f); g != nil {
			s.addTable(g)
		} else {
			open = append(open, f.lying...)
		}
	}
	for _, area := range s.betweenRules(open) {
		if g := d.textGrid(s, area.box, area.lines); g != nil {
			s.addTable(g)
		}
	}
	d.segmentedTables(s, open)
	if len(s.objects) > 0 {
		s.makeRows()
	}
}

// inside gives the pieces whose middles lie in a box.
func (s *sheet) inside(box pagetext.Rect) []*piece {
	var out []*piece
	for _, r := range s.rows {
		if r.object != nil || r.box.Bottom > box.Top || r.box.Top < box.Bottom {
			continue
		}
		for _, p := range r.pieces {
			x, y := (p.box.Left+p.box.Right)/2, (p.box.Top+p.box.Bottom)/2
			if x > box.Left && x < box.Right && y > box.Bottom && y < box.Top {
				out = append(out, p)
			}
		}
	}
	return out
}

// ruledGrid makes a table of lines that hang together; nil if they are none.
func (d *document) ruledGrid(s *sheet, f frame) *grid {
	xs, ys := levelsOf(f.standing), levelsOf(f.lying)
	xs = withEdges(xs, f.box.Left, f.box.Right)
	open := false // whether rows follow the last line
	if !f.isDrawn() && len(xs) > 2 {
		if bottom := s.tail(f, xs); bottom < f.box.Bottom {
			f.box.Bottom, open = bottom, true
		}
	}
	ys = withEdges(ys, f.box.Bottom, f.box.Top)
	const most = 400 // columns or rows of one page
	if len(xs) < 2 || len(ys) < 2 || len(xs) > most || len(ys) > most || len(xs)+len(ys) < 5 {
		return nil
	}
	pieces := s.inside(f.box.Grow(1))
	if len(pieces) == 0 {
		return nil
	}
	slices.Reverse(ys)
	if len(xs) == 2 { // lines between rows alone, in a frame: the text tells the columns
		return d.textGrid(s, f.box, f.lying)
	}
	g := newGrid(s.page.Number, slices.Clone(xs), slices.Clone(ys))
	for r := range g.ruled {
		g.ruled[r] = true
	}
	g.joinCells(f)
	for _, p := range s.splitAt(pieces, xs) {
		g.place(p)
	}
	g.splitRows(open)
	g.tidy()
	g.read()
	if !g.plausible() {
		return nil
	}
	return g
}

// withEdges adds the extent of a frame where its outer lines are missing.
func withEdges(sorted []float64, low, high float64) []float64 {
	const least = 8 // points of a column or row without an outer line
	if len(sorted) == 0 {
		return []float64{low, high}
	}
	if sorted[0]-low > least {
		sorted = slices.Insert(sorted, 0, low)
	}
	if high-sorted[len(sorted)-1] > least {
		sorted = append(sorted, high)
	}
	return sorted
}

// joinCells joins places without a line between them.
func (g *grid) joinCells(f frame) {
	rows, columns := len(g.cells), g.columns()
	right := func(r, c int) bool { // whether a line stands to the right of a place
		return crosses(f.standing, g.xs[c+1], (g.ys[r]+g.ys[r+1])/2)
	}
	below := func(r, c int) bool { return crosses(f.lying, g.ys[r+1], (g.xs[c]+g.xs[c+1])/2) }
	for r := range rows {
		bare := true
		for c := range columns - 1 {
			bare = bare && !right(r, c)
		}
		for c := 0; c < columns; c++ {
			if one := g.cells[r][c]; one.row != r || one.column != c || one.rows*one.columns > 1 {
				continue
			}
			c1 := c
			for c1+1 < columns && !bare && !right(r, c1) {
				c1++
			}
			r1 := r
			for r1+1 < rows && g.openBelow(r1, c, c1, below, right) {
				r1++
			}
			if r1 > r || c1 > c {
				g.merge(r, c, r1, c1)
			}
		}
	}
}

// openBelow tells whether the places below a stretch of a row belong to the same cell.
func (g *grid) openBelow(r, c0, c1 int, below, right func(r, c int) bool) bool {
	for c := c0; c <= c1; c++ {
		if below(r, c) {
			return false
		}
		if c < c1 && right(r+1, c) {
			return false
		}
	}
	// A line must end the cell on both sides, or it is only a line that is missing in the whole row.
	return (c0 == 0 || right(r+1, c0-1)) && (c1 == g.columns()-1 || right(r+1, c1))
}

// plausible tells whether a grid holds a table rather than a framed text or a drawing.
func (g *grid) plausible() bool {
	if g.columns() < 2 || len(g.cells) < 1 {
		return false
	}
	cells, filled, long := 0, 0, 0
	g.each(func(c *cell) {
		cells++
		if len(c.pieces) > 0 {
			filled++
		}
		if len(c.text) > 600 {
			long++
		}
	})
	if len(g.cells) == 1 {
		return filled >= 2 && g.columns() >= 3 && long == 0
	}
	const least = 0.3 // of the cells hold text
	return filled >= 3 && float64(filled) >= least*float64(cells) && long*2 < filled
}

// addTable puts a table into the page in the place of its text.
func (s *sheet) addTable(g *grid) {
	gone := map[*piece]bool{}
	box := g.box
	b := &block{kind: table, page: s.page.Number, grid: g, above: -1, below: -1}
	runs := map[int]bool{}
	shades := s.shades(g.box)
	g.each(func(c *cell) {
		c.shade = shades.behind(c)
		for _, p := range c.pieces {
			gone[p] = true
			box = box.Union(p.box)
			for _, r := range p.runs {
				runs[r] = true
			}
		}
	})
	s.pieces = slices.DeleteFunc(s.pieces, func(p *piece) bool {
		return gone[p] || len(p.runs) > 0 && runs[p.runs[0]]
	})
	b.box = box
	s.objects = append(s.objects, b)
	s.makeRows()
}

// splitAt divides pieces where an edge of columns lies in a gap between their runs.
func (s *sheet) splitAt(pieces []*piece, xs []float64) []*piece {
	var out []*piece
	for _, p := range pieces {
		if len(p.runs) < 2 || slot(xs, p.box.Left+1) == slot(xs, p.box.Right-1) {
			out = append(out, p)
			continue
		}
		start := 0
		for i := 1; i <= len(p.runs); i++ {
			if i < len(p.runs) {
				a, b := s.box(p.runs[i-1]), s.box(p.runs[i])
				if slot(xs, (a.Left+a.Right)/2) == slot(xs, (b.Left+b.Right)/2) || max(b.Left-a.Right, a.Left-b.Right) < 0.1*p.size {
					continue
				}
			}
			part := s.newPiece(p.runs[start:i:i])
			out = append(out, part)
			start = i
		}
	}
	return out
}
