package typeset

import (
	"strconv"
	"strings"

	"golang.org/x/net/html"
)

// columnWidths reads the col elements.
func (t *tableBuilder) columnWidths(n *html.Node) {
	add := func(col *html.Node) {
		s := t.b.doc.styles.Style(col, t.style)
		for range span1(col, "span", maxColumns) {
			if len(t.table.widths) < maxColumns {
				t.table.widths = append(t.table.widths, s.Width)
			}
		}
	}
	for k := n.FirstChild; k != nil; k = k.NextSibling {
		if k.Data != "colgroup" {
			continue
		}
		found := false
		for c := k.FirstChild; c != nil; c = c.NextSibling {
			if c.Data == "col" {
				found = true
				add(c)
			}
		}
		if !found {
			add(k)
		}
	}
}

// span1 reads a number of columns or rows, at least 1.
func span1(n *html.Node, name string, most int) int {
	v, _ := attr(n, name)
	number, err := strconv.Atoi(strings.TrimSpace(v))
	if err != nil || number < 1 {
		return 1
	}
	return min(number, most)
}

func cellsOf(r *html.Node) []*html.Node {
	var out []*html.Node
	for k := r.FirstChild; k != nil; k = k.NextSibling {
		if k.Type == html.ElementNode && (k.Data == "td" || k.Data == "th") {
			out = append(out, k)
		}
	}
	return out
}

// columns counts the columns by placing all cells, and leaves out what would make the structure irregular or huge.
func (t *tableBuilder) columns(groups []*group) {
	for _, g := range groups {
		t.below = nil
		for i, r := range g.rows {
			t.place(r, len(g.rows)-i, func(*html.Node, int, int, int) {})
		}
	}
	rows, area := 0, 0
	for _, g := range groups {
		area += t.dropCovered(g)
		rows += len(g.rows)
	}
	if fillers := rows*t.table.columns - area; fillers > maxFillers && !t.plain {
		t.plain = true
		t.b.doc.notes.warn("A table whose rows have very different numbers of cells was set without its structure.")
	}
}

// maxFillers bounds the empty cells that one table is filled up with.
const maxFillers = 20_000

// dropCovered leaves out the rows of a group in which no cell begins, since cells of rows above cover them all: a row
// of the structure must have cells (rule 7.2-43). It gives the area of the cells that remain.
func (t *tableBuilder) dropCovered(g *group) int {
	t.below = nil
	area := 0
	owners := make([]*html.Node, t.table.columns)
	kept := make([]*html.Node, 0, len(g.rows))
	for i, r := range g.rows {
		free := 0
		for column := range owners {
			if column >= len(t.below) || t.below[column] == 0 {
				free++
			}
		}
		began := false
		t.place(r, len(g.rows)-i, func(n *html.Node, column, columns, rows int) {
			began = true
			area += columns * rows
			for k := column; k < column+columns; k++ {
				owners[k] = n
			}
		})
		if began || free > 0 {
			kept = append(kept, r)
			continue
		}
		area -= t.table.columns
		for k, n := range owners {
			if k == 0 || owners[k-1] != n {
				t.shorter[n]++
			}
		}
	}
	g.rows = kept
	return area
}

// place finds the column and the spans of each cell of a row. A cell ends where one from above is in its way.
func (t *tableBuilder) place(r *html.Node, rowsLeft int, put func(n *html.Node, column, columns, rows int)) {
	column := 0
	covered := func(i int) bool { return i < len(t.below) && t.below[i] > 0 }
	var placed [][3]int
	for _, n := range cellsOf(r) {
		for covered(column) {
			column++
		}
		if column >= maxColumns {
			break
		}
		wanted := min(span1(n, "colspan", maxColumns), maxColumns-column)
		columns := 1
		for columns < wanted && !covered(column+columns) {
			columns++
		}
		rows := span1(n, "rowspan", maxRowSpan) - t.shorter[n]
		if v, _ := attr(n, "rowspan"); strings.TrimSpace(v) == "0" {
			rows = rowsLeft
		}
		rows = max(min(rows, rowsLeft), 1)
		put(n, column, columns, rows)
		placed = append(placed, [3]int{column, columns, rows})
		column += columns
		t.table.columns = max(t.table.columns, column)
	}
	for i := range t.below {
		t.below[i] = max(t.below[i]-1, 0)
	}
	for _, p := range placed {
		for len(t.below) < p[0]+p[1] {
			t.below = append(t.below, 0)
		}
		for i := p[0]; i < p[0]+p[1]; i++ {
			t.below[i] = p[2] - 1
		}
	}
}
