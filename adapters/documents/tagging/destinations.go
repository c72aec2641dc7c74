package tagging

import "github.com/perfectworks/backend/adapters/documents/pdf"

// destinationPage gives the page that a destination shows, 0 if it cannot be told.
func (w *work) destinationPage(o pdf.Object) int {
	o = w.file.Resolve(o)
	switch v := o.(type) {
	case pdf.Name:
		named, _ := w.file.Dict(w.catalog["Dests"])
		o = w.file.Resolve(named[v])
	case pdf.String:
		names, _ := w.file.Dict(w.catalog["Names"])
		o = w.lookName(names["Dests"], v)
	}
	if d, ok := o.(pdf.Dict); ok {
		o = w.file.Resolve(d["D"])
	}
	list, _ := o.(pdf.Array)
	if len(list) == 0 {
		return 0
	}
	ref, ok := list[0].(pdf.Ref)
	if !ok {
		return 0
	}
	return w.pageNumber(ref)
}

// pageNumber counts from 1, 0 if the reference names no page.
func (w *work) pageNumber(ref pdf.Ref) int {
	if w.numbers == nil {
		w.numbers = make(map[int]int, len(w.pages))
		for i, p := range w.pages {
			w.numbers[p.Ref.Number] = i + 1
		}
	}
	return w.numbers[ref.Number]
}

// lookName finds a destination by its name in the name tree (ISO 32000-1, 7.9.6), which is read when first asked.
func (w *work) lookName(root pdf.Object, key pdf.String) pdf.Object {
	if w.names == nil {
		w.names = map[pdf.String]pdf.Object{}
		w.eachName(root, func(name, value pdf.Object) {
			if name, ok := w.file.String(name); ok {
				w.names[name] = value
			}
		})
	}
	return w.file.Resolve(w.names[key])
}

// eachName visits the pairs of a name tree.
func (w *work) eachName(root pdf.Object, visit func(name, value pdf.Object)) {
	seen := map[pdf.Ref]bool{}
	var walk func(o pdf.Object, depth int)
	walk = func(o pdf.Object, depth int) {
		if ref, ok := o.(pdf.Ref); ok {
			if seen[ref] {
				return
			}
			seen[ref] = true
		}
		node, ok := w.file.Dict(o)
		if !ok || depth > maxDepth {
			return
		}
		pairs, _ := w.file.Array(node["Names"])
		for i := 0; i+1 < len(pairs); i += 2 {
			visit(pairs[i], pairs[i+1])
		}
		kids, _ := w.file.Array(node["Kids"])
		for _, kid := range kids {
			walk(kid, depth+1)
		}
	}
	walk(root, 0)
}
