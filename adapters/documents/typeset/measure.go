package typeset

import (
	"github.com/perfectworks/backend/adapters/documents/typeset/style"
)

// measure gives the least width of a box, where nothing in it is torn apart, and the width that it would take if there
// were room, both with its margins.
func (l *layouter) measure(b *box) (narrow, wide float64) {
	if b.measured {
		return b.narrow, b.wide
	}
	b.measured = true
	switch {
	case b.paragraph != nil:
		b.narrow, b.wide = l.measureParagraph(b.paragraph)
		return b.narrow, b.wide
	case b.picture != nil:
		w, _ := l.pictureSize(b, l.sheet.innerWidth())
		narrow, wide = min(w, 48), w
		if b.style.MaxWidth.Auto && !b.style.Width.Auto && b.style.Width.Share == 0 {
			narrow = w
		}
	case b.table != nil:
		columns := l.measureColumns(b.table)
		for _, c := range columns {
			narrow, wide = narrow+c.narrow, wide+c.wide
		}
		gaps := l.gaps(b, len(columns))
		narrow, wide = narrow+gaps, wide+gaps
		if b.table.caption != nil {
			least, _ := l.measure(b.table.caption)
			narrow = max(narrow, least)
		}
	}
	for _, child := range b.children {
		least, most := l.measure(child)
		narrow, wide = max(narrow, least), max(wide, most)
	}
	s := b.style
	f := frameOf(s, 0)
	if !s.Width.Auto && s.Width.Share == 0 && b.picture == nil {
		fixed := s.Width.Points
		if s.BorderBox {
			fixed = max(fixed-f.inner(), 0)
		}
		narrow, wide = max(min(narrow, fixed), fixed), fixed
	}
	if !s.MaxWidth.Auto && s.MaxWidth.Share == 0 {
		wide = min(wide, s.MaxWidth.Points)
		narrow = min(narrow, wide)
	}
	if !s.MinWidth.Auto && s.MinWidth.Share == 0 {
		narrow = max(narrow, s.MinWidth.Points)
	}
	around := f.inner() + max(f.margin[style.Left], 0) + max(f.margin[style.Right], 0)
	b.narrow, b.wide = narrow+around, max(narrow, wide)+around+0.01
	return b.narrow, b.wide
}

func (l *layouter) measureParagraph(p *paragraph) (narrow, wide float64) {
	p.shape(l)
	for _, f := range p.floats {
		least, most := l.measure(f)
		narrow, wide = max(narrow, least), wide+most
	}
	line, word, space, span := wide, 0.0, 0.0, 0
	for i, r := range p.text {
		for span < len(p.spans)-1 && p.spans[span].end <= i {
			span++
		}
		if r == '\n' {
			wide, line, word, space = max(wide, line-space), 0, 0, 0
			continue
		}
		advance := float64(p.advances[i])
		least := advance
		if object := p.spans[span].object; object != nil {
			least, advance = l.measure(object)
		}
		if p.breaks[i] {
			word = 0
		}
		line += advance
		if r == ' ' && p.style.Space != "pre-wrap" && p.style.Space != "pre" {
			space = advance
			continue
		}
		space = 0
		word += least
		narrow = max(narrow, word)
	}
	return narrow, max(wide, line-space, narrow)
}
