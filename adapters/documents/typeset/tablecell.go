package typeset

import (
	"fmt"
	"strings"

	"golang.org/x/net/html"

	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/typeset/style"
)

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
		if label, _ := attr(n, "aria-label"); squeeze(label) != "" {
			ctx.elem.alt, ctx.elem.hasAlt = clip(squeeze(label), 500), true
		}
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
