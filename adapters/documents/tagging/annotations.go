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
	w.addLeaf(leaf{element: parent, page: page, annotation: ref})
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

// distance is how far apart two areas are, 0 if they overlap.
func distance(a, b pagetext.Rect) float64 {
	return max(0, a.Left-b.Right, b.Left-a.Right) + max(0, a.Bottom-b.Top, b.Bottom-a.Top)
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
			page = w.outline.leaves[k.leaf].page
		}
		if page > 0 {
			return page
		}
	}
	return 0
}
