package structure

import (
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/perfectworks/backend/adapters/documents/pagetext"
)

const (
	// axisReach is how far, in ems of a label, the labels of an axis are from the drawing.
	axisReach = 2.0
	// longAxisLabel is how many characters one of them has at the most.
	longAxisLabel = 14
	// axisSpan is the part of a side of the drawing that the labels of its axis cover at the least.
	axisSpan = 0.4
	// overlaps is by how much, in ems, labels reach into the drawing at the most, whose ticks are between them.
	overlaps = 0.3
)

// axisLabels finds the labels along the axes of a drawing: a column of short ones beside it, and a row of them below or
// above it, with the title of the axis in the middle of the row next to it.
func (s *sheet) axisLabels(f *block, body float64) []*piece {
	var near []*piece
	around := f.box.Grow(5 * body)
	for _, p := range s.inside(around) {
		if p.field == nil && p.size <= 1.1*body && captionKind(p.text) == "" && !f.box.Contains(p.box) {
			near = append(near, p)
		}
	}
	var out []*piece
	for _, right := range []bool{false, true} {
		out = append(out, columnLabels(f.box, near, right)...)
	}
	for _, above := range []bool{false, true} {
		row := rowLabels(f.box, near, above)
		out = append(out, row...)
		if title := axisTitle(f.box, near, row, above); title != nil {
			out = append(out, title)
		}
	}
	return append(out, s.legend(near, out)...)
}

// legend are the short texts near a drawing that each have a small area of color at their left.
func (s *sheet) legend(near, known []*piece) []*piece {
	var out []*piece
	for _, p := range near {
		if slices.Contains(known, p) || utf8.RuneCountInString(p.text) > longLabel/2 {
			continue
		}
		if slices.ContainsFunc(s.bullets, func(b bullet) bool {
			middle, gap := (b.box.Bottom+b.box.Top)/2, p.box.Left-b.box.Right
			return middle > p.box.Bottom && middle < p.box.Top && gap > 0 && gap < bulletReach*p.size
		}) {
			out = append(out, p)
		}
	}
	if len(out) < 2 {
		return nil
	}
	return out
}

// columnLabels are the labels beside a drawing that stand below each other.
func columnLabels(box pagetext.Rect, near []*piece, right bool) []*piece {
	var found []*piece
	low, high := math.Inf(1), math.Inf(-1)
	for _, p := range near {
		gap, middle := box.Left-p.box.Right, (p.box.Bottom+p.box.Top)/2
		if right {
			gap = p.box.Left - box.Right
		}
		if gap < -overlaps*p.size || gap > axisReach*p.size || middle < box.Bottom-p.size || middle > box.Top+p.size ||
			utf8.RuneCountInString(p.text) > longAxisLabel {
			continue
		}
		found = append(found, p)
		low, high = min(low, middle), max(high, middle)
	}
	if len(found) < 2 || high-low < axisSpan*box.Height() || !alignedLabels(found) {
		return nil
	}
	return found
}

// alignedLabels tells whether pieces are aligned at the left or at the right, or are figures.
func alignedLabels(list []*piece) bool {
	left, right, figures := true, true, true
	const nearly = 2 // points
	for _, p := range list {
		left = left && math.Abs(p.box.Left-list[0].box.Left) < nearly
		right = right && math.Abs(p.box.Right-list[0].box.Right) < nearly
		figures = figures && isFigure(p.text)
	}
	return left || right || figures
}

// rowLabels are the labels below or above a drawing that stand beside each other.
func rowLabels(box pagetext.Rect, near []*piece, above bool) []*piece {
	gapOf := func(p *piece) float64 {
		if above {
			return p.box.Bottom - box.Top
		}
		return box.Bottom - p.box.Top
	}
	var found []*piece // the nearest row
	for _, p := range near {
		gap := gapOf(p)
		if gap < -p.size || gap > axisReach*p.size || p.box.Right < box.Left || p.box.Left > box.Right {
			continue
		}
		if len(found) > 0 && math.Abs(p.baseline-found[0].baseline) > rowTolerance*p.size {
			if gap > gapOf(found[0]) {
				continue
			}
			found = nil
		}
		found = append(found, p)
	}
	labels := 0
	low, high := math.Inf(1), math.Inf(-1)
	for _, p := range found {
		tokens := strings.Fields(p.text)
		if utf8.RuneCountInString(p.text) > longAxisLabel {
			for _, token := range tokens {
				if !isFigure(token) {
					return nil
				}
			}
			labels += len(tokens)
		} else {
			labels++
		}
		low, high = min(low, p.box.Left), max(high, p.box.Right)
	}
	const least = 3 // labels, of which a heading and a word beside it are fewer
	if labels < least || high-low < axisSpan*box.Width() {
		return nil
	}
	return found
}

// axisTitle is the short text in the middle of the row after the labels.
func axisTitle(box pagetext.Rect, near, labels []*piece, above bool) *piece {
	if len(labels) == 0 {
		return nil
	}
	row := labels[0]
	for _, p := range near {
		gap := row.box.Bottom - p.box.Top
		if above {
			gap = p.box.Bottom - row.box.Top
		}
		middle := (p.box.Left + p.box.Right - box.Left - box.Right) / 2
		if gap > -0.3*p.size && gap < axisReach*p.size && math.Abs(middle) < p.size && p.size <= 1.25*row.size &&
			utf8.RuneCountInString(p.text) <= longLabel/2 && !p.style.bold {
			return p
		}
	}
	return nil
}
