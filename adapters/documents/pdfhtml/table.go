package pdfhtml

import (
	"fmt"
	"slices"
	"strconv"

	"golang.org/x/net/html"

	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/structure"
)

// row is a row of a table and the part of the table that it is in: "thead", "tbody" or "tfoot".
type row struct {
	part  string
	cells []*structure.Node
}

var parts = map[pdf.Name]string{"THead": "thead", "TBody": "tbody", "TFoot": "tfoot"}

// rows gathers the rows of a table, its captions, and what else is in it.
func rows(n *structure.Node, part string, depth int) (list []row, captions, rest []*structure.Node) {
	for _, kid := range n.Kids {
		switch {
		case kid.Type == "TR":
			list = append(list, row{part: part, cells: cells(kid, 0)})
		case kid.Type == "Caption":
			captions = append(captions, kid)
		case depth < 8 && (parts[kid.Type] != "" || transparent(kid) && isBlock(kid)):
			inner := part
			if kid.Type == "THead" || kid.Type == "TFoot" {
				inner = parts[kid.Type]
			}
			more, c, r := rows(kid, inner, depth+1)
			list, captions, rest = append(list, more...), append(captions, c...), append(rest, r...)
		default:
			rest = append(rest, kid)
		}
	}
	return list, captions, rest
}

func cells(n *structure.Node, depth int) []*structure.Node {
	var out []*structure.Node
	for _, kid := range n.Kids {
		switch {
		case kid.Type == "TH" || kid.Type == "TD":
			out = append(out, kid)
		case depth < 8 && transparent(kid) && (hasKid(kid, "TD") || hasKid(kid, "TH")):
			out = append(out, cells(kid, depth+1)...)
		default: // content without a cell
			out = append(out, &structure.Node{Type: "TD", Kids: []*structure.Node{kid}})
		}
	}
	return out
}

const (
	// wideTable is from how many columns on a table scrolls by itself on narrow screens.
	wideTable = 7
	// maxTableSpan bounds spans, as HTML does for columns.
	maxTableSpan = 1000
)

func (b *builder) table(parent *html.Node, n *structure.Node, f flow) {
	list, captions, rest := rows(n, "tbody", 0)
	b.blocks(parent, rest, f)
	data, total, columns := 0, 0, 0
	for _, r := range list {
		width := 0
		for _, c := range r.cells {
			data += one(c.Type == "TD")
			width += max(c.Attributes().ColSpan, 1)
			total++
		}
		columns = max(columns, width)
	}
	if total <= 1 { // a frame around something
		b.blocks(parent, captions, f)
		for _, r := range list {
			for _, c := range r.cells {
				b.blocks(parent, c.Kids, f)
			}
		}
		return
	}
	b.headerRows(list)
	e := element("table")
	b.foreign(e, n)
	b.tables++
	for i, c := range captions {
		if i == 0 {
			caption := element("caption")
			b.fill(caption, b.gather(c.Kids, manner{flat: true, plain: style{bold: true}}))
			if hasContent(caption) {
				b.add(e, caption)
			}
			continue
		}
		b.block(parent, c, f)
	}
	t := tableWriter{builder: b, flow: f, headers: map[string]string{}, named: data > 0 && !scoped(list)}
	t.flow.tight = true
	if data == 0 { // headers of nothing
		t.plain = true
	}
	t.name(list)
	t.write(e, list)
	e.AppendChild(text("\n"))
	b.place(e, n)
	if columns >= wideTable {
		e = b.scrolling(e)
	}
	b.add(parent, e)
}

// scrolling puts a wide table into an element that scrolls, and that keys reach.
func (b *builder) scrolling(table *html.Node) *html.Node {
	e := element("div", "class", "wide", "role", "group", "tabindex", "0")
	for c := table.FirstChild; c != nil; c = c.NextSibling {
		if c.Data == "caption" {
			set(c, "id", b.numbered("caption"))
			set(e, "aria-labelledby", get(c, "id"))
		}
	}
	if get(e, "aria-labelledby") == "" {
		set(e, "aria-label", fmt.Sprintf("%s %d", b.words.table, b.tables))
	}
	b.add(e, table)
	return e
}

// headerRows makes a head of the rows at the top that are all headers, unless the file names a head.
func (b *builder) headerRows(list []row) {
	for _, r := range list {
		if r.part == "thead" {
			return
		}
	}
	for i := range list[:len(list)-1] {
		for _, c := range list[i].cells {
			if c.Type != "TH" || c.Attributes().Scope == "Row" {
				return
			}
		}
		list[i].part = "thead"
	}
	// If nothing but headers is left, the last row stays alone in the body.
}

// scoped tells whether all header cells say which cells they are for.
func scoped(list []row) bool {
	for _, r := range list {
		for _, c := range r.cells {
			if c.Type == "TH" && c.Attributes().Scope == "" {
				return false
			}
		}
	}
	return true
}

type tableWriter struct {
	*builder
	flow flow
	// plain makes data cells of all cells.
	plain bool
	// named tells that cells name their headers; headers are the identifiers in HTML of those that are named.
	named   bool
	headers map[string]string
}

// name gives identifiers to the headers that cells name.
func (t *tableWriter) name(list []row) {
	if !t.named {
		return
	}
	for _, r := range list {
		for _, c := range r.cells {
			for _, id := range c.Attributes().Headers {
				t.headers[id] = ""
			}
		}
	}
	for _, r := range list {
		for _, c := range r.cells {
			if _, wanted := t.headers[c.Attributes().ID]; wanted && c.Type == "TH" && t.headers[c.Attributes().ID] == "" {
				t.headers[c.Attributes().ID] = t.numbered("header")
			}
		}
	}
}

func (t *tableWriter) write(table *html.Node, list []row) {
	left := make([]int, len(list)) // rows of the same part from each on
	for i := range slices.Backward(list) {
		left[i] = 1
		if i+1 < len(list) && list[i+1].part == list[i].part {
			left[i] += left[i+1]
		}
	}
	var group *html.Node
	for i, r := range list {
		if group == nil || group.Data != r.part {
			if group != nil {
				group.AppendChild(text("\n"))
			}
			group = element(r.part)
			t.add(table, group)
		}
		tr := element("tr")
		for j, c := range r.cells {
			t.cell(tr, c, r.part == "thead", j == 0, left[i])
		}
		tr.AppendChild(text("\n"))
		t.add(group, tr)
	}
	if group != nil {
		group.AppendChild(text("\n"))
	}
}

// cell writes a cell; left is how many rows of its group there are from it on.
func (t *tableWriter) cell(tr *html.Node, n *structure.Node, head, first bool, left int) {
	e := element("td")
	f := t.flow
	if n.Type == "TH" && !t.plain {
		e = element("th")
		f.noHeadings, f.plain.bold = true, true
	}
	t.foreign(e, n)
	t.blocks(e, n.Kids, f)
	if e.Data == "th" {
		if hasContent(e) || cleanLine(n.Attributes().Alt) != "" {
			t.header(e, n, head, first)
		} else { // an empty header is none
			e.Data, e.DataAtom = "td", element("td").DataAtom
		}
	}
	if label := cleanLine(n.Attributes().Alt); label != "" && !t.plain {
		set(e, "aria-label", label)
	}
	if span := min(n.Attributes().ColSpan, maxTableSpan); span > 1 {
		set(e, "colspan", strconv.Itoa(span))
	}
	if span := min(n.Attributes().RowSpan, left); span > 1 {
		set(e, "rowspan", strconv.Itoa(span))
	}
	if t.named {
		ids := ""
		for _, id := range n.Attributes().Headers {
			if known := t.headers[id]; known != "" && id != n.Attributes().ID {
				ids += " " + known
			}
		}
		if ids != "" {
			set(e, "headers", ids[1:])
		}
	}
	t.place(e, n)
	t.add(tr, e)
}

func (t *tableWriter) header(e *html.Node, n *structure.Node, head, first bool) {
	scope := "col"
	switch {
	case n.Attributes().Scope == "Row" || n.Attributes().Scope == "" && first && !head:
		scope = "row"
	case n.Attributes().Scope == "Both" && first && !head:
		scope = "row"
	}
	set(e, "scope", scope)
	if id := t.headers[n.Attributes().ID]; id != "" {
		set(e, "id", id)
	}
}
