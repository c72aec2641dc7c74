package structure

import (
	"cmp"
	"math"
	"slices"

	"github.com/perfectworks/backend/adapters/documents/pagetext"
)

// element is one step of the order of reading of a page: a line or an object.
type element struct {
	line   *line
	object *block
}

// span is an interval from left to right.
type span struct{ from, to float64 }

const (
	// minGutter is the least width of the gap between columns, in ems; a narrow one of a newspaper is 0.8.
	minGutter = 0.7
	// maxColumnDepth is how deep columns are looked for in columns.
	maxColumnDepth = 4
	// maxGutters is how many gaps of one row are followed.
	maxGutters = 40
)

// band are rows that follow each other and leave the same gaps free.
type band struct {
	rows []*row
	free []span
}

// flow puts rows into the order of reading.
func (d *document) flow(s *sheet, rows []*row, depth int) []element {
	if len(rows) == 0 {
		return nil
	}
	col := &column{}
	var out []element
	var plain []*row
	flush := func() {
		for _, r := range d.alignedTables(s, plain) {
			if r.object != nil {
				out = append(out, element{object: r.object})
				continue
			}
			l := newLine(r.pieces)
			l.column, l.bullet = col, s.bulletOf(l)
			out = append(out, element{line: l})
		}
		plain = nil
	}
	for _, b := range s.bands(rows) {
		var parts []columns
		if depth < maxColumnDepth {
			parts = s.columnsOf(b)
		} else {
			parts = []columns{{rows: b.rows}}
		}
		for _, part := range parts {
			if len(part.gutters) > 0 {
				n := part.lead(plain)
				plain, part.rows = append(plain, part.rows[:n]...), part.rows[n:]
			}
			if len(part.gutters) == 0 {
				plain = append(plain, part.rows...)
				continue
			}
			flush()
			for _, rows := range divide(part.rows, part.gutters) {
				out = append(out, d.flow(s, rows, depth+1)...)
			}
		}
	}
	flush()
	col.measure(out)
	col.margins(out)
	return out
}

// stretchRight is where lines that are moved in on the left end. Only if that is about as far from the margin as on the
// left, or common to several lines, it is a margin; else the lines are short for themselves.
func (c *column) stretchRight(stretch []*line) float64 {
	right := 0.0
	for _, l := range stretch {
		right = max(right, l.box.Right)
	}
	size := stretch[0].size
	near := 0
	for _, l := range stretch {
		if right-l.box.Right < 2*size {
			near++
		}
	}
	if c.right-right > 1.5*(stretch[0].box.Left-c.left)+2*size && near < 3 {
		return c.right
	}
	return right
}

// margins finds where the lines of a column end at the most, by stretches of lines that start at the same place.
func (c *column) margins(elements []element) {
	var stretch []*line
	end := func() {
		right := c.right
		if len(stretch) > 1 && stretch[0].box.Left > c.left+indent*stretch[0].size {
			right = c.stretchRight(stretch)
		}
		for _, l := range stretch {
			l.margin = right
		}
		stretch = stretch[:0]
	}
	for _, e := range elements {
		l := e.line
		if l == nil || l.column != c {
			end()
			continue
		}
		if n := len(stretch); n > 0 {
			last := stretch[n-1]
			if math.Abs(last.box.Left-l.box.Left) > 0.5*l.size || last.baseline-l.baseline > 1.7*l.size {
				end()
			}
		}
		stretch = append(stretch, l)
	}
	end()
}

// measure finds the margins of a column from its lines.
func (c *column) measure(elements []element) {
	var rights []float64
	c.left = math.Inf(1)
	for _, e := range elements {
		if e.line != nil && e.line.column == c {
			c.left = min(c.left, e.line.box.Left)
			rights = append(rights, e.line.box.Right)
		}
	}
	if len(rights) == 0 {
		return
	}
	slices.Sort(rights)
	const (
		outliers = 0.95 // share of lines that end within the margin: some tables and code do not
		common   = 0.2  // share of lines that end at the margin where text is justified
		nearly   = 1.0  // points
	)
	c.right = rights[int(math.Ceil(outliers*float64(len(rights)-1)))]
	from := len(rights) - 1
	for at := len(rights) - 1; at >= 0; at-- {
		if rights[from]-rights[at] > nearly {
			from = at
		}
		if n := from - at + 1; n >= 3 && float64(n) >= common*float64(len(rights)) {
			c.right = rights[from]
			return
		}
	}
}

// bands parts rows where the gaps that they leave free change.
func (s *sheet) bands(rows []*row) []band {
	area := rows[0].box
	size := 0.0
	for _, r := range rows {
		area = area.Union(r.box)
		for _, p := range r.pieces {
			size = max(size, min(p.size, 12))
		}
	}
	least := minGutter * max(size, 6)
	var out []band
	current := band{free: []span{{area.Left, area.Right}}}
	for _, r := range rows {
		free := meet(current.free, r.free(area), least)
		if len(free) == 0 && len(current.rows) > 0 {
			out = append(out, current)
			current = band{free: []span{{area.Left, area.Right}}}
			free = meet(current.free, r.free(area), least)
		}
		current.rows, current.free = append(current.rows, r), free
		if len(free) == 0 {
			out = append(out, current)
			current = band{free: []span{{area.Left, area.Right}}}
		}
	}
	if len(current.rows) > 0 {
		out = append(out, current)
	}
	return out
}

// free gives the gaps of a row within an area.
func (r *row) free(area pagetext.Rect) []span {
	if r.object != nil {
		return []span{{area.Left, r.box.Left}, {r.box.Right, area.Right}}
	}
	var out []span
	at := area.Left
	for _, p := range r.pieces {
		if p.box.Left > at && len(out) < maxGutters {
			out = append(out, span{at, p.box.Left})
		}
		at = max(at, p.box.Right)
	}
	return append(out, span{at, area.Right})
}

// meet gives what two ordered lists of spans share, as far as it is wide enough.
func meet(a, b []span, least float64) []span {
	var out []span
	for i, j := 0, 0; i < len(a) && j < len(b); {
		if s := (span{max(a[i].from, b[j].from), min(a[i].to, b[j].to)}); s.to-s.from >= least {
			out = append(out, s)
		}
		if a[i].to < b[j].to {
			i++
		} else {
			j++
		}
	}
	return out
}

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
	const apart = 0.8 // ems between parts
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
		part.gutters = s.columnGutters(band{rows: part.rows, free: b.free})
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
}

func (x *side) add(p *piece) {
	if x.pieces == 0 {
		x.left, x.right = p.box.Left, p.box.Right
	}
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
		if sides[k].runes <= short*sides[k].pieces && both*10 >= 8*sides[k].rows {
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
	at := func(x float64) int {
		i := 0
		for i < len(gutters) && x > (gutters[i].from+gutters[i].to)/2 {
			i++
		}
		return i
	}
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
