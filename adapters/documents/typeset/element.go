package typeset

import (
	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// element is a structure element of the PDF (ISO 32000-1, 14.7.2).
type element struct {
	role   pdf.Name
	parent *element
	kids   []kid

	alt, expansion, language, title string
	hasAlt                          bool
	id                              string
	// scope, headers, columns and rows are attributes of cells; numbering is one of lists.
	scope         pdf.Name
	headers       []string
	columns, rows int
	numbering     pdf.Name
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

// grouping tells whether an element groups others (ISO 32000-1, 14.8.4.2), so that text in it needs a paragraph.
func (e *element) grouping() bool {
	switch e.role {
	case "Document", "Sect", "Art", "Div", "Part", "BlockQuote":
		return true
	}
	return false
}

// used tells whether anything of the element is on a page, and takes out what is not.
func (e *element) used(depth int) bool {
	if depth > maxDepth {
		return false
	}
	kept := e.kids[:0]
	for _, k := range e.kids {
		switch {
		case k.element != nil && !k.element.used(depth+1):
		case k.slot != nil && len(k.slot.marks) == 0:
		default:
			kept = append(kept, k)
		}
	}
	e.kids = kept
	return len(kept) > 0 || e.keep
}

// maxDepth bounds the depth of the structure; HTML nests at most 512 levels, of which some make two.
const maxDepth = 2_000
