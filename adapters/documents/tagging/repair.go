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
	w.repairDocument()
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
