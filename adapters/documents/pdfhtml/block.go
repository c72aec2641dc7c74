package pdfhtml

import (
	"slices"

	"golang.org/x/net/html"

	"github.com/perfectworks/backend/adapters/documents/pagetext"
	"github.com/perfectworks/backend/adapters/documents/pdf"
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

// blockTypes are those of ISO 32000-1, 14.8.4 that stand on lines of their own.
var blockTypes = map[pdf.Name]bool{
	"Document": true, "Part": true, "Art": true, "Sect": true, "BlockQuote": true, "Caption": true, "TOC": true,
	"TOCI": true, "Index": true, "P": true, "H": true, "H1": true, "H2": true, "H3": true, "H4": true, "H5": true,
	"H6": true, "L": true, "LI": true, "Table": true, "TR": true, "TH": true, "TD": true, "THead": true, "TBody": true,
	"TFoot": true,
}

// isBlock tells whether an element stands on lines of its own: by its type, or by what is inside of it.
func isBlock(n *structure.Node) bool { return isBlockWithin(n, 8) }

func isBlockWithin(n *structure.Node, depth int) bool {
	if blockTypes[n.Type] {
		return true
	}
	switch n.Type {
	case "Div", "NonStruct", "Private", "Figure", "Formula", "LBody":
		for _, kid := range n.Kids {
			if depth > 0 && isBlockWithin(kid, depth-1) {
				return true
			}
		}
	}
	return false
}

// transparent tells whether an element only groups.
func transparent(n *structure.Node) bool {
	switch n.Type {
	case "Document", "Part", "Div", "NonStruct", "Private", "LBody":
		return n.ActualText == ""
	}
	return false
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

// paragraphs counts what would become paragraphs, up to two.
func (b *builder) paragraphs(nodes []*structure.Node, depth int) int {
	count := 0
	var before *structure.Node
	for _, n := range nodes {
		switch {
		case n.Type == "P":
			count++
		case depth < 8 && transparent(n) && isBlock(n):
			count += b.paragraphs(n.Kids, depth+1)
		case b.holdsLines(n):
			count += 2
		case !isBlock(n) && n.Type != "Note" && n.Type != "Figure":
			if before == nil || b.apart(before, n) {
				count++
			}
			before = n
			continue
		}
		before = nil
		if count > 1 {
			break
		}
	}
	return count
}

// apart tells whether two neighbours without paragraphs of their own are such by being groups on different lines.
func (b *builder) apart(a, n *structure.Node) bool {
	if !transparent(a) || !transparent(n) {
		return false
	}
	last, first := b.lastRun(a), b.firstRun(n)
	return last != nil && first != nil && structure.Separator(last, first) == structure.NewLine && first.Baseline != last.Baseline
}

// holdsLines tells whether a group without paragraphs consists of groups on different lines.
func (b *builder) holdsLines(n *structure.Node) bool {
	if !transparent(n) || isBlock(n) {
		return false
	}
	for i := 1; i < len(n.Kids); i++ {
		if b.apart(n.Kids[i-1], n.Kids[i]) {
			return true
		}
	}
	return false
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
	if lang := languageTag(n.Lang); lang != "" && lang != b.language && (transparent(n) || n.Type == "Sect" || n.Type == "Art") {
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
	if lang := languageTag(n.Lang); lang != "" && lang != b.language {
		set(e, "lang", lang)
		if isRightToLeft(lang) != b.rightToLeft {
			set(e, "dir", map[bool]string{true: "rtl", false: "ltr"}[isRightToLeft(lang)])
		}
	}
}

func (b *builder) para(parent *html.Node, n *structure.Node, f flow) {
	m := manner{plain: f.plain}
	nodes := n.Kids
	if n.ActualText != "" {
		nodes = []*structure.Node{{Type: "Span", ActualText: n.ActualText, Kids: n.Kids}}
	}
	lang := languageTag(n.Lang)
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

// holdsHeading tells whether there is a heading within some levels.
func holdsHeading(n *structure.Node, depth int) bool {
	if len(n.Type) > 0 && n.Type[0] == 'H' {
		return true
	}
	return depth > 0 && slices.ContainsFunc(n.Kids, func(kid *structure.Node) bool { return holdsHeading(kid, depth-1) })
}

// firstRun and lastRun give the outermost runs of a part of the structure, nil if it has no text.
func (b *builder) firstRun(n *structure.Node) *pagetext.Run {
	var first *pagetext.Run
	b.eachRun(n, func(_ int, run *pagetext.Run) bool {
		first = run
		return false
	})
	return first
}

func (b *builder) lastRun(n *structure.Node) *pagetext.Run {
	if p := b.pageOf(n.Content.Page); n.Type == "" && p != nil {
		for _, i := range slices.Backward(n.Content.Runs) {
			if i >= 0 && i < len(p.Runs) {
				return &p.Runs[i]
			}
		}
	}
	for _, kid := range slices.Backward(n.Kids) {
		if run := b.lastRun(kid); run != nil {
			return run
		}
	}
	return nil
}

func (b *builder) hasText(n *structure.Node) bool { return b.firstRun(n) != nil }

func (b *builder) hasImage(n *structure.Node) bool {
	return len(n.Content.Images) > 0 || slices.ContainsFunc(n.Kids, b.hasImage)
}
