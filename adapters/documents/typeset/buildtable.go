package typeset

import (
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/net/html"

	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/typeset/style"
)

// The limits of a table (HTML Standard, 4.9.11).
const (
	maxColumns = 1_000
	maxRowSpan = 65_534
)

// group is a thead, tbody or tfoot with its rows.
type group struct {
	node  *html.Node
	style *style.Style
	rows  []*html.Node
	role  pdf.Name
}

// tableBuilder makes the grid of one table. Its structure is regular whatever the HTML is (ISO 14289-1, 7.2): cells do
// not overlap, and every row has as many columns.
type tableBuilder struct {
	b     *builder
	ctx   *context
	style *style.Style
	table *table
	elem  *element
	// plain tells that the table only arranges things, so that it has no structure of its own.
	plain bool
	// below are the rows that cells of further above still cover, by column.
	below []int
	// shorter tells by how many rows cells are shortened.
	shorter map[*html.Node]int
}

func (b *builder) buildTable(n *html.Node, s *style.Style, ctx *context) {
	if s.Display == style.Inline || s.Display == style.InlineBlock {
		// In a line a table would need a baseline of its own; it is set as a block.
		copied := *s
		copied.Display = style.Block
		s = &copied
	}
	ctx.endParagraph()
	bx := &box{style: s, anchors: ctx.anchors, table: &table{}}
	ctx.anchors = nil
	b.anchor(n, func(name string) { bx.anchors = append(bx.anchors, name) })
	ctx.box.children = append(ctx.box.children, bx)
	role, _ := attr(n, "role")
	t := &tableBuilder{b: b, style: s, table: bx.table, shorter: map[*html.Node]int{}, plain: role == "presentation" || role == "none" || ctx.artifact}
	groups, caption := t.collect(n)
	t.columns(groups)
	rows := 0
	for _, g := range groups {
		rows += len(g.rows)
	}
	inner := &context{elem: ctx.elem, direct: ctx.direct, artifact: ctx.artifact, wraps: ctx.wraps, link: ctx.link}
	if !t.plain && rows > 0 {
		inner.elem, inner.direct = b.parent(ctx).child("Table"), false
		b.language(n, inner)
	} else {
		t.plain = true
	}
	t.elem, t.ctx = inner.elem, inner
	if caption != nil {
		t.caption(caption)
	}
	t.columnWidths(n)
	for _, g := range groups {
		t.group(g)
	}
	t.table.columns = max(t.table.columns, 1)
}

// collect gathers the row groups in the order in which they are shown.
func (t *tableBuilder) collect(n *html.Node) (groups []*group, caption *html.Node) {
	var heads, bodies, feet []*group
	for k := n.FirstChild; k != nil; k = k.NextSibling {
		if k.Type != html.ElementNode {
			continue
		}
		s := t.b.doc.styles.Style(k, t.style)
		if s.Display == style.None {
			continue
		}
		g := &group{node: k, style: s, role: "TBody"}
		switch k.Data {
		case "caption":
			if caption == nil {
				caption = k
			}
			continue
		case "thead", "tbody", "tfoot":
			for r := k.FirstChild; r != nil; r = r.NextSibling {
				if r.Type == html.ElementNode && r.Data == "tr" {
					g.rows = append(g.rows, r)
				}
			}
		default:
			continue
		}
		switch {
		case len(g.rows) == 0:
		case k.Data == "thead" && len(heads) == 0:
			g.role = "THead"
			heads = append(heads, g)
		case k.Data == "tfoot" && len(feet) == 0:
			g.role = "TFoot"
			feet = append(feet, g)
		default:
			bodies = append(bodies, g)
		}
	}
	if len(bodies) == 0 {
		// A head or a foot alone is the body (rules 7.2-13 and 7.2-14).
		for _, g := range append(heads, feet...) {
			g.role = "TBody"
		}
	}
	return append(append(heads, bodies...), feet...), caption
}

func (t *tableBuilder) caption(n *html.Node) {
	s := t.b.doc.styles.Style(n, t.style)
	t.table.caption = &box{style: s}
	ctx := *t.ctx
	ctx.box = t.table.caption
	if !t.plain {
		ctx.elem, ctx.direct = t.elem.child("Caption"), !hasBlocks(n)
	}
	t.b.inside(n, s, &ctx)
}

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

// group builds the rows of a group.
func (t *tableBuilder) group(g *group) {
	elem := t.elem
	if !t.plain {
		elem = t.elem.child(g.role)
	}
	t.below = nil
	for i, r := range g.rows {
		s := t.b.doc.styles.Style(r, g.style)
		if s.Display == style.None {
			copied := *s
			copied.Display = style.Block
			s = &copied
		}
		if !s.Background.Visible() && g.style.Background.Visible() {
			copied := *s
			copied.Background = g.style.Background
			s = &copied
		}
		t.row(r, s, elem, g, len(g.rows)-i)
	}
	if g.role == "THead" {
		t.table.head = len(t.table.rows)
	}
}

func (t *tableBuilder) row(r *html.Node, s *style.Style, parent *element, g *group, rowsLeft int) {
	elem := parent
	if !t.plain {
		elem = parent.child("TR")
		elem.keep = true
	}
	out := row{style: s}
	taken := make([]bool, t.table.columns)
	for i := range taken {
		taken[i] = i < len(t.below) && t.below[i] > 0
	}
	next := 0
	fill := func(until int) {
		for ; next < until; next++ {
			if !taken[next] {
				t.filler(elem)
			}
		}
	}
	t.place(r, rowsLeft, func(n *html.Node, column, columns, rows int) {
		fill(column)
		next = column + columns
		out.cells = append(out.cells, t.cell(n, s, elem, g, column, columns, rows))
	})
	fill(t.table.columns)
	t.table.rows = append(t.table.rows, out)
}

// filler is an empty cell where a row has too few.
func (t *tableBuilder) filler(parent *element) {
	if !t.plain {
		parent.child("TD").keep = true
	}
}

func (t *tableBuilder) cell(n *html.Node, rowStyle *style.Style, parent *element, g *group, column, columns, rows int) *cell {
	s := t.b.doc.styles.Style(n, rowStyle)
	bx := &box{style: s}
	t.b.anchor(n, func(name string) { bx.anchors = append(bx.anchors, name) })
	ctx := &context{box: bx, elem: parent, direct: t.ctx.direct, artifact: t.ctx.artifact, link: t.ctx.link, wraps: t.ctx.wraps}
	if !t.plain {
		role, scope := pdf.Name("TD"), pdf.Name("")
		if n.Data == "th" {
			role, scope = "TH", scopeOf(n, g)
		}
		ctx.elem = parent.child(role)
		ctx.elem.keep, ctx.elem.scope, ctx.elem.columns, ctx.elem.rows = true, scope, columns, rows
		ctx.direct = !hasBlocks(n)
		t.headers(n, ctx.elem)
		t.b.language(n, ctx)
	}
	t.b.inside(n, s, ctx)
	return &cell{box: bx, column: column, columns: columns, rows: rows}
}

// headers connects cells with the header cells that they name.
func (t *tableBuilder) headers(n *html.Node, e *element) {
	if n.Data == "th" {
		if id, ok := attr(n, "id"); ok && t.b.doc.ids[id] == n {
			e.id = t.b.headerID(n)
		}
	}
	names, _ := attr(n, "headers")
	for name := range strings.FieldsSeq(names) {
		if header := t.b.doc.ids[name]; header != nil && header != n && header.Data == "th" && ancestorTable(header) == ancestorTable(n) && len(e.headers) < 64 {
			e.headers = append(e.headers, t.b.headerID(header))
		}
	}
}

// headerID gives the identifier of a header cell.
func (b *builder) headerID(n *html.Node) string {
	e := b.ids[n]
	if e == nil {
		b.cells++
		e = &element{id: fmt.Sprintf("cell%d", b.cells)}
		b.ids[n] = e
	}
	return e.id
}

func ancestorTable(n *html.Node) *html.Node {
	for ; n != nil; n = n.Parent {
		if n.Data == "table" {
			return n
		}
	}
	return nil
}

// scopeOf tells of which cells a header cell is the header: what the HTML says, else those below it in a head, and
// those beside it in a body.
func scopeOf(n *html.Node, g *group) pdf.Name {
	scope, _ := attr(n, "scope")
	switch strings.ToLower(scope) {
	case "row", "rowgroup":
		return "Row"
	case "col", "colgroup":
		return "Column"
	}
	if g.role == "THead" {
		return "Column"
	}
	// A row of header cells alone is the head of what is below.
	for k := n.Parent.FirstChild; k != nil; k = k.NextSibling {
		if k.Data == "td" {
			return "Row"
		}
	}
	return "Column"
}
