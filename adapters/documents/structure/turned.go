package structure

import (
	"math"
	"slices"
	"strings"

	"github.com/perfectworks/backend/adapters/documents/pagetext"
)

// watermark is how large, by the size of running text, slanted text is that lies over a page.
const watermark = 1.8

// takeTurned finds places for text that runs in another direction than most of the page: watermarks and marginal texts
// that repeat are artifacts, labels belong to the table or figure they lie in, and the rest are paragraphs after the
// others.
func (d *document) takeTurned(s *sheet) {
	if len(s.turned) == 0 {
		return
	}
	var groups [][]int
	for _, r := range s.turned {
		if n := len(groups); n > 0 {
			last := groups[n-1]
			if s.sameText(last[len(last)-1], r) {
				groups[n-1] = append(last, r)
				continue
			}
		}
		groups = append(groups, []int{r})
	}
	for _, g := range groups {
		box := s.box(g[0])
		var text strings.Builder
		for _, r := range g {
			box = box.Union(s.box(r))
			text.WriteString(s.page.Runs()[r].Text)
		}
		switch o := s.around(box); {
		case o != nil && o.kind == figure:
			o.runs = append(o.runs, g...)
		case o != nil:
			o.grid.placeTurned(s.newPiece(g))
		case d.isStamp(s, g, box, fold(text.String())):
			s.artifacts = append(s.artifacts, Artifact{Content: Content{Page: s.page.Number, Runs: g}})
		default:
			s.aside = append(s.aside, g)
		}
	}
}

// sameText tells whether two runs of turned text follow each other closely.
func (s *sheet) sameText(a, b int) bool {
	ra, rb := &s.page.Runs()[a], &s.page.Runs()[b]
	if ra.Angle != rb.Angle {
		return false
	}
	reach := 2 * max(ra.Size, rb.Size)
	return s.box(a).Grow(reach).Overlaps(s.box(b))
}

// around gives the table or figure that a box lies in, nil if there is none.
func (s *sheet) around(box pagetext.Rect) *block {
	for _, o := range s.objects {
		if o.box.Grow(drawingGap).Contains(box) {
			return o
		}
	}
	return nil
}

// placeTurned puts a turned piece into the cell at its middle.
func (g *grid) placeTurned(p *piece) {
	r := slotDown(g.ys, (p.box.Top+p.box.Bottom)/2)
	c := slot(g.xs, (p.box.Left+p.box.Right)/2)
	one := g.cells[r][c]
	one.pieces = append(one.pieces, p)
	one.text = strings.TrimSpace(one.text + " " + p.text)
	one.bold = p.style.bold && (one.bold || len(one.pieces) == 1)
}

// isStamp tells whether turned text is a watermark, which lies over other text, or is repeated on near pages.
func (d *document) isStamp(s *sheet, runs []int, box pagetext.Rect, folded string) bool {
	first := &s.page.Runs()[runs[0]]
	if math.Mod(first.Angle, 90) != 0 && first.Size > watermark*d.body.size &&
		slices.ContainsFunc(s.pieces, func(p *piece) bool { return p.box.Overlaps(box) }) {
		return true
	}
	same := 0
	for at := max(0, s.page.Number-1-neighbours); at < min(len(d.sheets), s.page.Number+neighbours); at++ {
		if at == s.page.Number-1 {
			continue
		}
		other := d.sheets[at]
		for k, r := range other.turned {
			const looked = 100 // runs of a page
			if k == looked {
				break
			}
			run := &other.page.Runs()[r]
			if run.Angle == first.Angle && math.Abs(run.Box.Left-first.Box.Left) < sameHeight &&
				math.Abs(run.Box.Bottom-first.Box.Bottom) < sameHeight && strings.HasPrefix(folded, fold(run.Text)) {
				same++
				break
			}
		}
	}
	return same >= 2 || same == 1 && len(d.sheets) == 2
}
