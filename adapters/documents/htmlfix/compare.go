package htmlfix

import (
	"slices"
	"strings"

	"golang.org/x/net/html"

	"github.com/perfectworks/backend/adapters/documents/htmlcheck"
)

// event is the begin of an element, the text between two tags, or the end of an element.
type event struct {
	node *html.Node
	end  bool
	text string
}

// same reports whether two states of a document have the same elements with the same text, but for what was inserted and
// renamed between them.
func same(before, after *page, step applied) bool {
	old, oldText := events(before, func(*html.Node) treatment { return keep })
	now, nowText := events(after, func(n *html.Node) treatment {
		offset, ok := after.Offset(n)
		if !ok || slices.Contains(impliedElements, n.Data) {
			return keep
		}
		_, inside := step.before(offset)
		switch {
		case inside < 0:
			return keep
		case step.edits[inside].whole:
			return leaveOut
		}
		return seeThrough
	})
	if len(old) != len(now) || oldText != nowText {
		return false
	}
	for i, a := range old {
		b := now[i]
		if (a.node == nil) != (b.node == nil) || a.end != b.end || a.text != b.text {
			return false
		}
		if a.node != nil && a.node.Data != b.node.Data && !renamed(after, b.node, step) {
			return false
		}
	}
	return true
}

// impliedElements are there whether the markup names them or not.
var impliedElements = []string{"html", "head", "body"}

// renamed reports whether an edit changed the name of an element's start tag.
func renamed(after *page, n *html.Node, step applied) bool {
	offset, ok := after.Offset(n)
	if !ok {
		return false
	}
	_, inside := step.before(offset + 1)
	return inside >= 0
}

// treatment says what an element that was inserted is to a comparison.
type treatment int

const (
	keep treatment = iota
	seeThrough
	leaveOut
)

// events lists what a document consists of, in its order, and gives its text as a whole, in which a space between two
// elements counts too.
func events(p *page, treat func(*html.Node) treatment) (out []event, text string) {
	out = make([]event, 0, 4*len(p.Elements))
	var words []string
	var all strings.Builder
	flush := func() {
		if len(words) > 0 {
			out = append(out, event{text: strings.Join(words, " ")})
			words = words[:0]
		}
	}
	var walk func(*html.Node)
	walk = func(n *html.Node) {
		how := keep
		switch n.Type {
		case html.TextNode:
			words = append(words, strings.Fields(n.Data)...)
			all.WriteString(n.Data)
			return
		case html.ElementNode:
			if n.Data == "title" && n.Namespace == "" { // it is added where it is missing, and is not visible in the page
				return
			}
			how = treat(n)
		default: // comments and the document itself have nothing to compare
		}
		if how == leaveOut {
			return
		}
		isElement := n.Type == html.ElementNode && how == keep
		if isElement {
			flush()
			out = append(out, event{node: n})
		}
		for child := n.FirstChild; child != nil; child = child.NextSibling {
			walk(child)
		}
		if isElement {
			flush()
			out = append(out, event{node: n, end: true})
		}
	}
	walk(p.Root)
	flush()
	return out, htmlcheck.Collapse(all.String())
}
