package htmlfix

import (
	"slices"

	"golang.org/x/net/html"

	"github.com/perfectworks/backend/adapters/documents/htmlcheck"
)

// place is where a cell stands in its table.
type place struct {
	rows        [][]*html.Node
	row, column int
}

// cellOf finds the table cell that a field stands in alone.
func (p *plan) cellOf(n *html.Node) (place, bool) {
	cell := htmlcheck.Closest(n, htmlcheck.Named("td", "th"))
	if cell == nil || htmlcheck.Text(cell) != "" && n.Data != "select" && n.Data != "textarea" {
		return place{}, false
	}
	table := htmlcheck.Closest(cell, htmlcheck.Named("table"))
	controls := 0
	htmlcheck.Under(cell, func(m *html.Node) bool {
		if isControl(m) {
			controls++
		}
		return controls > 1
	})
	if table == nil || controls > 1 {
		return place{}, false
	}
	if p.places == nil {
		p.places = map[*html.Node]map[*html.Node]place{}
	}
	if p.places[table] == nil {
		p.places[table] = map[*html.Node]place{}
		rows := htmlcheck.Rows(table)
		for i, row := range rows {
			for j, c := range row {
				p.places[table][c] = place{rows: rows, row: i, column: j}
			}
		}
	}
	found, ok := p.places[table][cell]
	return found, ok
}

// cellsBeside returns the cells that may hold the label of a field: of a choice the next one and the one before, of
// others the one before.
func (p *plan) cellsBeside(n *html.Node) []*html.Node {
	at, ok := p.cellOf(n)
	if !ok {
		return nil
	}
	var out []*html.Node
	row := at.rows[at.row]
	if isChoice(n) && at.column+1 < len(row) {
		out = append(out, row[at.column+1])
	}
	if at.column > 0 {
		out = append(out, row[at.column-1])
	}
	return out
}

// cellBeside names a field in a table by its headers, or by the cell beside it.
func (p *plan) cellBeside(f htmlcheck.Finding) bool {
	at, ok := p.cellOf(f.Node)
	if !ok {
		return false
	}
	if headers := p.headersOf(at); len(headers) > 0 {
		r := p.start(f.Rule, f.Node, "name taken from the headers of the table")
		value := ""
		for _, header := range headers {
			value += " " + r.id(header, "header")
		}
		return p.add(r.set(f.Node, "aria-labelledby", value[1:]))
	}
	for _, cell := range p.cellsBeside(f.Node) {
		if p.labelBy(f, cell, "name taken from the table cell beside the field") {
			return true
		}
	}
	return false
}

// headersOf returns the header of a cell's column, after the first cell of its row if that says something.
func (p *plan) headersOf(at place) []*html.Node {
	isLabel := func(n *html.Node) bool {
		return p.Shown(n) && isLabelText(htmlcheck.Text(n)) && !htmlcheck.Under(n, isControl)
	}
	top := at.rows[0]
	if at.row == 0 || at.column >= len(top) || len(top) != len(at.rows[at.row]) || p.Role(top[at.column]) != "columnheader" || !isLabel(top[at.column]) {
		return nil
	}
	headers := []*html.Node{top[at.column]}
	if first := at.rows[at.row][0]; at.column > 0 && htmlcheck.Text(first) != "" && !htmlcheck.Under(first, isControl) {
		headers = slices.Insert(headers, 0, first)
	}
	return headers
}
