// Package structure finds what a document consists of: headings, paragraphs, lists, tables and figures, in the order of
// reading. It reads that from the tags of a PDF, or infers it from what its pages look like.
package structure

import "github.com/perfectworks/backend/adapters/documents/pdf"

// Node is a part of a document. Its Type is a standard structure type of ISO 32000-1, 14.8.4, such as "H1", or empty for
// a leaf, which holds content of one page.
type Node struct {
	Type pdf.Name
	Kids []*Node
	// Content is what a leaf shows.
	Content Content
	// Ref is the structure element that was read from a file, the zero value for an inferred one.
	Ref pdf.Ref
	// Extra is what few nodes have: documents have hundreds of thousands of them. It may be nil; see [Node.Attributes].
	Extra *Attributes
}

// Attributes are what a node says beside its type and its kids.
type Attributes struct {
	// Title, Lang, Alt, ActualText and Expansion are those entries of a structure element.
	Title, Lang, Alt, ActualText, Expansion string
	// Scope is that of a header cell: "Column", "Row" or "Both"; RowSpan and ColSpan are 0 for 1.
	Scope            pdf.Name
	RowSpan, ColSpan int
	// Headers are the IDs of the header cells that a cell names.
	Headers []string
	// Numbering is the ListNumbering of a list, such as "Decimal" or "Disc".
	Numbering pdf.Name
	// ID is the identifier of an element, such as a note.
	ID string
}

// Attributes gives the attributes of a node, which are zero if it has none.
func (n *Node) Attributes() Attributes {
	if n.Extra == nil {
		return Attributes{}
	}
	return *n.Extra
}

// Edit gives the attributes of a node to be changed.
func (n *Node) Edit() *Attributes {
	if n.Extra == nil {
		n.Extra = &Attributes{}
	}
	return n.Extra
}

// Content is what a leaf shows: text or images of one page, or an annotation.
type Content struct {
	// Page counts from 1.
	Page int
	// Runs and Images are indexes into those of the page, in the order of reading.
	Runs, Images []int
	// Shapes are the painted paths of a drawing, as indexes into those of the page. Paths that are in no leaf are no
	// content: lines, frames and backgrounds.
	Shapes []int
	// Annotation is a link, a form field or another annotation on the page, the zero value if there is none. Its text
	// stands beside it, in other leaves of the same parent.
	Annotation pdf.Ref
}

// Tree is the structure of a document.
type Tree struct {
	// Root is a node of type Document.
	Root *Node
	// Artifacts is the content that is no part of the document, such as page numbers.
	Artifacts []Artifact
	// Title is what looks like the title, "" if nothing does; Language is its language tag, "" if it is not certain.
	Title, Language string
}

// Artifact is content that is no part of the document.
type Artifact struct {
	Content Content
	// Kind is "Header", "Footer", or empty for anything else.
	Kind pdf.Name
}
