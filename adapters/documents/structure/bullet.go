package structure

import (
	"cmp"
	"slices"

	"github.com/perfectworks/backend/adapters/documents/pagetext"
	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// bullet is a small drawing or image that may mark the item of a list.
type bullet struct {
	box       pagetext.Rect
	numbering pdf.Name
	// image is an index into the images of the page, -1 for a drawing.
	image int
}

const (
	// maxBullet is how large a drawn bullet is at the most, in points; it is further bounded by the text beside it.
	maxBullet = 12
	// bulletReach is how far, in ems, the text may be from its bullet.
	bulletReach = 3.2
)

// findBullets gathers what may be a bullet, from top to bottom.
func (s *sheet) findBullets() {
	add := func(r pagetext.Rect, numbering pdf.Name, image int) {
		r = s.upright(r)
		if w, h := r.Width(), r.Height(); max(w, h) <= maxBullet && min(w, h) >= 1 && max(w, h) < 2*min(w, h) {
			s.bullets = append(s.bullets, bullet{r, numbering, image})
		}
	}
	for _, shape := range s.page.Shapes() {
		numbering := pdf.Name("Circle")
		switch {
		case shape.Plain:
			numbering = "Square"
		case shape.Filled:
			numbering = "Disc"
		}
		add(shape.Box, numbering, -1)
	}
	for i, m := range s.page.Images {
		if !m.Hidden {
			add(m.Box, "Disc", i)
		}
	}
	slices.SortFunc(s.bullets, func(a, b bullet) int { return cmp.Compare(b.box.Top, a.box.Top) })
}

// bulletOf finds the bullet to the left of a line.
func (s *sheet) bulletOf(l *line) *bullet {
	if len(s.bullets) == 0 {
		return nil
	}
	top := l.baseline + 0.9*l.size
	at, _ := slices.BinarySearchFunc(s.bullets, top, func(b bullet, y float64) int { return cmp.Compare(y, b.box.Top) })
	var best *bullet
	for ; at < len(s.bullets) && s.bullets[at].box.Top > l.baseline-0.3*l.size; at++ {
		b := &s.bullets[at]
		gap := l.box.Left - b.box.Right
		if b.box.Bottom < l.baseline-0.25*l.size || gap < 0.1*l.size || gap > bulletReach*l.size ||
			b.box.Height() > l.size {
			continue
		}
		if best == nil || b.box.Right > best.box.Right {
			best = b
		}
	}
	return best
}
