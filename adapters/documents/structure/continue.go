package structure

import (
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxFloats is how many figures and the like may stand between the parts of a paragraph.
const maxFloats = 4

// joinParagraphs joins paragraphs that go on in the next column or on the next page.
func (d *document) joinParagraphs() {
	gone := map[*block]bool{}
	for i, a := range d.blocks {
		if a.kind != paragraph || gone[a] || len(a.lines) == 0 {
			continue
		}
		end := a
		for j := i + 1; j < len(d.blocks) && j <= i+maxFloats; j++ {
			b := d.blocks[j]
			if b.kind == figure || b.kind == table || b.kind == caption || b.kind == note || gone[b] {
				continue
			}
			if b.kind != paragraph || !d.goesOn(end, b) {
				break
			}
			a.more = append(a.more, b)
			gone[b] = true
			end = b
		}
	}
	d.blocks = slices.DeleteFunc(d.blocks, func(b *block) bool { return gone[b] })
}

// goesOn tells whether a paragraph is the rest of the one that ends a column or a page.
func (d *document) goesOn(a, b *block) bool {
	last, first := a.lines[len(a.lines)-1], b.lines[0]
	if last.column == first.column || b.page < a.page || b.page > a.page+1 || b.label.numbering != "" {
		return false
	}
	if b.page == a.page && d.followsClosely(a, b) {
		return true
	}
	if b.page == a.page && b.box.Top < a.box.Bottom && b.box.Left < a.box.Right && b.box.Right > a.box.Left {
		return false // below it on the same page: something else stands between
	}
	if math.Abs(last.size-first.size) > 0.06*last.size || a.style.bold != b.style.bold || a.style.mono != b.style.mono ||
		a.style.mono {
		return false
	}
	// The rest of an item hangs as its text does.
	if a.label.numbering != "" {
		by := (first.box.Left - first.column.left) - (a.label.body - a.lines[0].column.left)
		if math.Abs(by) > 1.5*first.size && math.Abs(first.box.Left-first.column.left) > first.size {
			return false
		}
	}
	end, _ := utf8.DecodeLastRuneInString(strings.TrimRight(a.text, " \"”’»)"))
	start, _ := utf8.DecodeRuneInString(strings.TrimLeft(b.text, " \"“‘«("))
	if endsInHyphen(a.text) {
		return unicode.IsLetter(start)
	}
	full := last.column.right-last.box.Right < 0.25*(last.column.right-last.column.left)
	switch {
	case strings.ContainsRune(".!?:;…", end):
		return false
	case unicode.IsLower(start) || end == ',':
		return full || unicode.IsLower(start) && end == ','
	}
	return full && unicode.IsLetter(end) && (unicode.IsUpper(start) || unicode.IsDigit(start)) && len(a.lines) > 1 && len(b.lines) > 1
}

// followsClosely tells whether a paragraph stands right below another one as its next lines do: what is beside them may
// have parted them.
func (d *document) followsClosely(a, b *block) bool {
	last, first := a.lines[len(a.lines)-1], b.lines[0]
	distance := last.baseline - first.baseline
	if distance <= 0 || distance > looser*max(d.leadings.of(last), d.leadings.of(first)) ||
		math.Abs(last.size-first.size) > 0.06*last.size || a.style.bold != b.style.bold || a.style.mono != b.style.mono {
		return false
	}
	const nearly = 0.5 // ems
	right := max(a.box.Right, b.box.Right)
	return math.Abs(last.box.Left-first.box.Left) < nearly*last.size && right-last.box.Right < 2*last.size && len(a.lines) > 1
}

// joinTables joins tables that go on on the next page. Heads that are repeated there are no part of the document.
func (d *document) joinTables() {
	gone := map[*block]bool{}
	for i := 0; i < len(d.blocks); i++ {
		a := d.blocks[i]
		if a.kind != table {
			continue
		}
		page := a.page
		for j := i + 1; j < len(d.blocks); j++ {
			b := d.blocks[j]
			if b.kind == note {
				continue
			}
			if b.kind != table || b.page != page+1 || b.captioned != nil && a.captioned != nil || !d.append(a.grid, b.grid) {
				break
			}
			if a.captioned == nil {
				a.captioned = b.captioned
			}
			gone[b] = true
			page = b.page
		}
	}
	d.blocks = slices.DeleteFunc(d.blocks, func(b *block) bool { return gone[b] })
}

// append adds the rows of a grid to another one, if they are parts of one table.
func (d *document) append(a, b *grid) bool {
	if a.columns() != b.columns() {
		return false
	}
	heads := 0
	for heads < len(b.cells)-1 && heads < min(maxHeaderRows, len(a.cells)) && sameRow(a.cells[heads], b.cells[heads]) {
		heads++
	}
	if heads == 0 {
		const nearly = 4.0 // points
		shift := a.xs[0] - b.xs[0]
		for k := range a.xs[1 : len(a.xs)-1] {
			if math.Abs(a.xs[k+1]-b.xs[k+1]-shift) > nearly {
				return false
			}
		}
		b.findHeaders()
		headed := b.headers
		b.headers = 0
		if headed > 0 && b.cells[0][0].bold {
			return false // a table of its own
		}
	}
	for r := range heads {
		for c, one := range b.cells[r] {
			if one.column == c && one.row == r {
				d.drop(one)
			}
		}
	}
	n := len(a.cells)
	b.each(func(c *cell) {
		if c.row < heads {
			c.rows -= heads - c.row
			c.row = heads
		}
		c.row += n - heads
	})
	a.cells = append(a.cells, b.cells[heads:]...)
	a.ruled = append(a.ruled, b.ruled[heads:]...)
	return true
}

// drop makes the text of a cell an artifact.
func (d *document) drop(c *cell) {
	content := Content{Page: c.page}
	for _, p := range c.pieces {
		content.Runs = append(content.Runs, p.runs...)
	}
	c.pieces, c.text = nil, ""
	if len(content.Runs) > 0 {
		s := d.sheets[c.page-1]
		s.artifacts = append(s.artifacts, Artifact{Content: content})
	}
}

func sameRow(a, b []*cell) bool {
	filled := false
	for i := range a {
		if fold(a[i].text) != fold(b[i].text) || a[i].columns != b[i].columns {
			return false
		}
		filled = filled || a[i].text != ""
	}
	return filled
}
