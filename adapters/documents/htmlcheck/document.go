package htmlcheck

import (
	"bytes"
	"strconv"
	"strings"

	"golang.org/x/net/html"
)

// Document is a parsed document with the places of its elements. It is not safe for concurrent use: what it computes
// is remembered.
type Document struct {
	// Source is what was parsed, a byte order mark left out. Offsets count its bytes.
	Source []byte
	// Tokens are those of the source, in its order.
	Tokens []Token
	// Root is the document node.
	Root *html.Node
	// Elements are all elements in document order, those of templates left out.
	Elements []*html.Node

	known    map[*html.Node]*knowledge
	spare    []knowledge
	lines    []int
	counted  []int
	ids      map[string][]*html.Node
	owners   map[string][]*html.Node
	labelled map[*html.Node][]*html.Node
	// styled tells that a style sheet may change what style attributes do not say.
	styled bool
}

// knowledge is what is known of an element, or computed once.
type knowledge struct {
	// offset is -1 if the element has no start tag.
	offset   int
	hidden   hidden
	role     string
	hasRole  bool
	styles   map[string]string
	ground   paint
	grounded bool
}

// of gives what is known of an element.
func (d *Document) of(n *html.Node) *knowledge {
	k, ok := d.known[n]
	if !ok {
		if len(d.spare) == 0 {
			d.spare = make([]knowledge, 256)
		}
		k, d.spare = &d.spare[0], d.spare[1:]
		k.offset = -1
		d.known[n] = k
	}
	return k
}

// hidden tells how an element is kept from people.
type hidden struct {
	// all is for everybody: not rendered. aria is for users of assistive technology.
	all, aria bool
}

// SkipLinkStyle is the attribute of a style element that concerns nothing but a skip link, as repairs insert it.
const SkipLinkStyle = "data-perfectworks-skip-link"

// marker is the attribute by which the place of a start tag gets through the parser.
const marker = "data-perfectworks-offset"

// Parse reads a document in UTF-8.
func Parse(source []byte) (*Document, error) {
	source = bytes.TrimPrefix(source, []byte("\xef\xbb\xbf"))
	tokens := Tokenize(source)
	root, err := html.Parse(bytes.NewReader(mark(source, tokens)))
	if err != nil {
		return nil, &TooDeepError{err}
	}
	d := &Document{
		Source: source, Tokens: tokens, Root: root, known: map[*html.Node]*knowledge{}, lines: []int{0}, ids: map[string][]*html.Node{},
		owners: map[string][]*html.Node{},
	}
	for i, c := range source {
		if c == '\n' {
			d.lines = append(d.lines, i+1)
		}
	}
	d.gather(root, hidden{})
	return d, nil
}

// gather notes the elements under n; the parser allows no more than 512 levels.
func (d *Document) gather(n *html.Node, above hidden) {
	if n.Type == html.ElementNode {
		k := d.of(n)
		for i, a := range n.Attr {
			if a.Key == marker {
				if offset, err := strconv.Atoi(a.Val); err == nil {
					k.offset = offset
				}
				n.Attr = append(n.Attr[:i:i], n.Attr[i+1:]...)
				break
			}
		}
		if n.Data == "template" && n.Namespace == "" {
			return
		}
		d.Elements = append(d.Elements, n)
		d.note(n)
		above.all = above.all || d.notRendered(n)
		above.aria = above.aria || strings.EqualFold(Attr(n, "aria-hidden"), "true")
		k.hidden = above
	}
	for child := n.FirstChild; child != nil; child = child.NextSibling {
		d.gather(child, above)
	}
}

// note remembers what an element is found by later.
func (d *Document) note(n *html.Node) {
	if id := Attr(n, "id"); id != "" {
		d.ids[id] = append(d.ids[id], n)
	}
	for id := range strings.FieldsSeq(Attr(n, "aria-owns")) {
		d.owners[id] = append(d.owners[id], n)
	}
	if n.Data == "style" && !Has(n, SkipLinkStyle) || n.Data == "link" && strings.Contains(strings.ToLower(Attr(n, "rel")), "stylesheet") {
		d.styled = true
	}
}

func (d *Document) notRendered(n *html.Node) bool {
	switch n.Data {
	case "head", "script", "style", "noscript", "template":
		return true
	case "input":
		if strings.EqualFold(Attr(n, "type"), "hidden") {
			return true
		}
	}
	if Has(n, "hidden") && !strings.EqualFold(Attr(n, "hidden"), "until-found") {
		return true
	}
	style := d.Styles(n)
	return style["display"] == "none" || style["visibility"] == "hidden" || style["visibility"] == "collapse"
}

// Styles gives the declarations of an element's style attribute, in lower case and without "!important".
func (d *Document) Styles(n *html.Node) map[string]string {
	text := Attr(n, "style")
	if text == "" {
		return nil
	}
	k := d.of(n)
	if k.styles != nil {
		return k.styles
	}
	out := map[string]string{}
	for declaration := range strings.SplitSeq(text, ";") {
		name, value, ok := strings.Cut(declaration, ":")
		if ok {
			value = strings.ToLower(strings.TrimSpace(value))
			out[strings.ToLower(strings.TrimSpace(name))] = strings.TrimSpace(strings.TrimSuffix(value, "!important"))
		}
	}
	k.styles = out
	return out
}

// Offset gives the place of an element's start tag in the source. Elements that the markup leaves out have none; where
// the parser repeats an element, as it does for misnested ones, all copies have that of the same tag.
func (d *Document) Offset(n *html.Node) (int, bool) {
	offset := d.of(n).offset
	return offset, offset >= 0
}

// ByID gives the elements with an identifier, in document order.
func (d *Document) ByID(id string) []*html.Node { return d.ids[id] }

// Shown tells whether an element is rendered and open to assistive technology, as far as the markup tells.
func (d *Document) Shown(n *html.Node) bool {
	h := d.of(n).hidden
	return !h.all && !h.aria
}

// Rendered tells whether an element is rendered, as far as the markup tells.
func (d *Document) Rendered(n *html.Node) bool { return !d.of(n).hidden.all }

// All gives the elements with one of the names.
func (d *Document) All(names ...string) []*html.Node {
	var out []*html.Node
	for _, n := range d.Elements {
		for _, name := range names {
			if n.Data == name {
				out = append(out, n)
				break
			}
		}
	}
	return out
}
