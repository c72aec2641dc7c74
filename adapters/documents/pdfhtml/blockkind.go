package pdfhtml

import (
	"slices"

	"github.com/perfectworks/backend/adapters/documents/pagetext"
	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/structure"
)

// blockTypes are those of ISO 32000-1, 14.8.4 that stand on lines of their own.
var blockTypes = map[pdf.Name]bool{
	"Document": true, "Part": true, "Art": true, "Sect": true, "BlockQuote": true, "Caption": true, "TOC": true,
	"TOCI": true, "Index": true, "P": true, "H": true, "H1": true, "H2": true, "H3": true, "H4": true, "H5": true,
	"H6": true, "L": true, "LI": true, "Table": true, "TR": true, "TH": true, "TD": true, "THead": true, "TBody": true,
	"TFoot": true,
}

// isBlock tells whether an element stands on lines of its own: by its type, or by what is inside of it.
func isBlock(n *structure.Node) bool { return isBlockWithin(n, 8) }

func isBlockWithin(n *structure.Node, depth int) bool {
	if blockTypes[n.Type] {
		return true
	}
	switch n.Type {
	case "Div", "NonStruct", "Private", "Figure", "Formula", "LBody":
		for _, kid := range n.Kids {
			if depth > 0 && isBlockWithin(kid, depth-1) {
				return true
			}
		}
	}
	return false
}

// transparent tells whether an element only groups.
func transparent(n *structure.Node) bool {
	switch n.Type {
	case "Document", "Part", "Div", "NonStruct", "Private", "LBody":
		return n.Attributes().ActualText == ""
	}
	return false
}

// paragraphs counts what would become paragraphs, up to two.
func (b *builder) paragraphs(nodes []*structure.Node, depth int) int {
	count := 0
	var before *structure.Node
	for _, n := range nodes {
		switch {
		case n.Type == "P":
			count++
		case depth < 8 && transparent(n) && isBlock(n):
			count += b.paragraphs(n.Kids, depth+1)
		case b.holdsLines(n):
			count += 2
		case !isBlock(n) && n.Type != "Note" && n.Type != "Figure":
			if before == nil || b.apart(before, n) {
				count++
			}
			before = n
			continue
		}
		before = nil
		if count > 1 {
			break
		}
	}
	return count
}

// apart tells whether two neighbours without paragraphs of their own are such by being groups on different lines.
func (b *builder) apart(a, n *structure.Node) bool {
	if !transparent(a) || !transparent(n) {
		return false
	}
	last, first := b.lastRun(a), b.firstRun(n)
	if last == nil || first == nil || first.Baseline == last.Baseline {
		return false
	}
	return structure.Separator(last, first) == structure.NewLine
}

// holdsLines tells whether a group without paragraphs consists of groups on different lines.
func (b *builder) holdsLines(n *structure.Node) bool {
	if !transparent(n) || isBlock(n) {
		return false
	}
	for i := 1; i < len(n.Kids); i++ {
		if b.apart(n.Kids[i-1], n.Kids[i]) {
			return true
		}
	}
	return false
}

// holdsHeading tells whether there is a heading within some levels.
func holdsHeading(n *structure.Node, depth int) bool {
	if len(n.Type) > 0 && n.Type[0] == 'H' {
		return true
	}
	return depth > 0 && slices.ContainsFunc(n.Kids, func(kid *structure.Node) bool { return holdsHeading(kid, depth-1) })
}

// firstRun and lastRun give the outermost runs of a part of the structure, nil if it has no text.
func (b *builder) firstRun(n *structure.Node) *pagetext.Run {
	var first *pagetext.Run
	b.eachRun(n, func(_ int, run *pagetext.Run) bool {
		first = run
		return false
	})
	return first
}

func (b *builder) lastRun(n *structure.Node) *pagetext.Run {
	if p := b.pageOf(n.Content.Page); n.Type == "" && p != nil {
		for _, i := range slices.Backward(n.Content.Runs) {
			if i >= 0 && i < len(p.Runs()) {
				return &p.Runs()[i]
			}
		}
	}
	for _, kid := range slices.Backward(n.Kids) {
		if run := b.lastRun(kid); run != nil {
			return run
		}
	}
	return nil
}

func (b *builder) hasText(n *structure.Node) bool { return b.firstRun(n) != nil }

func (b *builder) hasImage(n *structure.Node) bool {
	return len(n.Content.Images) > 0 || slices.ContainsFunc(n.Kids, b.hasImage)
}
