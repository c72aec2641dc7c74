package tagging

import (
	"github.com/perfectworks/backend/adapters/documents/pagetext"
	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/structure"
)

// heading is a heading that becomes a bookmark.
type heading struct {
	level, page int
	top, left   float64
	text        string
	ref         pdf.Ref
}

// addOutlines makes bookmarks of the headings of a document that has none.
func (w *work) addOutlines() {
	if outlines, ok := w.file.Dict(w.catalog["Outlines"]); ok && w.file.Resolve(outlines["First"]) != nil {
		return
	}
	if w.tree == nil {
		return
	}
	headings := w.headings()
	if len(headings) < 2 {
		return
	}
	root := pdf.Dict{"Type": pdf.Name("Outlines")}
	ref := w.file.Add(root)
	w.catalog["Outlines"] = ref
	// open are the items, from the root down, that the next one may belong to.
	type item struct {
		level int
		ref   pdf.Ref
		dict  pdf.Dict
	}
	open := []item{{0, ref, root}}
	for _, h := range headings {
		for len(open) > 1 && open[len(open)-1].level >= h.level {
			open = open[:len(open)-1]
		}
		parent := open[len(open)-1]
		d := pdf.Dict{
			"Title": pdf.TextString(h.text), "Parent": parent.ref,
			"Dest": pdf.Array{w.pages[h.page-1].Ref, pdf.Name("XYZ"), pdf.Real(h.left), pdf.Real(h.top), pdf.Integer(0)},
		}
		if h.ref != (pdf.Ref{}) {
			d["SE"] = h.ref
		}
		own := w.file.Add(d)
		if last, ok := w.file.Dict(parent.dict["Last"]); ok {
			last["Next"], d["Prev"] = own, parent.dict["Last"]
		} else {
			parent.dict["First"] = own
		}
		parent.dict["Last"] = own
		count, _ := parent.dict["Count"].(pdf.Integer)
		if parent.level == 0 {
			parent.dict["Count"] = count + 1
		} else {
			parent.dict["Count"] = count - 1 // closed
		}
		open = append(open, item{h.level, own, d})
	}
	w.fixed("bookmarks", "", len(headings))
}

// maxBookmark is how many characters a bookmark has at most.
const maxBookmark = 160

// headings lists the headings of the document in order, with where they stand.
func (w *work) headings() []heading {
	var out []heading
	var walk func(n *structure.Node, depth int)
	walk = func(n *structure.Node, depth int) {
		if n == nil || depth > maxDepth {
			return
		}
		if len(n.Type) == 2 && n.Type[0] == 'H' && n.Type[1] >= '1' && n.Type[1] <= '6' {
			h := heading{level: int(n.Type[1] - '0'), text: shorten(structure.Text(n, w.shown), maxBookmark), ref: n.Ref}
			if w.locate(n, &h, 0) && h.text != "" {
				out = append(out, h)
			}
			return
		}
		for _, kid := range n.Kids {
			walk(kid, depth+1)
		}
	}
	walk(w.tree.Root, 0)
	return out
}

// locate finds the first text of a node.
func (w *work) locate(n *structure.Node, h *heading, depth int) bool {
	if n.Type == "" {
		page := n.Content.Page
		if page < 1 || page > len(w.shown) {
			return false
		}
		for _, i := range n.Content.Runs {
			if i >= 0 && i < len(w.shown[page-1].Runs()) {
				run := w.shown[page-1].Runs()[i]
				h.page = page
				h.left, h.top = inverse(w.frames[page-1], run.Box.Left, run.Box.Top)
				return true
			}
		}
		return false
	}
	for _, kid := range n.Kids {
		if depth < maxDepth && w.locate(kid, h, depth+1) {
			return true
		}
	}
	return false
}

// inverse maps a point of the page as people see it back to the file's coordinates.
func inverse(f pagetext.Frame, x, y float64) (float64, float64) {
	e, g := f.Point(0, 0)
	a, b := f.Point(1, 0)
	c, d := f.Point(0, 1)
	a, b, c, d = a-e, b-g, c-e, d-g
	determinant := a*d - b*c
	if determinant == 0 {
		return x, y
	}
	x, y = x-e, y-g
	return (d*x - c*y) / determinant, (a*y - b*x) / determinant
}
