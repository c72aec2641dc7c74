package pdfua

import "github.com/perfectworks/backend/adapters/documents/pdf"

// maxCells bounds the grid of one table.
const maxCells = 4_000_000

func (w *structureWalk) tableKids(kids []pdf.Name) {
	w.require(only(kids, "TR", "THead", "TBody", "TFoot", "Caption"), "7.2-3", "")
	w.require(count(kids, "THead") <= 1, "7.2-11", "")
	w.require(count(kids, "TFoot") <= 1, "7.2-12", "")
	w.require(count(kids, "TFoot") == 0 || count(kids, "TBody") > 0, "7.2-13", "")
	w.require(count(kids, "THead") == 0 || count(kids, "TBody") > 0, "7.2-14", "")
	w.require(len(kids) < 3 || count(kids[1:len(kids)-1], "Caption") == 0, "7.2-16", "")
	w.require(count(kids, "Caption") < 2, "7.2-39", "")
}

// grid is a table laid out in rows and columns.
type grid struct {
	*structureWalk
	cells         [][]*element
	rows, columns int
}

// table lays a table out and checks its spans, and then the headers of its cells.
func (w *structureWalk) table(table *element) {
	var rows []*element
	for _, kid := range table.significant() {
		switch kid.kind {
		case "TR":
			rows = append(rows, kid)
		case "THead", "TBody", "TFoot":
			for _, row := range kid.significant() {
				if row.kind == "TR" {
					rows = append(rows, row)
				}
			}
		}
	}
	g := grid{structureWalk: w}
	g.rows = g.countRows(rows)
	if g.rows == 0 {
		return
	}
	for _, cell := range rows[0].significant() {
		if isCell(cell) {
			g.columns += g.span(cell, "ColSpan")
		}
	}
	if g.rows*g.columns > maxCells || g.columns > maxCells {
		w.exceed("cells in one table", maxCells)
		return
	}
	g.cells = make([][]*element, g.rows)
	for i := range g.cells {
		g.cells[i] = make([]*element, g.columns)
	}
	if g.layOut(rows) {
		g.headers()
	}
}

func isCell(e *element) bool { return e.kind == "TH" || e.kind == "TD" }

// span gives ColSpan or RowSpan, 1 if there is none.
func (g *grid) span(cell *element, name pdf.Name) int {
	v, ok := g.attribute(cell.dict, "Table", name, isInteger).(pdf.Integer)
	if !ok {
		return 1
	}
	return int(min(max(v, 0), maxCells))
}

// countRows counts rows by the first cell of each, which may span several.
func (g *grid) countRows(rows []*element) int {
	n := 0
	for i := 0; i < len(rows); i++ {
		for _, cell := range rows[i].significant() {
			if !isCell(cell) {
				continue
			}
			span := g.span(cell, "RowSpan")
			n += span
			if span > 1 {
				i += span - 1
			}
			break
		}
		if n > maxCells {
			return n
		}
	}
	return n
}

// layOut puts the cells in place; it is false if they do not fill a rectangle.
func (g *grid) layOut(rows []*element) bool {
	for row, tr := range rows {
		column, hasCells := 0, false
		for _, cell := range tr.significant() {
			if !isCell(cell) {
				continue
			}
			hasCells = true
			wide, high := g.span(cell, "ColSpan"), g.span(cell, "RowSpan")
			for row < g.rows && column < g.columns && g.cells[row][column] != nil {
				column++
			}
			if column+wide > g.columns {
				g.fail("7.2-42", g.page, "")
				return false
			}
			if row+high > g.rows {
				g.fail("7.2-41", g.page, "")
				return false
			}
			if !g.place(cell, row, column, wide, high) {
				return false
			}
			column += wide
		}
		if !hasCells && g.columns > 0 {
			g.fail("7.2-43", g.page, "")
			return false
		}
	}
	for _, cells := range g.cells {
		for _, cell := range cells {
			if cell == nil {
				g.fail("7.2-43", g.page, "")
				return false
			}
		}
	}
	return true
}

func (g *grid) place(cell *element, row, column, wide, high int) bool {
	cell.row, cell.column = row, column
	for i := row; i < row+high; i++ {
		for j := column; j < column+wide; j++ {
			if other := g.cells[i][j]; other != nil {
				cell.overlaps, other.overlaps = true, true
				return false
			}
			g.cells[i][j] = cell
		}
	}
	return true
}

// headers finds the first data cell that has no header, unless all header cells have a scope.
func (g *grid) headers() {
	scoped := true
	ids := map[pdf.String]bool{}
	for _, cells := range g.cells {
		for _, cell := range cells {
			if cell.kind != "TH" {
				continue
			}
			if id, _ := g.file.String(cell.dict["ID"]); id != "" {
				ids[id] = true
			}
			scoped = scoped && g.attribute(cell.dict, "Table", "Scope", isName) != nil
		}
	}
	if scoped {
		return
	}
	for i, cells := range g.cells {
		for j, cell := range cells {
			if cell.kind != "TD" || cell.row != i || cell.column != j || i == 0 && j == 0 {
				continue
			}
			named, _ := g.attribute(cell.dict, "Table", "Headers", isArray).(pdf.Array)
			connected, hasIDs := true, false
			for _, o := range named {
				id, ok := g.file.String(o)
				if !ok {
					continue
				}
				hasIDs = true
				if !ids[id] {
					connected = false
					cell.unknown = append(cell.unknown, id.Text())
				}
			}
			if !hasIDs || !connected {
				cell.unconnected = true
				return
			}
		}
	}
}
