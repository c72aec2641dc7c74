package typeset

import (
	"github.com/go-text/typesetting/segmenter"

	"github.com/perfectworks/backend/adapters/documents/typeset/style"
)

// layouter puts boxes on the strip.
type layouter struct {
	strip    *strip
	fonts    *fonts
	segments segmenter.Segmenter
	sheet    sheet
	maxPages int
	err      error
}

// cursor is how far the layout of a block formatting context has come.
type cursor struct {
	y float64
	// positive and negative are the margins that wait to be collapsed (CSS 2.2, 8.3.1).
	positive, negative float64
	// waiting are tops of boxes that are where the waiting margins end.
	waiting []*float64
	// keepFrom is the top of what shall stay with the next lines, if keeping.
	keepFrom float64
	keeping  bool
	floats   floats
	// markers wait for the first line beside which they stand.
	markers []pendingMarker
	// baseline is that of the last line.
	baseline float64
}

type pendingMarker struct {
	paragraph *paragraph
	x         float64
	rightSide bool
}

func (c *cursor) addMargin(m float64) {
	c.positive, c.negative = max(c.positive, m), min(c.negative, m)
}

// resolve moves below the waiting margins, since something is placed now.
func (c *cursor) resolve() {
	c.y = max(c.y+c.positive+c.negative, 0)
	c.positive, c.negative = 0, 0
	for _, top := range c.waiting {
		*top = c.y
	}
	c.waiting = c.waiting[:0]
}

// layout puts the whole document on a strip.
func (b *builder) layout() (*strip, error) {
	l := &layouter{strip: &strip{}, fonts: b.fonts, sheet: b.doc.sheet, maxPages: b.options.Limits.Pages}
	c := &cursor{}
	l.block(b.top, 0, l.sheet.innerWidth(), c)
	c.resolve()
	l.strip.height = max(c.y, c.floats.bottom("both"))
	switch {
	case l.err != nil:
		return nil, l.err
	case b.fonts.missing != nil:
		return nil, b.fonts.missing
	}
	return l.strip, nil
}

// full notes that the document takes more pages than it may; what follows is not laid out.
func (l *layouter) full(y float64) bool {
	if l.err == nil && y > float64(l.maxPages+1)*l.sheet.innerHeight() {
		l.err = &LimitError{"pages", l.maxPages}
	}
	return l.err != nil
}

func (l *layouter) keep(top, bottom float64) {
	if bottom > top && bottom-top <= l.sheet.innerHeight() {
		l.strip.keeps = append(l.strip.keeps, extent{top, bottom})
	}
}

// frame is the edges of a box around its content, in points.
type frame struct {
	margin, padding, border [4]float64
}

func frameOf(s *style.Style, width float64) frame {
	var f frame
	for side := range f.margin {
		f.margin[side] = s.Margin[side].Of(width, 0)
		f.padding[side] = min(max(s.Padding[side].Of(width, 0), 0), width/2+20)
		f.border[side] = s.Border[side].Width
	}
	return f
}

// inner is what padding and border take on both sides.
func (f frame) inner() float64 {
	return f.padding[style.Left] + f.padding[style.Right] + f.border[style.Left] + f.border[style.Right]
}

func (f frame) above() float64 { return f.padding[style.Top] + f.border[style.Top] }

func (f frame) below() float64 { return f.padding[style.Bottom] + f.border[style.Bottom] }

func (f frame) left() float64 { return f.padding[style.Left] + f.border[style.Left] }

// leastWidth is what a box is left at least.
const leastWidth = 8

// widthOf gives the outer width of a box, borders included, and its distance from the left. What would reach beyond
// its container is kept in it: a page has no scroll bar.
func (l *layouter) widthOf(b *box, f *frame, width float64) (outer, offset float64) {
	s := b.style
	f.margin[style.Left] = max(f.margin[style.Left], -width/2)
	room := width - f.margin[style.Left] - f.margin[style.Right]
	room = min(max(room, leastWidth), max(width, leastWidth)*1.5)
	inner := f.inner()
	sized := func(length style.Length) float64 {
		v := max(length.Of(width, 0), 0)
		if !s.BorderBox {
			v += inner
		}
		return v
	}
	outer = room
	fixed := !s.Width.Auto
	switch {
	case fixed:
		outer = sized(s.Width)
	case b.table != nil && !b.table.flexible, s.Float != "none", s.Display == style.InlineBlock:
		narrow, wide := l.measure(b)
		margins := f.margin[style.Left] + f.margin[style.Right]
		outer = min(max(narrow-margins, room), wide-margins)
		fixed = true
	}
	if !s.MaxWidth.Auto && outer > sized(s.MaxWidth) {
		outer, fixed = sized(s.MaxWidth), true
	}
	if !s.MinWidth.Auto {
		outer = max(outer, sized(s.MinWidth))
	}
	outer = max(min(outer, room), inner+1, leastWidth)
	offset = f.margin[style.Left]
	if fixed {
		left, right := s.Margin[style.Left].Auto, s.Margin[style.Right].Auto
		switch rest := width - outer; {
		case left && right:
			offset = max(rest/2, 0)
		case left:
			offset = max(rest-f.margin[style.Right], 0)
		case s.RightToLeft && b.table == nil && !right:
			offset = max(rest-f.margin[style.Right], 0)
		}
	}
	return outer, offset
}
