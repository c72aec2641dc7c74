package structure

import (
	"strconv"

	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// assemble makes the tree of the blocks.
func (d *document) assemble() *Tree {
	t := &Tree{Root: &Node{Type: "Document"}, Language: d.hints.Language}
	marks := d.noteMarks()
	for _, s := range d.sheets { // the tree takes the place of all this, block by block
		s.pieces, s.rows, s.objects, s.blocks, s.bullets = nil, nil, nil, nil, nil
	}
	for i := 0; i < len(d.blocks); {
		if d.blocks[i].kind == contents {
			n, taken := d.contentsNode(d.blocks[i:])
			t.Root.Kids = append(t.Root.Kids, n)
			clear(d.blocks[i : i+taken])
			i += taken
			continue
		}
		t.Root.Kids = append(t.Root.Kids, d.node(d.blocks[i]))
		d.blocks[i] = nil
		i++
	}
	for _, s := range d.sheets {
		t.Artifacts = append(t.Artifacts, s.artifacts...)
	}
	if len(marks) > 0 {
		d.referenceKids(t.Root, marks)
	}
	d.addLinks(t)
	d.rest(t)
	d.title(t)
	return t
}

func (d *document) node(b *block) *Node {
	switch b.kind {
	case table:
		return d.tableNode(b)
	case figure:
		return d.figureNode(b)
	case code:
		return d.codeNode(b)
	case note:
		return d.noteNode(b)
	case item:
		return d.listNode(b.list)
	case heading:
		return &Node{Type: pdf.Name("H" + strconv.Itoa(b.level)), Kids: d.leaves(b)}
	case quote:
		n := &Node{Type: "BlockQuote", Kids: []*Node{{Type: "P", Kids: d.leaves(b)}}}
		for _, more := range b.quoted {
			n.Kids = append(n.Kids, &Node{Type: "P", Kids: d.leaves(more)})
		}
		return n
	default: // a caption that belongs to nothing is a paragraph as well
		return &Node{Type: "P", Kids: d.leaves(b)}
	}
}

// leaves gives the content of a block and of what continues it.
func (d *document) leaves(b *block) []*Node {
	var pieces []*piece
	for _, l := range b.lines {
		pieces = append(pieces, l.pieces...)
	}
	out := d.pieceLeaves(b.page, pieces)
	for _, more := range b.more {
		out = append(out, d.leaves(more)...)
	}
	return out
}

// listNode makes the element of a list.
func (d *document) listNode(l *list) *Node {
	first := l.items[0].label
	numbering := first.numbering
	if first.roman == 1 && first.value != 1 { // "i." is the first of Roman numerals, not the ninth letter
		numbering = "LowerRoman"
		if first.numbering == "UpperAlpha" {
			numbering = "UpperRoman"
		}
	}
	n := &Node{Type: "L", Extra: &Attributes{Numbering: numbering}}
	for _, it := range l.items {
		li := &Node{Type: "LI"}
		body := &Node{Type: "LBody"}
		leaves := d.leaves(it.head)
		if k := it.label.runs; k > 0 && k < len(leaves[0].Content.Runs) {
			c := &leaves[0].Content
			lbl := &Node{Content: Content{Page: it.head.page, Runs: c.Runs[:k:k]}}
			c.Runs = c.Runs[k:]
			li.Kids = append(li.Kids, &Node{Type: "Lbl", Kids: []*Node{lbl}})
		}
		if b := it.label.drawn; b != nil && b.image >= 0 {
			lbl := &Node{Content: Content{Page: it.head.page, Images: []int{b.image}}}
			li.Kids = append(li.Kids, &Node{Type: "Lbl", Kids: []*Node{lbl}})
		}
		if len(it.kids) == 0 {
			body.Kids = append(body.Kids, leaves...)
		} else {
			body.Kids = append(body.Kids, &Node{Type: "P", Kids: leaves})
		}
		for _, kid := range it.kids {
			if kid.list != nil {
				body.Kids = append(body.Kids, d.listNode(kid.list))
			} else {
				body.Kids = append(body.Kids, d.node(kid.block))
			}
		}
		li.Kids = append(li.Kids, body)
		n.Kids = append(n.Kids, li)
	}
	return n
}

// title takes the title of the metadata, or else the first heading of the highest level.
func (d *document) title(t *Tree) {
	t.Title = d.hints.Title
	if t.Title != "" {
		return
	}
	for _, n := range t.Root.Kids {
		if n.Type == "H1" {
			t.Title = Text(n, d.pages)
			return
		}
	}
}
