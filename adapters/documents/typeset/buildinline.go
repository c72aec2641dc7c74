package typeset

import (
	"strings"
	"unicode"

	"golang.org/x/net/html"

	"github.com/perfectworks/backend/adapters/documents/typeset/style"
)

// ensure begins a paragraph if none is open.
func (b *builder) ensure(ctx *context) {
	if ctx.paragraph != nil && len(ctx.paragraph.text) < maxParagraph {
		return
	}
	ctx.endParagraph()
	ctx.paragraph = &paragraph{style: ctx.box.style}
	ctx.box.children = append(ctx.box.children, &box{paragraph: ctx.paragraph})
	parent := ctx.elem
	if !ctx.artifact {
		if !ctx.direct {
			parent = b.parent(ctx).child("P")
			parent.anonymous = true
		}
		for _, w := range ctx.wraps {
			parent = w(parent)
		}
	}
	ctx.current = parent
}

// parent gives the element that a block-level element is put into: in a list, an item of its own.
func (b *builder) parent(ctx *context) *element {
	if ctx.elem.role == "L" {
		return ctx.elem.child("LI").child("LBody")
	}
	return ctx.elem
}

// endParagraph ends the paragraph, without the space at its end.
func (ctx *context) endParagraph() {
	p := ctx.paragraph
	ctx.paragraph, ctx.current = nil, nil
	if p == nil {
		return
	}
	for n := len(p.text); n > 0 && p.text[n-1] == ' ' && p.collapses(); n-- {
		p.text = p.text[:n-1]
		last := p.last()
		last.end--
		begin := 0
		if len(p.spans) > 1 {
			begin = p.spans[len(p.spans)-2].end
		}
		if last.end <= begin {
			p.spans = p.spans[:len(p.spans)-1]
		}
	}
}

// text adds text to the paragraph, white space treated as the style says (CSS Text Level 3, 4.1).
func (b *builder) text(data string, s *style.Style, ctx *context) {
	if s.Hidden || data == "" {
		return
	}
	preserve := s.Space == "pre" || s.Space == "pre-wrap"
	if ctx.paragraph == nil && !preserve && strings.TrimLeft(data, " \t\n\r\f") == "" {
		return
	}
	switch s.Transform {
	case "uppercase":
		data = strings.ToUpper(data)
	case "lowercase":
		data = strings.ToLower(data)
	case "capitalize":
		data = capitalize(data)
	}
	b.ensure(ctx)
	previous := '\n'
	column := 0
	if text := ctx.paragraph.text; len(text) > 0 {
		previous = text[len(text)-1]
		for i := len(text) - 1; i >= 0 && text[i] != '\n' && column < 8; i-- {
			column++
		}
	}
	out := make([]rune, 0, len(data))
	for _, r := range data {
		switch {
		case r == '\r' || r == '\f' && preserve:
			continue
		case r == '\n' && (preserve || s.Space == "pre-line"):
			column = -1
		case r == '\t' && preserve:
			for range 7 - (column & 7) {
				out = append(out, ' ')
				column++
			}
			r = ' '
		case r == ' ' || r == '\t' || r == '\n' || r == '\f':
			r = ' '
			if !preserve && (previous == ' ' || previous == '\n') {
				continue
			}
		case unwanted(r):
			continue
		}
		out = append(out, r)
		previous = r
		column++
	}
	b.runes(out, s, ctx)
}

// unwanted tells whether a character has no place in text: controls, and what is no character.
func unwanted(r rune) bool {
	return r < 0x20 && r != '\n' || r >= 0x7f && r < 0xa0 || r == objectMark || r == 0xfeff || r&0xfffe == 0xfffe ||
		r >= 0xfdd0 && r <= 0xfdef || r >= 0xfe00 && r <= 0xfe0f || r >= 0xe0100 && r <= 0xe01ef
}

func capitalize(text string) string {
	begins := true
	return strings.Map(func(r rune) rune {
		upper := begins && unicode.IsLetter(r)
		begins = unicode.IsSpace(r) || r == '-'
		if upper {
			return unicode.ToTitle(r)
		}
		return r
	}, text)
}

// runes adds characters as they are.
func (b *builder) runes(text []rune, s *style.Style, ctx *context) {
	if len(text) == 0 {
		return
	}
	for len(text) > 0 {
		part := text
		if len(part) > maxParagraph {
			part = part[:maxParagraph]
			for i := len(part) - 1; i > maxParagraph/2; i-- {
				if part[i] == '\n' || part[i] == ' ' {
					part = part[:i+1]
					break
				}
			}
		}
		text = text[len(part):]
		b.ensure(ctx)
		sp := span{style: s, link: ctx.link, fill: ctx.fill}
		if !ctx.artifact {
			sp.slot = ctx.current.content()
		}
		b.placeAnchors(ctx, s)
		ctx.paragraph.add(part, sp)
	}
}

// placeAnchors puts the anchors that wait at the next text: each in a span of its own, without width.
func (b *builder) placeAnchors(ctx *context, s *style.Style) {
	for _, name := range ctx.anchors {
		ctx.paragraph.add([]rune{'\u2060'}, span{style: s, anchor: name, gap: tinyGap})
	}
	ctx.anchors = nil
}

// tinyGap is a width that nobody sees.
const tinyGap = 0.001

// inline builds an inline element.
func (b *builder) inline(n *html.Node, s *style.Style, ctx *context) {
	b.anchor(n, func(name string) { ctx.anchors = append(ctx.anchors, name) })
	before, fill := ctx.link, ctx.fill
	w := b.wrapper(n, ctx)
	if w != nil {
		ctx.wraps = append(ctx.wraps[:len(ctx.wraps):len(ctx.wraps)], w)
		if ctx.paragraph != nil {
			ctx.current = w(ctx.current)
		}
	}
	if s.Background.Visible() {
		ctx.fill = s
	}
	f := frameOf(s, 0)
	b.gap(f.margin[style.Left]+f.left(), s, ctx)
	b.inside(n, s, ctx)
	if ctx.link != before {
		b.nameLink(n, s, ctx)
	}
	b.gap(f.margin[style.Right]+f.padding[style.Right]+f.border[style.Right], s, ctx)
	ctx.link, ctx.fill = before, fill
	if w != nil {
		ctx.wraps = ctx.wraps[:len(ctx.wraps)-1]
		if ctx.paragraph != nil {
			ctx.current = ctx.current.parent
		}
	}
}

// gap adds a distance in the line.
func (b *builder) gap(width float64, s *style.Style, ctx *context) {
	if width > 0 && ctx.paragraph != nil {
		ctx.paragraph.add([]rune{'\u2060'}, span{style: s, gap: min(width, 200), fill: ctx.fill})
	}
}

// inlineBlock builds a box that stands in the line.
func (b *builder) inlineBlock(n *html.Node, s *style.Style, ctx *context) {
	b.ensure(ctx)
	b.anchor(n, func(name string) { ctx.anchors = append(ctx.anchors, name) })
	b.placeAnchors(ctx, s)
	bx := &box{style: s}
	inner := &context{box: bx, elem: ctx.current, direct: true, artifact: ctx.artifact, link: ctx.link, figure: ctx.figure}
	if !ctx.artifact {
		if w := b.wrapper(n, inner); w != nil {
			inner.elem = w(ctx.current)
		}
	}
	b.inside(n, s, inner)
	if inner.link != ctx.link {
		b.nameLink(n, s, inner)
	}
	inner.endParagraph()
	ctx.paragraph.add([]rune{objectMark}, span{style: s, object: bx})
}

// object puts a box into the line.
func (b *builder) object(bx *box, s *style.Style, ctx *context) {
	b.ensure(ctx)
	b.placeAnchors(ctx, s)
	ctx.paragraph.add([]rune{objectMark}, span{style: s, object: bx})
}
