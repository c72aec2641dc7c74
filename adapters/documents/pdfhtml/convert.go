// Package pdfhtml turns a PDF whose structure is known into a semantic, accessible HTML document.
//
// It does not imitate the pages: headings, lists, tables, figures, notes and links become those of HTML, lines become
// paragraphs again, and a small style sheet makes them pleasant to read. All that a file says is escaped; addresses lead
// only to the web, to mail and telephone, and into the document itself.
package pdfhtml

import (
	"bytes"
	"cmp"
	"fmt"

	"golang.org/x/net/html"

	"github.com/perfectworks/backend/adapters/documents/language"
	"github.com/perfectworks/backend/adapters/documents/pagetext"
	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/pdfimage"
	"github.com/perfectworks/backend/adapters/documents/structure"
)

// Options are what the caller decides. All of it may be left out.
type Options struct {
	// Title and Language replace those of the document.
	Title, Language string
	// Images keeps the image of a suggested file name beside the document and gives its URL; identical ones come once.
	// If it is nil, images are embedded as data URIs.
	Images func(name, mime string, data []byte) (url string)
	Limits Limits
}

// Limits bound what one document may cost. Zero means the default.
type Limits struct {
	// Image bounds each image, Pixels all of them.
	Image  pdfimage.Limits
	Pixels int64
	// ImageBytes is how many bytes all embedded images may have, each as often as it is shown. What is beyond it is left
	// out, and said.
	ImageBytes int64
	// Nodes is how many elements and texts the document may have.
	Nodes int
}

func (l Limits) withDefaults() Limits {
	l.Pixels = cmp.Or(l.Pixels, 512_000_000)
	l.ImageBytes = cmp.Or(l.ImageBytes, 128<<20)
	l.Nodes = cmp.Or(l.Nodes, 4_000_000)
	return l
}

// Flag is what a person must still do or look at.
type Flag struct {
	// Rule is that of htmlcheck which fails or may fail.
	Rule string
	// Page counts from 1; 0 is the document as a whole.
	Page   int
	Detail string
}

// Result is the converted document.
type Result struct {
	// HTML is a whole document in UTF-8.
	HTML []byte
	// Title and Language are those it has.
	Title, Language string
	Manual          []Flag
	// Warnings say in a sentence each what was left out or changed.
	Warnings []string
}

// Convert writes a document from its structure and its pages, which are in order from page 1. Its error is a
// [*pdf.LimitError].
func Convert(f *pdf.File, tree *structure.Tree, pages []*pagetext.Page, options Options) (*Result, error) {
	b := newBuilder(f, pages, options)
	b.describe(tree)
	b.prepare(tree.Root)
	main := element("main", "id", b.unique("content"), "tabindex", "-1")
	b.blocks(main, tree.Root.Kids, flow{})
	b.finish(main)
	document := b.document(main)
	if b.nodes > b.limits.Nodes {
		return nil, &pdf.LimitError{What: "elements of HTML", Limit: int64(b.limits.Nodes)}
	}
	var out bytes.Buffer
	if err := html.Render(&out, document); err != nil {
		return nil, fmt.Errorf("write the HTML: %w", err)
	}
	b.result.HTML = out.Bytes()
	b.result.Warnings = b.warnings()
	return &b.result, nil
}

// builder makes the document.
type builder struct {
	file    *pdf.File
	pages   []*pagetext.Page
	options Options
	limits  Limits
	result  Result
	words   words
	// language is the document's, "" if it is not known; rightToLeft is its direction.
	language    string
	rightToLeft bool
	// page is the last page that was begun.
	page  int
	nodes int
	ids   map[string]bool
	// counters are the last numbers given to identifiers of a kind.
	counters map[string]int
	usual    usual
	// vocabulary are the words as they stand inside of lines, in lower case.
	vocabulary map[string]bool
	headings   headings
	anchors    anchors
	places     *places
	areas      map[int]*areas
	labels     []labelRange
	labelled   bool
	notes      notes
	images     images
	drawings   drawings
	tables     int
	navigation []*html.Node
	problems   map[string]int
	order      []string
	fields     map[pdf.Ref]bool
	groups     []*fieldGroup
	groupAt    map[pdf.Ref]int
	// firstHeading is that of the document, nil if there is none yet.
	firstHeading *html.Node
}

func newBuilder(f *pdf.File, pages []*pagetext.Page, options Options) *builder {
	b := &builder{
		file: f, pages: pages, options: options, limits: options.Limits.withDefaults(), ids: map[string]bool{},
		problems: map[string]int{}, counters: map[string]int{}, fields: map[pdf.Ref]bool{}, groupAt: map[pdf.Ref]int{},
	}
	b.images.known = map[pdf.Ref]*picture{}
	b.images.stored = map[[32]byte]string{}
	return b
}

// pageOf gives a page by its number, nil if there is none.
func (b *builder) pageOf(number int) *pagetext.Page {
	if number < 1 || number > len(b.pages) {
		return nil
	}
	return b.pages[number-1]
}

// maxFlags bounds what is said of one document.
const maxFlags = 1000

func (b *builder) flag(rule string, page int, format string, args ...any) {
	if len(b.result.Manual) < maxFlags {
		b.result.Manual = append(b.result.Manual, Flag{Rule: rule, Page: page, Detail: fmt.Sprintf(format, args...)})
	}
}

// warn counts a problem; a sentence says how often it was there.
func (b *builder) warn(problem string) {
	if b.problems[problem] == 0 && len(b.order) < maxFlags {
		b.order = append(b.order, problem)
	}
	b.problems[problem]++
}

func (b *builder) warnings() []string {
	var out []string
	for _, problem := range b.order {
		if n := b.problems[problem]; n > 1 {
			problem = fmt.Sprintf("%s (%d times)", problem, n)
		}
		out = append(out, problem+".")
	}
	return out
}

// describe decides on the language and the title.
func (b *builder) describe(tree *structure.Tree) {
	b.language = languageTag(b.options.Language)
	if b.language == "" {
		b.language = languageTag(tree.Root.Attributes().Lang)
	}
	if b.language == "" {
		b.language = languageTag(tree.Language)
	}
	if b.language == "" {
		tag, sure := language.Detect(b.sample(tree.Root))
		b.language = languageTag(tag)
		switch {
		case b.language == "":
			b.flag("html-has-lang", 0, "the language of the document is not known")
		case !sure:
			b.flag("html-has-lang", 0, "the language of the document was guessed to be %s", b.language)
		}
	}
	b.words = wordsOf(b.language)
	b.rightToLeft = isRightToLeft(b.language)
	b.result.Language = b.language
	b.result.Title = cleanLine(b.options.Title)
	if b.result.Title == "" {
		b.result.Title = cleanLine(tree.Title)
	}
}

// maxSample is how many bytes of text are enough to tell the language.
const maxSample = 50_000

// sample gives text from the beginning of the document.
func (b *builder) sample(root *structure.Node) string {
	var text bytes.Buffer
	b.eachRun(root, func(_ int, run *pagetext.Run) bool {
		text.WriteString(run.Text)
		text.WriteByte(' ')
		return text.Len() < maxSample
	})
	return text.String()
}

// eachRun visits the runs beneath a node in their order until visit says no.
func (b *builder) eachRun(n *structure.Node, visit func(page int, run *pagetext.Run) bool) bool {
	if p := b.pageOf(n.Content.Page); n.Type == "" && p != nil {
		for _, i := range n.Content.Runs {
			if i >= 0 && i < len(p.Runs()) && !visit(n.Content.Page, &p.Runs()[i]) {
				return false
			}
		}
	}
	for _, kid := range n.Kids {
		if !b.eachRun(kid, visit) {
			return false
		}
	}
	return true
}
