package structure

import "slices"

const (
	// quoteIndent is how far a quotation is moved in on both sides at least, in ems.
	quoteIndent = 1.2
	// quoteWidth is how wide the column is at least, in ems: short lines of narrow columns end anywhere.
	quoteWidth = 24
)

// findQuotes marks paragraphs that are moved in on both sides as quotations, and joins those that follow each other.
func (d *document) findQuotes() {
	gone := map[*block]bool{}
	var last *block
	for _, b := range d.blocks {
		if !b.isQuote(d.body.size) {
			last = nil
			continue
		}
		if last != nil && last.page == b.page {
			last.quoted = append(last.quoted, b)
			gone[b] = true
			continue
		}
		b.kind = quote
		last = b
	}
	d.blocks = slices.DeleteFunc(d.blocks, func(b *block) bool { return gone[b] })
}

func (b *block) isQuote(body float64) bool {
	if b.kind != paragraph || len(b.lines) < 2 || b.label.numbering != "" || b.size > 1.05*body || b.centered() {
		return false
	}
	column := b.lines[0].column
	if column.right-column.left < quoteWidth*b.size {
		return false
	}
	left, right := b.lines[0].box.Left, 0.0
	for _, l := range b.lines {
		left, right = min(left, l.box.Left), max(right, l.box.Right)
	}
	// The longest line comes near to where it may end: a list of short lines does not.
	return left-column.left > quoteIndent*b.size && column.right-right > quoteIndent*b.size &&
		column.right-right < 3*(left-column.left)+2*b.size && right-left > quoteWidth/2*b.size
}
