package typeset

import (
	"github.com/perfectworks/backend/adapters/documents/typeset/style"
)

// flexible lays out boxes side by side: the items of flex and grid containers.
func (l *layouter) flexible(b *box, x, width float64, c *cursor) {
	c.resolve()
	l.placeMarkersAt(c, b.style)
	s := b.style
	gap := s.Gap[1]
	cells := b.table.rows[0].cells
	for len(cells) > 0 && !l.full(c.y) {
		count := len(cells)
		var widths []float64
		if s.Display == style.Grid {
			widths = gridWidths(s, width)
			count = min(count, len(widths))
		} else {
			count, widths = l.flexLine(s, cells, width, gap)
		}
		at := x
		between := gap
		if rest := width - total(widths[:count]) - gap*float64(count-1); s.Display == style.Flex && rest > 0 {
			switch s.Justify {
			case "center", "space-around", "space-evenly":
				at += rest / 2
			case "flex-end", "end", "right":
				at += rest
			case "space-between":
				if count > 1 {
					between += rest / float64(count-1)
				}
			}
		}
		top, bottom := c.y, c.y
		floats := c.floats
		var stretched []int
		for i, cl := range cells[:count] {
			sub := &cursor{y: top, markers: c.markers, baseline: c.baseline}
			c.markers = nil
			copied := *cl.box
			inside := *copied.style
			inside.Width, inside.Float = style.Length{Auto: true}, "none"
			copied.style, copied.root = &inside, true
			first := len(l.strip.decos)
			l.block(&copied, at, widths[i], sub)
			if decorated(&inside) && first < len(l.strip.decos) {
				stretched = append(stretched, first)
			}
			sub.resolve()
			bottom = max(bottom, sub.y, sub.floats.bottom("both"))
			c.markers = sub.markers
			if i == 0 {
				c.baseline = sub.baseline
			}
			at += widths[i] + between
		}
		c.floats = floats
		// Boxes side by side are as high as the highest (CSS Flexible Box Layout Level 1, 8.3, stretch).
		for _, first := range stretched {
			if d := &l.strip.decos[first]; d.bordered {
				d.bottom = max(d.bottom, bottom)
			}
		}
		l.keep(top, bottom)
		c.y = bottom
		if cells = cells[count:]; len(cells) > 0 {
			c.y += s.Gap[0]
		}
	}
}

// flexLine gives how many items stand in the next line of a flex container, and their widths.
func (l *layouter) flexLine(s *style.Style, cells []*cell, width, gap float64) (int, []float64) {
	if s.Direction == "column" || s.Direction == "column-reverse" {
		return 1, []float64{width}
	}
	count := min(len(cells), maxFlexLine)
	if s.Wrap {
		used := 0.0
		for i, cl := range cells[:count] {
			_, wide := l.measure(cl.box)
			for _, length := range []style.Length{cl.box.style.Width, cl.box.style.Basis} {
				if !length.Auto {
					wide = max(length.Of(width, 0), 1)
				}
			}
			if used += wide; i > 0 && used+gap*float64(i) > width+0.5 {
				count = i
				break
			}
		}
	}
	for ; count > 1; count = (count + 1) / 2 {
		if widths, ok := l.flexWidths(cells[:count], width-gap*float64(count-1)); ok {
			return count, widths
		}
		if count == 2 {
			break
		}
	}
	if !s.Wrap && len(cells) == 1 || s.Wrap && count == 1 {
		if widths, ok := l.flexWidths(cells[:1], width); ok {
			return 1, widths
		}
	}
	return 1, []float64{width}
}

// maxFlexLine bounds the items in one line.
const maxFlexLine = 100

// gridWidths gives the widths of the columns of a grid.
func gridWidths(s *style.Style, width float64) []float64 {
	tracks := s.Tracks
	if s.AutoFill > 0 {
		n := max(int((width+s.Gap[1])/(s.AutoFill+s.Gap[1])), 1)
		tracks = make([]style.Track, min(n, maxFlexLine))
		for i := range tracks {
			tracks[i].Fraction = 1
		}
	}
	if len(tracks) == 0 {
		return []float64{width}
	}
	room := max(width-s.Gap[1]*float64(len(tracks)-1), 1)
	fixed, fractions := 0.0, 0.0
	for _, t := range tracks {
		fixed += max(t.Length.Of(width, 0), 0)
		fractions += t.Fraction
	}
	widths := make([]float64, len(tracks))
	for i, t := range tracks {
		switch {
		case t.Fraction > 0:
			widths[i] = max(room-fixed, room/4) * t.Fraction / fractions
		default:
			widths[i] = t.Length.Of(width, 0)
		}
	}
	if sum := total(widths); sum > room {
		for i := range widths {
			widths[i] *= room / sum
		}
	}
	return widths
}

func total(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum
}

// flexWidths gives the columns of boxes side by side their widths (CSS Flexible Box Layout Level 1, 9.7, without
// shrinking below the least widths). It is false where they do not fit.
func (l *layouter) flexWidths(cells []*cell, room float64) ([]float64, bool) {
	widths := make([]float64, len(cells))
	columns := make([]column, len(cells))
	sum, least, growth := 0.0, 0.0, 0.0
	for i, c := range cells {
		s := c.box.style
		narrow, wide := l.measure(c.box)
		basis := wide
		for _, length := range []style.Length{s.Width, s.Basis} {
			if !length.Auto {
				basis = max(length.Of(room, 0), narrow)
			}
		}
		widths[i], columns[i] = basis, column{narrow: narrow, wide: basis}
		sum, least, growth = sum+basis, least+narrow, growth+s.Grow
	}
	if least > room+0.01 {
		return nil, false
	}
	switch {
	case sum > room:
		return distribute(columns, room), true
	case growth > 0:
		for i, c := range cells {
			widths[i] += (room - sum) * c.box.style.Grow / max(growth, 1)
		}
	}
	return widths, true
}
