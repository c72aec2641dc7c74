package structure

import (
	"math"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// Where running headers and footers are looked for.
const (
	// edgeRows is how many rows from the top and from the bottom may be running ones.
	edgeRows = 4
	// edgeShare is the part of the page's height, from above or below, that they are in.
	edgeShare = 0.2
	// sameHeight is how far apart, in points, rows on different pages are that repeat each other.
	sameHeight = 3
	// neighbours is how many pages before and after are compared with: odd and even pages differ, chapters change.
	neighbours = 4
)

// edge is a row at the top or bottom of a page.
type edge struct {
	row    *row
	y      float64
	text   string
	folded string
	size   float64
	// gap is the distance to the next row towards the middle of the page.
	gap float64
	// alone tells that it holds a page number and nothing else; number is that number, 0 for none. Outer are the numbers
	// that other rows begin and end with, which may be page numbers.
	alone  bool
	number int
	// outermost tells that it is the first or the last row of the page, and in its margin.
	outermost bool
	outer     [2]int
}

// running finds what repeats at the top and at the bottom of pages and takes it out of them.
func (d *document) running() {
	tops := make([][]edge, len(d.sheets))
	bottoms := make([][]edge, len(d.sheets))
	for i, s := range d.sheets {
		tops[i], bottoms[i] = s.edges(true), s.edges(false)
	}
	for i, s := range d.sheets {
		s.take(d.repeated(tops, i), "Header")
		s.take(d.repeated(bottoms, i), "Footer")
	}
}

// edges gives the rows at one end of a page, from the outside in.
func (s *sheet) edges(top bool) []edge {
	var out []edge
	n := len(s.rows)
	for k := range min(edgeRows, n) {
		at := k
		if !top {
			at = n - 1 - k
		}
		r := s.rows[at]
		y := r.middle()
		if top && y < (1-edgeShare)*s.height || !top && y > edgeShare*s.height || r.object != nil {
			break
		}
		e := edge{row: r, y: r.pieces[0].baseline, size: r.pieces[0].size, gap: math.Inf(1)}
		if k+1 < n {
			next := s.rows[at+1-2*b2i(!top)]
			e.gap = math.Abs(next.middle() - y)
		}
		text := joinPieces(r.pieces)
		e.text, e.folded = text, fold(text)
		const margin = 0.1 // of the height of the page
		e.outermost = k == 0 && (top && y > (1-margin)*s.height || !top && y < margin*s.height)
		if e.number, e.alone = pageNumber(text); !e.alone {
			e.number, e.outer = 0, outerNumbers(text)
		}
		out = append(out, e)
	}
	return out
}

// outerNumbers reads the first and the last word of a text as numbers.
func outerNumbers(text string) [2]int {
	words := strings.Fields(text)
	if len(words) < 2 {
		return [2]int{}
	}
	first, _ := pageNumber(words[0])
	last, _ := pageNumber(words[len(words)-1])
	return [2]int{first, last}
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// fold makes texts equal that differ in numbers and in spaces alone.
func fold(s string) string {
	var b strings.Builder
	digits := false
	for _, r := range s {
		switch {
		case unicode.IsDigit(r):
			if !digits {
				b.WriteByte('#')
			}
			digits = true
			continue
		case unicode.IsSpace(r):
		default:
			b.WriteRune(unicode.ToLower(r))
		}
		digits = false
	}
	return b.String()
}

// pageNumber tells whether text is a page number and nothing else, such as "12", "- 12 -", "Page 12 of 20" or "iv".
func pageNumber(s string) (int, bool) {
	const longest = 24
	s = strings.ToLower(strings.Trim(s, " -–—|[]().·•"))
	if s == "" || len(s) > longest {
		return 0, false
	}
	if v := roman(s); v > 0 {
		return v, true
	}
	value, words := 0, 0
	for _, part := range strings.FieldsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || r == '/' || r == '-' }) {
		if isDigits(part) && len(part) <= 4 {
			if value == 0 {
				value = atoi(part)
			}
			continue
		}
		if words++; words > 2 || utf8.RuneCountInString(part) > 6 {
			return 0, false
		}
	}
	// "Page 3 of 10", "Seite 3 von 10", "стр. 3": a word without a number, or a number with other words, is none.
	return value, value > 0 && (words == 0 || strings.HasPrefix(s, "p") || strings.HasPrefix(s, "s") ||
		strings.HasPrefix(s, "с") || strings.HasPrefix(s, "σ") || strings.HasPrefix(s, "b") && words == 1)
}

// repeated gives the rows at one end of a page that are running ones, from the outside in.
func (d *document) repeated(edges [][]edge, i int) []*row {
	var out []*row
	last := 0
	for k, e := range edges[i] {
		out = append(out, e.row)
		if chapterLabel.MatchString(e.text) {
			continue // the start of a chapter, at the same place each time
		}
		if k+1 < len(edges[i]) && edges[i][k+1].folded == e.folded && strings.Contains(e.folded, "#") {
			break // rows of a list or table that differ in their numbers
		}
		if e.gap > setApart*e.size && d.isRunning(edges, i, e) {
			last = k + 1
		}
	}
	return out[:last]
}

// isRunning tells whether a row repeats on near pages.
func (d *document) isRunning(edges [][]edge, i int, e edge) bool {
	same, numbered, placed, counted, compared := 0, 0, 0, 0, 0
	for j := max(0, i-neighbours); j <= min(len(edges)-1, i+neighbours); j++ {
		if j == i {
			continue
		}
		compared++
		for _, f := range edges[j] {
			if math.Abs(f.y-e.y) > sameHeight {
				continue
			}
			if f.folded == e.folded && f.folded != "" {
				same++
			}
			if e.number > 0 && f.number-e.number == j-i {
				numbered++
			}
			if e.counts(f, j-i) {
				counted++
			}
			if math.Abs(f.size-e.size) < 0.5 && math.Abs(f.gap-e.gap) < sameHeight && f.gap > roomyGap*e.size {
				placed++
			}
			break
		}
	}
	const (
		apart     = 1.5 // distance to the text, in ems, of a page number that nothing confirms but its value
		wellApart = 2.5 // the same where not even its value does, as in front matter
	)
	switch {
	case same > 0 && (compared <= 2 || same >= 2):
		return e.size <= 1.3*d.body.size || e.gap > roomyGap*e.size
	case numbered > 0:
		return true
	case counted >= 2 || counted == 1 && compared <= 3:
		return e.size <= 1.2*d.body.size
	case e.alone && e.gap > wellApart*e.size && e.outermost:
		return true
	case e.alone && e.gap > apart*e.size && (compared == 0 || e.number == i+1):
		return true
	}
	// Titles of chapters change from page to page; what is set apart at the same place on most pages runs all the same,
	// unless it is as large as the title of a slide.
	return compared >= 3 && placed*10 >= compared*6 && e.size <= 1.05*d.body.size
}

// setApart is the least distance, in ems, from the innermost running row to the text.
const setApart = 1.4

// counts tells whether an outer number of a row on another page differs by as much as the pages do. Odd and even pages
// have it on different sides.
func (e edge) counts(f edge, by int) bool {
	for _, n := range e.outer {
		for _, m := range f.outer {
			if n > 0 && m > 0 && m-n == by {
				return true
			}
		}
	}
	return false
}

// roomyGap is the distance to the text, in ems, by which running titles are set apart.
const roomyGap = 1.75

// take makes rows artifacts.
func (s *sheet) take(rows []*row, kind pdf.Name) {
	if len(rows) == 0 {
		return
	}
	gone := map[*piece]bool{}
	var runs []int
	for _, r := range rows {
		for _, p := range r.pieces {
			if p.field == nil {
				gone[p] = true
				runs = append(runs, p.runs...)
			}
		}
	}
	if len(runs) == 0 {
		return
	}
	s.artifacts = append(s.artifacts, Artifact{Content: Content{Page: s.page.Number, Runs: runs}, Kind: kind})
	kept := s.pieces[:0]
	for _, p := range s.pieces {
		if !gone[p] {
			kept = append(kept, p)
		}
	}
	s.pieces = kept
	s.makeRows()
}
