package structure

import (
	"regexp"
	"slices"
)

// optionForm matches the options of a program: "-a", "--all", "/help", "+x".
var optionForm = regexp.MustCompile(`^(?:--?|[/+])[\p{L}\d?]`)

// isOptionList tells whether the rows of a grid without lines are the options of a program, each with its description.
func (g *grid) isOptionList() bool {
	if g.columns() != 2 || len(g.cells) < 2 || slices.Contains(g.ruled, true) {
		return false
	}
	options, others := 0, 0
	for r, row := range g.cells {
		if row[0].columns > 1 || row[0].rows > 1 || row[1].rows > 1 {
			return false
		}
		switch {
		case optionForm.MatchString(row[0].text):
			options++
		case row[0].text != "" || r == 0:
			others++
		}
	}
	return options >= 2 && others == 0
}

// optionList makes the element of a list of options. A row without an option goes on with the description before it.
func (d *document) optionList(g *grid) *Node {
	list := &Node{Type: "L", Extra: &Attributes{Numbering: "None"}}
	var item *Node
	for _, row := range g.cells {
		if row[0].text != "" {
			item = &Node{Type: "LI", Kids: []*Node{{Type: "Lbl", Kids: d.pieceLeaves(row[0].page, row[0].pieces)}}}
			list.Kids = append(list.Kids, item)
		}
		if len(row[1].pieces) == 0 {
			continue
		}
		if len(item.Kids) == 1 {
			item.Kids = append(item.Kids, &Node{Type: "LBody"})
		}
		body := item.Kids[1]
		body.Kids = append(body.Kids, d.pieceLeaves(row[1].page, row[1].pieces)...)
	}
	return list
}
