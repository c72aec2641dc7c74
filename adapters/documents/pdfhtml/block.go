package pdfhtml

import (
	"golang.org/x/net/html"

	"github.com/perfectworks/backend/adapters/documents/structure"
)

// flow says what may stand where blocks are written.
type flow struct {
	// tight tells that a single paragraph needs no element of its own, as in an item or a cell.
	tight bool
	// noHeadings tells that headings and landmarks may not stand here.
	noHeadings bool
	// plain are the styles that the text has by itself.
	plain style
	depth int
	// sections counts the sections around, for headings without a level.
	sections int
}

// blocks writes parts of the structure as blocks. What is no block becomes a paragraph, together with its neighbours.
func (b *builder) blocks(parent *html.Node, nodes []*structure.Node, f flow) {
	if f.depth > maxDepth {
		b.paragraph(parent, nodes, manner{flat: true})
		return
	}
	nodes = withCaptions(nodes)
	if f.tight && b.paragraphs(nodes, 0) > 1 {
		f.tight = false
	}
	var pending []*structure.Node
	flush := func() {
		if len(pending) > 0 {
			b.loose(parent, pending, f)
			pending = nil
		}
	}
	for _, n := range nodes {
		inline := n.Type == "" || !isBlock(n) && n.Type != "Note" && n.Type != "Figure" && !b.isListing(n) && !b.holdsLines(n)
		if inline {
			if len(pending) > 0 && b.apart(pending[len(pending)-1], n) {
				flush()
			}
			pending = append(pending, n)
			continue
		}
		flush()
		b.block(parent, n, f)
	}
	flush()
}

// loose writes what has no block of its own.
func (b *builder) loose(parent *html.Node, nodes []*structure.Node, f flow) {
	if f.tight {
		b.inside(parent, nodes, f)
		return
	}
	b.begin(parent, nodes...)
	b.paragraph(parent, nodes, manner{plain: f.plain})
}

// inside writes the only paragraph of an element into the element itself.
func (b *builder) inside(parent *html.Node, nodes []*structure.Node, f flow) {
	b.place(parent, nodes...)
	b.divide(parent, nodes, manner{plain: f.plain}, f, func(segments []segment) { b.fill(parent, segments) })
}

// paragraph writes a paragraph; blocks inside of it divide it.
func (b *builder) paragraph(parent *html.Node, nodes []*structure.Node, m manner, attributes ...string) {
	b.divide(parent, nodes, m, flow{plain: m.plain}, func(segments []segment) {
		p := element("p", attributes...)
		if dir := b.direction(segments); dir != "" {
			set(p, "dir", dir)
		}
		b.fill(p, segments)
		if hasContent(p) {
			b.place(p, nodes...)
			b.add(parent, p)
		} else {
			b.keepMarks(parent, p)
		}
	})
}

// keepMarks saves the page breaks of an element that is left out.
func (b *builder) keepMarks(parent, from *html.Node) {
	for c := from.FirstChild; c != nil; {
		next := c.NextSibling
		if get(c, "role") == "doc-pagebreak" {
			from.RemoveChild(c)
			b.add(parent, c)
		}
		c = next
	}
}

// divide gathers the text of nodes and writes it with write, interrupted by the blocks and notes inside of it.
func (b *builder) divide(parent *html.Node, nodes []*structure.Node, m manner, f flow, write func([]segment)) {
	segments := b.gather(nodes, m)
	level(segments)
	notes := b.notes.pending
	b.notes.pending = nil
	f.depth++
	f.tight = false
	start := 0
	for i, s := range segments {
		if s.block != nil {
			if i > start {
				write(segments[start:i])
			}
			b.block(parent, s.block, f)
			start = i + 1
		}
	}
	if start < len(segments) {
		write(segments[start:])
	}
	for _, n := range notes {
		b.note(parent, n, f)
	}
}

// block writes one block.
func (b *builder) block(parent *html.Node, n *structure.Node, f flow) {
	inner := f
	inner.depth++
	inner.tight = false
	if n.Type != "P" && !f.tight {
		b.begin(parent, n)
	}
	lang := languageTag(n.Attributes().Lang)
	if lang != "" && lang != b.language && (transparent(n) || n.Type == "Sect" || n.Type == "Art") {
		group := element("div", "lang", lang)
		b.add(parent, group)
		parent = group
	}
	if b.isListing(n) {
		b.listing(parent, n)
		return
	}
	switch n.Type {
	case "P":
		b.para(parent, n, f)
	case "H", "H1", "H2", "H3", "H4", "H5", "H6":
		b.heading(parent, n, f)
	case "L":
		b.list(parent, n, inner)
	case "LI":
		b.list(parent, &structure.Node{Type: "L", Kids: []*structure.Node{n}}, inner)
	case "Table":
		b.table(parent, n, inner)
	case "TR", "THead", "TBody", "TFoot":
		b.table(parent, &structure.Node{Type: "Table", Kids: []*structure.Node{n}}, inner)
	case "Figure", "Formula":
		b.figure(parent, n, inner)
	case "Caption":
		b.paragraph(parent, n.Kids, manner{plain: f.plain}, "class", "caption")
	case "BlockQuote":
		b.group(parent, "blockquote", n, inner)
	case "Art":
		inner.sections++
		b.group(parent, "article", n, inner)
	case "Sect", "Index":
		inner.sections++
		if f.noHeadings || !holdsHeading(n, 4) {
			b.blocks(parent, n.Kids, inner)
			return
		}
		b.group(parent, "section", n, inner)
	case "TOC":
		b.contents(parent, n, inner)
	case "TOCI":
		b.contents(parent, &structure.Node{Type: "TOC", Kids: []*structure.Node{n}}, inner)
	case "Note":
		b.note(parent, n, inner)
	default:
		inner.tight = f.tight
		b.blocks(parent, n.Kids, inner)
	}
}

// group writes an element around blocks.
func (b *builder) group(parent *html.Node, tag string, n *structure.Node, f flow) {
	e := element(tag)
	b.foreign(e, n)
	b.blocks(e, n.Kids, f)
	if hasContent(e) {
		e.AppendChild(text("\n"))
		b.place(e, n)
		b.add(parent, e)
	} else {
		b.keepMarks(parent, e)
	}
}

// foreign gives an element the language that its part of the structure has, if it is another than the document's.
func (b *builder) foreign(e *html.Node, n *structure.Node) {
	if lang := languageTag(n.Attributes().Lang); lang != "" && lang != b.language {
		set(e, "lang", lang)
		if isRightToLeft(lang) != b.rightToLeft {
			set(e, "dir", map[bool]string{true: "rtl", false: "ltr"}[isRightToLeft(lang)])
		}
	}
}

func (b *builder) para(parent *html.Node, n *structure.Node, f flow) {
	m := manner{plain: f.plain}
	nodes := n.Kids
	if n.Attributes().ActualText != "" {
		nodes = []*structure.Node{{Type: "Span", Kids: n.Kids, Extra: &structure.Attributes{ActualText: n.Attributes().ActualText}}}
	}
	lang := languageTag(n.Attributes().Lang)
	if f.tight && (lang == "" || lang == b.language) {
		b.inside(parent, nodes, f)
		return
	}
	if !f.tight {
		b.begin(parent, n)
	}
	var attributes []string
	if lang != "" && lang != b.language {
		attributes = append(attributes, "lang", lang)
	}
	b.paragraph(parent, nodes, m, attributes...)
}
