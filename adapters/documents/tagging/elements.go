package tagging

import (
	"cmp"
	"slices"

	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/structure"
)

// maxDepth is how deep structure elements are written; what lies deeper is put into the last level.
const maxDepth = 100

// element is a structure element to be written. Its kids are elements and leaves in the order of reading.
type element struct {
	kind pdf.Name
	node *structure.Node
	dict pdf.Dict
	ref  pdf.Ref
	kids []kid
	// page is that of Pg, own or inherited, for an element that was read; it counts from 1.
	page int
	// old tells that the element was in the file before.
	old bool
	// scope is what a header cell is to be given.
	scope pdf.Name
	// above is the parent of an element whose dictionary is completed at the end: large documents have hundreds of thousands
	// of elements, while all that they show is in memory. It is nil for others.
	above *element
}

// kid is an element, else content that was there before if raw is not nil, else a leaf by its index.
type kid struct {
	element *element
	raw     pdf.Object
	leaf    int
}

// leaf is content of one element: marked-content sequences, or an annotation.
type leaf struct {
	element *element
	page    int
	// content is nil once it is marked, and for an annotation.
	content    *structure.Content
	sequences  []sequence
	annotation pdf.Ref
}

// sequence is a marked-content sequence that was written.
type sequence struct {
	order, id, page int
	// form is the form that it lies in, the zero value for the page's own content.
	form pdf.Ref
}

// outline is the structure to be written: elements from the root down, and their leaves.
type outline struct {
	root *element
	// body is the element whose kids are the blocks of the document.
	body   *element
	leaves []leaf
}

// newElement adds an element without kids to a parent, which may be nil.
func (w *work) newElement(kind pdf.Name, node *structure.Node, parent *element) *element {
	e := &element{kind: kind, node: node, dict: pdf.Dict{"Type": pdf.Name("StructElem"), "S": kind}}
	e.ref = w.file.Add(e.dict)
	if parent != nil {
		e.dict["P"] = parent.ref
		parent.kids = append(parent.kids, kid{element: e})
	}
	return e
}

// newLateElement is newElement for an element whose dictionary is completed by finish.
func (w *work) newLateElement(kind pdf.Name, node *structure.Node, parent *element) *element {
	e := &element{kind: kind, node: node, above: parent, ref: w.file.Add(nil)}
	parent.kids = append(parent.kids, kid{element: e})
	return e
}

// set puts an entry into the dictionary of an element.
func (e *element) set(key pdf.Name, value pdf.Object) {
	if e.dict == nil {
		e.dict = pdf.Dict{}
	}
	e.dict[key] = value
}

// newLeaf adds content to an element. What is known of the content's own annotation is not looked at.
func (w *work) newLeaf(e *element, content *structure.Content) {
	w.addLeaf(leaf{element: e, page: content.Page, content: content})
}

func (w *work) addLeaf(l leaf) {
	l.element.kids = append(l.element.kids, kid{leaf: len(w.outline.leaves)})
	w.outline.leaves = append(w.outline.leaves, l)
}

// build makes the elements of a tree that was inferred.
func (w *work) build(tree *structure.Tree) {
	root := w.newElement("Document", tree.Root, nil)
	w.outline = outline{root: root, body: root}
	for _, node := range tree.Root.Kids {
		w.buildNode(node, w.outline.root, 1)
	}
}

func (w *work) buildNode(node *structure.Node, parent *element, depth int) {
	if node == nil {
		return
	}
	if node.Type == "" {
		w.buildLeaf(&node.Content, parent)
		return
	}
	e := parent
	if depth < maxDepth {
		if w.keptTags == nil {
			e = w.newLateElement(node.Type, node, parent)
		} else {
			e = w.newElement(node.Type, node, parent)
		}
		e.attributes()
		if node.Type == "Figure" || node.Type == "Formula" {
			w.figures = append(w.figures, e)
		}
	}
	for _, kid := range node.Kids {
		w.buildNode(kid, e, depth+1)
	}
}

func (w *work) buildLeaf(content *structure.Content, parent *element) {
	if content.Page < 1 || content.Page > len(w.pages) {
		return
	}
	if len(content.Runs)+len(content.Images)+len(content.Shapes) > 0 {
		w.newLeaf(parent, content)
	}
	if content.Annotation != (pdf.Ref{}) {
		w.placeAnnotation(content.Annotation, content.Page, parent)
	}
}

// forget drops the nodes that an element and those below it were made of.
func (e *element) forget() {
	e.node = nil
	for _, k := range e.kids {
		if k.element != nil {
			k.element.forget()
		}
	}
}

// attributes writes what a node knows beside its type (ISO 32000-1, 14.7.2 and 14.8.5).
func (e *element) attributes() {
	a := e.node.Attributes()
	for _, entry := range [...]struct {
		key  pdf.Name
		text string
	}{{"T", a.Title}, {"Lang", a.Lang}, {"Alt", a.Alt}, {"ActualText", a.ActualText}, {"E", a.Expansion}, {"ID", a.ID}} {
		if entry.text != "" {
			e.set(entry.key, pdf.TextString(entry.text))
		}
	}
	if a.Numbering != "" {
		e.set("A", pdf.Dict{"O": pdf.Name("List"), "ListNumbering": a.Numbering})
	}
	if a.Scope == "" && a.RowSpan <= 1 && a.ColSpan <= 1 {
		return
	}
	table := pdf.Dict{"O": pdf.Name("Table")}
	if a.Scope != "" {
		table["Scope"] = a.Scope
	}
	if a.RowSpan > 1 {
		table["RowSpan"] = pdf.Integer(a.RowSpan)
	}
	if a.ColSpan > 1 {
		table["ColSpan"] = pdf.Integer(a.ColSpan)
	}
	e.set("A", table)
}

// finish writes an element and all below it, once the content is marked. It is false for an element that turned out to hold
// nothing; a table's cells may be empty.
func (w *work) finish(e *element) bool {
	if e.above != nil {
		e.set("Type", pdf.Name("StructElem"))
		e.set("S", e.kind)
		e.set("P", e.above.ref)
	}
	kids, page := w.finishKids(e)
	if page != 0 && !e.old {
		e.dict["Pg"] = w.pages[page-1].Ref
	}
	holds := true
	switch len(kids) {
	case 0:
		delete(e.dict, "K")
		holds = e.old || e.kind == "TD" || e.kind == "TH" || e == w.outline.root
	case 1:
		e.dict["K"] = kids[0]
	default:
		e.dict["K"] = kids
	}
	if e != w.outline.root {
		w.file.Store(e.ref, e.dict)
		e.dict, e.kids = nil, nil
	}
	return holds
}

// finishKids finishes what is in an element, and gives what its dictionary has for that and the page that Pg names.
func (w *work) finishKids(e *element) (kids pdf.Array, page int) {
	page = e.page
	for _, k := range e.kids {
		if k.element != nil {
			if w.finish(k.element) {
				kids = append(kids, k.element.ref)
			}
			continue
		}
		if k.raw != nil {
			kids = append(kids, k.raw)
			continue
		}
		l := &w.outline.leaves[k.leaf]
		if l.annotation != (pdf.Ref{}) {
			kids = append(kids, pdf.Dict{"Type": pdf.Name("OBJR"), "Obj": l.annotation, "Pg": w.pages[l.page-1].Ref})
			continue
		}
		slices.SortStableFunc(l.sequences, func(a, b sequence) int { return cmp.Compare(a.order, b.order) })
		for _, s := range l.sequences {
			if page == 0 {
				page = s.page
			}
			if s.page == page && s.form == (pdf.Ref{}) {
				kids = append(kids, pdf.Integer(s.id))
				continue
			}
			reference := pdf.Dict{"Type": pdf.Name("MCR"), "Pg": w.pages[s.page-1].Ref, "MCID": pdf.Integer(s.id)}
			if s.form != (pdf.Ref{}) {
				reference["Stm"] = s.form
			}
			kids = append(kids, reference)
		}
		l.sequences = nil
	}
	return kids, page
}
