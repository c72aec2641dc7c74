package tagging

import (
	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/structure"
)

// repairReferences ties the annotations that the tree names to their elements, each in one of the right type, and takes
// out references to what must not be tagged.
func (w *work) repairReferences(root *element) {
	visit := func(e *element) {
		kept := e.kids[:0:0]
		for _, k := range e.kids {
			d, isDict := k.raw.(pdf.Dict)
			if !isDict || w.file.Name(d["Type"]) != "OBJR" {
				kept = append(kept, k)
				continue
			}
			if k, ok := w.reference(e, d); ok {
				kept = append(kept, k)
			}
		}
		e.kids = kept
	}
	visit(root)
	root.each(func(e, _ *element) { visit(e) })
	w.divideForms(root)
}

func (w *work) reference(e *element, d pdf.Dict) (kid, bool) {
	ref, ok := d["Obj"].(pdf.Ref)
	object, isDict := w.file.Dict(ref)
	if !ok || !isDict {
		return kid{raw: d}, isDict
	}
	if _, isStream := w.file.Stream(ref); isStream {
		w.tieAnnotation(object, e.ref)
		return kid{raw: d}, true
	}
	page := w.rawPage(e, d)
	if w.annotated == nil {
		w.annotated = map[pdf.Ref]int{}
		for i, p := range w.pages {
			list, _ := w.file.Array(p.Dict["Annots"])
			for _, o := range list {
				if r, ok := o.(pdf.Ref); ok {
					w.annotated[r] = i + 1
				}
			}
		}
	}
	if on, known := w.annotated[ref]; known {
		page = on
	}
	kind := elementKind(w.file.Name(object["Subtype"]))
	if kind == "" {
		w.fixed("7.18.8-1", "", 1)
		return kid{}, false
	}
	if w.placed[ref] {
		return kid{}, false // an annotation has one place
	}
	w.placed[ref] = true
	if page > 0 && d["Pg"] == nil {
		d["Pg"] = w.pages[page-1].Ref
	}
	if standard := w.standardKind(e.kind); standard == kind || page == 0 || !w.needsTag(object, page) {
		w.tieAnnotation(object, e.ref)
		return kid{raw: d}, true
	}
	inner := w.newElement(kind, &structure.Node{Type: kind}, nil)
	inner.dict["P"] = e.ref
	inner.kids = []kid{{raw: d}}
	w.tieAnnotation(object, inner.ref)
	w.fixed(tagRule(kind), "", 1)
	return kid{element: inner}, true
}

// divideForms gives each widget an element Form that holds nothing else (ISO 14289-1, 7.18.4).
func (w *work) divideForms(root *element) {
	root.each(func(e, _ *element) {
		if w.standardKind(e.kind) != "Form" || len(e.kids) == 1 && e.kids[0].raw != nil && isReference(e.kids[0].raw) ||
			w.attribute(e, "PrintField", "Role") != nil {
			return
		}
		widgets := 0
		for _, k := range e.kids {
			if k.raw != nil && isReference(k.raw) {
				widgets++
			}
		}
		if widgets == 0 {
			return
		}
		e.kind = "Div"
		e.dict["S"] = e.kind
		for i, k := range e.kids {
			d, isDict := k.raw.(pdf.Dict)
			if !isDict || !isReference(d) {
				continue
			}
			inner := w.newElement("Form", &structure.Node{Type: "Form"}, nil)
			inner.dict["P"] = e.ref
			inner.kids = []kid{k}
			if object, ok := w.file.Dict(d["Obj"]); ok {
				w.tieAnnotation(object, inner.ref)
			}
			e.kids[i] = kid{element: inner}
		}
		w.fixed("7.18.4-2", "", 1)
	})
}

func isReference(raw pdf.Object) bool {
	d, ok := raw.(pdf.Dict)
	return ok && d["Type"] == pdf.Name("OBJR")
}
