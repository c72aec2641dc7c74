package structure

import (
	"cmp"
	"slices"
	"strings"

	"github.com/perfectworks/backend/adapters/documents/pagetext"
)

// grid is a table while it is put together. Rows count from the top.
type grid struct {
	box pagetext.Rect
	// xs are the edges of columns, from left to right; ys those of rows, from top to bottom.
	xs, ys []float64
	cells  [][]*cell // by row and column; a cell that spans is in all its places
	// ruled tells of each row whether a drawn line is below it.
	ruled []bool
	// headers is how many rows of header cells there are; stubs are the columns of such.
	headers int
	stubs   map[int]bool
	page    int
}

// cell is a cell of a table.
type cell struct {
	row, column, rows, columns int
	page                       int
	pieces                     []*piece
	text                       string
	bold                       bool
	// shade is the color of the area behind its text, unshaded if there is none.
	shade uint32
}

func (g *grid) columns() int { return len(g.xs) - 1 }

// newGrid makes a grid of empty cells, each of one place.
func newGrid(page int, xs, ys []float64) *grid {
	g := &grid{page: page, xs: xs, ys: ys, ruled: make([]bool, len(ys)-1)}
	g.box = pagetext.Rect{Left: xs[0], Right: xs[len(xs)-1], Bottom: ys[len(ys)-1], Top: ys[0]}
	for r := range len(ys) - 1 {
		row := make([]*cell, len(xs)-1)
		for c := range row {
			row[c] = &cell{row: r, column: c, rows: 1, columns: 1, page: page}
		}
		g.cells = append(g.cells, row)
	}
	return g
}

// merge makes one cell of a rectangle of places, unless a part of them belongs to a cell that spans already.
func (g *grid) merge(r0, c0, r1, c1 int) {
	for r := r0; r <= r1; r++ {
		for c := c0; c <= c1; c++ {
			if one := g.cells[r][c]; one.rows*one.columns > 1 {
				return
			}
		}
	}
	first := g.cells[r0][c0]
	first.rows, first.columns = r1-r0+1, c1-c0+1
	for r := r0; r <= r1; r++ {
		for c := c0; c <= c1; c++ {
			if one := g.cells[r][c]; one != first {
				first.pieces = append(first.pieces, one.pieces...)
			}
			g.cells[r][c] = first
		}
	}
}

// slot finds the interval of ordered edges that a value is in; the first and the last take what lies outside.
func slot(edges []float64, v float64) int {
	i, _ := slices.BinarySearch(edges, v)
	return min(max(i-1, 0), len(edges)-2)
}

// slotDown is slot for edges from top to bottom.
func slotDown(edges []float64, v float64) int {
	i, _ := slices.BinarySearchFunc(edges, v, func(e, v float64) int { return cmp.Compare(v, e) })
	return min(max(i-1, 0), len(edges)-2)
}

// place puts a piece into the cells it stands over.
func (g *grid) place(p *piece) {
	r := slotDown(g.ys, (p.box.Top+p.box.Bottom)/2)
	const inside = 1.5 // points by which text may reach over the edge of its cell
	c0, c1 := slot(g.xs, p.box.Left+inside), slot(g.xs, p.box.Right-inside)
	c1 = max(c0, c1)
	if c1 > c0 {
		g.merge(r, c0, r, c1)
	}
	one := g.cells[r][c0]
	one.pieces = append(one.pieces, p)
}

// each visits every cell once, row by row.
func (g *grid) each(visit func(*cell)) {
	for r, row := range g.cells {
		for c, one := range row {
			if one.row == r && one.column == c {
				visit(one)
			}
		}
	}
}

// read puts the text of the cells together.
func (g *grid) read() {
	g.each(func(c *cell) {
		slices.SortStableFunc(c.pieces, func(a, b *piece) int {
			if d := b.baseline - a.baseline; d > 0.4*max(a.size, b.size) || d < -0.4*max(a.size, b.size) {
				return cmp.Compare(b.baseline, a.baseline)
			}
			return cmp.Compare(a.box.Left, b.box.Left)
		})
		c.bold = len(c.pieces) > 0
		var b strings.Builder
		for _, p := range c.pieces {
			c.bold = c.bold && p.style.bold
			b.WriteString(p.text)
			b.WriteByte(' ')
		}
		c.text = strings.TrimSpace(b.String())
	})
}

// tidy drops rows and columns that hold nothing.
func (g *grid) tidy() {
	for r := len(g.cells) - 1; r >= 0 && len(g.cells) > 1; r-- {
		if g.emptyRow(r) {
			g.dropRow(r)
		}
	}
	for c := g.columns() - 1; c >= 0 && g.columns() > 1; c-- {
		if g.emptyColumn(c) {
			g.dropColumn(c)
		}
	}
}

func (g *grid) emptyRow(r int) bool {
	for _, c := range g.cells[r] {
		if len(c.pieces) > 0 && c.row == r {
			return false
		}
	}
	return true
}

func (g *grid) emptyColumn(i int) bool {
	for _, row := range g.cells {
		if c := row[i]; len(c.pieces) > 0 && c.column == i {
			return false
		}
	}
	return true
}

func (g *grid) dropRow(r int) {
	g.each(func(c *cell) {
		switch {
		case c.row <= r && r < c.row+c.rows:
			c.rows--
		case c.row > r:
			c.row--
		}
	})
	// Cells that began in the row and go on below begin there now: their place is the same, one row further up.
	g.cells = slices.Delete(g.cells, r, r+1)
	g.ys = slices.Delete(g.ys, r+1, r+2)
	g.ruled = slices.Delete(g.ruled, r, r+1)
}

func (g *grid) dropColumn(i int) {
	g.each(func(c *cell) {
		switch {
		case c.column <= i && i < c.column+c.columns:
			c.columns--
		case c.column > i:
			c.column--
		}
	})
	for r := range g.cells {
		g.cells[r] = slices.Delete(g.cells[r], i, i+1)
	}
	g.xs = slices.Delete(g.xs, i+1, i+2)
}
