package pdfhtml

import (
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/html"

	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/structure"
)

// link is a link into the document, whose target is known in the end.
type link struct {
	nodes []*html.Node
	to    destination
}

// link gathers a link: its text in an element that leads where its annotation does. It is false if there is nothing
// special about it.
func (g *gatherer) link(n *structure.Node, wraps []*wrap, m manner, depth int) bool {
	if m.inLink {
		return false
	}
	annotation := g.annotationOf(n, 8)
	if annotation == nil {
		return false
	}
	a := element("a")
	w := &wrap{node: a}
	address, to := g.action(annotation)
	switch {
	case address != "":
		set(a, "href", address)
	case to.page > 0:
		w.link = &link{nodes: []*html.Node{a}, to: to}
	default:
		return false
	}
	m.flat, m.inLink = true, true
	inner := gatherer{builder: g.builder}
	list := append(slices.Clip(wraps), w)
	if lang := languageTag(n.Attributes().Lang); lang != "" && lang != g.language {
		set(a, "lang", lang)
	}
	if n.Attributes().ActualText != "" {
		inner.segments = append(inner.segments, segment{
			text: clean(n.Attributes().ActualText), wraps: list, style: g.styleOf(g.firstRun(n), m),
		})
	} else {
		for _, kid := range n.Kids {
			inner.node(kid, list, m, depth+1)
		}
	}
	if !g.linkName(a, inner.segments, n, annotation) {
		// Nothing is shown: readers get the name, if it says more than the address.
		name := g.saidOf(n, annotation)
		if name == "" || name == address {
			return true
		}
		inner.segments = append(inner.segments, segment{text: name, wraps: list})
	}
	if w.link != nil {
		g.anchors.links = append(g.anchors.links, w.link)
	}
	g.segments = append(g.segments, inner.segments...)
	return true
}

// maxLinkParts is how many parts of a link are compared with its words.
const maxLinkParts = 32

// linkName makes sure that a link has a name (WCAG 2.4.4): its text, the alternative of its image, or what the file
// says of it. It is false for a link that shows nothing.
func (g *gatherer) linkName(a *html.Node, segments []segment, n *structure.Node, annotation pdf.Dict) bool {
	var all strings.Builder
	shows := false
	for _, s := range segments {
		shows = shows || !s.silent
		all.WriteString(s.text)
		if s.node != nil {
			all.WriteString(get(s.node, "alt"))
		}
	}
	words := all.String()
	if strings.TrimSpace(words) != "" {
		for _, s := range segments[:min(len(segments), maxLinkParts)] {
			if s.node == nil || s.node.Data != "img" {
				continue
			}
			if alt := get(s.node, "alt"); alt != "" && strings.Count(words, alt) > 1 {
				set(s.node, "alt", "") // an image beside the same words adds nothing
			}
		}
		return true
	}
	if !shows {
		return false
	}
	if name := g.saidOf(n, annotation); name != "" {
		set(a, "aria-label", name)
	} else {
		page, _ := g.firstPlace(n)
		g.flag("link-name", page, "a link shows an image without an alternative text")
	}
	return true
}

// saidOf gives the name that the file has for a link, "" if it has none.
func (b *builder) saidOf(n *structure.Node, annotation pdf.Dict) string {
	name := cleanLine(n.Attributes().Alt)
	if contents, ok := b.file.String(annotation["Contents"]); ok && name == "" {
		name = cleanLine(contents.Text())
	}
	return name
}

// annotationOf gives the link annotation inside of an element.
func (b *builder) annotationOf(n *structure.Node, depth int) pdf.Dict {
	if (n.Content.Annotation != pdf.Ref{}) {
		d, _ := b.file.Dict(n.Content.Annotation)
		if d != nil && b.file.Name(d["Subtype"]) == "Link" {
			return d
		}
	}
	for _, kid := range n.Kids {
		if depth > 0 {
			if d := b.annotationOf(kid, depth-1); d != nil {
				return d
			}
		}
	}
	return nil
}

// action gives where an annotation or a bookmark leads: an address, or a place in the document.
func (b *builder) action(d pdf.Dict) (string, destination) {
	if action, ok := b.file.Dict(d["A"]); ok {
		switch b.file.Name(action["S"]) {
		case "URI":
			s, _ := b.file.String(action["URI"])
			address := safeAddress(s.Text())
			if address == "" && s != "" {
				b.warn("An address that a browser should not follow was left out")
			}
			return address, destination{}
		case "GoTo":
			return "", b.destination(action["D"])
		}
	}
	if d["Dest"] != nil {
		return "", b.destination(d["Dest"])
	}
	return "", destination{}
}

// schemes are those of addresses that only lead somewhere, and run nothing.
var schemes = map[string]bool{"http": true, "https": true, "mailto": true, "tel": true}

// maxAddress bounds the length of an address.
const maxAddress = 8192

// safeAddress gives an address that may stand in a link, "" for others: scripts, files, and what is no address.
func safeAddress(s string) string {
	s = strings.TrimSpace(s)
	if s == "" || len(s) > maxAddress {
		return ""
	}
	for _, r := range s {
		if r < ' ' || r == 0x7f {
			return ""
		}
	}
	if strings.HasPrefix(strings.ToLower(s), "www.") {
		s = "https://" + s
	}
	u, err := url.Parse(s)
	if err != nil {
		// A few characters that may not stand in addresses are common in files.
		u, err = url.Parse(strings.NewReplacer(" ", "%20", "%", "%25").Replace(s))
		if err != nil {
			return ""
		}
	}
	if !schemes[strings.ToLower(u.Scheme)] || u.Host == "" && u.Opaque == "" {
		return ""
	}
	return u.String()
}
