package htmlcheck

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/html"

	"github.com/perfectworks/backend/adapters/documents/typeset/style"
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
	named    map[string][]*html.Node
	owners   map[string][]*html.Node
	labelled map[*html.Node][]*html.Node
	// sheets computes what the style sheets in the document say, nil if there are none.
	sheets *style.Resolver
	// styled is set if there are style sheets that cannot be read here.
	styled bool
}

// knowledge is what is known of an element, or computed once.
type knowledge struct {
	// offset is -1 if the element has no start tag.
	offset  int
	hidden  hidden
	role    string
	hasRole bool
	styles  map[string]style.Declaration
	// fontSize is in pixels, 0 if it is not computed yet.
	fontSize float64
}

// of returns what is known of an element.
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
	// inert is for everybody: the element cannot be used. It is hidden from assistive technology as well.
	inert bool
	// unseen is for those who look at it: it lies outside of the screen, is cut off or transparent.
	unseen bool
	// visibility hides this element and those below that do not say otherwise.
	visibility bool
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
	d.readSheets(root)
	d.gather(root, hidden{})
	return d, nil
}

// readSheets reads the style sheets of the document for a screen.
func (d *Document) readSheets(root *html.Node) {
	var sheets []*style.Sheet
	for n := range root.Descendants() {
		if n.Type != html.ElementNode || n.Namespace != "" {
			continue
		}
		switch n.Data {
		case "link":
			d.styled = d.styled || strings.Contains(strings.ToLower(Attr(n, "rel")), "stylesheet") && style.MatchesScreen(Attr(n, "media"))
		case "style":
			if n.FirstChild == nil || !style.MatchesScreen(Attr(n, "media")) {
				continue
			}
			sheet := style.ParseScreen(n.FirstChild.Data)
			sheets = append(sheets, sheet)
			d.styled = d.styled || len(sheet.Ignored) > 0
		}
	}
	if len(sheets) > 0 {
		d.sheets = style.NewResolver(sheets...)
	}
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
		above.inert = above.inert || Has(n, "inert")
		above.all = above.all || d.notDisplayed(n)
		above.aria = above.aria || above.inert || strings.EqualFold(Attr(n, "aria-hidden"), "true")
		above.unseen = above.unseen || d.offScreen(n)
		switch d.Style(n, "visibility") {
		case "hidden", "collapse":
			above.visibility = true
		case "visible", "initial":
			above.visibility = false
		}
		k.hidden = above
		k.hidden.all = above.all || above.visibility
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
}

// notDisplayed reports whether an element and what it contains take no part in the page.
func (d *Document) notDisplayed(n *html.Node) bool {
	switch n.Data {
	case "head", "script", "style", "noscript", "template", "noembed", "noframes":
		return true
	case "title":
		return n.Namespace == ""
	case "input":
		if strings.EqualFold(Attr(n, "type"), "hidden") {
			return true
		}
	}
	if n.Parent != nil && (n.Parent.Data == "video" || n.Parent.Data == "audio") && n.Namespace == "" {
		return true // for browsers without media
	}
	display := d.Style(n, "display")
	if Has(n, "hidden") && !strings.EqualFold(Attr(n, "hidden"), "until-found") && (display == "" || display == "revert") {
		return true
	}
	return display == "none" || d.Style(n, "content-visibility") == "hidden"
}

// unseenClasses are those that the style sheets of frameworks keep from the eyes. They count where a style sheet cannot be
// read here.
var unseenClasses = []string{
	"sr-only", "visually-hidden", "visuallyhidden", "screen-reader-text", "screen-reader-only", "screenreader-only", "off-screen",
	"offscreen", "element-invisible", "u-visually-hidden", "govuk-visually-hidden", "hidden-visually", "a11y-hidden",
}

// offScreen recognizes the usual ways to keep something from the eyes alone: far outside of the screen, cut off, or
// transparent.
func (d *Document) offScreen(n *html.Node) bool {
	if d.styled && slices.ContainsFunc(strings.Fields(strings.ToLower(Attr(n, "class"))), func(class string) bool {
		return slices.Contains(unseenClasses, class)
	}) {
		return true
	}
	if Attr(n, "style") == "" && d.sheets == nil {
		return false
	}
	if opacity, ok := alpha(d.Style(n, "opacity")); ok && opacity == 0 {
		return true
	}
	size := d.fontSize(n)
	far := func(name string) bool {
		v, ok := pixels(d.Style(n, name), size)
		return ok && v <= -900
	}
	if far("text-indent") || far("margin-left") || far("margin-top") {
		return true
	}
	switch d.Style(n, "position") {
	case "absolute", "fixed", "relative":
	default:
		return false
	}
	if far("left") || far("top") || far("right") || far("bottom") {
		return true
	}
	clip := strings.Join(strings.Fields(strings.ReplaceAll(d.Style(n, "clip"), ",", " ")), " ")
	if clip == "rect(0 0 0 0)" || clip == "rect(0px 0px 0px 0px)" || clip == "rect(1px 1px 1px 1px)" || strings.HasPrefix(d.Style(n, "clip-path"), "inset(50%)") || strings.HasPrefix(d.Style(n, "clip-path"), "inset(100%)") {
		return true
	}
	width, ok1 := pixels(d.Style(n, "width"), size)
	height, ok2 := pixels(d.Style(n, "height"), size)
	return ok1 && ok2 && width <= 1 && height <= 1 && d.Style(n, "overflow") == "hidden"
}

// Style returns what the author says of a property of an element, in lower case: by its style attribute or by the style
// sheets in the document, as the cascade decides. It is "" if nothing is said of this very element.
func (d *Document) Style(n *html.Node, property string) string { return d.declared(n)[property].Value }

// Important reports whether what the author says of a property of an element is marked as important.
func (d *Document) Important(n *html.Node, property string) bool {
	return d.declared(n)[property].Important
}

func (d *Document) declared(n *html.Node) map[string]style.Declaration {
	text := Attr(n, "style")
	if text == "" && d.sheets == nil {
		return nil
	}
	k := d.of(n)
	if k.styles == nil {
		if d.sheets != nil {
			k.styles = d.sheets.Declared(n)
			d.styled = d.styled || d.sheets.Exhausted()
		} else {
			k.styles = style.DeclaredInline(text)
		}
	}
	return k.styles
}

// Offset returns the place of an element's start tag in the source. Elements that the markup leaves out have none; where
// the parser repeats an element, as it does for misnested ones, all copies have that of the same tag.
func (d *Document) Offset(n *html.Node) (int, bool) {
	offset := d.of(n).offset
	return offset, offset >= 0
}

// ByID returns the elements with an identifier, in document order.
func (d *Document) ByID(id string) []*html.Node { return d.ids[id] }

// Shown reports whether an element is rendered and open to assistive technology, as far as the markup tells.
func (d *Document) Shown(n *html.Node) bool {
	h := d.of(n).hidden
	return !h.all && !h.aria
}

// Visible reports whether an element can be seen, as far as the document tells.
func (d *Document) Visible(n *html.Node) bool {
	h := d.of(n).hidden
	return !h.all && !h.unseen
}

// Rendered reports whether an element is rendered, as far as the markup tells.
func (d *Document) Rendered(n *html.Node) bool { return !d.of(n).hidden.all }

// All returns the elements with one of the names, in document order. The result must not be changed.
func (d *Document) All(names ...string) []*html.Node {
	if d.named == nil {
		d.named = map[string][]*html.Node{}
		for _, n := range d.Elements {
			d.named[n.Data] = append(d.named[n.Data], n)
		}
	}
	if len(names) == 1 {
		return slices.Clip(d.named[names[0]])
	}
	var out []*html.Node
	for _, n := range d.Elements {
		if slices.Contains(names, n.Data) {
			out = append(out, n)
		}
	}
	return out
}
