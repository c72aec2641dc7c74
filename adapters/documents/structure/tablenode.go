package structure

import (
	"strings"
	"unicode"
)

// tableNode makes the element of a table. Each row has as many cells as the table has columns, spans counted (ISO
// 14289-1, 7.2).
func (d *document) tableNode(b *block) *Node {
	g := b.grid
	if b.captioned == nil && g.isOptionList() {
		return d.optionList(g)
	}
	g.findHeaders()
	n := &Node{Type: "Table"}
	if b.captioned != nil {
		n.Kids = append(n.Kids, &Node{Type: "Caption", Kids: d.leaves(b.captioned)})
	}
	for r, row := range g.cells {
		tr := &Node{Type: "TR"}
		for c, one := range row {
			if one.row == r && one.column == c {
				tr.Kids = append(tr.Kids, d.cellNode(g, one))
			}
		}
		n.Kids = append(n.Kids, tr)
	}
	return n
}

func (d *document) cellNode(g *grid, c *cell) *Node {
	n := &Node{Type: "TD", Kids: d.pieceLeaves(c.page, c.pieces)}
	column, row := c.row < g.headers, g.stubs[c.column]
	switch {
	case c.text == "":
	case column:
		n.Type, n.Edit().Scope = "TH", "Column"
	case row:
		n.Type, n.Edit().Scope = "TH", "Row"
	}
	if c.rows > 1 {
		n.Edit().RowSpan = c.rows
	}
	if c.columns > 1 {
		n.Edit().ColSpan = c.columns
	}
	return n
}

// pieceLeaves makes leaves of pieces: text in one, form fields in elements of their own.
func (d *document) pieceLeaves(page int, pieces []*piece) []*Node {
	var out []*Node
	var leaf *Node
	for i, p := range pieces {
		if p.field != nil {
			out = append(out, fieldNode(p.field))
			leaf = nil
			continue
		}
		if leaf == nil {
			runs := 0
			for _, other := range pieces[i:] {
				if other.field != nil {
					break
				}
				runs += len(other.runs)
			}
			leaf = &Node{Content: Content{Page: page, Runs: make([]int, 0, runs)}}
			out = append(out, leaf)
		}
		leaf.Content.Runs = append(leaf.Content.Runs, p.runs...)
	}
	return out
}

func fieldNode(f *Field) *Node {
	return &Node{Type: "Form", Kids: []*Node{{Content: Content{Page: f.Page, Annotation: f.Annotation}}}}
}

// findHeaders finds the rows and the column of header cells.
func (g *grid) findHeaders() {
	rows := len(g.cells)
	if rows < 2 {
		return
	}
	bold := func(r int) bool { // whether all text of a row is bold
		filled := false
		for c, one := range g.cells[r] {
			if one.column != c || one.row != r || one.text == "" {
				continue
			}
			if !one.bold {
				return false
			}
			filled = true
		}
		return filled
	}
	for g.headers < rows-1 && g.headers < maxHeaderRows && bold(g.headers) {
		g.headers++
	}
	if g.headers >= maxHeaderRows && bold(g.headers) {
		g.headers = 1 // all is bold
	}
	if g.headers == 0 {
		g.headers = g.shadedRows()
	}
	if g.headers == 0 && g.looksHeaded() {
		g.headers = 1
	}
	for g.headers > 0 && g.headers < rows && g.spansInto(g.headers) {
		g.headers++
	}
	if g.headers >= rows {
		g.headers = 1
	}
	g.stubs = map[int]bool{}
	if g.boldColumn(0) || g.shadedColumn() {
		g.stubs[0] = true
		for c := 2; c < g.columns()-1; c++ { // names and what they are, several of them in a row
			if !g.stubs[c-1] && g.boldColumn(c) {
				g.stubs[c] = true
			}
		}
	}
}

// maxHeaderRows is how many rows of headers a table has at the most.
const maxHeaderRows = 4

// spansInto tells whether a cell of the rows above a row reaches into it.
func (g *grid) spansInto(r int) bool {
	for _, c := range g.cells[r] {
		if c.row < r {
			return true
		}
	}
	return false
}

// looksHeaded tells whether the first row names the columns though it is not bold: it is ruled off where the others are
// not, stands in another color, or has words over figures.
func (g *grid) looksHeaded() bool {
	others := 0
	for r := 1; r < len(g.cells)-1; r++ {
		if g.ruled[r] {
			others++
		}
	}
	if g.ruled[0] && others*3 < len(g.cells)-1 && len(g.cells) > 2 {
		return true
	}
	words, figures, color := 0, 0, 0
	for c := range g.columns() {
		top := g.cells[0][c]
		if top.column != c || top.text == "" {
			continue
		}
		if isFigure(top.text) {
			return false
		}
		words++
		numbers, filled, differs := 0, 0, true
		for r := 1; r < len(g.cells); r++ {
			one := g.cells[r][c]
			if one.text == "" || one.row != r {
				continue
			}
			filled++
			if isFigure(one.text) {
				numbers++
			}
			differs = differs && (one.pieces[0].style.color != top.pieces[0].style.color ||
				one.pieces[0].style.italic != top.pieces[0].style.italic)
		}
		if filled > 0 && numbers*10 >= 7*filled {
			figures++
		}
		if filled > 0 && differs {
			color++
		}
	}
	return words > 0 && (figures > 0 || color*2 > words)
}

// boldColumn tells whether a column is bold and most of what is beside it is not.
func (g *grid) boldColumn(column int) bool {
	bold, all, others, beside := 0, 0, 0, 0
	for r := g.headers; r < len(g.cells); r++ {
		for c, one := range g.cells[r] {
			switch {
			case one.text == "" || one.row != r || one.column != c:
			case c == column:
				all++
				bold += b2i(one.bold)
			default:
				beside++
				others += b2i(one.bold)
			}
		}
	}
	return all > 0 && bold*10 >= 8*all && others < beside && (others*2 <= beside || g.isPaired(column))
}

// isPaired tells whether columns are bold by turns.
func (g *grid) isPaired(column int) bool {
	for r := g.headers; r < len(g.cells); r++ {
		for c, one := range g.cells[r] {
			if one.text != "" && one.row == r && one.column == c && one.bold != (c%2 == column%2) {
				return false
			}
		}
	}
	return true
}

// isFigure tells whether text is a number, an amount, a date or a percentage rather than words.
func isFigure(s string) bool {
	digits, letters := 0, 0
	for _, r := range s {
		switch {
		case unicode.IsDigit(r):
			digits++
		case unicode.IsLetter(r):
			letters++
		}
	}
	return digits > 0 && letters <= 3 && letters <= digits || strings.Trim(s, "-–—−. ") == ""
}
