package pdfhtml

import (
	"fmt"
	"regexp"
	"strings"

	"golang.org/x/net/html"

	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/structure"
)

// contents writes a table of contents as navigation.
func (b *builder) contents(parent *html.Node, n *structure.Node, f flow) {
	nav := element("nav")
	b.foreign(nav, n)
	var entries []*structure.Node
	for _, kid := range n.Kids {
		if kid.Type == "Caption" || isHeading(kid.Type) {
			b.block(parent, kid, f)
			continue
		}
		entries = append(entries, kid)
	}
	list := b.entries(entries, 0)
	if list.FirstChild == nil {
		return
	}
	b.nameNavigation(nav)
	b.add(nav, list)
	nav.AppendChild(text("\n"))
	b.add(parent, nav)
	b.navigation = append(b.navigation, nav)
}

func isHeading(kind pdf.Name) bool {
	return kind == "H" || len(kind) == 2 && kind[0] == 'H' && kind[1] >= '1' && kind[1] <= '6'
}

// nameNavigation tells navigations apart.
func (b *builder) nameNavigation(nav *html.Node) {
	name := b.words.contents
	if n := len(b.navigation); n > 0 {
		name = fmt.Sprintf("%s %d", name, n+1)
	}
	set(nav, "aria-label", name)
	b.word(nav)
}

func (b *builder) entries(nodes []*structure.Node, depth int) *html.Node {
	list := element("ul")
	for _, n := range nodes {
		if depth > maxDepth {
			break
		}
		var line, inner []*structure.Node
		switch n.Type {
		case "TOC":
			inner = n.Kids
		case "TOCI":
			for _, kid := range n.Kids {
				if kid.Type == "TOC" {
					inner = append(inner, kid.Kids...)
				} else {
					line = append(line, kid)
				}
			}
		default:
			line = []*structure.Node{n}
		}
		li := element("li")
		plain := style{bold: true, italic: true, mono: true}
		b.fill(li, withoutLeaders(b.join(b.gather(line, manner{flat: true, plain: plain}))))
		if len(inner) > 0 {
			nested := b.entries(inner, depth+1)
			switch {
			case nested.FirstChild == nil:
			case !hasContent(li) && list.LastChild != nil: // of the entry before
				b.add(list.LastChild, nested)
			default:
				b.add(li, nested)
			}
		}
		if hasContent(li) {
			b.add(list, li)
		} else {
			b.keepMarks(li, li)
		}
	}
	if list.FirstChild != nil {
		list.AppendChild(text("\n"))
	}
	return list
}

// leaders are the dots between an entry and its page.
var leaders = regexp.MustCompile(`\s*(?:[.·•_]\s?){3,}\s*|\s*…+\s*`)

// withoutLeaders leaves the dots out; the page stays, after a comma.
func withoutLeaders(segments []segment) []segment {
	for i := range segments {
		s := &segments[i]
		if s.node != nil || !leaders.MatchString(s.text) {
			continue
		}
		parts := leaders.Split(s.text, -1)
		s.text = strings.Join(parts, " ")
		s.run = nil
	}
	return segments
}

// Bounds of the navigation made from bookmarks.
const (
	maxBookmarks     = 5000
	maxBookmarkDepth = 4
	// longContents is from how many entries on the contents are closed at first.
	longContents = 16
)

// outline makes a navigation of the bookmarks, if there are at least two.
func (b *builder) outline() {
	root, ok := b.file.Dict(b.file.Catalog()["Outlines"])
	if !ok {
		return
	}
	o := outliner{builder: b, seen: map[pdf.Ref]bool{}}
	list := o.list(root["First"], 0)
	if o.count < 2 {
		return
	}
	nav := element("nav")
	b.nameNavigation(nav)
	into := nav
	if o.count > longContents {
		into = element("details")
		summary := element("summary")
		summary.AppendChild(text(b.words.contents))
		b.add(into, summary)
		b.add(nav, into)
	}
	b.add(into, list)
	nav.AppendChild(text("\n"))
	b.navigation = append(b.navigation, nav)
}

type outliner struct {
	*builder
	seen  map[pdf.Ref]bool
	count int
}

// list writes the bookmarks of one level. Those that lead nowhere are only written if others are below them.
func (o *outliner) list(first pdf.Object, depth int) *html.Node {
	list := element("ul")
	for at := first; o.count < maxBookmarks; {
		ref, isRef := at.(pdf.Ref)
		d, ok := o.file.Dict(at)
		if !ok || !isRef || o.seen[ref] {
			break
		}
		o.seen[ref] = true
		at = d["Next"]
		title, _ := o.file.String(d["Title"])
		name := cleanLine(title.Text())
		li := element("li")
		address, to := o.action(d)
		to.element, _ = d["SE"].(pdf.Ref)
		switch {
		case name == "":
		case to.page > 0 || address != "":
			a := element("a")
			a.AppendChild(text(name))
			if address != "" {
				set(a, "href", address)
			} else {
				o.anchors.links = append(o.anchors.links, &link{nodes: []*html.Node{a}, to: to})
			}
			o.put(li, a)
			o.count++
		default:
			o.put(li, text(name))
		}
		if depth < maxBookmarkDepth {
			if inner := o.list(d["First"], depth+1); inner.FirstChild != nil {
				o.add(li, inner)
			}
		}
		if hasContent(li) {
			o.add(list, li)
		}
	}
	if list.FirstChild != nil {
		list.AppendChild(text("\n"))
	}
	return list
}
