package pdfhtml

import (
	"strings"
	"unicode"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// element makes an element with attributes, given as names and values in turn.
func element(tag string, attributes ...string) *html.Node {
	n := &html.Node{Type: html.ElementNode, Data: tag, DataAtom: atom.Lookup([]byte(tag))}
	for i := 0; i+1 < len(attributes); i += 2 {
		set(n, attributes[i], attributes[i+1])
	}
	return n
}

func set(n *html.Node, name, value string) {
	for i := range n.Attr {
		if n.Attr[i].Key == name {
			n.Attr[i].Val = value
			return
		}
	}
	n.Attr = append(n.Attr, html.Attribute{Key: name, Val: value})
}

func get(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func text(s string) *html.Node { return &html.Node{Type: html.TextNode, Data: s} }

// add appends a block with a line feed before it, so that the source can be read.
func (b *builder) add(parent, n *html.Node) {
	b.nodes += 2
	parent.AppendChild(text("\n"))
	parent.AppendChild(n)
}

// put appends a node inside of a line.
func (b *builder) put(parent, n *html.Node) {
	b.nodes++
	parent.AppendChild(n)
}

// shown are the elements that show something by themselves.
var shown = map[string]bool{"img": true, "svg": true, "input": true, "select": true, "textarea": true}

// hasContent tells whether an element holds more than white space and page breaks.
func hasContent(n *html.Node) bool {
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		switch {
		case c.Type == html.TextNode:
			if strings.TrimSpace(c.Data) != "" {
				return true
			}
		case get(c, "role") == "doc-pagebreak":
		case shown[c.Data] || hasContent(c):
			return true
		}
	}
	return false
}

// textOf gives the text inside of an element.
func textOf(n *html.Node) string {
	var out strings.Builder
	var walk func(n *html.Node)
	walk = func(n *html.Node) {
		if n.Type == html.TextNode {
			out.WriteString(n.Data)
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c)
		}
	}
	walk(n)
	return strings.Join(strings.Fields(out.String()), " ")
}

// maxID is how many characters of a heading its identifier is made of.
const maxID = 48

// unique gives an identifier made of a text that no other element has.
func (b *builder) unique(from string) string {
	var out strings.Builder
	length := 0
	for _, r := range strings.ToLower(from) {
		switch {
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			out.WriteRune(r)
			length++
		case length > 0 && !strings.HasSuffix(out.String(), "-"):
			out.WriteByte('-')
			length++
		}
		if length >= maxID {
			break
		}
	}
	id := strings.Trim(out.String(), "-")
	if id == "" {
		id = "part"
	}
	if !b.ids[id] {
		b.ids[id] = true
		return id
	}
	b.counters[id] = max(b.counters[id], 1) // that without a number is the first
	return b.numbered(id)
}
