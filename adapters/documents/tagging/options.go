package tagging

import (
	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/pdfua"
)

// Options are what the caller knows and wants. Its zero value is usable.
type Options struct {
	Limits pdfua.Limits
	// Title and Language, a language tag, are used as they are; empty, they are found in the document.
	Title, Language string
	// Describe gives an alternative text for a figure, "" if there is none. Without it nobody is asked.
	Describe func(Figure) string
	// Recognized is the text of scanned pages by page number, from 1.
	Recognized map[int][]Word
	// Check checks the file as it is then; it is asked once or twice at the end. Without it [pdfua.Check] is. A caller
	// that writes the file anyway may check what it wrote, and give that file back: it takes the place of the first one.
	Check func(*pdf.File) (*pdf.File, *pdfua.Result, error)
	// DropSignatures allows to process a signed document, whose signatures are void afterwards.
	DropSignatures bool
}

// Figure is a picture of a document, or a drawing, whose Image is empty.
type Figure struct {
	// Key names the figure within the file; it is the same whenever the same file is processed.
	Key  string
	Page int
	// MIME and Image are the picture as a file, PNG or JPEG.
	MIME  string
	Image []byte
	// Caption is the figure's caption, Context the text around it.
	Caption, Context string
}

// Word is recognised text on a page, as people see the page: in points from its left and bottom edge.
type Word struct {
	Text                     string
	Left, Bottom, Right, Top float64
	// Line counts the lines of the page: words of one line are shown together.
	Line int
}

// Result says what became of a file.
type Result struct {
	// WasTagged tells that the document had usable tags, which were kept.
	WasTagged bool
	Fixed     []Repair
	// Manual is what a person must still do or look at.
	Manual   []Flag
	Warnings []string
	// Scans is how many pages show images and no text; Undescribed is how many figures have no alternative text but one
	// that says so.
	Scans, Undescribed int
	// File is the one to write: that which was given, or that which the check gave back.
	File *pdf.File
	// Failures are the conditions of PDF/UA-1 that still fail. Only without any does the file say that it conforms.
	Failures []pdfua.Failure
}

// Repair is something that was put right.
type Repair struct {
	// Rule is the rule of PDF/UA-1 that asks for it, as in [pdfua.Rules], or a best practice.
	Rule   string
	Count  int
	Detail string
}

// Flag is something that only a person can judge or do.
type Flag struct {
	// Rule is a rule of PDF/UA-1, a failure condition of the Matterhorn Protocol, or a best practice.
	Rule string
	// Page counts from 1; 0 is the document as a whole.
	Page   int
	Detail string
}
