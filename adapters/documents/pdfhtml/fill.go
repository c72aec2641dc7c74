package pdfhtml

import (
	"strings"

	"golang.org/x/net/html"
)

// open is an element that is being filled: that of a wrap, or one for a style.
type open struct {
	wrap *wrap
	tag  string
	node *html.Node
}

// is tells whether two are the same element, of which only one may be made yet.
func (o open) is(other open) bool { return o.wrap == other.wrap && o.tag == other.tag }

// fill writes segments into an element, which then may still be empty.
func (b *builder) fill(parent *html.Node, segments []segment) {
	var stack []open
	into := parent
	var line strings.Builder // text that goes into the same element
	flush := func() {
		if line.Len() > 0 {
			b.put(into, text(line.String()))
			line.Reset()
		}
	}
	for _, s := range b.join(segments) {
		same, wanted := 0, elementsOf(s)
		for same < min(len(stack), len(wanted)) && stack[same].is(wanted[same]) {
			same++
		}
		if same < len(stack) || same < len(wanted) {
			flush()
			stack = stack[:same]
			into = parent
			if same > 0 {
				into = stack[same-1].node
			}
		}
		for _, o := range wanted[same:] {
			if o.wrap == nil {
				o.node = element(o.tag)
			} else {
				o.node = o.wrap.begin()
			}
			b.put(into, o.node)
			into = o.node
			stack = append(stack, o)
		}
		if s.node != nil {
			flush()
			b.put(into, s.node)
		} else {
			line.WriteString(s.text)
		}
	}
	flush()
}

// elementsOf gives the elements around a segment, the outermost first.
func elementsOf(s segment) []open {
	var out []open
	for _, w := range s.wraps {
		out = append(out, open{wrap: w})
	}
	for _, tag := range s.style.tags() {
		out = append(out, open{tag: tag})
	}
	return out
}

// begin gives the element, or a copy of it where it was interrupted.
func (w *wrap) begin() *html.Node {
	w.pieces++
	if w.pieces == 1 {
		return w.node
	}
	again := element(w.node.Data)
	for _, a := range w.node.Attr {
		if a.Key != "id" {
			again.Attr = append(again.Attr, a)
		}
	}
	if w.link != nil {
		w.link.nodes = append(w.link.nodes, again)
	}
	return again
}
