package typeset

import (
	"github.com/perfectworks/backend/adapters/documents/typeset/style"
)

// block lays out a box between x and x+width.
func (l *layouter) block(b *box, x, width float64, c *cursor) {
	if l.full(c.y) {
		return
	}
	if b.paragraph != nil {
		l.lines(b.paragraph, x, width, c)
		return
	}
	s := b.style
	if s.Clear != "none" {
		if below := c.floats.bottom(s.Clear); below > c.y+c.positive+c.negative {
			c.positive, c.negative = 0, 0
			c.y = below
		}
	}
	if s.Float != "none" {
		l.float(b, x, width, c)
		return
	}
	if s.BreakBefore {
		l.breakPage(c)
	}
	f := frameOf(s, width)
	outer, offset := l.widthOf(b, &f, width)
	c.addMargin(f.margin[style.Top])
	top := c.y
	if b.root || b.table != nil || b.picture != nil || f.above() > 0 {
		c.resolve()
		top = c.y
	} else {
		c.waiting = append(c.waiting, &top)
	}
	decoration := l.reserve(s)
	l.mark(b, x+offset, c)
	if s.KeepBefore && !c.keeping {
		c.keepFrom, c.keeping = max(c.y-1, 0), true
	}
	c.y += f.above()
	l.content(b, x+offset+f.left(), outer-f.inner(), c)
	if below := f.below(); below > 0 || b.root {
		c.resolve()
	}
	if height, ok := l.heightOf(s, f); ok && c.y+f.below() < top+height && len(c.waiting) == 0 {
		c.resolve()
		c.y = max(c.y, top+height-f.below())
	} else if ok && len(c.waiting) > 0 && height > 0 {
		c.resolve()
		c.y = top + height - f.below()
	}
	// A box in which nothing was placed has its top where it ends.
	for i, waiting := range c.waiting {
		if waiting == &top {
			c.waiting = append(c.waiting[:i:i], c.waiting[i+1:]...)
			break
		}
	}
	c.y += f.below()
	l.decorate(decoration, deco{x: x + offset, top: top, width: outer, bottom: c.y}, s)
	if s.KeepInside {
		l.keep(top, c.y)
	}
	if s.KeepAfter && c.y > top {
		if !c.keeping {
			c.keepFrom = top
		}
		c.keeping = true
	}
	c.addMargin(f.margin[style.Bottom])
	if s.BreakAfter {
		l.breakPage(c)
	}
}

// breakPage ends the page where the cursor is.
func (l *layouter) breakPage(c *cursor) {
	if n := len(l.strip.forced); c.y > 0 && (n == 0 || l.strip.forced[n-1] != c.y) {
		l.strip.forced = append(l.strip.forced, c.y)
	}
	c.keeping = false
}

// heightOf gives the least outer height that a box is given.
func (l *layouter) heightOf(s *style.Style, f frame) (float64, bool) {
	height, ok := 0.0, false
	for _, length := range []style.Length{s.Height, s.MinHeight} {
		if length.Auto || length.Share != 0 {
			continue // shares refer to heights that paper does not have
		}
		v := length.Points
		if !s.BorderBox {
			v += f.above() + f.below()
		}
		height, ok = max(height, v), true
	}
	return min(height, l.sheet.innerHeight()), ok
}

// mark sets what leads to a box: anchors and the bookmark.
func (l *layouter) mark(b *box, x float64, c *cursor) {
	if b.heading == nil && len(b.anchors) == 0 {
		return
	}
	at := destination{x: x, y: c.y + max(c.positive+c.negative, 0), set: true}
	if b.heading != nil {
		b.heading.at = at
		l.strip.bookmarks = append(l.strip.bookmarks, b.heading)
	}
	for _, name := range b.anchors {
		l.strip.targets = append(l.strip.targets, &target{name, at})
	}
}

// content lays out what is in a box.
func (l *layouter) content(b *box, x, width float64, c *cursor) {
	if b.marker != nil {
		marker := pendingMarker{b.marker, x, false}
		if b.style.RightToLeft {
			marker.x, marker.rightSide = x+width, true
		}
		c.markers = append(c.markers, marker)
	}
	switch {
	case b.picture != nil:
		l.blockPicture(b, x, width, c)
	case b.table != nil && b.table.flexible:
		l.flexible(b, x, width, c)
	case b.table != nil:
		l.table(b, x, width, c)
	default:
		outside := c.floats
		if b.root {
			c.floats = floats{}
		}
		for _, child := range b.children {
			l.block(child, x, width, c)
		}
		if b.root {
			c.resolve()
			c.y = max(c.y, c.floats.bottom("both"))
			c.floats = outside
		}
	}
	if b.marker != nil && len(c.markers) > 0 {
		// Nothing came beside which the marker could stand.
		c.resolve()
		top := c.y
		height := lineHeight(b.style)
		l.placeMarkers(c, top+height*0.75, top, top+height)
		c.y = top + height
		l.strip.atoms = append(l.strip.atoms, extent{top, c.y})
	}
}

// reserve keeps the place of a decoration below what is in the box.
func (l *layouter) reserve(s *style.Style) int {
	if !decorated(s) {
		return -1
	}
	l.strip.decos = append(l.strip.decos, deco{})
	return len(l.strip.decos) - 1
}

// decorated tells whether a box has a border or a background.
func decorated(s *style.Style) bool {
	bordered := false
	for _, e := range s.Border {
		bordered = bordered || e.Visible()
	}
	return bordered || s.Background.Visible()
}

func (l *layouter) decorate(at int, d deco, s *style.Style) {
	if at < 0 || d.bottom <= d.top || d.width <= 0 {
		return
	}
	d.fill, d.border, d.bordered = s.Background, s.Border, true
	l.strip.decos[at] = d
}

// blockPicture places a picture that stands for itself.
func (l *layouter) blockPicture(b *box, x, width float64, c *cursor) {
	w, h := l.pictureSize(b, width)
	l.placeMarkersAt(c, b.style)
	top := c.y
	l.strip.items = append(l.strip.items, item{
		x: x, y: top, top: top, bottom: top + h, width: w, height: h, slot: b.picture.slot, link: b.picture.link, picture: b.picture,
	})
	l.strip.atoms = append(l.strip.atoms, extent{top, top + h})
	c.y += h
	if c.keeping {
		l.keep(c.keepFrom, c.y)
		c.keeping = false
	}
}

// pictureSize gives the size at which a picture is drawn: what its style says within its container and a page.
func (l *layouter) pictureSize(b *box, width float64) (w, h float64) {
	s, p := b.style, b.picture
	natural := p.height / p.width
	w, h = s.Width.Of(width, 0), s.Height.Points
	switch byWidth, byHeight := !s.Width.Auto, !s.Height.Auto && s.Height.Share == 0; {
	case byWidth && !byHeight:
		h = w * natural
	case !byWidth && byHeight:
		w = h / natural
	case !byWidth:
		w, h = p.width, p.height
	}
	limit := func(most, now float64) {
		if most > 0 && now > most {
			w, h = w*most/now, h*most/now
		}
	}
	if !s.MaxWidth.Auto {
		limit(s.MaxWidth.Of(width, 0), w)
	}
	if !s.MaxHeight.Auto && s.MaxHeight.Share == 0 {
		limit(s.MaxHeight.Points, h)
	}
	limit(max(width, leastWidth), w)
	limit(l.sheet.innerHeight(), h)
	return max(w, 0.5), max(h, 0.5)
}
