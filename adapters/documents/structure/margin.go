package structure

import (
	"math"
	"slices"
)

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
