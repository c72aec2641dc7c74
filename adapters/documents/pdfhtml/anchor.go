package pdfhtml

import (
	"math"
	"slices"
	"strconv"

	"golang.org/x/net/html"

	"github.com/perfectworks/backend/adapters/documents/pagetext"
	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/structure"
)

// anchors are the places of blocks on their pages, to which links lead.
type anchors struct {
	byPage map[int][]anchor
	// marks are the page breaks, elements what structure elements became.
	marks    map[int]*html.Node
	elements map[pdf.Ref]*html.Node
	links    []*link
}

type anchor struct {
	left, top float64
	node      *html.Node
}

func (a anchor) isHeading() bool {
	return isHeading(pdf.Name("H"+a.node.Data[1:])) && a.node.Data[0] == 'h'
}

// place notes where on its page an element begins.
func (b *builder) place(e *html.Node, nodes ...*structure.Node) {
	for _, n := range nodes {
		if (n.Ref != pdf.Ref{}) {
			if b.anchors.elements == nil {
				b.anchors.elements = map[pdf.Ref]*html.Node{}
			}
			b.anchors.elements[n.Ref] = e
		}
		page, box := b.firstPlace(n)
		if page == 0 {
			continue
		}
		if b.anchors.byPage == nil {
			b.anchors.byPage = map[int][]anchor{}
		}
		b.anchors.byPage[page] = append(b.anchors.byPage[page], anchor{left: box.Left, top: box.Top, node: e})
		return
	}
}

// firstPlace gives the page and the box of the first content beneath a node, 0 if there is none.
func (b *builder) firstPlace(n *structure.Node) (int, pagetext.Rect) {
	if n.Type == "" {
		p := b.pageOf(n.Content.Page)
		if p == nil {
			return 0, pagetext.Rect{}
		}
		for _, i := range n.Content.Runs {
			if i >= 0 && i < len(p.Runs()) {
				return p.Number, p.Runs()[i].Box
			}
		}
		for _, i := range n.Content.Images {
			if i >= 0 && i < len(p.Images) {
				return p.Number, p.Images[i].Box
			}
		}
		for _, i := range n.Content.Shapes {
			if i >= 0 && i < len(p.Shapes()) {
				return p.Number, p.Shapes()[i].Box
			}
		}
		return 0, pagetext.Rect{}
	}
	for _, kid := range n.Kids {
		if page, box := b.firstPlace(kid); page > 0 {
			return page, box
		}
	}
	return 0, pagetext.Rect{}
}

// begin writes page breaks before blocks that begin on a new page.
func (b *builder) begin(parent *html.Node, nodes ...*structure.Node) {
	for _, n := range nodes {
		if page, _ := b.firstPlace(n); page > 0 {
			for _, mark := range b.pageBreaks(page) {
				b.add(parent, mark)
			}
			return
		}
	}
}

// pageBreaks gives the marks of the pages up to one that now begins. A document of one page has none.
func (b *builder) pageBreaks(page int) []*html.Node {
	if len(b.pages) < 2 || page > len(b.pages) {
		return nil
	}
	var out []*html.Node
	for b.page < page {
		b.page++
		id := "page-" + strconv.Itoa(b.page)
		if b.ids[id] {
			id = b.numbered(id)
		}
		b.ids[id] = true
		mark := element("span", "role", "doc-pagebreak", "id", id, "title", b.words.page+" "+b.pageLabel(b.page))
		b.word(mark)
		if b.anchors.marks == nil {
			b.anchors.marks = map[int]*html.Node{}
		}
		b.anchors.marks[b.page] = mark
		out = append(out, mark)
	}
	return out
}

const (
	// above is how far a destination may lie above the block that it means, in points: viewers show some space.
	above = 40
	// below is how far it may lie below the top of that block, or above it and yet be just there.
	below = 4
	// inset is how far to the right of a block's left edge a destination may lie that means the block.
	inset = 24
	// maxCandidates is how many blocks are compared.
	maxCandidates = 32
)

// connect gives links into the document the block that they lead to.
func (b *builder) connect() {
	for page := range b.anchors.byPage {
		slices.SortStableFunc(b.anchors.byPage[page], func(a, c anchor) int {
			switch {
			case a.top > c.top:
				return -1
			case a.top < c.top:
				return 1
			}
			return 0
		})
	}
	for _, l := range b.anchors.links {
		id := ""
		if node := b.target(l); node != nil {
			if id = get(node, "id"); id == "" {
				id = b.numbered("p" + strconv.Itoa(l.to.page))
				set(node, "id", id)
			}
		}
		for _, a := range l.nodes {
			if id == "" {
				a.Data, a.DataAtom = "span", 0
				continue
			}
			set(a, "href", "#"+id)
		}
	}
}

// target finds the block that a destination means: a heading near it, or else the first block whose top is not above
// it, or else the break before the page.
func (b *builder) target(l *link) *html.Node {
	to := l.to
	if node := b.anchors.elements[to.element]; node != nil {
		return node
	}
	list := b.anchors.byPage[to.page]
	mark := b.anchors.marks[to.page]
	if !to.exact && mark != nil {
		return mark
	}
	if len(list) == 0 {
		return mark
	}
	if !to.exact {
		return list[0].node
	}
	// Those below the destination, the highest first.
	from, _ := slices.BinarySearchFunc(list, to.top+below, func(a anchor, top float64) int {
		if a.top > top {
			return -1
		}
		return 1
	})
	var best *anchor
	for i := from; i < min(len(list), from+maxCandidates) && list[i].top > to.top-above; i++ {
		a := &list[i]
		if to.left > a.left+inset {
			continue // the place is inside of a line of a block above
		}
		near := a.top > to.top-below
		switch {
		case best == nil:
			best = a
		case best.top > to.top-below: // what begins just there counts before a heading further down
			if near && math.Abs(a.left-to.left) < math.Abs(best.left-to.left) {
				best = a
			}
		case a.isHeading() && !best.isHeading():
			best = a
		case best.top-a.top <= 2*below && a.isHeading() == best.isHeading():
			if math.Abs(a.left-to.left) < math.Abs(best.left-to.left) {
				best = a
			}
		}
	}
	switch {
	case best != nil:
		return best.node
	case from > 0: // inside of the block above
		return list[from-1].node
	case mark != nil:
		return mark
	}
	return list[0].node
}
