package structure

import (
	"cmp"
	"math"
	"slices"
)

// columns are rows and the gaps that part their text, which may be none.
type columns struct {
	rows    []*row
	gutters []span
}

// columnsOf finds the columns of a band. A band that has none as a whole may have them in parts, between which there is
// more space.
func (s *sheet) columnsOf(b band) []columns {
	if gutters := s.columnGutters(b); len(gutters) > 0 || len(b.free) == 0 {
		return []columns{{b.rows, gutters}}
	}
	const (
		apart    = 0.8 // ems between parts
		manyRows = 8   // that are columns of text rather than of a table
	)
	var out []columns
	start, found := 0, false
	for i := 1; i <= len(b.rows); i++ {
		if i < len(b.rows) {
			above, below := b.rows[i-1], b.rows[i]
			size := 12.0
			if len(below.pieces) > 0 {
				size = below.pieces[0].size
			}
			if above.box.Bottom-below.box.Top <= apart*size {
				continue
			}
		}
		part := columns{rows: b.rows[start:i]}
		free := b.free
		if len(part.rows) >= manyRows { // what is above them, as a title, may have left other gaps free
			free = commonGaps(part.rows)
		}
		part.gutters = s.columnGutters(band{rows: part.rows, free: free})
		found = found || len(part.gutters) > 0
		out = append(out, part)
		start = i
	}
	if !found {
		return []columns{{rows: b.rows}}
	}
	return out
}

// lead tells how many of the first rows continue the text above the columns: they stand in the first column alone, right
// below that text.
func (c columns) lead(above []*row) int {
	if len(above) == 0 {
		return 0
	}
	last := above[len(above)-1]
	for i, r := range c.rows {
		if last.object != nil || r.object != nil || r.box.Right > c.gutters[0].from {
			return i
		}
		size := r.pieces[0].size
		if last.pieces[0].baseline-r.pieces[0].baseline > 1.45*size || math.Abs(last.box.Left-r.box.Left) > 2*size {
			return i
		}
		last = r
	}
	return len(c.rows)
}

// heads tells how many of the rows above the columns stay there: the last ones may be the first of the columns, as
// headings of both that leave the same gap free as the block above them. The gaps of the columns shrink to what these rows
// leave free.
func (c *columns) heads(above []*row) int {
	const (
		near = 3.0 // ems between rows
		edge = 0.6 // ems between left sides, or halves of that between middles, of what stands in one column
	)
	n := len(above)
	if len(c.rows) == 0 {
		return n
	}
	sides := c.sides()
	next := c.rows[0]
	for ; n > 0; n-- {
		r := above[n-1]
		if r.object != nil || r.box.Bottom-next.box.Top > near*r.pieces[0].size {
			return n
		}
		gutters := meet(c.gutters, r.free(r.box.Union(next.box)), minGutter*r.pieces[0].size)
		if len(gutters) != len(c.gutters) {
			return n
		}
		beyond := false // whether anything stands in another column than the first
		for _, p := range r.pieces {
			k := columnAt(c.gutters, (p.box.Left+p.box.Right)/2)
			beyond = beyond || k > 0
			column := sides[k]
			aligned := math.Abs(p.box.Left-column.left) < edge*p.size ||
				math.Abs(p.box.Left+p.box.Right-column.left-column.right) < 2*edge*p.size
			if k > 0 && p.order < sides[0].first && !aligned || column.pieces == 0 {
				return n
			}
		}
		if !beyond {
			return n // what stands in the first column alone is read before both in any case
		}
		c.gutters = gutters
		next = r
	}
	return n
}

// sides gathers what stands in each column.
func (c *columns) sides() []side {
	out := make([]side, len(c.gutters)+1)
	for _, r := range c.rows {
		for _, p := range r.pieces {
			out[columnAt(c.gutters, (p.box.Left+p.box.Right)/2)].add(p)
		}
	}
	return out
}

// columnAt gives the column that a place is in.
func columnAt(gutters []span, x float64) int {
	i := 0
	for i < len(gutters) && x > (gutters[i].from+gutters[i].to)/2 {
		i++
	}
	return i
}

// columnGutters gives the gaps of a band that part columns of text, from left to right.
func (s *sheet) columnGutters(b band) []span {
	var out []span
	for _, g := range b.free {
		if s.partsColumns(b.rows, g) {
			out = append(out, g)
		}
	}
	return out
}

// side is what lies on one side of a gap.
type side struct {
	rows, pieces, runes int
	width, left, right  float64
	// first is the place of the first piece in the order of painting.
	first int
}

func (x *side) add(p *piece) {
	if x.pieces == 0 {
		x.left, x.right, x.first = p.box.Left, p.box.Right, p.order
	}
	x.first = min(x.first, p.order)
	x.pieces++
	x.runes += len(p.text)
	x.width += p.box.Width()
	x.left, x.right = min(x.left, p.box.Left), max(x.right, p.box.Right)
}

// partsColumns tells whether the text on one side of a gap is read before that on the other side. Cells of a table and
// labels of list items are read row by row, and nearly every program writes the text of a page in the order of reading:
// how often that order crosses the gap tells more than the shapes.
func (s *sheet) partsColumns(rows []*row, g span) bool {
	var sides [2]side
	type step struct{ order, side int }
	var steps []step
	both := 0
	for _, r := range rows {
		var here [2]bool
		for _, p := range r.pieces {
			k := 0
			if p.box.Left >= g.to {
				k = 1
			}
			sides[k].add(p)
			here[k] = true
			if p.field == nil {
				steps = append(steps, step{p.order, k})
			}
		}
		for k := range here {
			if here[k] {
				sides[k].rows++
			}
		}
		if here[0] && here[1] {
			both++
		}
	}
	fewer := min(sides[0].rows, sides[1].rows)
	if fewer < 2 {
		return false
	}
	slices.SortFunc(steps, func(a, b step) int { return cmp.Compare(a.order, b.order) })
	crossings := 0
	for i := 1; i < len(steps); i++ {
		if steps[i].side != steps[i-1].side {
			crossings++
		}
	}
	const short = 9 // letters of usual figures in cells
	for k := range sides {
		if sides[k].runes <= short*sides[k].pieces && both*10 >= 8*sides[k].rows && (crossings > 1 || sides[k].pieces*2 < 3*sides[k].rows) {
			return false // a column of figures
		}
	}
	if crossings <= 1+fewer/5 {
		return true
	}
	return s.isProse(sides[0]) && s.isProse(sides[1])
}

// isProse tells whether lines fill their column as running text does.
func (s *sheet) isProse(x side) bool {
	const (
		rows  = 8
		words = 24   // letters in a line of a narrow column
		fill  = 0.72 // of the width
	)
	return x.rows >= rows && x.pieces <= x.rows+x.rows/8 && x.runes >= words*x.pieces &&
		x.width >= fill*(x.right-x.left)*float64(x.pieces)
}

// divide deals rows out to columns.
func divide(rows []*row, gutters []span) [][]*row {
	out := make([][]*row, len(gutters)+1)
	at := func(x float64) int { return columnAt(gutters, x) }
	for _, r := range rows {
		if r.object != nil {
			i := at((r.box.Left + r.box.Right) / 2)
			out[i] = append(out[i], r)
			continue
		}
		parts := map[int]*row{}
		for _, p := range r.pieces {
			i := at((p.box.Left + p.box.Right) / 2)
			part := parts[i]
			if part == nil {
				part = &row{box: p.box}
				parts[i] = part
				out[i] = append(out[i], part)
			}
			part.pieces = append(part.pieces, p)
			part.box = part.box.Union(p.box)
		}
	}
	return out
}
