// Package typeset sets HTML as tagged PDF that conforms to PDF/UA-1 (ISO 14289-1) by construction, whatever the HTML is.
//
// The document is parsed, its elements get their styles (package style), and from both comes a tree of boxes beside a
// tree of structure elements: the boxes follow CSS, the structure follows HTML. The boxes are laid out on one strip as
// high as it takes; the strip is cut into pages where lines, rows and figures allow it; then each page is painted, what
// belongs to the structure as marked content and everything else as artifact.
//
//	typeset.go, document.go    the entry, its limits, the parsed document
//	build*.go, semantics.go    boxes and structure from elements
//	shape.go, paragraph.go     glyphs from text, line breaks
//	block.go, lines.go, …      layout on the strip
//	pages.go, paint.go         cutting and painting
//	file.go, structure.go      the objects of the PDF
package typeset

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/perfectworks/backend/adapters/documents/embedfont"
)

// Options say how to set a document. The zero value is usable.
type Options struct {
	// Resources loads an image or a style sheet by its URL as it stands in the document. Without it, only data: URLs are
	// loaded.
	Resources func(url string) ([]byte, error)
	// Language is the language tag to take where the document names none; it is "und", undetermined, by default.
	Language string
	// Title is the title to take where the document has none.
	Title string
	// Producer names the program in the metadata.
	Producer string
	// Now is the time to write into the metadata; without it there is none.
	Now time.Time
	// Fonts finds fonts for characters that Liberation lacks. Without it, those installed are searched.
	Fonts *embedfont.Machine
	// Progress, if not nil, is told of the pages painted.
	Progress func(done, total int)
	Limits   Limits
}

// Limits bound one document. Zero means the default.
type Limits struct {
	// SourceBytes is how long the HTML may be.
	SourceBytes int
	// Elements is how many elements and texts it may have.
	Elements int
	// Pages is how many pages may come of it.
	Pages int
	// ImagePixels is how many pixels all images together may have.
	ImagePixels int
	// ImageBytes is how large one image file may be.
	ImageBytes int
}

func (l Limits) withDefaults() Limits {
	for v, standard := range map[*int]int{
		&l.SourceBytes: 24 << 20, &l.Elements: 1_000_000, &l.Pages: 9_999, &l.ImagePixels: 64 << 20, &l.ImageBytes: 64 << 20,
	} {
		if *v == 0 {
			*v = standard
		}
	}
	return l
}

// Result is what is known of a document that was set.
type Result struct {
	Pages           int
	Title, Language string
	// Manual are what a person must look at: what only somebody who knows the meaning can say, such as an alternative
	// text that the HTML lacks.
	Manual []string
	// Warnings are what was left out or set otherwise than the HTML says.
	Warnings []string
}

// LimitError says which limit a document goes beyond.
type LimitError struct {
	What  string
	Limit int
}

// Error names the limit.
func (e *LimitError) Error() string {
	return fmt.Sprintf("the HTML goes beyond a limit: more than %d %s", e.Limit, e.What)
}

// MissingGlyphError says that no font was found for characters of the text.
type MissingGlyphError struct {
	// Rune is the first such character, Script the name of its script.
	Rune   rune
	Script string
}

// Error names the script and the character.
func (e *MissingGlyphError) Error() string {
	return fmt.Sprintf("The text has characters of the script %s (U+%04X), and no font with them was found.", e.Script, e.Rune)
}

// ErrTooDeep says that the HTML nests more than 512 levels of elements.
var ErrTooDeep = errors.New("the HTML is nested too deeply: it has more than 512 levels of elements")

// Convert sets HTML in UTF-8 as PDF and writes it to w. Its errors are a [*LimitError], [ErrTooDeep], a
// [*MissingGlyphError], or one of w.
func Convert(source []byte, w io.Writer, options Options) (*Result, error) {
	options.Limits = options.Limits.withDefaults()
	if options.Fonts == nil {
		options.Fonts = embedfont.NewMachine()
	}
	doc, err := parse(source, options)
	if err != nil {
		return nil, err
	}
	b := newBuilder(doc, options)
	if err := b.build(); err != nil {
		return nil, err
	}
	strip, err := b.layout()
	if err != nil {
		return nil, err
	}
	pages, err := paginate(strip, doc.sheet, options.Limits.Pages)
	if err != nil {
		return nil, err
	}
	out := newOutput(doc, b, strip, pages)
	out.paint(options.Progress)
	if err := out.write(w, options); err != nil {
		return nil, err
	}
	return &Result{
		Pages: len(pages), Title: doc.title, Language: doc.language, Manual: doc.notes.manual, Warnings: doc.notes.warnings,
	}, nil
}

// notes gathers what is told beside the PDF, each thing once.
type notes struct {
	manual, warnings []string
	seen             map[string]bool
}

// maxNotes bounds each list.
const maxNotes = 200

func (n *notes) add(list *[]string, text string) {
	if n.seen == nil {
		n.seen = map[string]bool{}
	}
	if !n.seen[text] && len(*list) < maxNotes {
		n.seen[text] = true
		*list = append(*list, text)
	}
}

func (n *notes) look(format string, args ...any) { n.add(&n.manual, fmt.Sprintf(format, args...)) }

func (n *notes) warn(format string, args ...any) { n.add(&n.warnings, fmt.Sprintf(format, args...)) }
