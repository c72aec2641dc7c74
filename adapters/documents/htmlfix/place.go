package htmlfix

import (
	"strings"

	"golang.org/x/net/html"

	"github.com/perfectworks/backend/adapters/documents/htmlcheck"
)

// isContent recognizes nodes that are more than white space and comments.
func isContent(n *html.Node) bool {
	return n.Type == html.ElementNode || n.Type == html.TextNode && strings.TrimSpace(n.Data) != ""
}

// rangeOf finds the source of some siblings, from the first to the last, both of which have content. White space around
// them is left out.
func (p *plan) rangeOf(first, last *html.Node) (start, end int, ok bool) {
	if start, ok = p.beginOf(first); !ok {
		return 0, 0, false
	}
	if end, ok = p.endOf(last); !ok {
		return 0, 0, false
	}
	start = skipSpace(p.Source, start, len(p.Source))
	for end > start && isSpace(p.Source[end-1]) {
		end--
	}
	return start, end, start < end
}

// beginOf finds where a node begins. Text has no place of its own: it begins where the element before it or the start
// tag of its parent ends, or where the run of text begins that ends with the element after it.
func (p *plan) beginOf(n *html.Node) (int, bool) {
	if n.Type == html.ElementNode {
		e, ok := p.extent(n)
		return e.start, ok
	}
	if before := elementBeside(n, false); before != nil {
		e, ok := p.extent(before)
		return e.end, ok
	}
	if after := elementBeside(n, true); after != nil {
		e, ok := p.extent(after)
		if !ok {
			return 0, false
		}
		tokens := p.Tokens
		i, ok := tokenAt(tokens, e.start)
		for ok && i > 0 && isTextual(tokens[i-1]) {
			i--
		}
		return tokens[i].Start, ok
	}
	e, ok := p.extent(n.Parent)
	return e.inner, ok
}

// endOf finds where a node ends.
func (p *plan) endOf(n *html.Node) (int, bool) {
	if n.Type == html.ElementNode {
		e, ok := p.extent(n)
		return e.end, ok
	}
	if after := elementBeside(n, true); after != nil {
		e, ok := p.extent(after)
		return e.start, ok
	}
	if e, ok := p.extent(n.Parent); ok {
		return e.innerEnd, true
	}
	before := elementBeside(n, false)
	if before == nil {
		return 0, false
	}
	e, ok := p.extent(before)
	if !ok {
		return 0, false
	}
	tokens := p.Tokens
	end := e.end
	for i, found := tokenAt(tokens, e.end); found && i < len(tokens) && isTextual(tokens[i]); i++ {
		end = tokens[i].End
	}
	return end, true
}

func isTextual(t htmlcheck.Token) bool {
	return t.Kind == html.TextToken || t.Kind == html.CommentToken
}

// elementBeside returns the element before or after a node in its parent.
func elementBeside(n *html.Node, after bool) *html.Node {
	for {
		if after {
			n = n.NextSibling
		} else {
			n = n.PrevSibling
		}
		if n == nil || n.Type == html.ElementNode {
			return n
		}
	}
}

// runs returns the runs of children for which is holds, each by its first and last node; white space, comments and what
// pass accepts do not end a run.
func runs(parent *html.Node, is, pass func(*html.Node) bool) [][2]*html.Node {
	var out [][2]*html.Node
	open := false
	for n := parent.FirstChild; n != nil; n = n.NextSibling {
		switch {
		case !isContent(n) || pass(n):
		case !is(n):
			open = false
		case open:
			out[len(out)-1][1] = n
		default:
			out, open = append(out, [2]*html.Node{n, n}), true
		}
	}
	return out
}

func never(*html.Node) bool { return false }
