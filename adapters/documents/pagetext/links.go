package pagetext

import (
	"math"

	"github.com/perfectworks/backend/adapters/documents/pdf"
)

const (
	// maxLinks is how many links of a page lines are divided at.
	maxLinks = 500
	// linkMargin is how far, in points, the area of a link may end beside its text.
	linkMargin = 2.5
)

// edge is a side of a link: where it begins, or where it ends.
type edge struct {
	x      float64
	begins bool
}

// linksOf gives the areas of the links of a page, from which a link's text in the middle of an operation can be told.
func (r *Reader) linksOf(page pdf.Page, frame Frame) []Rect {
	list, _ := r.file.Array(page.Dict["Annots"])
	var out []Rect
	for _, o := range list {
		d, _ := r.file.Dict(o)
		if r.file.Name(d["Subtype"]) != "Link" {
			continue
		}
		if rect, ok := r.file.Rectangle(d["Rect"]); ok && len(out) < maxLinks {
			out = append(out, frame.Rect(rect))
		}
	}
	return out
}

// linkEdges gives the sides of the links that text shown now would run through from left to right.
func (in *interpreter) linkEdges() []edge {
	if len(in.links) == 0 {
		return nil
	}
	x, y := in.position()
	var out []edge
	for _, r := range in.links {
		if y >= r.Bottom-linkMargin && y <= r.Top && r.Right > x {
			out = append(out, edge{r.Left, true}, edge{r.Right, false})
		}
	}
	return out
}

// position is where the next glyph starts, on the page.
func (in *interpreter) position() (float64, float64) {
	x, y := in.textMatrix.apply(0, in.state.text.rise)
	return in.state.ctm.apply(x, y)
}

// atLink tells whether a space begins or ends at a side of a link. The gap is in text space for size 1, and in ems.
func (l *line) atLink(gap, ems float64) bool {
	if len(l.edges) == 0 || ems < spaceGap || l.table.vertical {
		return false
	}
	in, t := l.in, &l.in.state.text
	x, _ := in.position()
	m := in.textMatrix.mul(in.state.ctm)
	after := x + gap*t.size*t.scale*m.a
	for _, e := range l.edges {
		if e.begins && math.Abs(after-e.x) < linkMargin || !e.begins && math.Abs(x-e.x) < linkMargin {
			return true
		}
	}
	return false
}
