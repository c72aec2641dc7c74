package typeset

import (
	"github.com/perfectworks/backend/adapters/documents/typeset/style"
)

// laid is a cell whose content was laid out.
type laid struct {
	cell        *cell
	from, to    point
	top, height float64 // height of the content with padding and borders
	decoration  int
	x, width    float64
}

// table lays out a table in the width of its box.
func (l *layouter) table(b *box, x, width float64, c *cursor) {
	t := b.table
	c.resolve()
	if left, right := c.floats.room(c.y, x, x+width); left > x || right < x+width {
		c.y = max(c.y, c.floats.bottom("both"))
	}
	l.placeMarkersAt(c, b.style)
	if t.caption != nil && !b.style.CaptionBelow {
		l.block(t.caption, x, width, c)
		c.resolve()
	}
	if t.columns > 0 && len(t.rows) > 0 {
		widths := distribute(l.measureColumns(t), max(width-l.gaps(b, t.columns), 1))
		l.rows(b, x, widths, c)
	}
	if t.caption != nil && b.style.CaptionBelow {
		c.keepFrom, c.keeping = max(c.y-1, 0), true
		l.block(t.caption, x, width, c)
		c.resolve()
	}
}

// rows lays out the rows of a table one below the other.
func (l *layouter) rows(b *box, x float64, widths []float64, c *cursor) {
	t := b.table
	across, down := b.style.Spacing[0], b.style.Spacing[1]
	if b.style.Collapse {
		across, down = 0, 0
	}
	lefts := make([]float64, len(widths)+1)
	lefts[0] = x + across
	for i, w := range widths {
		lefts[i+1] = lefts[i] + w + across
	}
	keepFrom, keeping := c.keepFrom, c.keeping
	c.keeping = false
	start, headFrom := c.y, l.strip.point()
	c.y += down
	head := extent{c.y, c.y}
	var headTo point
	var open []*laid // cells that go on in further rows
	ends := map[*laid]int{}
	for i, r := range t.rows {
		if l.full(c.y) {
			return
		}
		top, bottom := c.y, c.y+l.rowHeight(r)
		rowDecoration := l.reserve(r.style)
		for _, cl := range r.cells {
			w := lefts[cl.column+cl.columns] - lefts[cl.column] - across
			placed := l.cell(cl, lefts[cl.column], w, top, c)
			ends[placed] = min(i+cl.rows, len(t.rows)) - 1
			open = append(open, placed)
		}
		rest := open[:0]
		for _, o := range open {
			if ends[o] == i {
				bottom = max(bottom, o.top+o.height)
			}
		}
		for _, o := range open {
			if ends[o] != i {
				rest = append(rest, o)
				continue
			}
			l.finishCell(o, bottom, b.style.Collapse)
			delete(ends, o)
		}
		open = rest
		l.decorate(rowDecoration, deco{x: lefts[0], width: lefts[len(widths)] - lefts[0] - across, top: top, bottom: bottom}, r.style)
		c.y = bottom + down
		l.keep(top, bottom)
		if i == 0 {
			from := start
			if keeping {
				from = keepFrom
			}
			l.keep(from, bottom)
		}
		if i == t.head-1 {
			head.bottom, headTo = c.y, l.strip.point()
		}
		if i == t.head && i > 0 {
			l.keep(start, bottom) // a head is not left alone
		}
	}
	if t.head > 0 && t.head < len(t.rows) && head.bottom-head.top < l.sheet.innerHeight()/3 {
		l.strip.repeats = append(l.strip.repeats, repeat{
			body: extent{head.bottom, c.y}, top: head.top, bottom: head.bottom,
			items: [2]int{headFrom.items, headTo.items}, decos: [2]int{headFrom.decos, headTo.decos},
		})
	}
}

func (l *layouter) rowHeight(r row) float64 {
	if r.style.Height.Auto {
		return 0
	}
	return min(r.style.Height.Points, l.sheet.innerHeight()/2)
}

// cell lays out a cell at the top of its row.
func (l *layouter) cell(cl *cell, x, width, top float64, c *cursor) *laid {
	s := cl.box.style
	f := frameOf(s, width)
	o := &laid{cell: cl, from: l.strip.point(), top: top, x: x, width: width}
	o.decoration = l.reserve(s)
	sub := &cursor{y: top, markers: c.markers, baseline: c.baseline}
	c.markers = nil
	l.mark(cl.box, x, sub)
	sub.y += f.above()
	inner := max(width-f.inner(), 1)
	for _, child := range cl.box.children {
		l.block(child, x+f.left(), inner, sub)
	}
	sub.resolve()
	sub.y = max(sub.y, sub.floats.bottom("both"))
	o.height = sub.y + f.below() - top
	if h, ok := l.heightOf(s, f); ok {
		o.height = max(o.height, h)
	}
	o.to = l.strip.point()
	c.markers = sub.markers
	if sub.baseline > 0 {
		c.baseline = sub.baseline
	}
	return o
}

// finishCell aligns the content of a cell in its height and draws its decoration.
func (l *layouter) finishCell(o *laid, bottom float64, collapse bool) {
	rest := bottom - o.top - o.height
	s := o.cell.box.style
	if rest > 0.01 {
		switch s.VerticalPut {
		case "middle":
			l.strip.move(o.from, o.to, 0, rest/2)
		case "bottom":
			l.strip.move(o.from, o.to, 0, rest)
		}
	}
	d := deco{x: o.x, top: o.top, width: o.width, bottom: bottom}
	if collapse {
		// Neighbours share their borders: each reaches half of its own over the grid.
		d.x -= s.Border[style.Left].Width / 2
		d.width += s.Border[style.Left].Width/2 + s.Border[style.Right].Width/2
		d.top -= s.Border[style.Top].Width / 2
		d.bottom += s.Border[style.Bottom].Width / 2
	}
	l.decorate(o.decoration, d, s)
}
