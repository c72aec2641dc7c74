package typeset

import (
	"strings"

	"golang.org/x/net/html"

	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/typeset/style"
)

// placeholder is the alternative text of a picture that has none: the format wants one, and a person must write it.
const placeholder = "Image"

// alternative finds the alternative text of a picture (HTML Standard, 4.8.4.4). It is not shown to readers of the
// structure at all if the HTML says that it only adorns.
func (b *builder) alternative(n *html.Node, ctx *context) (text string, decorative bool) {
	role, _ := attr(n, "role")
	if ctx.artifact || role == "presentation" || role == "none" {
		return "", true
	}
	if label, _ := attr(n, "aria-label"); squeeze(label) != "" {
		return squeeze(label), false
	}
	if ids, _ := attr(n, "aria-labelledby"); ids != "" {
		var parts []string
		for id := range strings.FieldsSeq(ids) {
			if labelled := b.doc.ids[id]; labelled != nil && len(parts) < 16 {
				parts = append(parts, squeeze(textOf(labelled)))
			}
		}
		if text := squeeze(strings.Join(parts, " ")); text != "" {
			return clip(text, 2_000), false
		}
	}
	alt, ok := attr(n, "alt")
	if squeeze(alt) != "" {
		return squeeze(alt), false
	}
	if l := ctx.link; l != nil && l.silent {
		l.silent = false // one picture is enough to say it
		return l.text, false
	}
	if ok && ctx.link == nil {
		return "", true
	}
	if title, _ := attr(n, "title"); squeeze(title) != "" {
		return squeeze(title), false
	}
	if ctx.figure != nil && b.captions[ctx.figure] != "" {
		b.doc.notes.look("A figure has no alternative text; its caption was taken: check it.")
		return b.captions[ctx.figure], false
	}
	if ok {
		return "", true // the text of the link says it
	}
	if n.Data == "svg" {
		for k := n.FirstChild; k != nil; k = k.NextSibling {
			if k.Data == "title" && squeeze(textOf(k)) != "" {
				return squeeze(textOf(k)), false
			}
		}
	}
	source, _ := attr(n, "src")
	if strings.HasPrefix(source, "data:") || source == "" {
		source = "in the document itself"
	}
	b.doc.notes.look("An image (%s) has no alternative text: write one.", clip(source, 100))
	return placeholder, false
}

// image builds an img element.
func (b *builder) image(n *html.Node, s *style.Style, ctx *context) {
	source, _ := attr(n, "src")
	l, err := b.images.load(source)
	if err != nil {
		b.doc.notes.warn("An image could not be shown: it was not found, or its format is not supported.")
		l = nil
	}
	b.figure(n, s, ctx, l)
}

// figure puts a picture into the line, or into a block of its own. Without an image its alternative text is shown.
func (b *builder) figure(n *html.Node, s *style.Style, ctx *context, l *loaded) {
	text, decorative := b.alternative(n, ctx)
	if l == nil {
		if !decorative {
			b.replacement(s, ctx, text)
		}
		return
	}
	bx := &box{style: s, picture: &picture{width: l.width, height: l.height, ref: l.ref, link: ctx.link}}
	floating := s.Float != "none"
	block := s.Display != style.Inline && s.Display != style.InlineBlock && !floating
	var parent *element
	switch {
	case block || floating && ctx.paragraph == nil:
		if block {
			ctx.endParagraph()
		}
		parent = b.parent(ctx)
		bx.anchors, ctx.anchors = ctx.anchors, nil
		ctx.box.children = append(ctx.box.children, bx)
		if !decorative {
			for _, w := range ctx.wraps {
				parent = w(parent)
			}
		}
	case floating:
		ctx.paragraph.floats = append(ctx.paragraph.floats, bx)
		parent = ctx.current
	default:
		b.ensure(ctx)
		parent = ctx.current
		b.object(bx, s, ctx)
	}
	if decorative {
		bx.picture.link = nil
		return
	}
	e := parent.child("Figure")
	e.alt, e.hasAlt = text, true
	bx.picture.slot = e.content()
}

// replacement shows the alternative text of a picture that is not there.
func (b *builder) replacement(s *style.Style, ctx *context, text string) {
	framed := *s
	framed.Display = style.InlineBlock
	framed.Width, framed.Height = style.Length{Auto: true}, style.Length{Auto: true}
	for side := range framed.Border {
		framed.Border[side] = style.Edge{Width: 0.75, Line: "solid", Color: style.Color{0.46, 0.46, 0.46, 1}}
		framed.Padding[side] = style.Length{Points: 3}
	}
	b.framed(&framed, ctx, pdf.Name("Figure"), text, text)
}

// framed puts a box with text into the line. With a role the text is the content of an element with that role and
// with an alternative text.
func (b *builder) framed(s *style.Style, ctx *context, role pdf.Name, alt, text string) {
	b.ensure(ctx)
	bx := &box{style: s}
	inner := &context{box: bx, elem: ctx.current, direct: true, artifact: ctx.artifact, link: ctx.link}
	if !ctx.artifact && role != "" {
		inner.elem = ctx.current.child(role)
		inner.elem.alt, inner.elem.hasAlt = alt, true
	}
	own := s.Anonymous()
	b.text(text, own, inner)
	inner.endParagraph()
	b.object(bx, s, ctx)
}
