package htmlcheck

import (
	"strings"

	"golang.org/x/net/html"
)

// Attr returns an attribute, "" if it is absent.
func Attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key && a.Namespace == "" {
			return a.Val
		}
	}
	return ""
}

// Has reports whether an element has an attribute.
func Has(n *html.Node, key string) bool {
	for _, a := range n.Attr {
		if a.Key == key && a.Namespace == "" {
			return true
		}
	}
	return false
}

// Closest returns the nearest ancestor for which is holds, nil if there is none.
func Closest(n *html.Node, is func(*html.Node) bool) *html.Node {
	for p := n.Parent; p != nil; p = p.Parent {
		if p.Type == html.ElementNode && is(p) {
			return p
		}
	}
	return nil
}

// Named returns a test of an element's name.
func Named(names ...string) func(*html.Node) bool {
	return func(n *html.Node) bool {
		for _, name := range names {
			if n.Data == name {
				return true
			}
		}
		return false
	}
}

// Kids returns the child elements.
func Kids(n *html.Node) []*html.Node {
	var out []*html.Node
	for child := n.FirstChild; child != nil; child = child.NextSibling {
		if child.Type == html.ElementNode {
			out = append(out, child)
		}
	}
	return out
}

// Under reports whether is holds for some element below n.
func Under(n *html.Node, is func(*html.Node) bool) bool {
	for child := n.FirstChild; child != nil; child = child.NextSibling {
		if child.Type == html.ElementNode && is(child) || Under(child, is) {
			return true
		}
	}
	return false
}

// Text returns the plain text of n, whether shown or not, with single spaces.
func Text(n *html.Node) string {
	var b strings.Builder
	var walk func(*html.Node)
	walk = func(n *html.Node) {
		if n.Type == html.TextNode {
			b.WriteString(n.Data)
		}
		for child := n.FirstChild; child != nil; child = child.NextSibling {
			walk(child)
		}
	}
	walk(n)
	return Collapse(b.String())
}

// Collapse turns each run of white space into one space and trims it.
func Collapse(s string) string { return strings.Join(strings.Fields(s), " ") }
