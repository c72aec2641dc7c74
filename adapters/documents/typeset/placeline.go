package typeset

import (
	"slices"

	"github.com/perfectworks/backend/adapters/documents/typeset/style"
)

// boundLine bounds the height of a line, so that it fits on a page.
func (l *layouter) boundLine(above, below float64) (float64, float64) {
	if most := l.sheet.innerHeight(); above+below > most {
		below = min(max(below, 0), most/2)
		above = min(above, most-below)
	}
	return above, below
}

// object is a box in a line that was laid out beside the strip's end.
type object struct {
	from, to point
	// items are those of the box, which come onto the strip when the line has come to it: in the order in which they are
	// read.
	items        []item
	above, below float64
	height       float64
}

// placeLine puts a line between left and right at the cursor, and moves the cursor below it.
func (l *layouter) placeLine(p *paragraph, ln line, left, right float64, c *cursor) {
	above, below := strut(p.style)
	objects := map[int]*object{}
	tall := false // what is higher than a page has to be cut somewhere
	first := p.spanAt(ln.start)
	start := ln.start
	for i := first; i < len(p.spans) && start < max(ln.shown, ln.start+1); i++ {
		s := &p.spans[i]
		if s.object != nil {
			o := l.placeObject(p, i, start)
			objects[i] = o
			tall = tall || o.height > l.sheet.innerHeight()
			above, below = max(above, o.above), max(below, o.below)
		} else if s.gap == 0 {
			a, b := strut(s.style)
			above, below = max(above, a+s.style.Rise), max(below, b-s.style.Rise)
		}
		start = s.end
	}
	if !tall {
		above, below = l.boundLine(above, below)
	}
	top := c.y
	baseline := top + above
	bottom := baseline + max(below, 0.1-above)
	l.placeMarkers(c, baseline, top, bottom)
	x, extra := p.align(ln, left, right)
	w := lineWriter{l: l, p: p, line: ln, x: x, baseline: baseline, top: top, bottom: bottom, extra: extra, objects: objects}
	w.write()
	c.y, c.baseline = bottom, baseline
}

// align gives where a line begins and how much each space in it is widened.
func (p *paragraph) align(ln line, left, right float64) (x, extra float64) {
	rest := right - left - ln.width
	align := p.style.Align
	if align == "start" || align == "justify" && ln.forced {
		align = "left"
		if p.style.RightToLeft {
			align = "right"
		}
	}
	switch {
	case align == "center":
		return left + max(rest/2, 0), 0
	case align == "right":
		return left + max(rest, 0), 0
	case align == "justify" && rest > 0:
		spaces := 0
		for _, r := range p.text[ln.start:ln.shown] {
			if r == ' ' {
				spaces++
			}
		}
		if spaces > 0 {
			return left, rest / float64(spaces)
		}
	}
	return left, 0
}

// placeObject lays out a box of a line beside the strip; it is moved to its place once the line is known.
func (l *layouter) placeObject(p *paragraph, span, at int) *object {
	b := p.spans[span].object
	width := float64(p.advances[at])
	f := frameOf(b.style, width)
	o := &object{from: l.strip.point()}
	inside := *b.style
	inside.Display, inside.Float = style.Block, "none"
	inside.Margin = [4]style.Length{}
	inside.Width, inside.MaxWidth, inside.MinWidth = style.Length{Auto: true}, style.Length{Auto: true}, style.Length{Auto: true}
	inside.BreakBefore, inside.BreakAfter = false, false
	if b.picture != nil {
		w, h := l.pictureSize(b, max(width-f.inner(), leastWidth))
		inside.Width, inside.Height = style.Length{Points: w}, style.Length{Points: h}
		inside.BorderBox, inside.MaxHeight = false, style.Length{Auto: true}
	}
	copied := *b
	copied.style, copied.root = &inside, true
	sub := &cursor{baseline: -1}
	l.block(&copied, 0, width-f.margin[style.Left]-f.margin[style.Right], sub)
	sub.resolve()
	o.to = l.strip.point()
	o.height = sub.y
	margins := f.margin[style.Top] + f.margin[style.Bottom]
	switch {
	case b.style.VerticalPut == "middle":
		middle := p.style.Size * 0.25
		o.above, o.below = sub.y/2+middle+f.margin[style.Top], sub.y/2-middle+f.margin[style.Bottom]
	case b.style.VerticalPut == "top" || b.style.VerticalPut == "bottom":
		above, _ := strut(p.style)
		o.above, o.below = above, sub.y+margins-above
		if b.style.VerticalPut == "bottom" {
			_, below := strut(p.style)
			o.above, o.below = sub.y+margins-below, below
		}
	case sub.baseline >= 0 && b.picture == nil:
		o.above, o.below = sub.baseline+f.margin[style.Top], sub.y-sub.baseline+f.margin[style.Bottom]
	default:
		o.above, o.below = sub.y+margins, 0
	}
	rise := b.style.Rise
	o.above, o.below = o.above+rise, o.below-rise
	// Within a line nothing is cut and nothing begins a page.
	if o.height <= l.sheet.innerHeight() {
		l.strip.atoms = l.strip.atoms[:o.from.atoms]
		l.strip.keeps = l.strip.keeps[:o.from.keeps]
	}
	l.strip.forced = l.strip.forced[:o.from.forced]
	l.strip.repeats = l.strip.repeats[:o.from.repeats]
	o.items = slices.Clone(l.strip.items[o.from.items:])
	l.strip.items = l.strip.items[:o.from.items]
	o.to = l.strip.point()
	return o
}

// markerGap is the distance between a list marker and its item.
const markerGap = 5

// placeMarkers puts the markers that wait beside a line.
func (l *layouter) placeMarkers(c *cursor, baseline, top, bottom float64) {
	for _, m := range c.markers {
		m.paragraph.shape(l)
		ln := line{end: len(m.paragraph.text), shown: len(m.paragraph.text), forced: true}
		for _, advance := range m.paragraph.advances {
			ln.width += float64(advance)
		}
		x := max(m.x-markerGap-ln.width, 0)
		if m.rightSide {
			x = m.x + markerGap
		}
		w := lineWriter{l: l, p: m.paragraph, line: ln, x: x, baseline: baseline, top: top, bottom: bottom}
		w.write()
		m.paragraph.release()
	}
	c.markers = c.markers[:0]
}

// placeMarkersAt puts the markers that wait beside something that is no line.
func (l *layouter) placeMarkersAt(c *cursor, s *style.Style) {
	if len(c.markers) > 0 {
		above, below := strut(s)
		l.placeMarkers(c, c.y+above, c.y, c.y+above+below)
	}
}
