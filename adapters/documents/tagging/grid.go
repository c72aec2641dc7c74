package tagging

import (
	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/structure"
)

// maxGrid bounds the cells of a table that are laid out, and the empty cells that are added to a document; maxColumns is
// how many columns a table may have to be repaired.
const (
	maxGrid    = 1_000_000
	maxColumns = 1_000
)

// layOut lays a table out in a grid, shortens spans that overlap or reach beyond it, fills what is left with empty
// cells, and gives header cells a scope.
func (w *work) layOut(table *element) {
	rows := w.rows(table)
	columns := 0
	for _, row := range rows {
		n := 0
		for _, cell := range w.cells(row) {
			n = min(n+w.span(cell, "ColSpan"), maxGrid)
		}
		columns = max(columns, n)
	}
	if len(rows) == 0 || columns == 0 || columns > maxColumns || len(rows)*columns > maxGrid {
		return
	}
	g := grid{work: w, columns: columns, taken: make([][]bool, len(rows))}
	for i := range g.taken {
		g.taken[i] = make([]bool, columns)
	}
	for i, row := range rows {
		g.row(i, row)
	}
	// Rows that are longer by spans from above than the first has columns need a first row as long.
	for i, row := range rows {
		missing := 0
		for _, taken := range g.taken[i] {
			if !taken {
				missing++
			}
		}
		if w.padded += missing; w.padded > maxGrid {
			return
		}
		for range missing {
			w.newElement("TD", &structure.Node{Type: "TD"}, row)
		}
		if missing > 0 {
			w.fixed("7.2-43", "", 1)
			w.flag("15-005", row.page, "A row of a table had fewer cells than others: empty cells were added")
		}
	}
	w.scope(table, rows)
}

type grid struct {
	*work
	columns int
	taken   [][]bool
}

// row places the cells of a row.
func (g *grid) row(i int, row *element) {
	column := 0
	for _, cell := range g.cells(row) {
		for column < g.columns && g.taken[i][column] {
			column++
		}
		wide, high := g.span(cell, "ColSpan"), g.span(cell, "RowSpan")
		if most := len(g.taken) - i; high > most {
			g.setSpan(cell, "RowSpan", most, "7.2-41")
			high = most
		}
		free := 0
		for free < wide && column+free < g.columns && !g.taken[i][column+free] {
			free++
		}
		if free < wide && free > 0 {
			g.setSpan(cell, "ColSpan", free, "7.2-42")
			wide = free
		}
		for r := i; r < i+high; r++ {
			for c := column; c < min(column+wide, g.columns); c++ {
				if r > i && g.taken[r][c] {
					high = r - i
					g.setSpan(cell, "RowSpan", high, "7.2-15")
					break
				}
				g.taken[r][c] = true
			}
		}
		column += wide
	}
}

func (g *grid) setSpan(cell *element, name pdf.Name, span int, rule string) {
	g.setTableAttribute(cell, name, pdf.Integer(span))
	g.fixed(rule, "", 1)
}

// scope gives header cells a scope if the headers of any cell cannot be told otherwise: those of the first row are for
// their columns, others at the start of a row for that.
func (w *work) scope(table *element, rows []*element) {
	ids := map[pdf.String]bool{}
	var bare []*element
	scoped := true
	for i, row := range rows {
		for j, cell := range w.cells(row) {
			if w.standardKind(cell.kind) != "TH" {
				continue
			}
			if id, ok := w.file.String(cell.dict["ID"]); ok {
				ids[id] = true
			}
			if w.attribute(cell, "Table", "Scope") == nil {
				scoped = false
				bare = append(bare, cell)
				cell.scope = "Column"
				if i > 0 && j == 0 {
					cell.scope = "Row"
				}
			}
		}
	}
	if scoped || w.connected(rows, ids) {
		return
	}
	for _, cell := range bare {
		w.setTableAttribute(cell, "Scope", cell.scope)
	}
	w.fixed("7.5-1", "", len(bare))
	w.flag("15-001", table.page, "Header cells of a table were given a scope by their place")
}

// connected tells whether every data cell names header cells that exist. Names of others are taken out.
func (w *work) connected(rows []*element, ids map[pdf.String]bool) bool {
	all := true
	for _, row := range rows {
		for _, cell := range w.cells(row) {
			if w.standardKind(cell.kind) != "TD" {
				continue
			}
			named, _ := w.attribute(cell, "Table", "Headers").(pdf.Array)
			kept := pdf.Array{}
			for _, o := range named {
				if id, ok := w.file.String(o); ok && ids[id] {
					kept = append(kept, o)
				}
			}
			if len(kept) < len(named) {
				w.setTableAttribute(cell, "Headers", nil)
				if len(kept) > 0 {
					w.setTableAttribute(cell, "Headers", kept)
				}
				w.fixed("7.5-2", "", 1)
			}
			all = all && len(kept) > 0
		}
	}
	return all
}
