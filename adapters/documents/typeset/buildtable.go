package typeset

import (
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
