package structure

import (
	"github.com/perfectworks/backend/adapters/documents/pagetext"
	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// Hints are what a file says of its structure besides what its pages show. All of it may be absent.
type Hints struct {
	// Title and Language are those of the document's metadata or as told by its owner.
	Title, Language string
	// Outline are the bookmarks in their order.
	Outline []Bookmark
	// Links and Fields are annotations, in the order of their pages.
	Links  []Link
	Fields []Field
}

// Bookmark is an entry of the outline.
type Bookmark struct {
	Title string
	// Level is 1 for the outermost.
	Level int
	// Page counts from 1; 0 if it leads nowhere in the document.
	Page int
}

// Link is a link annotation.
type Link struct {
	// Page counts from 1.
	Page       int
	Annotation pdf.Ref
	// Areas are the rectangles that react, in the coordinates of the page as people see it.
	Areas []pagetext.Rect
	// URI is where it leads, "" if into the document; then Target is the page, from 1, or 0 if it is not known.
	URI    string
	Target int
}

// Field is a form field's widget annotation.
type Field struct {
	// Page counts from 1.
	Page       int
	Annotation pdf.Ref
	// Area is where it is shown, in the coordinates of the page as people see it.
	Area pagetext.Rect
}
