package structure

import (
	"math"

	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// Running headers and footers are hidden from readers. So only what is known to repeat is one: the same text at the same
// place of near pages, the number of the page, and the title of a chapter that is a heading elsewhere. Anything else at
// the edge of a page is content.

// Where running headers and footers are looked for.
const (
	// edgeRows is how many rows from the top and from the bottom may be running ones.
	edgeRows = 4
	// edgeShare is the part of the page's height, from above or below, that they are in.
	edgeShare = 0.2
	// pageMargin is the part of it that is the margin, in which page numbers are.
	pageMargin = 0.1
	// sameHeight is how far apart, in points, rows on different pages are that repeat each other.
	sameHeight = 3
	// neighbours is how many pages before and after are compared with: odd and even pages differ, chapters change.
	neighbours = 4
	// setApart is the least distance, in ems, from the innermost running row to the text.
	setApart = 1.4
	// togetherRows is the largest distance, in ems, of running rows to each other.
	togetherRows = 2.6
	// roomyGap is the distance to the text, in ems, by which running titles are set apart.
	roomyGap = 1.75
	// blockRows is the largest distance, in ems, of the lines of one block, as of an address.
	blockRows = 1.45
	// titleSize is how large text is, by the size of running text, that is a title even if each page has it.
	titleSize = 1.5
)

// edge is a row at the top or bottom of a page.
type edge struct {
	row    *row
	y      float64
	text   string
	tokens []token
	// things are the numbers in it that are those of things, such as an invoice.
	things []string
	size   float64
	// gap is the distance to the next row towards the middle of the page, tabular tells that both have the same columns.
	gap     float64
	tabular bool
	// outermost tells that it is the first or the last row of the page, and in its margin.
	outermost bool
	// number is the page number that it may be, if it is nothing else; its value is 0 if there is none.
	number pageNumber
	// outer are the numbers that stand apart at its ends, beside other text: they may be page numbers.
	outer [2]outerNumber
}

// running finds what repeats at the top and at the bottom of pages and takes it out of them.
func (d *document) running() {
	tops := make([][]edge, len(d.sheets))
	bottoms := make([][]edge, len(d.sheets))
	for i, s := range d.sheets {
		tops[i], bottoms[i] = s.edges(true), s.edges(false)
	}
	titles := d.titles()
	for i, s := range d.sheets {
		s.take(d.repeated(tops, i, titles), "Header")
		s.take(d.repeated(bottoms, i, titles), "Footer")
	}
}

// edges gives the rows at one end of a page, from the outside in.
func (s *sheet) edges(top bool) []edge {
	var out []edge
	n := len(s.rows)
	for k := range min(edgeRows, n) {
		at, inward := k, 1
		if !top {
			at, inward = n-1-k, -1
		}
		r := s.rows[at]
		y := r.middle()
		if top && y < (1-edgeShare)*s.height || !top && y > edgeShare*s.height || r.object != nil {
			break
		}
		text := joinPieces(r.pieces)
		e := edge{
			row: r, y: r.pieces[0].baseline, size: r.pieces[0].size, gap: math.Inf(1), text: text, tokens: tokensOf(text),
			things:    thingNumbers(r.pieces),
			outermost: k == 0 && (top && y > (1-pageMargin)*s.height || !top && y < pageMargin*s.height),
			number:    readPageNumber(text),
		}
		if k+1 < n {
			next := s.rows[at+inward]
			e.gap = math.Abs(next.middle() - y)
			e.tabular = sharesColumns(r, next)
		}
		if e.number.value == 0 {
			e.outer = outerNumbers(r.pieces)
		}
		out = append(out, e)
	}
	return out
}

// continues tells whether a row belongs to the block of the row outside of it: it is as large, close to it, and begins or
// ends at the same place.
func (e edge) continues(outside edge) bool {
	if math.Abs(e.y-outside.y) > blockRows*e.size || math.Abs(e.size-outside.size) > 0.1*e.size {
		return false
	}
	for _, p := range e.row.pieces {
		for _, q := range outside.row.pieces {
			if math.Abs(p.box.Left-q.box.Left) < 1 || math.Abs(p.box.Right-q.box.Right) < 1 {
				return true
			}
		}
	}
	return false
}

// sharesColumns tells whether the pieces of two rows begin at the same places, as those of a table do.
func sharesColumns(a, b *row) bool {
	if len(a.pieces) < 2 || len(a.pieces) != len(b.pieces) {
		return false
	}
	for i := range a.pieces {
		if math.Abs(a.pieces[i].box.Left-b.pieces[i].box.Left) > sameHeight &&
			math.Abs(a.pieces[i].box.Right-b.pieces[i].box.Right) > sameHeight {
			return false
		}
	}
	return true
}

// repeated gives the pieces at one end of a page that are running ones.
func (d *document) repeated(edges [][]edge, i int, titles titles) []*piece {
	found := make([][]*piece, len(edges[i]))
	for k, e := range edges[i] {
		if chapterLabel.MatchString(e.text) {
			continue // the start of a chapter, at the same place each time
		}
		if k+1 < len(edges[i]) && differInNumbers(e.tokens, edges[i][k+1].tokens) {
			break // rows of a list or table
		}
		if found[k] = d.runningPieces(edges, i, e, titles); found[k] == nil && e.size > 1.2*d.body.size {
			break // a heading: what stands behind it belongs to it
		}
		if k > 0 && found[k] != nil && found[k-1] == nil && e.continues(edges[i][k-1]) {
			found[k] = nil
			break // the end of a block, such as the town of an address
		}
		if k > 0 && found[k] != nil && math.Abs(e.y-edges[i][k-1].y) > togetherRows*e.size {
			found[k] = nil
			break // the text begins here
		}
	}
	dropTables(edges[i], found)
	var out []*piece
	sure := 0 // so many of out are set apart from the text
	for k, e := range edges[i] {
		out = append(out, found[k]...)
		if len(found[k]) > 0 && e.gap > setApart*e.size {
			sure = len(out)
		}
	}
	return out[:sure]
}

// dropTables takes rows back that have the columns of a row beside them that does not run: they are rows of one table.
func dropTables(edges []edge, found [][]*piece) {
	for changed := true; changed; {
		changed = false
		for k, e := range edges {
			inner := e.tabular && (k+1 == len(edges) || found[k+1] == nil)
			outer := k > 0 && edges[k-1].tabular && found[k-1] == nil
			if found[k] != nil && (inner || outer) {
				found[k], changed = nil, true
			}
		}
	}
}

// runningPieces gives the pieces of a row that run: all, those of a page number, or none.
func (d *document) runningPieces(edges [][]edge, i int, e edge, titles titles) []*piece {
	var same, numbered, compared int
	var counted [2]int
	repeats := false // of what is beside the number
	for j := max(0, i-neighbours); j <= min(len(edges)-1, i+neighbours); j++ {
		if j == i {
			continue
		}
		compared++
		for _, f := range edges[j] {
			if math.Abs(f.y-e.y) > sameHeight {
				continue
			}
			by := j - i
			if repeatsOn(e.tokens, f.tokens, by, e.things) {
				same++
			}
			if e.number.value > 0 && f.number.value-e.number.value == by {
				numbered++
			}
			for k := range e.outer {
				if e.outer[k].counts(f, by) {
					counted[k]++
				}
				repeats = repeats || e.outer[k].repeats(f)
			}
			break
		}
	}
	small := e.size <= 1.2*d.body.size
	switch {
	case e.size > titleSize*d.body.size:
		return nil // the title of each of several letters, certificates or forms
	case same > 0 && (compared <= 2 || same >= 2) && (small || e.gap > roomyGap*e.size):
		return e.row.pieces
	case numbered > 0 && (small || e.outermost), e.isLonePageNumber(i):
		return e.row.pieces
	}
	for k, outer := range e.outer {
		if outer.value == 0 || !small {
			continue
		}
		if counted[k] >= 2 || counted[k] == 1 && compared <= 2 && e.outermost && outer.value == i+1 {
			if repeats || e.gap > roomyGap*e.size && titles.has(outer.beside, e, i) {
				return e.row.pieces
			}
			return []*piece{outer.piece}
		}
	}
	if e.gap > roomyGap*e.size && titles.has(e.text, e, i) {
		return e.row.pieces
	}
	return nil
}

// isLonePageNumber tells whether a row that no other page confirms is the number of its page: it says that it is one, or
// has the right value, and stands apart in the margin.
func (e edge) isLonePageNumber(page int) bool {
	const apart = 1.5 // ems
	return e.number.value > 0 && e.outermost && e.gap > apart*e.size && (e.number.said || e.number.value == page+1)
}

// take makes pieces artifacts.
func (s *sheet) take(pieces []*piece, kind pdf.Name) {
	gone := map[*piece]bool{}
	var runs []int
	for _, p := range pieces {
		if p.field == nil {
			gone[p] = true
			runs = append(runs, p.runs...)
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

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}
