package typeset

import (
	"slices"

	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// element is a structure element of the PDF (ISO 32000-1, 14.7.2).
type element struct {
	role   pdf.Name
	parent *element
	kids   []kid

	alt, expansion, language string
	hasAlt                   bool
	id                       string
	// scope, headers, columns and rows are attributes of cells; numbering is one of lists.
	scope         pdf.Name
	headers       []string
	columns, rows int
	numbering     pdf.Name
	// anonymous tells that no element of the HTML stands behind it.
	anonymous bool
	// level is that of a heading, heading its bookmark.
	level   int
	heading *bookmark
	// keep tells that the element stays if it is empty: the cells that make a table regular.
	keep bool
	ref  pdf.Ref
}

// kid is one of an element, the place of some content, or an annotation.
type kid struct {
	element *element
	slot    *slot
	object  *annotation
}

// slot is the place of content in the structure. Its marks come when pages are painted.
type slot struct {
	owner *element
	marks []mark
}

// mark is a marked-content sequence: the page and its identifier there.
type mark struct {
	page, id int
}

// annotation is a link on a page.
type annotation struct {
	ref  pdf.Ref
	page int
	// parent is its key in the parent tree.
	parent int
}

func (e *element) child(role pdf.Name) *element {
	c := &element{role: role, parent: e}
	e.kids = append(e.kids, kid{element: c})
	return c
}

// content gives the slot for what comes next in the element.
func (e *element) content() *slot {
	if n := len(e.kids); n > 0 && e.kids[n-1].slot != nil {
		return e.kids[n-1].slot
	}
	s := &slot{owner: e}
	e.kids = append(e.kids, kid{slot: s})
	return s
}

// flattened are the roles that keep their elements where the structure is flattened.
var flattened = []pdf.Name{"Link", "Figure", "Formula", "Note"}

// parts are the roles of elements that cannot stand without those around them.
var parts = []pdf.Name{"THead", "TBody", "TFoot", "TR", "TH", "TD", "LI", "Lbl", "LBody", "Caption"}

// flatten turns an element into a paragraph with all content below it, where the structure is deeper than what
// programs can be expected to read.
func (e *element) flatten() {
	var kids []kid
	var gather func(from *element, depth int)
	gather = func(from *element, depth int) {
		for _, k := range from.kids {
			switch {
			case k.element == nil:
				if k.slot != nil {
					k.slot.owner = e
				}
				kids = append(kids, k)
			case slices.Contains(flattened, k.element.role):
				k.element.parent = e
				kids = append(kids, k)
			case depth < maxDepth:
				gather(k.element, depth+1)
			}
		}
	}
	gather(e, 0)
	e.kids = kids
	if !slices.Contains(flattened, e.role) {
		e.role = "P"
		e.numbering, e.level = "", 0
	}
}

// used tells whether anything of the element is on a page, and takes out what is not.
func (e *element) used(depth int) bool {
	if depth > maxLevels && !slices.Contains(parts, e.role) {
		e.flatten()
	}
	kept := e.kids[:0]
	for _, k := range e.kids {
		switch {
		case k.element != nil && !k.element.used(depth+1):
		case k.slot != nil && len(k.slot.marks) == 0:
		default:
			kept = append(kept, k.unwrapped(e))
		}
	}
	e.kids = kept
	return len(kept) > 0 || e.keep
}

// maxLevels is how deep the structure may become; maxDepth bounds the recursion before: HTML nests at most 512 levels,
// of which some make two.
const (
	maxLevels = 150
	maxDepth  = 2_000
)

// unwrapped takes a figure out of a paragraph that was made for it alone.
func (k kid) unwrapped(parent *element) kid {
	p := k.element
	if p == nil || !p.anonymous || len(p.kids) != 1 || p.kids[0].element == nil {
		return k
	}
	if only := p.kids[0].element; only.role == "Figure" || only.role == "Formula" {
		only.parent = parent
		return kid{element: only}
	}
	return k
}
