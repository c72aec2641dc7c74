package pdfhtml

import (
	"strconv"

	"golang.org/x/net/html"

	"github.com/perfectworks/backend/adapters/documents/structure"
)

// headings gives headings levels that begin with 1 and never skip one: those in the file may do both.
type headings struct{ open []int }

func (h *headings) level(wanted int) int {
	for len(h.open) > 0 && h.open[len(h.open)-1] >= wanted {
		h.open = h.open[:len(h.open)-1]
	}
	h.open = append(h.open, wanted)
	return min(len(h.open), 6)
}

func (b *builder) heading(parent *html.Node, n *structure.Node, f flow) {
	if f.noHeadings {
		b.paragraph(parent, n.Kids, manner{plain: f.plain})
		return
	}
	e := element("h6")
	b.foreign(e, n)
	nodes := n.Kids
	if n.Attributes().ActualText != "" {
		nodes = []*structure.Node{{Type: "Span", Kids: n.Kids, Extra: &structure.Attributes{ActualText: n.Attributes().ActualText}}}
	}
	segments := b.gather(nodes, manner{flat: true, noBreaks: true, plain: style{bold: true, italic: true, mono: true}})
	level(segments)
	if dir := b.direction(segments); dir != "" {
		set(e, "dir", dir)
	}
	b.fill(e, segments)
	if !hasContent(e) {
		return
	}
	wanted := f.sections + 1
	if len(n.Type) == 2 {
		wanted = int(n.Type[1] - '0')
	}
	e.Data = "h" + strconv.Itoa(b.headings.level(wanted))
	e.DataAtom = element(e.Data).DataAtom
	set(e, "id", b.unique(textOf(e)))
	if b.firstHeading == nil {
		b.firstHeading = e
	}
	b.place(e, n)
	b.add(parent, e)
	notes := b.notes.pending
	b.notes.pending = nil
	for _, note := range notes {
		b.note(parent, note, f)
	}
}
