package typeset

import (
	"bytes"
	"strings"

	"golang.org/x/net/html"

	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/typeset/style"
)

// foreign builds drawings and formulas.
func (b *builder) foreign(n *html.Node, s *style.Style, ctx *context) {
	switch {
	case n.Namespace == "svg" && n.Data == "svg":
		var source bytes.Buffer
		// Writing to memory does not fail.
		_ = html.Render(&source, n)
		l, err := b.images.decode(source.Bytes())
		if err != nil {
			l = nil
			b.doc.notes.warn("A drawing uses parts of SVG that are not supported; its alternative text is shown.")
		}
		b.figure(n, s, ctx, l)
	case n.Namespace == "math" && n.Data == "math":
		b.formula(n, s, ctx)
	}
}

// formula sets mathematics as a row of its signs: its structure is in the alternative text (ISO 14289-1, 7.7).
func (b *builder) formula(n *html.Node, s *style.Style, ctx *context) {
	var text strings.Builder
	each(n, func(k *html.Node) bool {
		if k.Type == html.TextNode {
			text.WriteString(k.Data)
		}
		return k.Data != "annotation" && k.Data != "annotation-xml"
	})
	shown := squeeze(text.String())
	alt, _ := attr(n, "alttext")
	if alt = squeeze(alt); alt == "" {
		if alt, _ = attr(n, "aria-label"); squeeze(alt) == "" {
			alt = shown
			b.doc.notes.look("A formula has no alternative text; its signs were taken: check whether they say enough.")
		}
	}
	if shown == "" {
		shown = alt
	}
	if shown == "" {
		return
	}
	b.doc.notes.warn("Formulas are set in a row, without fractions and roots.")
	if block, _ := attr(n, "display"); block == "block" {
		ctx.endParagraph()
		defer ctx.endParagraph()
	}
	b.ensure(ctx)
	if ctx.artifact {
		b.text(shown, s, ctx)
		return
	}
	e := ctx.current.child("Formula")
	e.alt, e.hasAlt = clip(alt, 2_000), true
	outer := ctx.current
	ctx.current = e
	b.text(shown, s, ctx)
	ctx.current = outer
}

// control builds a form control, as the text that it shows.
func (b *builder) control(n *html.Node, s *style.Style, ctx *context) {
	b.doc.notes.warn("Form controls are shown as text; they cannot be filled in.")
	kind, _ := attr(n, "type")
	value, _ := attr(n, "value")
	_, checked := attr(n, "checked")
	text := squeeze(value)
	switch {
	case n.Data == "textarea":
		text = textOf(n)
	case n.Data == "select":
		text = selected(n)
	case n.Data == "meter" || n.Data == "progress":
		text = squeeze(textOf(n))
		if text == "" {
			text = squeeze(value)
		}
	case kind == "hidden":
		return
	case kind == "checkbox" || kind == "radio":
		text = "□"
		if kind == "radio" {
			text = "○"
		}
		if checked {
			text = map[string]string{"checkbox": "■", "radio": "●"}[kind]
		}
		b.text(text, s, ctx)
		return
	case kind == "password":
		text = strings.Repeat("•", min(len([]rune(value)), 30))
	case kind == "image":
		text, _ = attr(n, "alt")
	case kind == "submit" && text == "":
		text = "Submit"
	case kind == "reset" && text == "":
		text = "Reset"
	}
	if text == "" {
		text, _ = attr(n, "placeholder")
	}
	if text == "" {
		text = strings.Repeat("\u00a0", 20) // an empty field is as wide as one to write into
	}
	b.framed(s, ctx, "", "", text)
}

// selected is the text of the option of a select element that is chosen.
func selected(n *html.Node) string {
	first, chosen := "", ""
	each(n, func(k *html.Node) bool {
		if k.Type != html.ElementNode || k.Data != "option" {
			return true
		}
		text := squeeze(textOf(k))
		if first == "" {
			first = text
		}
		if _, ok := attr(k, "selected"); ok && chosen == "" {
			chosen = text
		}
		return false
	})
	if chosen == "" {
		return first
	}
	return chosen
}

// embedded builds what plays or shows something else: its name, or what it holds for readers without it.
func (b *builder) embedded(n *html.Node, s *style.Style, ctx *context) {
	b.doc.notes.warn("Content of the element %s is not shown, but what it holds for readers without it.", n.Data)
	if n.Data == "embed" {
		return
	}
	name, _ := attr(n, "title")
	if label, _ := attr(n, "aria-label"); squeeze(name) == "" {
		name = label
	}
	if squeeze(name) == "" && n.Data == "iframe" {
		name, _ = attr(n, "src")
	}
	// An iframe's content is text that is markup; a video's are elements.
	hasContent := n.Data != "iframe" && squeeze(textOf(n)) != ""
	if squeeze(name) == "" && !hasContent {
		return
	}
	plain := *s
	plain.Width, plain.Height = style.Length{Auto: true}, style.Length{Auto: true}
	if hasContent {
		b.block(n, &plain, ctx)
		return
	}
	ctx.endParagraph()
	bx := &box{style: &plain}
	ctx.box.children = append(ctx.box.children, bx)
	inner := &context{box: bx, elem: ctx.elem, direct: ctx.direct, artifact: ctx.artifact, wraps: ctx.wraps, link: ctx.link}
	if !inner.direct {
		inner.elem, inner.direct = b.parent(inner).child(pdf.Name("P")), true
	}
	b.text(squeeze(name), plain.Anonymous(), inner)
	inner.endParagraph()
}
