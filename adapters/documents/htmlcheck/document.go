package htmlcheck

import (
	"bytes"
	"strconv"
	"strings"

	"golang.org/x/net/html"
)

// document is a parsed document with the places of its elements.
type document struct {
	source []byte
	root   *html.Node
	// elements are all elements in document order, those of templates left out.
	elements []*html.Node
	offsets  map[*html.Node]int
	lines    []int
	ids      map[string][]*html.Node
	hiddenBy map[*html.Node]hidden
	roles    map[*html.Node]string
}

// hidden tells how an element is kept from people.
type hidden struct {
	// all is for everybody: not rendered. aria is for users of assistive technology.
	all, aria bool
}

// marker is the attribute by which the place of a start tag gets through the parser.
const marker = "data-perfectworks-offset"

func parse(source []byte) (*document, error) {
	source = bytes.TrimPrefix(source, []byte("\xef\xbb\xbf"))
	root, err := html.Parse(bytes.NewReader(mark(source)))
	if err != nil {
		return nil, &TooDeepError{err}
	}
	d := &document{
		source: source, root: root, offsets: map[*html.Node]int{}, lines: []int{0}, ids: map[string][]*html.Node{},
		hiddenBy: map[*html.Node]hidden{}, roles: map[*html.Node]string{},
	}
	for i, c := range source {
		if c == '\n' {
			d.lines = append(d.lines, i+1)
		}
	}
	d.gather(root, hidden{})
	return d, nil
}

// mark writes the offset of each start tag into the tag. The parser gives no positions, and it moves, copies and
// invents elements, so that counting tags would go wrong.
func mark(source []byte) []byte {
	var out bytes.Buffer
	out.Grow(len(source) + len(source)/4)
	z := html.NewTokenizer(bytes.NewReader(source))
	offset := 0
	for {
		kind := z.Next()
		raw := z.Raw()
		if kind == html.ErrorToken {
			out.Write(raw)
			return out.Bytes()
		}
		if kind != html.StartTagToken && kind != html.SelfClosingTagToken {
			out.Write(raw)
			offset += len(raw)
			continue
		}
		name := 1
		for name < len(raw) && !bytes.ContainsRune([]byte(" \t\r\n\f/>"), rune(raw[name])) {
			name++
		}
		out.Write(raw[:name])
		out.WriteString(" " + marker + "=" + strconv.Itoa(offset) + " ")
		out.Write(raw[name:])
		offset += len(raw)
	}
}

// gather notes the elements under n; the parser allows no more than 512 levels.
func (d *document) gather(n *html.Node, above hidden) {
	if n.Type == html.ElementNode {
		for i, a := range n.Attr {
			if a.Key == marker {
				if offset, err := strconv.Atoi(a.Val); err == nil {
					d.offsets[n] = offset
				}
				n.Attr = append(n.Attr[:i:i], n.Attr[i+1:]...)
				break
			}
		}
		if n.Data == "template" && n.Namespace == "" {
			return
		}
		d.elements = append(d.elements, n)
		if id := attr(n, "id"); id != "" {
			d.ids[id] = append(d.ids[id], n)
		}
		above.all = above.all || notRendered(n)
		above.aria = above.aria || strings.EqualFold(attr(n, "aria-hidden"), "true")
		d.hiddenBy[n] = above
	}
	for child := n.FirstChild; child != nil; child = child.NextSibling {
		d.gather(child, above)
	}
}

func notRendered(n *html.Node) bool {
	switch n.Data {
	case "head", "script", "style", "noscript", "template":
		return true
	case "input":
		if strings.EqualFold(attr(n, "type"), "hidden") {
			return true
		}
	case "dialog", "details":
	}
	if has(n, "hidden") && !strings.EqualFold(attr(n, "hidden"), "until-found") {
		return true
	}
	style := styles(n)
	return style["display"] == "none" || style["visibility"] == "hidden" || style["visibility"] == "collapse"
}

// styles reads the inline style.
func styles(n *html.Node) map[string]string {
	text := attr(n, "style")
	if text == "" {
		return nil
	}
	out := map[string]string{}
	for declaration := range strings.SplitSeq(text, ";") {
		name, value, ok := strings.Cut(declaration, ":")
		if ok {
			value = strings.ToLower(strings.TrimSpace(value))
			out[strings.ToLower(strings.TrimSpace(name))] = strings.TrimSpace(strings.TrimSuffix(value, "!important"))
		}
	}
	return out
}

// attr gives an attribute, "" if it is absent.
func attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key && a.Namespace == "" {
			return a.Val
		}
	}
	return ""
}

func has(n *html.Node, key string) bool {
	for _, a := range n.Attr {
		if a.Key == key && a.Namespace == "" {
			return true
		}
	}
	return false
}

// shown tells whether an element is rendered and open to assistive technology.
func (d *document) shown(n *html.Node) bool {
	h := d.hiddenBy[n]
	return !h.all && !h.aria
}

func (d *document) rendered(n *html.Node) bool { return !d.hiddenBy[n].all }

// all gives the elements with one of the names.
func (d *document) all(names ...string) []*html.Node {
	var out []*html.Node
	for _, n := range d.elements {
		for _, name := range names {
			if n.Data == name {
				out = append(out, n)
				break
			}
		}
	}
	return out
}

// closest gives the nearest ancestor for which is holds.
func closest(n *html.Node, is func(*html.Node) bool) *html.Node {
	for p := n.Parent; p != nil; p = p.Parent {
		if p.Type == html.ElementNode && is(p) {
			return p
		}
	}
	return nil
}

func named(names ...string) func(*html.Node) bool {
	return func(n *html.Node) bool {
		for _, name := range names {
			if n.Data == name {
				return true
			}
		}
		return false
	}
}

// kids gives the child elements.
func kids(n *html.Node) []*html.Node {
	var out []*html.Node
	for child := n.FirstChild; child != nil; child = child.NextSibling {
		if child.Type == html.ElementNode {
			out = append(out, child)
		}
	}
	return out
}

// under tells whether is holds for some element below n.
func (d *document) under(n *html.Node, is func(*html.Node) bool) bool {
	for child := n.FirstChild; child != nil; child = child.NextSibling {
		if child.Type == html.ElementNode && is(child) || d.under(child, is) {
			return true
		}
	}
	return false
}

// text gives the plain text of n, whether shown or not.
func text(n *html.Node) string {
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
	return collapse(b.String())
}

func collapse(s string) string { return strings.Join(strings.Fields(s), " ") }
