package structure

import (
	"cmp"
	"slices"
	"strings"

	"github.com/perfectworks/backend/adapters/documents/pagetext"
)

// row is what stands beside each other at one height: pieces of one or more columns, or one object.
type row struct {
	pieces []*piece
	object *block
	box    pagetext.Rect
}

// makeRows sorts the pieces and objects of a page into rows from top to bottom.
func (s *sheet) makeRows() {
	s.rows = s.rows[:0]
	pieces := slices.Clone(s.pieces)
	slices.SortStableFunc(pieces, func(a, b *piece) int { return cmp.Compare(b.baseline, a.baseline) })
	for _, p := range pieces {
		if n := len(s.rows); n > 0 {
			last := s.rows[n-1]
			first := last.pieces[0]
			if first.baseline-p.baseline <= rowTolerance*min(first.size, p.size) ||
				p.field != nil && sharesLine(last.box, p.box) {
				last.pieces = append(last.pieces, p)
				last.box = last.box.Union(p.box)
				continue
			}
		}
		s.rows = append(s.rows, &row{pieces: []*piece{p}, box: p.box})
	}
	for _, r := range s.rows {
		slices.SortStableFunc(r.pieces, func(a, b *piece) int { return cmp.Compare(a.box.Left, b.box.Left) })
	}
	for _, o := range s.objects {
		s.rows = append(s.rows, &row{object: o, box: o.box})
	}
	slices.SortStableFunc(s.rows, func(a, b *row) int { return cmp.Compare(b.middle(), a.middle()) })
}

// sharesLine tells whether two boxes stand mostly at the same height.
func sharesLine(a, b pagetext.Rect) bool {
	shared := min(a.Top, b.Top) - max(a.Bottom, b.Bottom)
	return shared > 0.5*min(a.Height(), b.Height())
}

// middle is the height by which rows are ordered: the middle of a line, the top of an object.
func (r *row) middle() float64 {
	if r.object != nil {
		return r.box.Top
	}
	return (r.box.Top + r.box.Bottom) / 2
}

// line is a row within one column.
type line struct {
	pieces         []*piece
	box            pagetext.Rect
	baseline, size float64
	style          style
	text           string
	column         *column
	// margin is where lines like it end at the most: lines that are moved in on the left often are on the right.
	margin float64
	// leading is the distance of lines that most lines like it have in its column, 0 if there are too few.
	leading float64
	bullet  *bullet
}

// column is a part of a page in which lines follow each other.
type column struct{ left, right float64 }

// newLine makes a line of the pieces of a row that are in one column.
func newLine(pieces []*piece) *line {
	if by := balance(joinPieces(pieces)); len(pieces) > 1 && (by > 0 && !pieces[0].sheet.mirrored || by < 0 && pieces[0].sheet.mirrored) {
		pieces = slices.Clone(pieces)
		slices.Reverse(pieces)
	}
	l := &line{pieces: pieces, box: pieces[0].box}
	var bold, italic, mono, all, weight int
	for _, p := range pieces {
		n := len(p.text)
		all += n
		if p.style.bold {
			bold += n
		}
		if p.style.italic {
			italic += n
		}
		if p.style.mono {
			mono += n
		}
		if n > weight || l.size == 0 {
			weight, l.size, l.baseline, l.style.color = n, p.size, p.baseline, p.style.color
		}
		l.box = l.box.Union(p.box)
	}
	l.style.bold = bold == all && all > 0
	l.style.italic = italic == all && all > 0
	l.style.mono = mono == all && all > 0
	l.text = joinPieces(pieces)
	return l
}

func joinPieces(pieces []*piece) string {
	if len(pieces) == 1 {
		return pieces[0].text
	}
	parts := make([]string, 0, len(pieces))
	for _, p := range pieces {
		if p.text != "" {
			parts = append(parts, p.text)
		}
	}
	return strings.Join(parts, " ")
}

// runs are all runs of a line in the order of reading.
func (l *line) runs() []int {
	if len(l.pieces) == 1 {
		return l.pieces[0].runs
	}
	var out []int
	for _, p := range l.pieces {
		out = append(out, p.runs...)
	}
	return out
}
