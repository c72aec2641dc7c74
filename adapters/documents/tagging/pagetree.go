package tagging

import (
	"reflect"
	"slices"

	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// maxPageKids is how many pages or nodes a node of the page tree has at the most.
const maxPageKids = 64

// buildPageTree writes the page tree anew, of the pages that could be read (ISO 32000-1, 7.7.3): one that was damaged is
// read differently by each program, or not at all. What pages inherit becomes their own.
func (w *work) buildPageTree() {
	nodes := make([]treeNode, len(w.pages))
	shared := map[uintptr]pdf.Ref{} // what several pages inherit is written once
	for i, p := range w.pages {
		d := p.Dict
		if rotation := w.file.Rotation(p); rotation != 0 || d["Rotate"] != nil {
			d["Rotate"] = pdf.Integer(rotation)
		}
		if _, ok := w.file.Rectangle(d["MediaBox"]); !ok {
			d["MediaBox"] = box(p.MediaBox)
		}
		if _, ok := w.file.Rectangle(d["CropBox"]); !ok {
			delete(d, "CropBox")
			if p.CropBox != p.MediaBox {
				d["CropBox"] = box(p.CropBox)
			}
		}
		if _, ok := w.file.Dict(d["Resources"]); !ok {
			if p.Resources == nil {
				p.Resources = pdf.Dict{}
			}
			key := reflect.ValueOf(p.Resources).Pointer()
			if shared[key] == (pdf.Ref{}) {
				shared[key] = w.file.Add(p.Resources)
			}
			d["Resources"] = shared[key]
			w.pages[i].Resources = p.Resources
		}
		d["Type"] = pdf.Name("Page")
		delete(d, "Kids")
		delete(d, "Count")
		nodes[i] = treeNode{p.Ref, d, 1}
	}
	for first := true; first || len(nodes) > 1; first = false {
		var upper []treeNode
		for some := range slices.Chunk(nodes, maxPageKids) {
			d := pdf.Dict{"Type": pdf.Name("Pages")}
			node := treeNode{w.file.Add(d), d, 0}
			kids := make(pdf.Array, len(some))
			for i, kid := range some {
				kid.dict["Parent"] = node.ref
				kids[i] = kid.ref
				node.pages += kid.pages
			}
			d["Kids"], d["Count"] = kids, pdf.Integer(node.pages)
			upper = append(upper, node)
		}
		nodes = upper
	}
	w.catalog["Pages"] = nodes[0].ref
}

// treeNode is a page, or a node of the page tree with so many pages.
type treeNode struct {
	ref   pdf.Ref
	dict  pdf.Dict
	pages int
}

func box(r [4]float64) pdf.Array {
	out := make(pdf.Array, len(r))
	for i, v := range r {
		out[i] = pdf.Real(v)
	}
	return out
}
