package structure

import (
	"slices"

	"github.com/perfectworks/backend/adapters/documents/pagetext"
)

// unshaded stands for no area behind text; it is no color.
const unshaded = 1 << 24

// shades are the filled areas that lie in a table, in the order of painting.
type shades []pagetext.Fill

// shades gives the areas that may lie behind the text in a box.
func (s *sheet) shades(box pagetext.Rect) shades {
	var out shades
	for _, f := range s.page.Fills {
		const most = 2000 // areas in one table
		if r := s.upright(f.Rect); len(out) < most && r.Overlaps(box) {
			out = append(out, pagetext.Fill{Rect: r, Color: f.Color})
		}
	}
	return out
}

// behind gives the color of the last area that was painted behind the text of a cell.
func (a shades) behind(c *cell) uint32 {
	if len(c.pieces) == 0 {
		return unshaded
	}
	box := c.pieces[0].box
	x, y := (box.Left+box.Right)/2, (box.Bottom+box.Top)/2
	for _, f := range slices.Backward(a) {
		if x > f.Left && x < f.Right && y > f.Bottom && y < f.Top {
			return f.Color
		}
	}
	return unshaded
}

// rowShade gives the color that lies behind all text of a row, unshaded if it is not one color.
func (g *grid) rowShade(r int) uint32 {
	shade, found := uint32(unshaded), false
	for c, one := range g.cells[r] {
		if one.column != c || one.row != r || len(one.pieces) == 0 {
			continue
		}
		if found && one.shade != shade {
			return unshaded
		}
		shade, found = one.shade, true
	}
	return shade
}

// shadedRows counts the rows at the top that have a color behind them which no other row has.
func (g *grid) shadedRows() int {
	shade := g.rowShade(0)
	if shade == unshaded {
		return 0
	}
	n := 1
	for n < len(g.cells) && g.rowShade(n) == shade {
		n++
	}
	if n == len(g.cells) || n > maxHeaderRows {
		return 0
	}
	for r := n; r < len(g.cells); r++ {
		if g.rowShade(r) == shade {
			return 0 // every other row has a background
		}
	}
	return n
}

// shadedColumn tells whether all cells of the first column below the headers have a color behind them that no other cell
// has.
func (g *grid) shadedColumn() bool {
	shade, filled := uint32(unshaded), 0
	for r := g.headers; r < len(g.cells); r++ {
		one := g.cells[r][0]
		if one.row != r || len(one.pieces) == 0 {
			continue
		}
		if filled++; filled == 1 {
			shade = one.shade
		}
		if one.shade != shade {
			return false
		}
	}
	const least = 2 // rows by which a column shows
	if shade == unshaded || filled < least {
		return false
	}
	for r := g.headers; r < len(g.cells); r++ {
		for _, one := range g.cells[r][1:] {
			if len(one.pieces) > 0 && one.shade == shade {
				return false
			}
		}
	}
	return true
}
