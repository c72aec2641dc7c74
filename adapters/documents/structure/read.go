package structure

import (
	"errors"

	"github.com/perfectworks/backend/adapters/documents/pagetext"
	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// ReadLimits bound what reading tags may cost. Zero means the default.
type ReadLimits struct {
	// Elements is how many structure elements and references to content are looked at.
	Elements int
	// Depth is how deep elements may nest. What lies deeper counts as untagged.
	Depth int
	// Pages is how many pages the file may have.
	Pages int
}

func (l ReadLimits) withDefaults() ReadLimits {
	for v, standard := range map[*int]int{&l.Elements: 1_000_000, &l.Depth: 200, &l.Pages: 100_000} {
		if *v == 0 {
			*v = standard
		}
	}
	return l
}

// ErrUntagged says that a file has no structure tree.
var ErrUntagged = errors.New("the PDF has no tags")

// Read reads the tags of a file (ISO 32000-1, 14.7) whose pages were read. Every run and image of the pages is in one
// leaf or artifact of the tree. Text that no tag reaches is appended to that of its page as paragraphs without Ref;
// [Coverage] tells how much that is. Its errors are [ErrUntagged] and a [*pdf.LimitError].
func Read(f *pdf.File, pages []*pagetext.Page, limits ReadLimits) (*Tree, error) {
	root, ok := f.Dict(f.Catalog()["StructTreeRoot"])
	if !ok || f.Resolve(root["K"]) == nil {
		return nil, ErrUntagged
	}
	r := &reader{file: f, limits: limits.withDefaults(), seen: map[pdf.Ref]bool{}}
	if err := r.index(pages); err != nil {
		return nil, err
	}
	r.roles, _ = f.Dict(root["RoleMap"])
	r.classes, _ = f.Dict(root["ClassMap"])
	document := &Node{Type: "Document"}
	r.kids(document, root["K"], 0, 0)
	if r.count > r.limits.Elements {
		return nil, &pdf.LimitError{What: "structure elements", Limit: int64(r.limits.Elements)}
	}
	if len(document.Kids) == 1 && document.Kids[0].Type == "Document" {
		document = document.Kids[0]
	}
	tree := &Tree{Root: document, Artifacts: r.artifacts}
	tree.Language = r.text(f.Catalog(), "Lang")
	info, _ := f.Dict(f.Trailer["Info"])
	tree.Title = r.text(info, "Title")
	if title := document.Attributes().Title; title != "" {
		tree.Title = title
	}
	r.rest(tree)
	return tree, f.Limit()
}

type reader struct {
	file    *pdf.File
	limits  ReadLimits
	roles   pdf.Dict
	classes pdf.Dict
	pages   []*pageIndex
	// numbers gives the pages by their reference, annotated those that an annotation is on; both count from 1.
	numbers, annotated map[pdf.Ref]int
	seen               map[pdf.Ref]bool
	count              int
	artifacts          []Artifact
	// figures counts the figures around: their paths are content.
	figures int
}

// marked names a marked-content sequence: its identifier and the form it is in, the zero value for the page itself.
type marked struct {
	form pdf.Ref
	id   int
}

// pageIndex finds the content of a page by its marks.
type pageIndex struct {
	*pagetext.Page
	runs, images map[marked][]int
	// shapes are only indexed once a figure asks.
	shapes map[marked][]int
	// tookRuns and tookImages tell what is in the tree already.
	tookRuns, tookImages []bool
}

// index notes what each page shows in which marked-content sequence.
func (r *reader) index(pages []*pagetext.Page) error {
	list, err := r.file.Pages(r.limits.Pages)
	if err != nil {
		return err
	}
	r.numbers, r.annotated = map[pdf.Ref]int{}, map[pdf.Ref]int{}
	r.pages = make([]*pageIndex, len(list)+1)
	for i, page := range list {
		r.numbers[page.Ref] = i + 1
		annotations, _ := r.file.Array(page.Dict["Annots"])
		for _, o := range annotations {
			if ref, ok := o.(pdf.Ref); ok {
				r.annotated[ref] = i + 1
			}
		}
	}
	for _, page := range pages {
		if page.Number < 1 || page.Number >= len(r.pages) {
			continue
		}
		p := &pageIndex{Page: page, runs: map[marked][]int{}, images: map[marked][]int{}}
		p.tookRuns, p.tookImages = make([]bool, len(page.Runs())), make([]bool, len(page.Images))
		for i := range page.Runs() {
			if m, ok := p.mark(page.Runs()[i].Place); ok {
				p.runs[m] = append(p.runs[m], i)
			}
		}
		for i := range page.Images {
			if m, ok := p.mark(page.Images[i].Place); ok {
				p.images[m] = append(p.images[m], i)
			}
		}
		r.pages[page.Number] = p
	}
	return nil
}

func (p *pageIndex) mark(at pagetext.Place) (marked, bool) {
	if at.Mark < 0 || at.MarkStream < 0 || at.MarkStream >= len(p.Streams) {
		return marked{}, false
	}
	return marked{form: p.Streams[at.MarkStream].Form, id: at.Mark}, true
}

// at gives the page that a dictionary's Pg names, else the one around it.
func (r *reader) at(d pdf.Dict, around int) int {
	if ref, ok := d["Pg"].(pdf.Ref); ok {
		if number, known := r.numbers[ref]; known {
			return number
		}
	}
	return around
}

// kids reads the K entry of an element: one kid or an array of them.
func (r *reader) kids(parent *Node, o pdf.Object, around int, depth int) {
	list, isList := r.file.Array(o)
	if !isList {
		r.kid(parent, o, around, depth)
		return
	}
	for _, kid := range list {
		if r.count > r.limits.Elements {
			return
		}
		r.kid(parent, kid, around, depth)
	}
}

func (r *reader) kid(parent *Node, o pdf.Object, around int, depth int) {
	r.count++
	ref, isRef := o.(pdf.Ref)
	switch v := r.file.Resolve(o).(type) {
	case pdf.Integer:
		r.content(parent, around, marked{id: int(min(max(v, -1), 1<<30))})
	case pdf.Dict:
		switch r.file.Name(v["Type"]) {
		case "MCR":
			id, ok := r.file.Integer(v["MCID"])
			if !ok {
				return
			}
			form, _ := v["Stm"].(pdf.Ref)
			r.content(parent, r.at(v, around), marked{form: form, id: int(min(max(id, -1), 1<<30))})
		case "OBJR":
			r.object(parent, v, r.at(v, around))
		default:
			if isRef && r.seen[ref] || depth > r.limits.Depth {
				return // an element has one place in the tree
			}
			r.seen[ref] = isRef
			r.element(parent, v, ref, around, depth)
		}
	}
}

// element reads a structure element and what it contains.
func (r *reader) element(parent *Node, d pdf.Dict, ref pdf.Ref, around int, depth int) {
	n := &Node{Type: r.standard(r.file.Name(d["S"])), Ref: ref}
	if n.Type == "Artifact" { // ISO 32000-2 lets the tree name artifacts
		holder := &Node{}
		r.kids(holder, d["K"], r.at(d, around), depth+1)
		r.discard(holder)
		return
	}
	r.attributes(n, d)
	parent.Kids = append(parent.Kids, n)
	if n.Type == "Figure" || n.Type == "Formula" {
		r.figures++
		defer func() { r.figures-- }()
	}
	r.kids(n, d["K"], r.at(d, around), depth+1)
}

// discard makes artifacts of the content of nodes.
func (r *reader) discard(n *Node) {
	if n.Type == "" && (len(n.Content.Runs) > 0 || len(n.Content.Images) > 0) {
		r.artifacts = append(r.artifacts, Artifact{Content: n.Content})
	}
	for _, kid := range n.Kids {
		r.discard(kid)
	}
}
