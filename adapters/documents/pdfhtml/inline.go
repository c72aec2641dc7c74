package pdfhtml

import (
	"slices"
	"strings"

	"golang.org/x/net/html"

	"github.com/perfectworks/backend/adapters/documents/pagetext"
	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/structure"
)

// wrap is an element around a part of a line, such as a link.
type wrap struct {
	node *html.Node
	// pieces counts how often the element was begun anew: only the first has its identifier.
	pieces int
	// link, note tell what has to be known once the place of everything is.
	link *link
}

// segment is a piece of a line: text, or an element that stands in it.
type segment struct {
	text string
	// run is what shows the text, nil for text that replaces what is shown.
	run  *pagetext.Run
	page int
	// node is an element that stands in the line, block a part of the structure that interrupts it.
	node  *html.Node
	block *structure.Node
	wraps []*wrap
	style style
	// silent is an element that is not seen, such as a page break: text goes on across it.
	silent bool
	// raised tells that an element around it raises it already; tight that no space stands before it.
	raised, tight bool
}

// manner says how a line is gathered.
type manner struct {
	// flat turns blocks inside into text: headings and links do not hold blocks.
	flat bool
	// noBreaks leaves page breaks to the block that follows.
	noBreaks bool
	// plain are the styles that the element has by itself.
	plain style
	// inLink tells that a link is around it: links do not nest.
	inLink bool
}

// maxDepth bounds how deep a structure is followed into elements of HTML; what lies deeper becomes text.
const maxDepth = 96

// gatherer collects the segments of one block.
type gatherer struct {
	*builder
	segments []segment
	// over is the link around the last text that lies in the area of one, overRef its annotation.
	over    *wrap
	overRef pdf.Ref
}

func (b *builder) gather(nodes []*structure.Node, m manner) []segment {
	g := gatherer{builder: b}
	for _, n := range nodes {
		g.node(n, nil, m, 0)
	}
	return g.segments
}

func (g *gatherer) node(n *structure.Node, wraps []*wrap, m manner, depth int) {
	if depth > 2*maxDepth {
		return
	}
	if n.Type == "" {
		g.leaf(n, wraps, m)
		return
	}
	if g.special(n, wraps, m, depth) {
		return
	}
	if isBlock(n) {
		if !m.flat {
			g.segments = append(g.segments, segment{block: n})
			return
		}
		g.space(wraps)
		defer g.space(wraps)
	}
	wraps, m = g.around(n, wraps, m)
	if replaced := n.Attributes().ActualText; replaced != "" {
		page, _ := g.firstPlace(n)
		g.turn(page, wraps, m)
		g.segments = append(g.segments, segment{
			text: clean(replaced), page: page, wraps: wraps, style: g.styleOf(g.firstRun(n), m),
		})
		return
	}
	for _, kid := range n.Kids {
		g.node(kid, wraps, m, depth+1)
	}
}

// space parts what stood on lines of its own.
func (g *gatherer) space(wraps []*wrap) {
	if len(g.segments) > 0 {
		g.segments = append(g.segments, segment{text: " ", wraps: wraps})
	}
}

// special gathers what is more than text in an element. It is false for what is not.
func (g *gatherer) special(n *structure.Node, wraps []*wrap, m manner, depth int) bool {
	switch n.Type {
	case "Figure", "Formula":
		if isBlock(n) && !m.flat {
			return false
		}
		return g.inlineFigure(n, wraps, m)
	case "Note":
		if !m.flat {
			g.noteInside(n, wraps)
			return true
		}
	case "Reference":
		if target := g.notes.of[n]; target != nil {
			g.reference(n, target, wraps, m, depth)
			return true
		}
	case "Link":
		if target := g.notes.of[n]; target != nil && !m.inLink {
			g.reference(n, target, wraps, m, depth)
			return true
		}
		return g.link(n, wraps, m, depth)
	case "Form":
		return g.form(n, wraps, m)
	case "Annot":
		return n.Attributes().Alt == "" && len(n.Kids) == 0
	case "Span":
		if n.Attributes().Alt != "" && n.Attributes().ActualText == "" && !g.hasText(n) && !g.hasImage(n) {
			// What is drawn without text, such as an icon, is said by its alternative.
			g.segments = append(g.segments, segment{text: clean(n.Attributes().Alt), wraps: wraps})
			return true
		}
	case "Quote":
		return g.quote(n, wraps, m, depth)
	case "Ruby":
		return g.ruby(n, wraps, m, depth)
	}
	return false
}

// around gives the elements that an element of the structure puts around its text.
func (g *gatherer) around(n *structure.Node, wraps []*wrap, m manner) ([]*wrap, manner) {
	var e *html.Node
	switch n.Type {
	case "Code":
		e = element("code")
		m.plain.mono = true
	}
	if e == nil && n.Attributes().Expansion != "" {
		e = element("abbr", "title", cleanLine(n.Attributes().Expansion))
	}
	lang := languageTag(n.Attributes().Lang)
	if lang != "" && lang != g.language && !isBlock(n) {
		if e == nil {
			e = element("span")
		}
		set(e, "lang", lang)
	}
	if e == nil {
		return wraps, m
	}
	return append(slices.Clip(wraps), &wrap{node: e}), m
}

// leaf gathers the runs and images of a leaf.
func (g *gatherer) leaf(n *structure.Node, wraps []*wrap, m manner) {
	p := g.pageOf(n.Content.Page)
	if p == nil {
		return
	}
	if (n.Content.Annotation != pdf.Ref{}) {
		g.field(n.Content, wraps)
	}
	if len(n.Content.Runs)+len(n.Content.Images) == 0 {
		return
	}
	g.turn(n.Content.Page, wraps, m)
	for _, i := range n.Content.Runs {
		if i < 0 || i >= len(p.Runs()) || p.Runs()[i].Text == "" {
			continue
		}
		run, around := &p.Runs()[i], wraps
		if !m.inLink {
			around = g.automatic(n.Content.Page, run, wraps)
		}
		g.segments = append(g.segments, segment{
			text: clean(run.Text), run: run, page: n.Content.Page, wraps: around, style: g.styleOf(run, m),
		})
	}
	for _, i := range n.Content.Images {
		if img := g.image(n.Content.Page, i); img != nil {
			g.flagImage(n.Content.Page)
			g.segments = append(g.segments, segment{node: img, page: n.Content.Page, wraps: wraps})
		}
	}
}

// turn begins a page inside of a line.
func (g *gatherer) turn(page int, wraps []*wrap, m manner) {
	if m.noBreaks || page <= g.page {
		return
	}
	for _, mark := range g.pageBreaks(page) {
		g.segments = append(g.segments, segment{node: mark, page: page, wraps: wraps, silent: true})
	}
}

func (g *gatherer) ruby(n *structure.Node, wraps []*wrap, m manner, depth int) bool {
	outer := append(slices.Clip(wraps), &wrap{node: element("ruby")})
	for _, kid := range n.Kids {
		inner := outer
		switch kid.Type {
		case "RT", "RP":
			inner = append(slices.Clip(outer), &wrap{node: element(strings.ToLower(string(kid.Type)))})
		case "RB":
		default:
			g.node(kid, outer, m, depth+1)
			continue
		}
		for _, part := range kid.Kids {
			g.node(part, inner, m, depth+1)
		}
	}
	return true
}
