package structure

import "slices"

// emptyLines is the distance between parts of one listing, in usual distances of lines: an empty line or two.
const emptyLines = 3.2

// findCode marks blocks in type of a fixed pitch as code, and joins the parts of listings with empty lines in them, and
// those on pages that follow each other. In a
// document that is all in such type there is no telling.
func (d *document) findCode() {
	if d.body.mono {
		return
	}
	gone := map[*block]bool{}
	var last *block
	for _, b := range d.blocks {
		if b.kind != paragraph || !b.style.mono || len(b.lines) == 0 || captionKind(b.text) != "" {
			last = nil
			continue
		}
		b.kind = code
		b.label = label{}
		if last != nil && sameListing(last.lines[len(last.lines)-1], b.lines[0]) {
			end := last.lines[len(last.lines)-1]
			if last.page == b.page-1 {
				last.more = append(last.more, b)
				gone[b] = true
				continue
			}
			if by := end.baseline - b.lines[0].baseline; last.page == b.page && by > 0 && by < emptyLines*d.leadings.of(end) {
				last.lines = append(last.lines, b.lines...)
				last.box = last.box.Union(b.box)
				last.below = b.below
				last.text += "\n" + b.text
				gone[b] = true
				continue
			}
		}
		last = b
	}
	d.blocks = slices.DeleteFunc(d.blocks, func(b *block) bool { return gone[b] })
}

// codeNode makes the element of a listing. Its lines are to be kept: they are told by where its runs are.
func (d *document) codeNode(b *block) *Node {
	return &Node{Type: "P", Kids: []*Node{{Type: "Code", Kids: d.leaves(b)}}}
}
