package htmlcheck

import (
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/html"
)

// maxSpan bounds how many columns and rows a cell spans; browsers have such bounds too. maxSlots bounds a table.
const (
	maxSpan  = 1_000
	maxSlots = 2_000_000
)

// cell is a cell with the slots of its table that it covers.
type cell struct {
	node                     *html.Node
	row, column, rows, width int
}

// layOut returns the cells of a table or grid with their places (HTML, 4.9.12.1). It is nil if they are too many.
func (c *checker) layOut(table *html.Node) []cell {
	var out []cell
	rows := c.rowsOf(table)
	busy := map[[2]int]bool{}
	for y, row := range rows {
		x := 0
		for _, n := range row {
			for busy[[2]int{y, x}] {
				x++
			}
			k := cell{node: n, row: y, column: x, rows: span(n, "rowspan"), width: span(n, "colspan")}
			if k.rows == 0 {
				k.rows = len(rows) - y
			}
			k.rows = min(k.rows, len(rows)-y)
			if k.rows > 1 {
				if len(busy)+k.rows*k.width > maxSlots {
					return nil
				}
				for i := range k.rows {
					for j := range k.width {
						busy[[2]int{y + i, x + j}] = true
					}
				}
			}
			x += k.width
			out = append(out, k)
		}
	}
	return out
}

func span(n *html.Node, key string) int {
	value := Attr(n, key)
	if value == "" {
		value = Attr(n, "aria-"+key)
	}
	v, err := strconv.Atoi(strings.TrimSpace(value))
	if err != nil || v < 0 || v == 0 && key == "colspan" {
		return 1
	}
	return min(v, maxSpan)
}

// rowsOf returns the cells of each row of a table, or of an element with such a role.
func (c *checker) rowsOf(table *html.Node) [][]*html.Node {
	if table.Data == "table" {
		return Rows(table)
	}
	var out [][]*html.Node
	var walk func(*html.Node)
	walk = func(n *html.Node) {
		for _, kid := range Kids(n) {
			switch c.Role(kid) {
			case "row":
				var row []*html.Node
				for _, k := range Kids(kid) {
					if role := c.Role(k); role == "cell" || role == "gridcell" || isHeaderCell(role) {
						row = append(row, k)
					}
				}
				out = append(out, row)
			case "table", "grid", "treegrid":
			default:
				walk(kid)
			}
		}
	}
	walk(table)
	return out
}

// headersOfNothing finds the header cells that are assigned to no cell (HTML, 4.9.12.2; WAI-ARIA 1.2, columnheader).
func (c *checker) headersOfNothing(table *html.Node) {
	cells := c.layOut(table)
	named := map[string]bool{} // by the attribute headers
	columns, rows := map[int][]cell{}, map[int][]cell{}
	for _, k := range cells {
		if headers := strings.Fields(Attr(k.node, "headers")); len(headers) > 0 {
			for _, id := range headers {
				named[id] = true
			}
			continue // no other header is assigned to it
		}
		if columnHeader, _ := c.scope(k); columnHeader {
			continue
		}
		for x := k.column; x < k.column+k.width; x++ {
			columns[x] = append(columns[x], k)
		}
		for y := k.row; y < k.row+k.rows; y++ {
			rows[y] = append(rows[y], k)
		}
	}
	for _, h := range cells {
		if !isHeaderCell(c.Role(h.node)) || !c.Shown(h.node) || named[Attr(h.node, "id")] && Attr(h.node, "id") != "" {
			continue
		}
		below := func(k cell) bool { return k.row >= h.row+h.rows }
		beside := func(k cell) bool { return k.node != h.node && !isHeaderCell(c.Role(k.node)) }
		used := false
		column, row := c.scope(h)
		for x := h.column; column && !used && x < h.column+h.width; x++ {
			used = slices.ContainsFunc(columns[x], below)
		}
		for y := h.row; row && !used && y < h.row+h.rows; y++ {
			used = slices.ContainsFunc(rows[y], beside)
		}
		if !used {
			c.fail("th-has-data-cells", h.node, "")
		}
	}
}

// scope reports whether a cell heads its column or its row. One that says nothing heads its row if that has data beside
// it, or else its column.
func (c *checker) scope(k cell) (column, row bool) {
	role := c.Role(k.node)
	if !isHeaderCell(role) {
		return false, false
	}
	switch strings.ToLower(Attr(k.node, "scope")) {
	case "row", "rowgroup":
		return false, true
	case "col", "colgroup":
		return true, false
	}
	if ExplicitRole(k.node) != "" {
		return role == "columnheader", role == "rowheader"
	}
	data := func(n *html.Node) bool {
		return n.Type == html.ElementNode && (n.Data == "td" || n.Data == "th") && !isHeaderCell(c.Role(n))
	}
	siblings := k.node.Parent
	for child := siblings.FirstChild; child != nil; child = child.NextSibling {
		if data(child) {
			return false, true
		}
	}
	return true, k.rows > 1
}
