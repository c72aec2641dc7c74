package tagging

import (
	"github.com/perfectworks/backend/adapters/documents/pagetext"
	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/structure"
)

// hiddenFlag is the annotation flag Hidden (ISO 32000-1, table 165).
const hiddenFlag = 2

// elementKind is the structure type that an annotation must lie in (ISO 14289-1, 7.18.1, 7.18.4 and 7.18.5), "" for one
// that must not be tagged.
func elementKind(subtype pdf.Name) pdf.Name {
	switch subtype {
	case "Link":
		return "Link"
	case "Widget":
		return "Form"
	case "PrinterMark", "TrapNet":
		return ""
	}
	return "Annot"
}

// needsTag tells whether an annotation must be tagged: not if it is hidden or lies outside of the page, as ISO 14289-1,
// 7.18.1 exempts those.
func (w *work) needsTag(annotation pdf.Dict, page int) bool {
	flags, _ := w.file.Integer(annotation["F"])
	if flags&hiddenFlag != 0 || elementKind(w.file.Name(annotation["Subtype"])) == "" {
		return false
	}
	r, ok := w.file.Rectangle(annotation["Rect"])
	box := w.pages[page-1].CropBox
	return !ok || box[1] < r[3] && box[0] < r[2] && box[3] > r[1] && box[2] > r[0]
}

// placeAnnotation tags an annotation inside of an element, in one of the right type between if it is of another.
func (w *work) placeAnnotation(ref pdf.Ref, page int, parent *element) {
	d, ok := w.file.Dict(ref)
	if !ok || w.placed[ref] || !w.needsTag(d, page) {
		return
	}
	w.placed[ref] = true
	kind := elementKind(w.file.Name(d["Subtype"]))
	// A Form holds its widget and nothing else (ISO 14289-1, 7.18.4).
	if parent.kind != kind || kind == "Form" && len(parent.kids) > 0 {
		parent = w.newElement(kind, &structure.Node{Type: kind}, parent)
	}
	w.newLeaf(parent, structure.Content{Page: page, Annotation: ref})
	w.tieAnnotation(d, parent.ref)
	w.fixed(tagRule(kind), "", 1)
}

func tagRule(kind pdf.Name) string {
	switch kind {
	case "Link":
		return "7.18.5-1"
	case "Form":
		return "7.18.4-1"
	}
	return "7.18.1-1"
}

// tieAnnotation enters an annotation into the parent tree.
func (w *work) tieAnnotation(annotation pdf.Dict, element pdf.Ref) {
	key := w.parents.key()
	w.parents.values[key] = element
	annotation["StructParent"] = pdf.Integer(key)
}

// placeLooseAnnotations tags the annotations that the structure does not name, each after the block of its page that it
// lies nearest to.
func (w *work) placeLooseAnnotations() {
	for number := 1; number <= len(w.pages); number++ {
		list, _ := w.file.Array(w.pages[number-1].Dict["Annots"])
		var blocks []block
		for _, o := range list {
			ref, isRef := o.(pdf.Ref)
			d, ok := w.file.Dict(o)
			if !ok || !isRef || w.placed[ref] || !w.needsTag(d, number) {
				continue
			}
			if blocks == nil {
				blocks = w.blocks(number)
			}
			w.placeNear(ref, d, number, blocks)
		}
	}
}

// block is a part of the document that lies right below its root, with its area on a page.
type block struct {
	element *element
	area    pagetext.Rect
}

// blocks gives the blocks that have content on a page.
func (w *work) blocks(page int) []block {
	areas := map[*element]pagetext.Rect{}
	w.oldAreas(page, areas)
	for _, l := range w.outline.leaves {
		if l.content.Page != page || l.annotation != (pdf.Ref{}) {
			continue
		}
		area, some := areas[l.element]
		for _, i := range l.content.Runs {
			if i < 0 || i >= len(w.shown[page-1].Runs) {
				continue
			}
			if box := w.shown[page-1].Runs[i].Box; some {
				area = area.Union(box)
			} else {
				area, some = box, true
			}
		}
		if some {
			areas[l.element] = area
		}
	}
	out := []block{}
	for _, k := range w.outline.body.kids {
		if k.element == nil {
			continue
		}
		b := block{element: k.element}
		if w.areaOf(k.element, areas, &b.area, false) {
			out = append(out, b)
		}
	}
	return out
}

func (w *work) areaOf(e *element, areas map[*element]pagetext.Rect, area *pagetext.Rect, some bool) bool {
	if own, ok := areas[e]; ok {
		if some {
			*area = area.Union(own)
		} else {
			*area, some = own, true
		}
	}
	for _, k := range e.kids {
		if k.element != nil {
			some = w.areaOf(k.element, areas, area, some)
		}
	}
	return some
}

func (w *work) placeNear(ref pdf.Ref, d pdf.Dict, page int, blocks []block) {
	root := w.outline.body
	at := w.endOfPage(page)
	if r, ok := w.file.Rectangle(d["Rect"]); ok {
		box := w.frames[page-1].Rect(r)
		best := -1.0
		for _, b := range blocks {
			if gap := distance(b.area, box); best < 0 || gap < best {
				best = gap
				at = w.indexOf(b.element) + 1
			}
		}
	}
	parent := &element{kind: root.kind, dict: root.dict, ref: root.ref}
	if elementKind(w.file.Name(d["Subtype"])) == "Link" {
		p := w.newElement("P", &structure.Node{Type: "P"}, nil)
		p.dict["P"] = root.ref
		w.placeAnnotation(ref, page, p)
		parent.kids = []kid{{element: p}}
	} else {
		w.placeAnnotation(ref, page, parent)
	}
	root.kids = append(root.kids[:at:at], append(parent.kids, root.kids[at:]...)...)
}

// distance is how far apart two areas are, 0 if they overlap.
func distance(a, b pagetext.Rect) float64 {
	return max(0, a.Left-b.Right, b.Left-a.Right) + max(0, a.Bottom-b.Top, b.Bottom-a.Top)
}

func (w *work) indexOf(e *element) int {
	for i, k := range w.outline.body.kids {
		if k.element == e {
			return i
		}
	}
	return len(w.outline.body.kids) - 1
}

// endOfPage gives the place after the last block that has content on a page or before it.
func (w *work) endOfPage(page int) int {
	at := 0
	for i, k := range w.outline.body.kids {
		if k.element != nil {
			if first := w.firstPage(k.element); first > 0 && first <= page {
				at = i + 1
			}
		}
	}
	return at
}

func (w *work) firstPage(e *element) int {
	for _, k := range e.kids {
		var page int
		switch {
		case k.element != nil:
			page = w.firstPage(k.element)
		case k.raw != nil:
			page = w.rawPage(e, k.raw)
		default:
			page = w.outline.leaves[k.leaf].content.Page
		}
		if page > 0 {
			return page
		}
	}
	return 0
}
