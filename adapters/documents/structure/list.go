package structure

import (
	"math"
	"strings"
)

const (
	// sameLeft is how far, in ems, the left edges of items of one list may differ: figures have different widths.
	sameLeft = 0.7
	// deepestList is how deep lists may nest.
	deepestList = 10
)

// listItem is an item while lists are put together: its own block, and what belongs to it besides.
type listItem struct {
	label label
	head  *block
	// kids are further paragraphs and nested lists, in order.
	kids []listKid
}

// listKid is a block or a nested list.
type listKid struct {
	block *block
	list  *list
}

// list is a list while it is put together.
type list struct {
	items []*listItem
	// left is where its labels start, body where its texts do.
	left, body float64
	page       int
	column     *column
}

func (l *list) last() *listItem { return l.items[len(l.items)-1] }

// startsItem tells whether a line that begins with a label is the start of an item, after the lines of a block.
func (d *document) startsItem(lines []*line, l *line, mark label) bool {
	last := lines[len(lines)-1]
	before, listed := labelOf(lines[0])
	if mark.value == 0 && !mark.isWeak() {
		return true
	}
	near := math.Abs(l.box.Left-lines[0].box.Left) < sameLeft*l.size
	if listed && near {
		return mark.follows(before)
	}
	if listed && l.box.Left < lines[0].box.Left {
		return true // back to an outer list
	}
	lead := strings.HasSuffix(last.text, ":") || last.column.right-last.box.Right > 0.2*(last.column.right-last.column.left)
	moved := math.Abs(l.box.Left-last.box.Left) >= sameLeft*l.size
	return mark.first() && (lead || moved && mark.runs > 0)
}

// findLists puts items together to lists and replaces them in the order of blocks.
func (d *document) findLists() {
	var out []*block
	var before *list // the one before, which may go on after a figure or a page
	for i := 0; i < len(d.blocks); {
		if b := d.blocks[i]; b.kind == paragraph && b.label.numbering != "" {
			if l, n := d.gather(i, before); l != nil {
				before = l
				out = append(out, &block{kind: item, page: b.page, box: b.box, size: b.size, list: l, above: -1, below: -1})
				i += n
				continue
			}
		}
		out = append(out, d.blocks[i])
		i++
	}
	d.blocks = out
}

// gather puts the list together that starts with a block, and tells how many blocks it takes; nil if it is none.
func (d *document) gather(start int, before *list) (*list, int) {
	var stack []*list
	end := start
	open := func(b *block) {
		l := &list{left: b.label.left, body: b.label.body, page: b.page, column: b.lines[0].column}
		if n := len(stack); n > 0 {
			parent := stack[n-1].last()
			parent.kids = append(parent.kids, listKid{list: l})
		}
		stack = append(stack, l)
	}
	for ; end < len(d.blocks); end++ {
		b := d.blocks[end]
		if b.kind == heading || b.kind == table || b.kind == figure || b.kind == contents || len(b.lines) == 0 {
			break
		}
		if b.label.numbering == "" || b.kind != paragraph {
			if at := continued(stack, b); at >= 0 {
				stack = stack[:at+1]
				stack[at].last().kids = append(stack[at].last().kids, listKid{block: b})
				continue
			}
			break
		}
		if end == start {
			open(b)
		} else {
			at, nested := level(stack, b)
			switch {
			case at < 0:
				return finish(stack, start, end, before)
			case nested && len(stack) < deepestList:
				stack = stack[:at+1]
				open(b)
			default:
				stack = stack[:at+1]
			}
		}
		l := stack[len(stack)-1]
		l.items = append(l.items, &listItem{label: b.label, head: b})
		l.page, l.column, l.left, l.body = b.page, b.lines[0].column, b.label.left, b.label.body
	}
	return finish(stack, start, end, before)
}

// level finds the list of the stack that an item belongs to, or below whose last item it opens a nested list. It is -1
// if it belongs to none.
func level(stack []*list, b *block) (at int, nested bool) {
	moved := b.lines[0].column != stack[len(stack)-1].column
	for k := len(stack) - 1; k >= 0; k-- {
		l := stack[k]
		follows := b.label.follows(l.last().label)
		near := math.Abs(b.label.left-l.left) < sameLeft*b.size
		if right := math.Abs(b.label.body-l.body) < 0.3*b.size; right && (b.label.value > 0 || b.label.shape == optionShape) {
			near = true // figures and options that are aligned to the right
		}
		if follows && (near || moved) {
			return k, false
		}
	}
	top := stack[len(stack)-1]
	if by := b.label.left - top.left; !moved && by > sameLeft*b.size && by < 12*b.size && b.label.first() {
		return len(stack) - 1, true
	}
	if moved && b.label.first() && b.label.shape != top.last().label.shape && b.label.left > b.lines[0].column.left+b.size {
		return len(stack) - 1, true
	}
	return -1, false
}

// continued finds the list of the stack whose last item a block without a label continues, -1 if there is none.
func continued(stack []*list, b *block) int {
	if len(stack) == 0 || b.kind == caption || b.kind == note {
		return -1
	}
	column := b.lines[0].column
	for k := len(stack) - 1; k >= 0; k-- {
		l := stack[k]
		if column != l.column {
			// On another page the edge of the column is all there is to go by.
			if k == len(stack)-1 && b.box.Left > column.left+b.size && math.Abs(b.box.Left-l.body) < 0.5*b.size {
				return k
			}
			continue
		}
		if b.box.Left > l.body-0.6*b.size && b.box.Left > l.left+0.6*b.size && b.box.Left < l.body+6*b.size {
			return k
		}
	}
	return -1
}

// finish tells whether what was gathered is a list.
func finish(stack []*list, start, end int, before *list) (*list, int) {
	if len(stack) == 0 {
		return nil, 0
	}
	l := stack[0]
	first := l.items[0]
	if len(l.items) == 1 {
		hanging := false
		if lines := first.head.lines; len(lines) > 1 {
			hanging = math.Abs(lines[1].box.Left-first.label.body) < 0.6*first.head.size
		}
		indented := first.label.runs > 0 && first.label.left > first.head.lines[0].column.left+first.head.size
		strong := first.label.value == 0 && !first.label.isWeak()
		for k := before; k != nil && !strong; {
			last := k.last()
			strong = first.label.value > 0 && first.label.follows(last.label)
			k = nil
			if n := len(last.kids); n > 0 {
				k = last.kids[n-1].list
			}
		}
		begins := first.label.first() && (hanging || indented) && first.label.runs > 0
		if !strong && !begins {
			return nil, 0
		}
	}
	return l, end - start
}
