package structure

import (
	"strconv"

	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// assemble makes the tree of the blocks.
func (d *document) assemble() *Tree {
	t := &Tree{Root: &Node{Type: "Document"}, Language: d.hints.Language}
	for _, b := range d.blocks {
		t.Root.Kids = append(t.Root.Kids, d.node(b))
	}
	for _, s := range d.sheets {
		t.Artifacts = append(t.Artifacts, s.artifacts...)
	}
	d.rest(t)
	d.title(t)
	return t
}

func (d *document) node(b *block) *Node {
	if b.node != nil {
		return b.node
	}
	if b.list != nil {
		return d.listNode(b.list)
	}
	n := &Node{Type: "P"}
	if b.kind == heading {
		n.Type = pdf.Name("H" + strconv.Itoa(b.level))
	}
	n.Kids = append(n.Kids, d.leaf(b))
	return n
}

func (d *document) leaf(b *block) *Node {
	leaf := &Node{Content: Content{Page: b.page}}
	for _, l := range b.lines {
		leaf.Content.Runs = append(leaf.Content.Runs, l.runs()...)
	}
	return leaf
}

// listNode makes the element of a list.
func (d *document) listNode(l *list) *Node {
	first := l.items[0].label
	n := &Node{Type: "L", Numbering: first.numbering}
	if first.roman == 1 && first.value != 1 { // "i." is the first of Roman numerals, not the ninth letter
		n.Numbering = "LowerRoman"
		if first.numbering == "UpperAlpha" {
			n.Numbering = "UpperRoman"
		}
	}
	for _, it := range l.items {
		li := &Node{Type: "LI"}
		body := &Node{Type: "LBody"}
		leaf := d.leaf(it.head)
		if k := it.label.runs; k > 0 && k < len(leaf.Content.Runs) {
			lbl := &Node{Content: Content{Page: it.head.page, Runs: leaf.Content.Runs[:k:k]}}
			leaf.Content.Runs = leaf.Content.Runs[k:]
			li.Kids = append(li.Kids, &Node{Type: "Lbl", Kids: []*Node{lbl}})
		}
		if len(it.kids) == 0 {
			body.Kids = append(body.Kids, leaf)
		} else {
			body.Kids = append(body.Kids, &Node{Type: "P", Kids: []*Node{leaf}})
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
