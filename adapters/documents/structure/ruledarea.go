package structure

import (
	"cmp"
	"math"
	"slices"

	"github.com/perfectworks/backend/adapters/documents/pagetext"
)

// ruledArea is what lies between lines of the same length.
type ruledArea struct {
	box   pagetext.Rect
	lines []stroke
}

// betweenRules gives the areas of tables between lines that start and end at the same places.
func (s *sheet) betweenRules(open []stroke) []ruledArea {
	var out []ruledArea
	used := make([]bool, len(open))
	const nearly = 3.0 // points
	for i, first := range open {
		if used[i] || first.to-first.from < 40 {
			continue
		}
		lines := []stroke{first}
		for j := i + 1; j < len(open); j++ {
			if l := open[j]; !used[j] && math.Abs(l.from-first.from) < nearly && math.Abs(l.to-first.to) < nearly {
				lines = append(lines, l)
				used[j] = true
			}
		}
		slices.SortFunc(lines, func(a, b stroke) int { return cmp.Compare(b.at, a.at) })
		out = append(out, s.tableAreas(lines)...)
	}
	return out
}

// tableAreas parts lines of the same length, from top to bottom, where what is between them is no part of a table.
func (s *sheet) tableAreas(lines []stroke) []ruledArea {
	var out []ruledArea
	for i := 0; i+1 < len(lines); {
		j := i
		for j+1 < len(lines) && s.isTablePart(lines[j], lines[j+1], j > i) {
			j++
		}
		if j > i {
			area := ruledArea{lines: lines[i : j+1]}
			area.box = pagetext.Rect{Left: lines[i].from, Right: lines[i].to, Bottom: lines[j].at, Top: lines[i].at}
			area.box.Top, area.box.Bottom = s.headTop(area.box), s.rowsBelow(area.box)
			out = append(out, area)
		}
		i = max(j, i+1)
	}
	return out
}

// isTablePart tells whether what is between two lines may be rows of a table.
func (s *sheet) isTablePart(upper, lower stroke, inside bool) bool {
	box := pagetext.Rect{Left: upper.from, Right: upper.to, Bottom: lower.at, Top: upper.at}
	rows := textRows(s.inside(box))
	if len(rows) == 0 {
		return box.Height() < 30
	}
	if s.isRunningText(rows, box) || headsBelow(rows, box) {
		return false
	}
	multiple := 0
	for _, r := range rows {
		if len(r.pieces) > 1 {
			multiple++
		}
		if captionKind(r.pieces[0].text) != "" && len(r.pieces) == 1 {
			return false
		}
	}
	return multiple*2 >= len(rows) || inside && (multiple > 0 || len(rows) <= 2)
}

// headsBelow tells whether rows stand apart from the line above them and close to that below: there begins another table.
func headsBelow(rows []textRow, box pagetext.Rect) bool {
	const (
		apart = 1.0 // ems
		near  = 0.6
	)
	first, last := rows[0], rows[len(rows)-1]
	above := box.Top - (first.baseline + 0.75*first.size)
	below := last.baseline - 0.22*last.size - box.Bottom
	return above > apart*first.size && below < near*last.size && above > 2*below
}

// headTop extends an area by the headers of columns that stand above its first line, and by the end of a row that began
// on the page before.
func (s *sheet) headTop(box pagetext.Rect) float64 {
	top := box.Top
	const most = 5 // lines of headers
	above := textRows(s.inside(pagetext.Rect{Left: box.Left - 1, Right: box.Right + 1, Bottom: top, Top: top + 80}))
	low := top // the lines looked at so far reach up to here
	for k := range min(len(above), most) {
		r := above[len(above)-1-k]
		if r.baseline-0.25*r.size-low > 0.9*r.size {
			break
		}
		low = r.baseline + 0.85*r.size
		if len(r.pieces) < 2 {
			// It may be one of several lines of a header, if others stand beside the first of them.
			if p := r.pieces[0]; p.box.Width() > 0.5*box.Width() || captionKind(p.text) != "" {
				break
			}
			if len(s.rows) > 0 && s.rows[0].object == nil && s.rows[0].pieces[0] == r.pieces[0] {
				top = low
			}
			continue
		}
		top = low
	}
	return top
}

// rowsBelow extends an area by the rows below its last line that have its columns: not all tables end with a line, and
// those that go on on the next page do not.
func (s *sheet) rowsBelow(box pagetext.Rect) float64 {
	inner := textRows(s.inside(box))
	bottom := box.Bottom
	const reach = 120 // points of one row
	below := textRows(s.inside(pagetext.Rect{Left: box.Left - 1, Right: box.Right + 1, Bottom: bottom - reach, Top: bottom}))
	for i, r := range below {
		gap := bottom - (r.baseline + 0.75*r.size)
		most := cellLine * r.size
		if len(r.pieces) > 1 && i > 0 {
			most = rowGap * r.size
		}
		if i == 0 && len(r.pieces) < 2 || gap > most || !alignsWith(r, inner) {
			break
		}
		bottom = r.baseline - 0.3*r.size
	}
	return bottom
}
