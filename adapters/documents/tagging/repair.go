package tagging

import (
	"fmt"
	"strings"

	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/structure"
)

// repair puts right what is wrong with the tags of a document, and keeps the others as they are.
func (w *work) repair(progress func(done, total int)) error {
	root := w.readTree()
	w.forgetParents()
	w.repairRoles(root)
	w.addUntagged()
	w.repairReferences(root)
	w.repairNesting(root)
	w.repairHeadings(root)
	w.repairTables(root)
	w.repairTexts(root)
	w.placeLooseAnnotations()
	if err := w.writePages(progress); err != nil {
		return err
	}
	w.writeTree(root.dict)
	return nil
}

// each visits the elements below one in document order, parents first.
func (e *element) each(visit func(e, parent *element)) {
	for _, k := range e.kids {
		if k.element != nil {
			visit(k.element, e)
			k.element.each(visit)
		}
	}
}

// addUntagged adds elements for the text that no tag reaches, each after the block that comes before it.
func (w *work) addUntagged() {
	var before *element
	added := map[*element][]*element{}
	var first []*element
	count := 0
	var walk func(n *structure.Node, depth int)
	walk = func(n *structure.Node, depth int) {
		if depth > maxDepth {
			return
		}
		if n.Ref != (pdf.Ref{}) {
			if e := w.byRef[n.Ref]; e != nil {
				before = e
			}
		}
		if n.Type != "" && n.Ref == (pdf.Ref{}) && n != w.tree.Root {
			e := w.newElement(n.Type, n, nil)
			for _, kid := range n.Kids {
				w.buildNode(kid, e, depth+1)
			}
			if n.Type == "Figure" {
				w.figures = append(w.figures, e)
			}
			count++
			if before == nil {
				first = append(first, e)
			} else {
				added[before] = append(added[before], e)
			}
			return
		}
		for _, kid := range n.Kids {
			walk(kid, depth+1)
		}
	}
	walk(w.tree.Root, 0)
	if count == 0 {
		return
	}
	w.flag("09-001", 0, fmt.Sprintf("%d pieces of content had no tags and were added as paragraphs or figures", count))
	w.insertBlocks(first, added)
}

// insertBlocks puts new blocks among the kids of the body: each after the kid that holds the element before it.
func (w *work) insertBlocks(first []*element, added map[*element][]*element) {
	body := w.outline.body
	var out []kid
	put := func(list []*element) {
		for _, e := range list {
			e.dict["P"] = body.ref
			out = append(out, kid{element: e})
		}
	}
	put(first)
	for _, k := range body.kids {
		out = append(out, k)
		if k.element == nil {
			continue
		}
		put(added[k.element])
		delete(added, k.element)
		k.element.each(func(e, _ *element) {
			put(added[e])
			delete(added, e)
		})
	}
	// What comes after the body's own ancestors alone has nothing before it.
	for _, k := range w.outline.root.kids {
		if k.element != nil {
			put(added[k.element])
		}
	}
	body.kids = out
}

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

// repairTexts repairs what elements say: languages, identifiers and alternative texts.
func (w *work) repairTexts(root *element) {
	nodes := map[pdf.Ref]*structure.Node{}
	var walk func(n *structure.Node, depth int)
	walk = func(n *structure.Node, depth int) {
		if n.Ref != (pdf.Ref{}) {
			nodes[n.Ref] = n
		}
		for _, kid := range n.Kids {
			if depth < maxDepth {
				walk(kid, depth+1)
			}
		}
	}
	walk(w.tree.Root, 0)
	notes := map[string]bool{}
	root.each(func(e, _ *element) {
		if said, ok := w.file.String(e.dict["Lang"]); ok && !languageForm.MatchString(said.Text()) {
			delete(e.dict, "Lang")
			if tag := languageTag(said.Text()); tag != "" {
				e.dict["Lang"] = pdf.TextString(tag)
			}
			w.fixed("7.2-29", "", 1)
		}
		switch w.standardKind(e.kind) {
		case "Note":
			id, _ := w.file.String(e.dict["ID"])
			switch {
			case id == "":
				w.fixed("7.9-1", "", 1)
			case notes[string(id)]:
				delete(e.dict, "ID")
				w.fixed("7.9-2", "", 1)
			}
			notes[string(id)] = true
		case "Figure", "Formula":
			alt, _ := w.file.String(e.dict["Alt"])
			if text := strings.TrimSpace(alt.Text()); text == "" || strings.Contains(text, " "+placeholder) {
				delete(e.dict, "Alt")
				if e.old && w.file.Resolve(e.dict["ActualText"]) == nil {
					e.node = nodes[e.ref]
					w.figures = append(w.figures, e)
				}
			}
		}
	})
	w.describeFigures()
}

// attribute gives an attribute of an element that is written in its own dictionary or class.
func (w *work) attribute(e *element, owner, name pdf.Name) pdf.Object {
	in := func(o pdf.Object) pdf.Object {
		list, isList := w.file.Array(o)
		if !isList {
			list = pdf.Array{o}
		}
		for _, entry := range list {
			if d, ok := w.file.Dict(entry); ok && w.file.Name(d["O"]) == owner {
				if v := w.file.Resolve(d[name]); v != nil {
					return v
				}
			}
		}
		return nil
	}
	if v := in(e.dict["A"]); v != nil {
		return v
	}
	classes := w.file.Resolve(e.dict["C"])
	list, isList := classes.(pdf.Array)
	if !isList {
		list = pdf.Array{classes}
	}
	root := w.outline.root.dict
	known, _ := w.file.Dict(root["ClassMap"])
	for _, class := range list {
		if v := in(known[w.file.Name(class)]); v != nil {
			return v
		}
	}
	return nil
}

// setTableAttribute sets an attribute of tables in the element's own dictionary; nil takes it out.
func (w *work) setTableAttribute(e *element, name pdf.Name, value pdf.Object) {
	const owner = pdf.Name("Table")
	list, isList := w.file.Array(e.dict["A"])
	if !isList && e.dict["A"] != nil {
		list = pdf.Array{e.dict["A"]}
	}
	for _, entry := range list {
		d, ok := w.file.Dict(entry)
		if !ok || w.file.Name(d["O"]) != owner {
			continue
		}
		if value == nil {
			delete(d, name)
			continue
		}
		if len(list) == 1 || d[name] != nil {
			d[name] = value
			return
		}
	}
	if value != nil {
		e.dict["A"] = append(list[:len(list):len(list)], pdf.Dict{"O": owner, name: value})
		if len(list) == 0 {
			e.dict["A"] = pdf.Dict{"O": owner, name: value}
		}
	}
}
