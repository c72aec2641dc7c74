package tagging

import (
	"slices"

	"github.com/perfectworks/backend/adapters/documents/pagetext"
	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/structure"
)

// contentKey names a marked-content sequence: by the page or the form it is in, and its identifier.
type contentKey struct {
	page, id int
	form     pdf.Ref
}

const (
	// maxIdentifier bounds marked-content identifiers, by which the parent tree has a list.
	maxIdentifier = 1 << 20
	// maxElements bounds how many elements and references to content are read.
	maxElements = 2_000_000
	// leastCoverage is the share of the text that tags must reach to be worth keeping.
	leastCoverage = 0.5
)

// hasUsableTags reads the tags of the document, and tells whether they are to be kept: not if the document itself says
// that they are suspect, or if they leave out most of the text.
func (w *work) hasUsableTags() bool {
	if w.catalog["StructTreeRoot"] == nil {
		return false
	}
	tree, err := structure.Read(w.file, w.shown, structure.ReadLimits{Pages: w.options.Limits.Pages})
	if err != nil {
		return false
	}
	mark, _ := w.file.Dict(w.catalog["MarkInfo"])
	if w.file.Resolve(mark["Suspects"]) == true {
		w.warn("The document says that its tags are suspect: it was tagged anew.")
		w.fixed("7.1-4", "", 1)
		return false
	}
	if structure.Coverage(tree, w.shown) < leastCoverage {
		w.warn("The tags of the document left out most of its text: it was tagged anew.")
		return false
	}
	w.tree = tree
	return true
}

// treeReader reads the elements of a structure tree for their repair.
type treeReader struct {
	*work
	seen    map[pdf.Ref]bool
	count   int
	repeats []repeat
}

// readTree reads the structure tree. Its root is taken as an element whose kids are the elements at the top.
func (w *work) readTree() *element {
	root, _ := w.file.Dict(w.catalog["StructTreeRoot"])
	ref, isRef := w.catalog["StructTreeRoot"].(pdf.Ref)
	if !isRef {
		ref = w.file.Add(root)
		w.catalog["StructTreeRoot"] = ref
	}
	root["Type"] = pdf.Name("StructTreeRoot")
	e := &element{kind: "StructTreeRoot", dict: root, ref: ref, old: true}
	w.keptTags, w.tagged, w.byRef = map[contentKey]*element{}, map[pdf.Ref]bool{}, map[pdf.Ref]*element{}
	r := treeReader{work: w, seen: map[pdf.Ref]bool{ref: true}}
	w.paintings = countPaintings(w.shown)
	r.kids(e, 0)
	body := e
	for len(body.kids) == 1 && body.kids[0].element != nil && isGrouping(body.kids[0].element.kind) {
		body = body.kids[0].element
	}
	w.outline = outline{root: e, body: body}
	w.divideRepeats(e, r.repeats)
	return e
}

func isGrouping(kind pdf.Name) bool {
	return slices.Contains([]pdf.Name{"Document", "Part", "Art", "Sect", "Div", "NonStruct"}, kind)
}

func (r *treeReader) kids(e *element, depth int) {
	list, isList := r.file.Array(e.dict["K"])
	if !isList && e.dict["K"] != nil {
		list = pdf.Array{e.dict["K"]}
	}
	for _, o := range list {
		if r.count++; r.count > maxElements {
			return
		}
		switch v := r.file.Resolve(o).(type) {
		case pdf.Integer:
			r.content(e, contentKey{page: e.page, id: int(min(max(v, -1), maxIdentifier))}, v)
		case pdf.Dict:
			r.dict(e, o, v, depth)
		}
	}
}

// content notes a marked-content sequence; the first element that names it has it.
func (r *treeReader) content(e *element, key contentKey, raw pdf.Object) {
	if key.id < 0 || key.id >= maxIdentifier || key.page == 0 && key.form == (pdf.Ref{}) {
		return
	}
	if _, taken := r.keptTags[key]; taken {
		return
	}
	if r.paintings[key.form] > 1 {
		r.repeats = append(r.repeats, repeat{e, key})
		return
	}
	r.keptTags[key] = e
	if key.form != (pdf.Ref{}) {
		r.tagged[key.form] = true
	}
	e.kids = append(e.kids, kid{raw: raw})
}

func (r *treeReader) dict(e *element, o pdf.Object, d pdf.Dict, depth int) {
	switch r.file.Name(d["Type"]) {
	case "MCR":
		id, ok := r.file.Integer(d["MCID"])
		if !ok {
			return
		}
		key := contentKey{page: e.page, id: int(min(max(id, -1), maxIdentifier))}
		if pg, ok := d["Pg"].(pdf.Ref); ok {
			key.page = r.pageNumber(pg)
		}
		if form, ok := d["Stm"].(pdf.Ref); ok {
			key.form, key.page = form, 0
		}
		r.content(e, key, d)
		return
	case "OBJR":
		e.kids = append(e.kids, kid{raw: d})
		return
	}
	ref, isRef := o.(pdf.Ref)
	if isRef && r.seen[ref] || depth > maxDepth {
		return
	}
	if !isRef {
		ref = r.file.Add(d)
	}
	r.seen[ref] = true
	d["Type"] = pdf.Name("StructElem")
	if d["P"] != e.ref {
		if _, known := r.file.Dict(d["P"]); !known {
			r.fixed("7.1-12", "", 1)
		}
		d["P"] = e.ref
	}
	kid := &element{kind: r.file.Name(d["S"]), dict: d, ref: ref, old: true, page: e.page}
	if pg, ok := d["Pg"].(pdf.Ref); ok {
		kid.page = r.pageNumber(pg)
	}
	r.byRef[ref] = kid
	e.add(kid)
	r.kids(kid, depth+1)
}

// add appends an element that has its parent noted.
func (e *element) add(k *element) { e.kids = append(e.kids, kid{element: k}) }

// oldParents gives the elements of the sequences that a page or form keeps, by identifier.
func (w *work) oldParents(owner contentKey) pdf.Array {
	if w.keptTags == nil {
		return nil
	}
	if w.oldIDs == nil {
		w.oldIDs = map[contentKey]int{}
		for key := range w.keptTags {
			owner := contentKey{page: key.page, form: key.form}
			w.oldIDs[owner] = max(w.oldIDs[owner], key.id+1)
		}
	}
	n := w.oldIDs[owner]
	if n == 0 {
		return nil
	}
	out := make(pdf.Array, n)
	for id := range out {
		owner.id = id
		if e := w.keptTags[owner]; e != nil {
			out[id] = e.ref
		}
	}
	return out
}

// rawPage gives the page of content that was tagged before, 0 if it is not known.
func (w *work) rawPage(e *element, raw pdf.Object) int {
	if d, ok := raw.(pdf.Dict); ok {
		if ref, ok := d["Pg"].(pdf.Ref); ok {
			return w.pageNumber(ref)
		}
	}
	return e.page
}

// taggedBy gives the element that content of a page was tagged by before, nil if there is none.
func (w *work) taggedBy(page *pagetext.Page, at pagetext.Place) *element {
	if at.Mark < 0 || at.MarkStream < 0 || at.MarkStream >= len(page.Streams) {
		return nil
	}
	key := contentKey{page: page.Number, id: at.Mark}
	if form := page.Streams[at.MarkStream].Form; form != (pdf.Ref{}) {
		key.page, key.form = 0, form
	}
	return w.keptTags[key]
}
