package structure

import (
	"math"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	// leaderGap is the least gap, in ems, between a title and its page number that no dots fill.
	leaderGap = 1.5
	// leastEntries is how many entries a table of contents has at least.
	leastEntries = 3
)

// sectionNumber is what may stand before the title in an entry.
var sectionNumber = regexp.MustCompile(`^(?:[0-9]+|[A-Z]|[IVXL]+)(?:\.[0-9]+)*\.?$`)

// isEntry tells whether a line is, or ends, an entry of a table of contents: a title, dots or a gap, and a page number at
// the margin.
func isEntry(l *line) bool { return endsEntry(l, l.column.right) }

func endsEntry(l *line, right float64) bool {
	if l.style.mono {
		return false
	}
	text := strings.TrimRight(l.text, " ")
	at := strings.LastIndexByte(text, ' ')
	number := text[at+1:]
	if readPageNumber(strings.TrimLeft(number, ".")).value == 0 {
		return false
	}
	if at < 0 {
		return false
	}
	before := strings.TrimRight(text[:at], " ")
	if strings.HasSuffix(before, "....") || strings.HasSuffix(before, ". . .") || strings.HasSuffix(before, "…") ||
		strings.HasPrefix(number, "....") || strings.HasSuffix(before, "_____") {
		return hasLetters(before) || strings.Trim(before, ". ") != ""
	}
	n := len(l.pieces)
	if n < 2 || n > 3 || n == 3 && !sectionNumber.MatchString(l.pieces[0].text) {
		return false // more pieces are cells
	}
	last, title := l.pieces[n-1], l.pieces[n-2]
	return last.text == number && last.box.Left-title.box.Right > leaderGap*last.size &&
		right-l.box.Right < 1.2*l.size && hasLetters(before) && utf8.RuneCountInString(number) <= 5
}

// findContents marks the entries of tables of contents: at least some that follow each other.
func (d *document) findContents() {
	d.joinEntries()
	for i := 0; i < len(d.blocks); {
		j := i
		entries := 0
		for j < len(d.blocks) && d.blocks[j].isEntry() {
			entries++
			j++
		}
		if entries >= leastEntries && d.rising(d.blocks[i:j]) || entries > 0 && i > 0 && d.blocks[i-1].kind == contents {
			for _, b := range d.blocks[i:j] {
				b.kind = contents
				b.label = label{}
			}
		}
		i = max(j, i+1)
	}
}

// joinEntries puts the first line of an entry that takes two to the one with the page number, between other entries.
func (d *document) joinEntries() {
	gone := map[*block]bool{}
	for i := 1; i+1 < len(d.blocks); i++ {
		b, next := d.blocks[i], d.blocks[i+1]
		if b.kind != paragraph || len(b.lines) != 1 || b.isEntry() || !next.isEntry() || !d.blocks[i-1].isEntry() || b.page != next.page {
			continue
		}
		const tight = 1.6 // ems from line to line
		by := b.lines[0].baseline - next.lines[0].baseline
		if by > 0 && by < tight*b.size && math.Abs(b.size-next.size) < 0.1*b.size {
			joined := newBlock(b.page, append([]*line{b.lines[0]}, next.lines...))
			joined.above, joined.below = b.above, next.below
			d.blocks[i+1] = joined
			gone[b] = true
		}
	}
	d.blocks = slices.DeleteFunc(d.blocks, func(b *block) bool { return gone[b] })
}

// rising tells whether the page numbers of entries hardly ever fall, and may be those of the document.
func (d *document) rising(blocks []*block) bool {
	falls, before, highest := 0, 0, 0
	for _, b := range blocks {
		text := b.lines[len(b.lines)-1].text
		v := readPageNumber(strings.TrimLeft(text[strings.LastIndexByte(text, ' ')+1:], ".")).value
		if v < before {
			falls++
		}
		before, highest = v, max(highest, v)
	}
	const excerpt = 20 // times the pages of the document, if it is a part of a larger one
	return falls*5 <= len(blocks) && highest <= excerpt*(len(d.pages)+2)
}

func (b *block) isEntry() bool {
	return b.kind == paragraph && len(b.lines) > 0 && len(b.lines) <= 4 && isEntry(b.lines[len(b.lines)-1])
}

// contentsNode makes the element of a table of contents of the entries from a block on, and tells how many there are.
// Entries that are moved in are in tables of contents of their own, inside of the outer one.
func (d *document) contentsNode(blocks []*block) (*Node, int) {
	root := &Node{Type: "TOC"}
	type level struct {
		node *Node
		left float64
	}
	stack := []level{{root, blocks[0].lines[0].box.Left}}
	n := 0
	for ; n < len(blocks) && blocks[n].kind == contents; n++ {
		b := blocks[n]
		left, size := b.lines[0].box.Left, b.size
		if n > 0 && b.lines[0].column != blocks[n-1].lines[0].column {
			// Pages may have their text at different places: levels keep their distances.
			shift := b.lines[0].column.left - blocks[n-1].lines[0].column.left
			for k := range stack {
				stack[k].left += shift
			}
		}
		for len(stack) > 1 && left < stack[len(stack)-1].left-0.5*size {
			stack = stack[:len(stack)-1]
		}
		top := &stack[len(stack)-1]
		if n > 0 && left > top.left+0.5*size && len(stack) < deepest {
			inner := &Node{Type: "TOC"}
			top.node.Kids = append(top.node.Kids, inner)
			stack = append(stack, level{inner, left})
			top = &stack[len(stack)-1]
		}
		top.node.Kids = append(top.node.Kids, d.entryNode(b))
	}
	return root, n
}

// entryNode makes the element of an entry. Dots between the title and the number are no content, where they are shown
// for themselves.
func (d *document) entryNode(b *block) *Node {
	reference := &Node{Type: "Reference"}
	page := d.pages[b.page-1]
	leaf := &Node{Content: Content{Page: b.page}}
	var dots []int
	for _, l := range b.lines {
		for _, r := range l.runs() {
			if text := page.Runs()[r].Text; text != "" && strings.Trim(text, ". …·_\u00a0") == "" {
				dots = append(dots, r)
				continue
			}
			leaf.Content.Runs = append(leaf.Content.Runs, r)
		}
	}
	if len(dots) > 0 {
		s := d.sheets[b.page-1]
		s.artifacts = append(s.artifacts, Artifact{Content: Content{Page: b.page, Runs: dots}})
	}
	reference.Kids = []*Node{leaf}
	return &Node{Type: "TOCI", Kids: []*Node{reference}}
}
