package structure

import (
	"cmp"
	"math"
	"slices"

	"github.com/perfectworks/backend/adapters/documents/pagetext"
)

// Tables whose column heads have a line each below them, with a gap between the lines.
const (
	// segmentGap is the largest gap between two of the lines, in points, and shortSegment the least length of one.
	segmentGap, shortSegment = 24, 8
	// headGap is the largest distance from a line to the text above it, in ems, and headLine that of the lines of a head.
	headGap, headLine = 0.9, 0.5
	// firstRowGap is the largest distance from the lines to the first row below, in ems, rowGap that of rows to each other,
	// and cellLine that of lines in one cell.
	firstRowGap, rowGap, cellLine = 2.5, 1.8, 0.8
)

// segmentedTables finds tables by the lines below the heads of their columns, which tell where the columns are.
func (d *document) segmentedTables(s *sheet, open []stroke) {
	lines := slices.Clone(open)
	slices.SortStableFunc(lines, func(a, b stroke) int { return cmp.Compare(b.at, a.at) })
	for i := 0; i < len(lines); {
		j := i + 1
		for j < len(lines) && lines[i].at-lines[j].at <= sameStroke {
			j++
		}
		for _, segments := range neighbouring(lines[i:j]) {
			if g := d.segmentedGrid(s, segments); g != nil {
				s.addTable(g)
			}
		}
		i = j
	}
}

// neighbouring parts lines at one level where they are too far apart, and leaves out those that stand alone.
func neighbouring(level []stroke) [][]stroke {
	slices.SortFunc(level, func(a, b stroke) int { return cmp.Compare(a.from, b.from) })
	var out [][]stroke
	start := 0
	for i := 1; i <= len(level); i++ {
		if i < len(level) && level[i].from-level[i-1].to <= segmentGap {
			continue
		}
		if i-start > 1 {
			out = append(out, level[start:i])
		}
		start = i
	}
	return out
}

// segmentedGrid makes a table of the text above and below some lines beside each other; nil if there is none.
func (d *document) segmentedGrid(s *sheet, segments []stroke) *grid {
	first, last := segments[0], segments[len(segments)-1]
	xs := []float64{first.from}
	for i, l := range segments {
		if !l.drawn || l.to-l.from < shortSegment {
			return nil
		}
		if i > 0 {
			xs = append(xs, (segments[i-1].to+l.from)/2)
		}
	}
	xs = append(xs, last.to)
	const reach = 100 // points of heads
	above := textRows(s.inside(pagetext.Rect{Left: first.from, Right: last.to, Bottom: first.at, Top: first.at + reach}))
	box := pagetext.Rect{Left: first.from, Right: last.to, Bottom: first.at, Top: first.at}
	headed := map[int]bool{}
	n, size := 0, 0.0
	for _, r := range slices.Backward(above) {
		gap := headLine
		if n == 0 {
			gap = headGap
		}
		if !keepsTo(r, xs) || n > 0 && r.size > 1.04*size || r.baseline-0.2*r.size-box.Top > gap*r.size || captionKind(r.pieces[0].text) != "" {
			break
		}
		box.Top = r.baseline + 0.8*r.size
		size = r.size
		for _, p := range r.pieces {
			headed[slot(xs, p.box.Left+1.5)] = true
		}
		n++
	}
	if len(headed)*2 < len(segments) || len(headed) < 2 {
		return nil
	}
	below := textRows(s.inside(pagetext.Rect{Left: first.from, Right: last.to, Top: first.at}))
	multiple := false
	for i, r := range below {
		gap, most := box.Bottom-(r.baseline+0.75*r.size), rowGap*r.size
		switch {
		case i == 0:
			most = firstRowGap * r.size
		case len(r.pieces) == 1:
			most = cellLine * r.size
		}
		if !keepsTo(r, xs) || gap > most {
			break
		}
		multiple = multiple || columnsOf(r, xs) > 1
		box.Bottom = r.baseline - 0.25*r.size
	}
	if !multiple {
		return nil
	}
	rows := textRows(s.inside(box.Grow(1)))
	if len(rows) < 2 || len(rows) > maxStrokes || isNumbered(rows, xs) {
		return nil
	}
	g := s.gridOf(rows, xs, box, []stroke{{at: first.at, from: first.from, to: last.to, drawn: true}})
	if g == nil || !g.plausible() || !g.tabular() {
		return nil
	}
	return g
}

// alignsWith tells whether each piece of a row begins or ends where a piece of other rows does.
func alignsWith(r textRow, rows []textRow) bool {
	const nearly = 2.0 // points
	for _, p := range r.pieces {
		if !slices.ContainsFunc(rows, func(other textRow) bool {
			return slices.ContainsFunc(other.pieces, func(q *piece) bool {
				return math.Abs(q.box.Left-p.box.Left) < nearly || math.Abs(q.box.Right-p.box.Right) < nearly
			})
		}) {
			return false
		}
	}
	return true
}
