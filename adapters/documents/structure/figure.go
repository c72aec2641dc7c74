package structure

import (
	"math"
	"slices"
	"unicode/utf8"

	"github.com/perfectworks/backend/adapters/documents/pagetext"
)

const (
	// smallestImage is the extent, in points, below which an image is an ornament.
	smallestImage = 12
	// background is the share of the page that an image behind text covers.
	background = 0.55
	// smallestDrawing is the extent of a drawing in one direction at least, in points, thinnestDrawing in the other.
	smallestDrawing, thinnestDrawing = 30, 14
	// drawingGap is how far apart, in points, the parts of a drawing may be.
	drawingGap = 9
	// maxParts is how many parts of drawings are put together on one page.
	maxParts = 6000
	// longLabel is how many letters a label in a drawing has at the most.
	longLabel = 45
	// sliceGap is how far apart, in points, the parts of an image may be that is cut into several.
	sliceGap = 1.5
)

// findFigures finds the images and drawings of a page and puts them into it as objects.
func (d *document) findFigures(s *sheet) {
	s.imageFigures(d)
	s.drawings(d.body.size)
	if len(s.objects) > 0 {
		s.makeRows()
	}
}

// imageFigures makes figures of images, and artifacts of those that are backgrounds or ornaments.
func (s *sheet) imageFigures(d *document) {
	var shown []int
	var loose []int
	for i, m := range s.page.Images {
		box := s.upright(m.Box)
		switch {
		case m.Hidden, max(box.Width(), box.Height()) < smallestImage, min(box.Width(), box.Height()) < smallestImage/3,
			s.isBackground(box), d.repeats(s, i):
			if !s.isBullet(i) {
				loose = append(loose, i)
			}
		default:
			shown = append(shown, i)
		}
	}
	if len(loose) > 0 {
		s.artifacts = append(s.artifacts, Artifact{Content: Content{Page: s.page.Number, Images: loose}})
	}
	boxes := make([]pagetext.Rect, len(shown))
	for k, i := range shown {
		boxes[k] = s.upright(s.page.Images[i].Box)
	}
	for _, group := range cluster(boxes, sliceGap) {
		f := &block{kind: figure, page: s.page.Number, box: boxes[group[0]], above: -1, below: -1}
		for _, k := range group {
			f.images = append(f.images, shown[k])
			f.box = f.box.Union(boxes[k])
		}
		s.addFigure(f, d.body.size)
	}
}

func (s *sheet) isBullet(image int) bool {
	return slices.ContainsFunc(s.bullets, func(b bullet) bool { return b.image == image })
}

// isBackground tells whether an image covers most of the page and text stands on it.
func (s *sheet) isBackground(box pagetext.Rect) bool {
	if box.Width()*box.Height() < background*s.width*s.height {
		return false
	}
	letters := 0
	for _, p := range s.pieces {
		if box.Contains(p.box) {
			letters += utf8.RuneCountInString(p.text)
		}
	}
	const least = 80 // letters: more than the labels of a large picture, less than a page of text
	return letters > least
}

// repeats tells whether an image stands at the same place in the margin of other pages, as a logo does.
func (d *document) repeats(s *sheet, i int) bool {
	m := s.page.Images[i]
	margin := edgeShare * s.page.Height
	if m.Box.Bottom < s.page.Height-margin && m.Box.Top > margin || m.Ref.Number == 0 {
		return false
	}
	same := 0
	for at := max(0, s.page.Number-1-neighbours); at < min(len(d.pages), s.page.Number+neighbours); at++ {
		if at == s.page.Number-1 {
			continue
		}
		for k, other := range d.pages[at].Images {
			const looked = 200 // images of a page
			if k == looked {
				break
			}
			if other.Ref == m.Ref && math.Abs(other.Box.Left-m.Box.Left) < sameHeight &&
				math.Abs(other.Box.Top-m.Box.Top) < sameHeight {
				same++
				break
			}
		}
	}
	return same >= 2 || same == 1 && len(d.pages) == 2
}

// drawings finds drawings of paths: several shapes together, with labels in them.
func (s *sheet) drawings(body float64) {
	var parts []int
	var boxes []pagetext.Rect
	for i := range s.page.Shapes() {
		box := s.upright(s.page.Shapes()[i].Box)
		if s.inTable(box) || box.Width()*box.Height() > 0.8*s.width*s.height || s.isUnderline(i, box) {
			continue
		}
		parts = append(parts, i)
		boxes = append(boxes, box)
	}
	if len(parts) == 0 || len(parts) > maxParts {
		return
	}
	for _, group := range cluster(boxes, drawingGap) {
		f := &block{kind: figure, page: s.page.Number, box: boxes[group[0]], above: -1, below: -1}
		shapes, areas := 0, 0
		for _, k := range group {
			f.shapes = append(f.shapes, parts[k])
			f.box = f.box.Union(boxes[k])
			if shape := s.page.Shapes()[parts[k]]; !shape.Plain {
				shapes++
			} else if shape.Filled && min(boxes[k].Width(), boxes[k].Height()) > 2 {
				areas++
			}
		}
		slices.Sort(f.shapes)
		if s.isDrawing(f, shapes, areas) {
			s.addFigure(f, body)
		}
	}
}

func (s *sheet) inTable(box pagetext.Rect) bool {
	for _, o := range s.objects {
		if o.kind == table && o.box.Grow(4).Contains(box) {
			return true
		}
	}
	return false
}

// isUnderline tells whether a shape is a thin line below text, or a mark of an item.
func (s *sheet) isUnderline(i int, box pagetext.Rect) bool {
	if !s.page.Shapes()[i].Plain || box.Height() > 2 {
		return false
	}
	return s.underlines(box)
}

// isDrawing tells whether shapes that lie together are a picture rather than decoration of text.
func (s *sheet) isDrawing(f *block, shapes, areas int) bool {
	w, h := f.box.Width(), f.box.Height()
	if max(w, h) < smallestDrawing || min(w, h) < thinnestDrawing || shapes == 0 && areas < 3 {
		return false
	}
	if len(f.shapes) < 2 && shapes < 1 {
		return false
	}
	if shapes == 0 && s.isStriped(f) {
		return false
	}
	labels, long := 0, 0
	for _, p := range s.inside(f.box) {
		labels++
		if utf8.RuneCountInString(p.text) > longLabel {
			long++
		}
	}
	if long > 0 && long*4 > labels || long > 2 {
		return false // a frame around text
	}
	if labels > 0 && shapes < 3 && areas < 3 { // a frame or two around a few words
		return false
	}
	return labels == 0 || !s.framesText(f)
}

// isStriped tells whether all parts reach from side to side, as the backgrounds of lines do.
func (s *sheet) isStriped(f *block) bool {
	const whole = 0.9
	for _, i := range f.shapes {
		if s.upright(s.page.Shapes()[i].Box).Width() < whole*f.box.Width() {
			return false
		}
	}
	return true
}

// framesText tells whether all parts of a drawing lie at its edges or cover it as a whole, as frames and backgrounds of
// text do.
func (s *sheet) framesText(f *block) bool {
	const (
		edge  = 9.0 // points from the outside of a frame
		whole = 0.85
	)
	inner := f.box.Grow(-edge)
	for _, i := range f.shapes {
		box := s.upright(s.page.Shapes()[i].Box)
		covers := box.Width() >= whole*f.box.Width() && box.Height() >= whole*f.box.Height()
		if !covers && !inner.Empty() && inner.Overlaps(box) {
			return false
		}
	}
	return true
}

// addFigure puts a figure into the page, with the labels in it.
func (s *sheet) addFigure(f *block, body float64) {
	near := f.box.Grow(drawingGap)
	if len(f.images) > 0 {
		near = f.box
	}
	gone := map[*piece]bool{}
	if len(f.images) == 0 {
		for _, p := range s.axisLabels(f, body) {
			gone[p] = true
			f.runs = append(f.runs, p.runs...)
		}
	}
	for _, p := range s.inside(near) {
		if gone[p] {
			continue
		}
		inside := f.box.Contains(pagetext.Rect{
			Left: (p.box.Left + p.box.Right) / 2, Right: (p.box.Left + p.box.Right) / 2,
			Bottom: (p.box.Bottom + p.box.Top) / 2, Top: (p.box.Bottom + p.box.Top) / 2,
		})
		if n := utf8.RuneCountInString(p.text); n > longLabel || p.field != nil || !inside && n > longLabel/2 || captionKind(p.text) != "" {
			continue
		}
		if len(f.images) > 0 && p.size > 1.15*body {
			continue // a title over a picture is no label in it
		}
		gone[p] = true
		f.runs = append(f.runs, p.runs...)
		f.box = f.box.Union(p.box)
	}
	for p := range gone { // those of axes as well
		f.box = f.box.Union(p.box)
	}
	slices.Sort(f.runs)
	s.pieces = slices.DeleteFunc(s.pieces, func(p *piece) bool { return gone[p] })
	s.objects = append(s.objects, f)
	if len(gone) > 0 {
		s.makeRows()
	}
}

// figureNode makes the element of a figure.
func (d *document) figureNode(b *block) *Node {
	n := &Node{Type: "Figure"}
	leaf := &Node{Content: Content{Page: b.page, Runs: b.runs, Images: b.images, Shapes: b.shapes}}
	n.Kids = append(n.Kids, leaf)
	if b.captioned != nil {
		n.Kids = append(n.Kids, &Node{Type: "Caption", Kids: d.leaves(b.captioned)})
	}
	return n
}
