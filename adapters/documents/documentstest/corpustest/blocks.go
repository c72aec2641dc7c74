package corpustest

import (
	"context"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/perfectworks/backend/adapters/documents/pagetext"
)

// Role is what a block is, for comparing.
type Role string

// The roles. HeadingLevels are headings again, that must have the same level as well; Rows are the rows of tables.
const (
	Headings      Role = "headings"
	HeadingLevels Role = "heading levels"
	Paragraphs    Role = "paragraphs"
	ListItems     Role = "list items"
	Cells         Role = "table cells"
	HeaderCells   Role = "header cells"
	Rows          Role = "table rows"
	Links         Role = "links"
	Figures       Role = "figures"
	Captions      Role = "captions"
)

// Roles are all roles, in the order of reports.
var Roles = []Role{
	Headings, HeadingLevels, Paragraphs, ListItems, Cells, HeaderCells, Rows, Links, Figures, Captions,
}

// Block is a part of a document. Text is without white space and hyphens, which lines break and undo.
type Block struct {
	Role Role   `json:"role"`
	Text string `json:"text"`
}

// Blocks reads the tags of a PDF as blocks, in their order. A block inside of another, such as a link in a paragraph,
// is one of its own, and a part of the other's text; a list item does not hold the text of the lists inside of it, nor
// its label. Text that stands in no block is a paragraph, as people see it.
func Blocks(ctx context.Context, path string) ([]Block, error) {
	root, err := readTags(ctx, path)
	if err != nil {
		return nil, err
	}
	r := blockReader{}
	r.group(root)
	return r.blocks, nil
}

type blockReader struct{ blocks []Block }

func (r *blockReader) add(role Role, text string) {
	text = Plain(text)
	if text != "" || role == Figures {
		r.blocks = append(r.blocks, Block{Role: role, Text: text})
	}
}

// group reads an element that holds blocks; neighbours that are no blocks are a paragraph.
func (r *blockReader) group(e *element) {
	var loose []*element
	flush := func() {
		if len(loose) > 0 {
			r.add(Paragraphs, r.texts(loose))
		}
		loose = nil
	}
	for _, kid := range e.kids {
		if isInline(kid) {
			loose = append(loose, kid)
			continue
		}
		flush()
		r.block(kid)
	}
	flush()
}

// isInline tells whether an element is a part of a line: Chromium puts text into elements of type NonStruct.
func isInline(e *element) bool {
	switch e.kind {
	case "", "Span", "Link", "Reference", "Quote", "Code", "Lbl", "Note", "Annot", "Em", "Strong", "Form":
		return true
	case "NonStruct", "Private":
		for _, kid := range e.kids {
			if kid.kind != "" {
				return false
			}
		}
		return len(e.kids) > 0
	}
	return false
}

func (r *blockReader) block(e *element) {
	switch e.kind {
	case "H", "H1", "H2", "H3", "H4", "H5", "H6":
		text := r.texts(e.kids)
		r.add(Headings, text)
		r.blocks = append(r.blocks, Block{Role: HeadingLevels, Text: e.kind + ":" + Plain(text)})
	case "P":
		r.add(Paragraphs, r.texts(e.kids))
	case "L":
		for _, kid := range e.kids {
			r.block(kid)
		}
	case "LI":
		r.item(e)
	case "Table", "THead", "TBody", "TFoot":
		for _, kid := range e.kids {
			r.block(kid)
		}
	case "TR":
		r.row(e)
	case "Caption":
		r.add(Captions, r.texts(e.kids))
	case "Figure", "Formula":
		r.figure(e)
	default:
		r.group(e)
	}
}

// item reads a list item: its text without its label, then the lists in it.
func (r *blockReader) item(e *element) {
	var own, lists []*element
	var sort func(kids []*element)
	sort = func(kids []*element) {
		for _, kid := range kids {
			switch kid.kind {
			case "Lbl":
			case "L":
				lists = append(lists, kid)
			case "LBody", "Div", "Part", "Sect":
				sort(kid.kids)
			default:
				own = append(own, kid)
			}
		}
	}
	sort(e.kids)
	r.add(ListItems, r.texts(own))
	for _, list := range lists {
		r.block(list)
	}
}

func (r *blockReader) row(e *element) {
	var all strings.Builder
	for _, cell := range e.kids {
		if cell.kind != "TH" && cell.kind != "TD" {
			continue
		}
		text := r.texts(cell.kids)
		all.WriteString(text)
		r.add(Cells, text)
		if cell.kind == "TH" {
			r.add(HeaderCells, text)
		}
	}
	r.add(Rows, all.String())
}

// figure counts the innermost figures: Chromium has one for the element figure, and one for the picture in it.
func (r *blockReader) figure(e *element) {
	inner := false
	for _, kid := range e.kids {
		switch kid.kind {
		case "Figure", "Formula":
			inner = true
			r.figure(kid)
		case "Caption":
			r.block(kid)
		}
	}
	if !inner {
		r.add(Figures, "")
	}
}

// texts gives the text of elements, and reads the links and figures in it.
func (r *blockReader) texts(of []*element) string {
	var b strings.Builder
	for _, e := range of {
		if e.kind == "Figure" || e.kind == "Formula" {
			r.figure(e)
			continue
		}
		b.WriteString(pagetext.ReadingOrder(e.text))
		text := r.texts(e.kids)
		if e.kind == "Link" {
			r.add(Links, text)
		}
		b.WriteString(text)
	}
	return b.String()
}

// Plain drops what line breaks add to a text or take from it: white space, hyphens, and what cannot be seen. Ligatures
// and other compatible forms become the letters that they stand for.
func Plain(text string) string {
	return strings.Map(func(c rune) rune {
		switch c {
		case '-', '\u2010', '\u2011', '\ufffe', '\ufffd':
			return -1
		}
		if unicode.IsSpace(c) || unicode.IsControl(c) || unicode.In(c, unicode.Co, unicode.Cf) {
			return -1
		}
		return c
	}, norm.NFKC.String(text))
}
