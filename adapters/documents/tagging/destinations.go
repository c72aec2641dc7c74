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
		for key, value := range w.file.Pairs(root, "Names", maxDepth) {
			if name, ok := w.file.String(key); ok {
				w.names[name] = value
			}
		}
	}
	return w.file.Resolve(w.names[key])
}
