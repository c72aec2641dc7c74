// Package pagetext interprets the content of pages: which text, images and lines they show, and where.
//
// It is the eye of everything that must know what a page looks like: finding the structure of a document that has no
// tags, writing tags into its content, and turning it into HTML. It draws nothing.
package pagetext

import (
	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/pdffont"
)

// Rect is an area of a page as people see it, turned by its Rotate, in points: x grows to the right from the left edge
// of the crop box, y grows upwards from its bottom edge.
type Rect struct{ Left, Bottom, Right, Top float64 }

// Page is what one page shows, in the order of painting. It is not safe for concurrent use, nor are pages of one document.
type Page struct {
	// Number counts from 1.
	Number        int
	Width, Height float64
	// Streams are the content streams painted: the first is the page's own, the others are forms, each as often as it
	// is painted.
	Streams []Stream
	Images  []Image
	// Rules are the straight lines and thin filled rectangles that may separate or frame text; Fills are larger filled
	// rectangles that may stand behind it. White ones are left out.
	Rules []Rect
	Fills []Fill

	// runs and shapes are nil while they are packed.
	runs   []Run
	shapes []Shape
	packed *packed
}

// Fill is a filled rectangle.
type Fill struct {
	Rect
	// Color is 0xRRGGBB, as far as it is in a device color space; else black.
	Color uint32
}

// Shape is a painted path.
type Shape struct {
	// Place is that of the operation that paints it.
	Place Place
	Box   Rect
	// Filled tells that it has an area, not an outline alone; Plain that it consists of lines along the axes and of
	// upright rectangles, which Rules and Fills have as well.
	Filled, Plain bool
}

// Stream is a content stream as painted on a page.
type Stream struct {
	// Form is the form XObject, the zero value for the page's own content.
	Form pdf.Ref
	// Outer is the index of the stream that paints it by its operation Operation; -1 for the page's own content.
	Outer, Operation int
}

// Place is where something is painted: an operation of one of the page's streams.
type Place struct {
	// Stream is an index into the page's Streams.
	Stream int
	// Operation counts the operations of that stream from 0, as [pdf.Scanner] gives them.
	Operation int
	// From and To bound the part of what a text operation shows that is meant, To not included; both are zero for the
	// whole operation. An operation is divided where its gaps separate columns, and where links begin and end. The parts
	// follow each other without a gap; one that a gap divides off begins with the number that makes the gap.
	From, To Split
	// Mark is the marked-content identifier of the innermost sequence around it that has one, -1 if there is none.
	Mark int
	// MarkStream is the index of the stream that this sequence is in: a form painted inside of a sequence has it from
	// the stream that paints it.
	MarkStream int
	// Artifact tells that a sequence around it is an artifact.
	Artifact bool
}

// Split is a point in what a text operation shows: before a byte of a string, or before another element of an array.
type Split struct {
	// Element counts the elements of the array of a TJ; the string of other operations is element 0.
	Element, Byte int
}

// Before tells whether s comes before o.
func (s Split) Before(o Split) bool {
	return s.Element < o.Element || s.Element == o.Element && s.Byte < o.Byte
}

// Run is text shown by one operation in one line: a word, a line or a part of one.
type Run struct {
	Place Place
	// Text has the spaces that the gaps between glyphs stand for. It is empty if the font does not tell what its glyphs
	// mean.
	Text string
	Box  Rect
	// Baseline is its y, Size the height of an em in points as people see it.
	Baseline, Size float64
	// Angle is the direction of writing in degrees, counter-clockwise from left to right; 0 for ordinary text.
	Angle float64
	Font  *pdffont.Font
	// Bold, Italic and Mono are by the font's descriptor and name.
	Bold, Italic, Mono bool
	// Invisible text is not painted, as that of recognised scans.
	Invisible bool
	// Hidden text lies outside of the crop box, is clipped away, or is in optional content that is off.
	Hidden bool
	// Color is the fill color as 0xRRGGBB, as far as it is in a device color space; else black.
	Color uint32
}

// Image is an image painted on a page.
type Image struct {
	Place Place
	// Box is the part that is not clipped away.
	Box Rect
	// Stream is the image XObject or the inline image.
	Stream *pdf.Stream
	// Ref names the XObject, the zero value for an inline image.
	Ref pdf.Ref
	// Hidden is as for text.
	Hidden bool
}
