package typeset

import (
	"slices"

	"github.com/perfectworks/backend/adapters/documents/typeset/style"
)

// floats are boxes beside which text runs (CSS 2.2, 9.5).
type floats struct {
	placed []floated
}

type floated struct {
	left        bool
	edge        float64 // the side towards the text
	top, bottom float64
}

// maxFloats bounds those that are remembered at once.
const maxFloats = 64

// room narrows a line at a height by the floats beside it.
func (f *floats) room(y, left, right float64) (float64, float64) {
	for _, p := range f.placed {
		if p.top > y+0.01 || p.bottom <= y+0.01 {
			continue
		}
		if p.left {
			left = max(left, p.edge)
		} else {
			right = min(right, p.edge)
		}
	}
	return left, right
}

// bottom is where the floats of a side end: left, right or both.
func (f *floats) bottom(which string) float64 {
	y := 0.0
	for _, p := range f.placed {
		if which == "both" || which == "left" && p.left || which == "right" && !p.left {
			y = max(y, p.bottom)
		}
	}
	return y
}

// next is the height at which the first of the floats beside a line ends.
func (f *floats) next(y float64) (float64, bool) {
	best, found := 0.0, false
	for _, p := range f.placed {
		if p.bottom > y+0.01 && (!found || p.bottom < best) {
			best, found = p.bottom, true
		}
	}
	return best, found
}

// float places a box at a side, below others where there is no room.
func (l *layouter) float(b *box, x, width float64, c *cursor) {
	f := frameOf(b.style, width)
	outer, _ := l.widthOf(b, &f, width)
	whole := outer + max(f.margin[style.Left], 0) + max(f.margin[style.Right], 0)
	y := c.y + c.positive + c.negative
	if len(c.waiting) > 0 {
		c.resolve()
		y = c.y
	}
	left, right := c.floats.room(y, x, x+width)
	for right-left < whole-0.01 {
		below, ok := c.floats.next(y)
		if !ok {
			break
		}
		y = below
		left, right = c.floats.room(y, x, x+width)
	}
	at := left + f.margin[style.Left]
	if b.style.Float == "right" {
		at = right - f.margin[style.Right] - outer
	}
	inside := *b.style
	inside.Float, inside.Clear, inside.Width, inside.BorderBox = "none", "none", style.Length{Points: outer}, true
	inside.MaxWidth, inside.MinWidth = style.Length{Auto: true}, style.Length{Auto: true}
	inside.Margin[style.Left], inside.Margin[style.Right] = style.Length{}, style.Length{}
	if b.picture != nil {
		// The picture's own width is that of its content.
		inside.Width = style.Length{Points: outer - f.inner()}
		inside.BorderBox = false
	}
	copied := *b
	copied.style, copied.root = &inside, true
	sub := &cursor{y: y, baseline: c.baseline}
	l.block(&copied, at, outer, sub)
	sub.resolve()
	p := floated{left: b.style.Float != "right", top: y, bottom: sub.y}
	if p.left {
		p.edge = at + outer + f.margin[style.Right]
	} else {
		p.edge = at - f.margin[style.Left]
	}
	c.floats.placed = slices.DeleteFunc(c.floats.placed, func(p floated) bool { return p.bottom <= c.y })
	if len(c.floats.placed) < maxFloats {
		c.floats.placed = append(c.floats.placed, p)
	} else {
		c.y = max(c.y, sub.y)
	}
}
