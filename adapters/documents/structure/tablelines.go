package structure

import (
	"cmp"
	"math"
	"slices"

	"github.com/perfectworks/backend/adapters/documents/pagetext"
)

// stroke is a straight line along an axis: at is its y if it lies, its x if it stands.
type stroke struct {
	at, from, to float64
	// drawn tells that it is a rule; else it is the edge of a filled area.
	drawn bool
}

const (
	// sameStroke is how far apart, in points, parts of one line may lie.
	sameStroke = 1.6
	// touching is how far apart, in points, lines may be that meet.
	touching = 2.5
	// maxStrokes is how many lines of a page tables are made of; drawings have more.
	maxStrokes = 3000
	// widest is the part of the page that a filled area covers at the most if it is a cell.
	widest = 0.6
)

// strokes gives the lines of a page that lie and that stand, with their parts joined.
func (s *sheet) strokes() (lying, standing []stroke) {
	if len(s.page.Rules)+len(s.page.Fills) > maxStrokes*2 {
		return nil, nil
	}
	for _, r := range s.page.Rules {
		r = s.upright(r)
		if r.Width() >= r.Height() {
			if !s.underlines(r) {
				lying = append(lying, stroke{(r.Top + r.Bottom) / 2, r.Left, r.Right, true})
			}
		} else {
			standing = append(standing, stroke{(r.Left + r.Right) / 2, r.Bottom, r.Top, true})
		}
	}
	for _, f := range s.page.Fills {
		r := s.upright(f.Rect)
		if r.Width()*r.Height() > widest*s.width*s.height || r.Height() < 6 {
			continue
		}
		lying = append(lying, stroke{r.Top, r.Left, r.Right, false}, stroke{r.Bottom, r.Left, r.Right, false})
		standing = append(standing, stroke{r.Left, r.Bottom, r.Top, false}, stroke{r.Right, r.Bottom, r.Top, false})
	}
	return joinStrokes(lying), joinStrokes(standing)
}

// underlines tells whether a rule lies right below a piece of text and is no longer than it.
func (s *sheet) underlines(r pagetext.Rect) bool {
	at, _ := slices.BinarySearchFunc(s.rows, r.Top, func(row *row, y float64) int { return cmp.Compare(y, row.box.Bottom) })
	for i := max(0, at-2); i < min(len(s.rows), at+2); i++ {
		for _, p := range s.rows[i].pieces {
			below := p.baseline - (r.Top+r.Bottom)/2
			if below > -0.45*p.size && below < 0.28*p.size && r.Left > p.box.Left-2 && r.Right < p.box.Right+2 {
				return true
			}
		}
	}
	return false
}

func joinStrokes(list []stroke) []stroke {
	slices.SortFunc(list, func(a, b stroke) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.from, b.from))
	})
	var out []stroke
	for i := 0; i < len(list); {
		j := i + 1
		for j < len(list) && list[j].at-list[i].at <= sameStroke {
			j++
		}
		out = append(out, joinLevel(list[i:j])...)
		i = j
	}
	return out
}

// joinLevel joins the parts of lines at one level.
func joinLevel(list []stroke) []stroke {
	slices.SortFunc(list, func(a, b stroke) int { return cmp.Compare(a.from, b.from) })
	out := list[:1]
	for _, l := range list[1:] {
		last := &out[len(out)-1]
		if l.from <= last.to+touching {
			last.to = max(last.to, l.to)
			last.drawn = last.drawn || l.drawn
		} else {
			out = append(out, l)
		}
	}
	return out
}

// frame are lines that hang together.
type frame struct {
	lying, standing []stroke
	box             pagetext.Rect
}

// frames puts lines together that meet.
func frames(lying, standing []stroke) []frame {
	if len(lying) > maxStrokes || len(standing) > maxStrokes || len(lying)*len(standing) > maxStrokes*maxStrokes/4 {
		return nil
	}
	parent := make([]int, len(lying)+len(standing))
	for i := range parent {
		parent[i] = i
	}
	find := func(i int) int {
		for parent[i] != i {
			parent[i] = parent[parent[i]]
			i = parent[i]
		}
		return i
	}
	for i, h := range lying {
		for j, v := range standing {
			if v.at >= h.from-touching && v.at <= h.to+touching && h.at >= v.from-touching && h.at <= v.to+touching {
				parent[find(i)] = find(len(lying) + j)
			}
		}
	}
	byRoot := map[int]int{}
	var out []frame
	of := func(i int, box pagetext.Rect) *frame {
		root := find(i)
		k, ok := byRoot[root]
		if !ok {
			k = len(out)
			byRoot[root] = k
			out = append(out, frame{box: box})
		}
		out[k].box = out[k].box.Union(box)
		return &out[k]
	}
	for i, h := range lying {
		f := of(i, pagetext.Rect{Left: h.from, Right: h.to, Bottom: h.at, Top: h.at})
		f.lying = append(f.lying, h)
	}
	for j, v := range standing {
		f := of(len(lying)+j, pagetext.Rect{Left: v.at, Right: v.at, Bottom: v.from, Top: v.to})
		f.standing = append(f.standing, v)
	}
	return out
}

// striped joins frames of filled areas that stand below each other with the same sides: every other row of a table has a
// background.
func (s *sheet) striped(list []frame) []frame {
	slices.SortStableFunc(list, func(a, b frame) int { return cmp.Compare(b.box.Top, a.box.Top) })
	const (
		sides  = 2.5  // points
		apart  = 90.0 // points between two stripes
		looked = 12   // frames above that are compared with
	)
	var out []frame
	for _, f := range list {
		joined := false
		for k := len(out) - 1; k >= 0 && k >= len(out)-looked && !joined; k-- {
			above := &out[k]
			gap := above.box.Bottom - f.box.Top
			if f.isDrawn() || above.isDrawn() || gap > apart || gap < -sides || math.Abs(above.box.Left-f.box.Left) > sides ||
				math.Abs(above.box.Right-f.box.Right) > sides || !s.fitsBetween(*above, f) {
				continue
			}
			above.lying, above.standing = append(above.lying, f.lying...), append(above.standing, f.standing...)
			above.box = above.box.Union(f.box)
			joined = true
		}
		if !joined {
			out = append(out, f)
		}
	}
	return out
}

// isDrawn tells whether lines stand in a frame that are no edges of areas.
func (f frame) isDrawn() bool {
	return slices.ContainsFunc(f.standing, func(l stroke) bool { return l.drawn })
}

// fitsBetween tells whether the text of two stripes and between them keeps to their columns, and is that of a row or two:
// more are the rows of a table whose head alone has a background, and what follows it.
func (s *sheet) fitsBetween(above, below frame) bool {
	xs, other := levelsOf(above.standing), levelsOf(below.standing)
	if len(xs) < 2 || (len(xs) == 2) != (len(other) == 2) {
		return false // a heading with a background has no columns
	}
	if len(other) > len(xs) {
		xs = other
	}
	const most = 2 // rows with several cells between two stripes
	rows := textRows(s.inside(pagetext.Rect{Left: above.box.Left, Right: above.box.Right, Bottom: below.box.Bottom, Top: above.box.Top}))
	between := 0
	for _, r := range rows {
		if !keepsTo(r, xs) {
			return false
		}
		if len(r.pieces) > 1 && r.baseline < above.box.Bottom && r.baseline > below.box.Top {
			between++
		}
	}
	return between <= most
}

// keepsTo tells whether no piece of a row reaches over the edge of a column.
func keepsTo(r textRow, xs []float64) bool {
	for _, p := range r.pieces {
		if slot(xs, p.box.Left+1.5) != slot(xs, p.box.Right-1.5) {
			return false
		}
	}
	return true
}

// tail gives the bottom of a table whose last row has no background: rows that follow without a gap and keep to its
// columns belong to it.
func (s *sheet) tail(f frame, xs []float64) float64 {
	bottom := f.box.Bottom
	const reach = 120 // points of one row
	rows := textRows(s.inside(pagetext.Rect{Left: f.box.Left, Right: f.box.Right, Bottom: bottom - reach, Top: bottom}))
	for i, r := range rows {
		gap := bottom - (r.baseline + 0.75*r.size)
		if !keepsTo(r, xs) || i == 0 && (len(r.pieces) < 2 || gap > 1.2*r.size) || i > 0 && gap > 0.8*r.size {
			break
		}
		bottom = r.baseline - 0.3*r.size
	}
	return bottom
}

// levelsOf gives the distinct places of lines, in order.
func levelsOf(list []stroke) []float64 {
	var out []float64
	for _, l := range list {
		out = append(out, l.at)
	}
	slices.Sort(out)
	return apart(out)
}

// apart drops values that are nearly those before them.
func apart(sorted []float64) []float64 {
	const nearly = 3.5 // points: double lines and the two edges of a border
	out := sorted[:0]
	for _, v := range sorted {
		if len(out) == 0 || v-out[len(out)-1] > nearly {
			out = append(out, v)
		}
	}
	return out
}

// crosses tells whether any line at a place covers a point.
func crosses(list []stroke, at, point float64) bool {
	const nearly = 3.5
	for _, l := range list {
		if l.at > at-nearly && l.at < at+nearly && l.from <= point && l.to >= point {
			return true
		}
	}
	return false
}
