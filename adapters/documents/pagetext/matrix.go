package pagetext

import "math"

// matrix maps (x, y) to (a*x+c*y+e, b*x+d*y+f), as ISO 32000-1, 8.3.4 writes it.
type matrix struct{ a, b, c, d, e, f float64 }

var identity = matrix{a: 1, d: 1}

// mul gives the matrix that maps by m first and by n then.
func (m matrix) mul(n matrix) matrix {
	return matrix{
		a: m.a*n.a + m.b*n.c, b: m.a*n.b + m.b*n.d,
		c: m.c*n.a + m.d*n.c, d: m.c*n.b + m.d*n.d,
		e: m.e*n.a + m.f*n.c + n.e, f: m.e*n.b + m.f*n.d + n.f,
	}
}

func (m matrix) apply(x, y float64) (float64, float64) {
	return m.a*x + m.c*y + m.e, m.b*x + m.d*y + m.f
}

// box gives the smallest upright rectangle around a rectangle that is mapped.
func (m matrix) box(r Rect) Rect {
	x1, y1 := m.apply(r.Left, r.Bottom)
	x2, y2 := m.apply(r.Right, r.Bottom)
	x3, y3 := m.apply(r.Left, r.Top)
	x4, y4 := m.apply(r.Right, r.Top)
	return Rect{
		Left: min(x1, x2, x3, x4), Bottom: min(y1, y2, y3, y4),
		Right: max(x1, x2, x3, x4), Top: max(y1, y2, y3, y4),
	}
}

// upright tells whether rectangles stay upright.
func (m matrix) upright() bool {
	const slant = 1e-3 // a slant this small is below a point over a whole page
	size := math.Abs(m.a) + math.Abs(m.b) + math.Abs(m.c) + math.Abs(m.d)
	straight := math.Abs(m.b)+math.Abs(m.c) <= slant*size
	turned := math.Abs(m.a)+math.Abs(m.d) <= slant*size
	return straight || turned
}

// scale is the mean factor by which lengths grow.
func (m matrix) scale() float64 { return math.Sqrt(math.Abs(m.a*m.d - m.b*m.c)) }

// finite tells that no number of a file has driven the matrix beyond what can be reckoned with.
func (m matrix) finite() bool {
	const most = 1e9
	for _, v := range [...]float64{m.a, m.b, m.c, m.d, m.e, m.f} {
		if math.IsNaN(v) || v > most || v < -most {
			return false
		}
	}
	return true
}

// Width is the extent from left to right.
func (r Rect) Width() float64 { return r.Right - r.Left }

// Height is the extent from bottom to top.
func (r Rect) Height() float64 { return r.Top - r.Bottom }

// Empty tells whether the rectangle has no extent in one of its directions, or is turned inside out.
func (r Rect) Empty() bool { return r.Right <= r.Left || r.Top <= r.Bottom }

// Intersect gives what two rectangles share; it is turned inside out if they share nothing.
func (r Rect) Intersect(s Rect) Rect {
	return Rect{
		Left: max(r.Left, s.Left), Bottom: max(r.Bottom, s.Bottom),
		Right: min(r.Right, s.Right), Top: min(r.Top, s.Top),
	}
}

// Union gives the smallest rectangle around two.
func (r Rect) Union(s Rect) Rect {
	return Rect{
		Left: min(r.Left, s.Left), Bottom: min(r.Bottom, s.Bottom),
		Right: max(r.Right, s.Right), Top: max(r.Top, s.Top),
	}
}

// Grow moves each side outwards.
func (r Rect) Grow(by float64) Rect {
	return Rect{Left: r.Left - by, Bottom: r.Bottom - by, Right: r.Right + by, Top: r.Top + by}
}

// Contains tells whether s lies in r.
func (r Rect) Contains(s Rect) bool {
	return s.Left >= r.Left && s.Right <= r.Right && s.Bottom >= r.Bottom && s.Top <= r.Top
}

// Overlaps tells whether two rectangles have an area, or at least a point, in common.
func (r Rect) Overlaps(s Rect) bool {
	return r.Left <= s.Right && s.Left <= r.Right && r.Bottom <= s.Top && s.Bottom <= r.Top
}
