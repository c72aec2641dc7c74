package typeset

import (
	"github.com/perfectworks/backend/adapters/documents/typeset/style"
)

// box is what is laid out. Exactly one of paragraph, table and picture is set, or it holds children.
type box struct {
	style    *style.Style
	children []*box

	paragraph *paragraph
	table     *table
	picture   *picture

	// marker stands beside the first line: the bullet or the number of a list item.
	marker *paragraph
	// anchors are the identifiers of destinations at the box's top.
	anchors []string
	// heading is the bookmark that leads to the box.
	heading *bookmark
	// root tells that floats of around do not reach into the box, and that its margins stay inside.
	root bool

	// narrow and wide are the least and the greatest useful width, once measured.
	narrow, wide float64
	measured     bool
}

// bookmark is an entry of the outline.
type bookmark struct {
	title string
	level int
	at    destination
}

// destination is a point on the strip.
type destination struct {
	x, y float64
	set  bool
}

// row is a row of a table, with the cells that begin in it.
type row struct {
	cells []*cell
	style *style.Style
}

// cell is a cell of a table at its column.
type cell struct {
	box           *box
	column        int
	columns, rows int
}

// table is the grid of a table.
type table struct {
	rows    []row
	columns int
	// head is the number of rows that are repeated on each page.
	head    int
	caption *box
	// widths are what col elements say.
	widths []style.Length
	// flexible tells that it is no table but boxes side by side, whose columns follow flex and grid layout.
	flexible bool
}
