package structure

import (
	"strings"

	"github.com/perfectworks/backend/adapters/documents/pagetext"
)

// kind is what a block is.
type kind int

const (
	paragraph kind = iota
	heading
	item
	table
	figure
	caption
	code
	note
	contents
	quote
)

// block is a part of a document that stands by itself.
type block struct {
	kind  kind
	page  int
	lines []*line
	box   pagetext.Rect
	size  float64
	style style
	text  string
	// level is that of a heading from 1, or the depth of a list item from 0.
	level int
	// label is that of a list item.
	label label
	// more are the blocks that continue it: in other columns or pages, or further paragraphs of an item.
	more []*block
	// above and below are the distances to the neighbours in the column, in points; negative if there is none.
	above, below float64
	// grid is that of a table.
	grid *grid
	// list is that of items put together.
	list *list
	// captioned is the caption of a table or figure.
	captioned *block
	// quoted are the further paragraphs of a quotation.
	quoted []*block
	// mark and id are those of a note.
	mark, id string
	images   []int
	runs     []int
	shapes   []int
}

func newBlock(page int, lines []*line) *block {
	b := &block{page: page, lines: lines, box: lines[0].box, above: -1, below: -1}
	bold, italic, mono := true, true, true
	weight := map[float64]int{}
	for _, l := range lines {
		b.box = b.box.Union(l.box)
		bold = bold && l.style.bold
		italic = italic && l.style.italic
		mono = mono && l.style.mono
		weight[l.size] += len(l.text) + 1
		if b.size == 0 || weight[l.size] > weight[b.size] {
			b.size = l.size
		}
	}
	b.style = style{bold: bold, italic: italic, mono: mono, color: lines[0].style.color}
	b.text = joinLines(lines)
	b.label, _ = labelOf(lines[0])
	return b
}

// joinLines joins lines to plain text, dividing no words.
func joinLines(lines []*line) string {
	if len(lines) == 1 {
		return lines[0].text
	}
	var out strings.Builder
	for i, l := range lines {
		out.WriteString(l.text)
		if i == len(lines)-1 {
			break
		}
		if endsInHyphen(l.text) {
			continue
		}
		out.WriteByte(' ')
	}
	return out.String()
}
