package structure

import "github.com/perfectworks/backend/adapters/documents/pdf"

// content adds a leaf with what a marked-content sequence shows; each run and image goes into the first leaf that asks.
func (r *reader) content(parent *Node, page int, m marked) {
	if page < 1 || page >= len(r.pages) || r.pages[page] == nil {
		return
	}
	p := r.pages[page]
	leaf := &Node{Content: Content{Page: page}}
	leaf.Content.Runs = take(p.runs[m], p.tookRuns)
	leaf.Content.Images = take(p.images[m], p.tookImages)
	if r.figures > 0 {
		leaf.Content.Shapes = p.shapesOf(m)
	}
	parent.Kids = append(parent.Kids, leaf)
}

// shapesOf returns the painted paths of a marked-content sequence to the first caller; later ones get none.
func (p *pageIndex) shapesOf(m marked) []int {
	if p.shapes == nil {
		p.shapes = map[marked][]int{}
		for i := range p.Shapes() {
			if at, ok := p.mark(p.Shapes()[i].Place); ok {
				p.shapes[at] = append(p.shapes[at], i)
			}
		}
	}
	shapes := p.shapes[m]
	delete(p.shapes, m)
	return shapes
}

func take(indexes []int, took []bool) []int {
	var out []int
	for _, i := range indexes {
		if !took[i] {
			took[i] = true
			out = append(out, i)
		}
	}
	return out
}

// object adds a leaf for an object reference (ISO 32000-1, 14.7.4.3): an annotation, or an image or form as a whole.
func (r *reader) object(parent *Node, d pdf.Dict, around int) {
	ref, ok := d["Obj"].(pdf.Ref)
	if !ok {
		return
	}
	if _, isStream := r.file.Stream(ref); isStream {
		r.painted(parent, ref, around)
		return
	}
	page := around
	if number, known := r.annotated[ref]; known {
		page = number
	}
	parent.Kids = append(parent.Kids, &Node{Content: Content{Page: page, Annotation: ref}})
}

// paintedStep is how many runs and images looked at count as one element: a page may be full of such references.
const paintedStep = 16

// painted adds what an XObject shows on a page without marks of its own.
func (r *reader) painted(parent *Node, ref pdf.Ref, page int) {
	if page < 1 || page >= len(r.pages) || r.pages[page] == nil {
		return
	}
	p := r.pages[page]
	r.count += (len(p.Runs()) + len(p.Images) + len(p.Shapes())) / paintedStep
	var runs, images []int
	for i := range p.Runs() {
		if at := p.Runs()[i].Place; at.Mark < 0 && p.inside(at.Stream, ref) {
			runs = append(runs, i)
		}
	}
	for i := range p.Images {
		if at := p.Images[i].Place; p.Images[i].Ref == ref || at.Mark < 0 && p.inside(at.Stream, ref) {
			images = append(images, i)
		}
	}
	parent.Kids = append(parent.Kids, &Node{Content: Content{
		Page: page, Runs: take(runs, p.tookRuns), Images: take(images, p.tookImages), Shapes: p.shapesIn(ref),
	}})
}

// shapesIn gives the painted paths of a form that have no marks of their own.
func (p *pageIndex) shapesIn(form pdf.Ref) []int {
	var shapes []int
	for i := range p.Shapes() {
		if at := p.Shapes()[i].Place; at.Mark < 0 && p.inside(at.Stream, form) {
			shapes = append(shapes, i)
		}
	}
	return shapes
}

// inside tells whether a stream is painted by a form, directly or through others. An outer stream comes before those it
// paints.
func (p *pageIndex) inside(stream int, form pdf.Ref) bool {
	for stream >= 0 && stream < len(p.Streams) {
		if p.Streams[stream].Form == form {
			return true
		}
		outer := p.Streams[stream].Outer
		if outer >= stream {
			return false
		}
		stream = outer
	}
	return false
}
