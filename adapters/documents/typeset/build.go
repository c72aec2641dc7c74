package typeset

import (
	"strings"

	"golang.org/x/net/html"

	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/typeset/style"
)

// builder makes boxes and structure elements of the elements of a document.
type builder struct {
	doc     *document
	options Options
	file    *pdf.File
	fonts   *fonts
	root    *element
	top     *box
	images  *images

	// items are the list items that dt and dd are put into, by their list.
	items map[*element]*element
	// notes and cells count the identifiers that were given.
	notes, cells int
	// ids are the structure elements of header cells by the identifiers of their HTML elements.
	ids map[*html.Node]*element
	// captions are texts that may describe the pictures of figures, by the figure's element.
	captions map[*html.Node]string
}

func newBuilder(doc *document, options Options) *builder {
	file := pdf.New()
	b := &builder{
		doc: doc, options: options, file: file, fonts: newFonts(options.Fonts, file, doc.language, &doc.notes),
		root: &element{role: "Document"}, items: map[*element]*element{}, ids: map[*html.Node]*element{}, captions: map[*html.Node]string{},
	}
	b.images = newImages(doc, options.Limits, file, b.fonts)
	return b
}

// context is where in boxes and structure the builder is.
type context struct {
	box  *box
	elem *element
	// direct tells that text goes into elem itself; else it needs a paragraph.
	direct bool
	// artifact tells that what is here is not part of the structure.
	artifact bool
	// wraps are the inline elements that are open.
	wraps []wrap
	link  *link
	fill  *style.Style

	// paragraph is the one that is being filled, current the innermost structure element in it.
	paragraph *paragraph
	current   *element
	anchors   []string
	// figure is the figure element around, whose picture is its content.
	figure *html.Node
}

// wrap makes the structure element of an inline element, again in each paragraph that it reaches into.
type wrap func(parent *element) *element

func (b *builder) build() error {
	html := b.doc.body
	for html.Parent != nil && html.Parent.Type != 0 && html.Data != "html" {
		html = html.Parent
	}
	rootStyle := style.Root()
	if html.Data == "html" {
		rootStyle = b.doc.styles.Style(html, rootStyle)
	}
	body := rootStyle
	if b.doc.body.Data == "body" {
		body = b.doc.styles.Style(b.doc.body, rootStyle)
	}
	b.top = &box{style: body, root: true}
	ctx := &context{box: b.top, elem: b.root}
	b.inside(b.doc.body, body, ctx)
	closeSkips(b.root, &b.doc.notes)
	if b.doc.styles.Exhausted() {
		b.doc.notes.warn("The style sheets ask for more work than is done: some rules were left out.")
	}
	return b.images.err
}

// inside builds what is in an element, with the text generated before and after it.
func (b *builder) inside(n *html.Node, s *style.Style, ctx *context) {
	b.generated(n, "before", s, ctx)
	for k := n.FirstChild; k != nil; k = k.NextSibling {
		switch k.Type {
		case html.TextNode:
			b.text(k.Data, s, ctx)
		case html.ElementNode:
			b.element(k, s, ctx)
		default: // comments
		}
	}
	b.generated(n, "after", s, ctx)
	ctx.endParagraphIfBlock(s)
}

// endParagraphIfBlock ends the paragraph with the block that it is in.
func (ctx *context) endParagraphIfBlock(s *style.Style) {
	if ctx.box.style == s {
		ctx.endParagraph()
	}
}

func (b *builder) generated(n *html.Node, which string, s *style.Style, ctx *context) {
	pseudo := b.doc.styles.Pseudo(n, which, s)
	if pseudo == nil {
		return
	}
	var text strings.Builder
	for _, part := range pseudo.Content {
		text.WriteString(part.Text)
		if part.Attribute != "" {
			value, _ := attr(n, part.Attribute)
			text.WriteString(value)
		}
	}
	b.text(text.String(), pseudo, ctx)
}

// element builds one element.
func (b *builder) element(n *html.Node, parent *style.Style, ctx *context) {
	s := b.doc.styles.Style(n, parent)
	if s.Display == style.None {
		return
	}
	if what := s.Unsupported(); what != "" {
		b.doc.notes.warn("A layout that is not supported was set as ordinary text: %s.", what)
	}
	if hidden, _ := attr(n, "aria-hidden"); hidden == "true" && !ctx.artifact {
		inner := *ctx
		inner.artifact, inner.link, inner.wraps = true, nil, nil
		defer func(current *element) {
			ctx.paragraph, ctx.anchors = inner.paragraph, inner.anchors
			ctx.current = current
		}(ctx.current)
		if ctx.paragraph == nil {
			// A paragraph begun for an artifact must not take in what follows.
			b.special(n, s, &inner)
			inner.endParagraph()
			return
		}
		ctx = &inner
	}
	b.special(n, s, ctx)
}

// special builds elements that are more than their text, and all others by their display.
func (b *builder) special(n *html.Node, s *style.Style, ctx *context) {
	if n.Namespace == "svg" || n.Namespace == "math" {
		b.foreign(n, s, ctx)
		return
	}
	switch n.Data {
	case "br":
		b.ensure(ctx)
		ctx.paragraph.add([]rune{'\n'}, span{style: s})
		return
	case "wbr":
		if ctx.paragraph != nil {
			b.runes([]rune{'\u200b'}, s, ctx)
		}
		return
	case "img":
		b.image(n, s, ctx)
		return
	case "table":
		b.buildTable(n, s, ctx)
		return
	case "hr":
		b.rule(n, s, ctx)
		return
	case "input", "select", "textarea", "meter", "progress":
		b.control(n, s, ctx)
		return
	case "iframe", "video", "audio", "embed":
		b.embedded(n, s, ctx)
		return
	case "rt":
		b.text("(", s, ctx)
		b.inline(n, s, ctx)
		b.text(")", s, ctx)
		return
	case "button":
		b.doc.notes.warn("Form controls are shown as text; they cannot be filled in.")
	case "canvas", "object":
		b.doc.notes.warn("Content of the element %s is not shown, but what it holds for readers without it.", n.Data)
	}
	switch s.Display {
	case style.Contents:
		b.inside(n, s, ctx)
	case style.Inline:
		b.inline(n, s, ctx)
	case style.InlineBlock:
		b.inlineBlock(n, s, ctx)
	default:
		b.block(n, s, ctx)
	}
}

// block builds a block-level element.
func (b *builder) block(n *html.Node, s *style.Style, ctx *context) {
	bx := &box{style: s}
	if s.Float != "none" && ctx.paragraph != nil {
		ctx.paragraph.floats = append(ctx.paragraph.floats, bx)
	} else {
		ctx.endParagraph()
		ctx.box.children = append(ctx.box.children, bx)
	}
	bx.anchors = ctx.anchors
	ctx.anchors = nil
	b.anchor(n, func(name string) { bx.anchors = append(bx.anchors, name) })
	inner := &context{
		box: bx, elem: ctx.elem, direct: ctx.direct, artifact: ctx.artifact, wraps: ctx.wraps, link: ctx.link, figure: ctx.figure,
	}
	b.open(n, s, inner)
	b.inside(n, s, inner)
	ctx.anchors = append(ctx.anchors, inner.anchors...)
	if s.Display == style.Flex || s.Display == style.Grid {
		flexible(bx)
	}
}

// flexible turns the children of a flex or grid container into boxes side by side.
func flexible(b *box) {
	if len(b.children) == 0 || b.style.Display == style.Flex && strings.HasPrefix(b.style.Direction, "column") ||
		b.style.Display == style.Grid && len(b.style.Tracks) < 2 && b.style.AutoFill == 0 {
		return
	}
	t := &table{flexible: true, columns: len(b.children), rows: []row{{style: b.style}}}
	for i, child := range b.children {
		if child.style == nil {
			child = &box{style: b.style.Anonymous(), children: []*box{child}}
		}
		t.rows[0].cells = append(t.rows[0].cells, &cell{box: child, column: i, columns: 1, rows: 1})
	}
	b.table, b.children = t, nil
}

// anchor calls add with the name of an element that a link leads to.
func (b *builder) anchor(n *html.Node, add func(string)) {
	for _, key := range []string{"id", "name"} {
		if key == "name" && n.Data != "a" {
			continue
		}
		if name, ok := attr(n, key); ok && b.doc.targets[name] && b.doc.ids[name] == n {
			add(name)
		}
	}
}

// rule builds a thematic break, which only adorns.
func (b *builder) rule(n *html.Node, s *style.Style, ctx *context) {
	ctx.endParagraph()
	bx := &box{style: s}
	b.anchor(n, func(name string) { bx.anchors = append(bx.anchors, name) })
	ctx.box.children = append(ctx.box.children, bx)
}
