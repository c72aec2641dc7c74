package htmlfix

import (
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html"

	"github.com/perfectworks/backend/adapters/documents/htmlcheck"
)

// block is a run of siblings with content that lies in no landmark.
type block struct {
	first, last *html.Node
	// text and linked count characters, links the links.
	text, linked, links int
	// heading is the first heading in it, nil if there is none.
	heading *html.Node
}

// lookout knows what a search for blocks looks at.
type lookout struct {
	*plan
	// landmarks are the elements that are landmarks or will be, holders those with one inside.
	landmarks, holders map[*html.Node]bool
	skips              map[*html.Node]bool
	blocks             []block
	// length is that of the body's text, in bytes.
	length int
}

// liveRoles are those of content that need not lie in a landmark.
var liveRoles = []string{"dialog", "alertdialog", "alert", "log", "status"}

// lookForBlocks finds the content of the body that lies in no landmark. landmarks are elements that will be ones.
func (p *plan) lookForBlocks(body *html.Node, landmarks []*html.Node) []block {
	l := &lookout{plan: p, landmarks: map[*html.Node]bool{}, holders: map[*html.Node]bool{}, skips: map[*html.Node]bool{}}
	for _, n := range p.Elements {
		if role := p.Role(n); p.Shown(n) && (htmlcheck.IsLandmark(role) || slices.Contains(liveRoles, role)) {
			landmarks = append(landmarks, n)
		}
	}
	for _, n := range landmarks {
		l.landmarks[n] = true
		for up := n.Parent; up != nil && !l.holders[up]; up = up.Parent {
			l.holders[up] = true
		}
	}
	for _, n := range p.SkipLinks() {
		l.skips[n] = true
	}
	for _, f := range p.findings("skip-link") { // they get a main part to lead to
		l.skips[f.Node] = true
	}
	l.length = len(htmlcheck.Text(body))
	l.search(l.container(body))
	return l.blocks
}

// container goes down from the body through elements that hold all of it, such as a wrapper or a table for layout.
func (l *lookout) container(n *html.Node) *html.Node {
	for {
		var only *html.Node
		for kid := n.FirstChild; kid != nil; kid = kid.NextSibling {
			switch {
			case !isContent(kid) || kid.Type == html.ElementNode && (noContent(kid) || !l.Shown(kid) || l.skips[kid]):
			case only != nil || kid.Type == html.TextNode:
				return n
			default:
				only = kid
			}
		}
		if only == nil || !htmlcheck.Named("div", "center", "form")(only) || l.landmarks[only] || !isPlain(l.Role(only)) {
			return n
		}
		n = only
	}
}

// isPlain recognizes the role of an element that only holds others, so that a part of the page may lie in it.
func isPlain(role string) bool {
	return slices.Contains([]string{"", "generic", "none", "presentation", "group", "form"}, role)
}

func (l *lookout) search(n *html.Node) {
	open := false
	for kid := n.FirstChild; kid != nil; kid = kid.NextSibling {
		if kid.Type == html.ElementNode {
			switch {
			case noContent(kid) || !l.Shown(kid):
				continue
			case l.landmarks[kid] || l.skips[kid]:
				open = false
				continue
			case l.holders[kid]:
				open = false
				l.search(kid)
				continue
			case l.isLayout(kid):
				open = false
				for _, row := range htmlcheck.Rows(kid) {
					for _, cell := range row {
						l.search(l.container(cell))
					}
				}
				continue
			}
		}
		if !isContent(kid) {
			continue
		}
		if !open {
			l.blocks, open = append(l.blocks, block{first: kid}), true
		}
		b := &l.blocks[len(l.blocks)-1]
		b.last = kid
		l.measure(b, kid, false)
	}
}

// isLayout reports whether a table lays out the page: most of the page's text is in it, and its cells hold blocks.
func (l *lookout) isLayout(n *html.Node) bool {
	if n.Data != "table" || len(htmlcheck.Text(n))*2 < l.length {
		return false
	}
	cells, blocks := 0, false
	for _, row := range htmlcheck.Rows(n) {
		for _, cell := range row {
			cells++
			if l.Role(cell) == "columnheader" || l.Role(cell) == "rowheader" {
				return false
			}
			blocks = blocks || htmlcheck.Under(cell, htmlcheck.Named("p", "h1", "h2", "h3", "ul", "ol", "table", "div", "form"))
		}
	}
	return cells > 1 && blocks
}

func (l *lookout) measure(b *block, n *html.Node, linked bool) {
	if n.Type == html.TextNode {
		length := utf8.RuneCountInString(strings.TrimSpace(n.Data))
		b.text += length
		if linked {
			b.linked += length
		}
		return
	}
	if n.Type == html.ElementNode {
		if !l.Shown(n) {
			return
		}
		switch l.Role(n) {
		case "link":
			b.links++
			linked = true
		case "heading":
			if b.heading == nil && l.Name(n) != "" {
				b.heading = n
			}
		}
	}
	for kid := n.FirstChild; kid != nil; kid = kid.NextSibling {
		l.measure(b, kid, linked)
	}
}

// isNavigation reports whether a block is little more than links.
func (b block) isNavigation() bool {
	return b.links >= 3 && b.linked*10 >= b.text*7
}
