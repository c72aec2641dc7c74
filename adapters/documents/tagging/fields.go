package tagging

import (
	"math"
	"slices"

	"github.com/perfectworks/backend/adapters/documents/pagetext"
	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/structure"
)

// widget is the place of a form field on a page.
type widget struct {
	dict pdf.Dict
	ref  pdf.Ref
	// field is the field that it belongs to: itself, or its parent if that is what has the name.
	field pdf.Dict
	box   pagetext.Rect
	// button tells that it is a check box or a radio button, whose label is expected on its right.
	button bool
	// name is what it is to be called, label the text that says so, nil if something else does.
	name  string
	label *label
}

// nameFields gives the form fields of a page the names that assistive technology says (ISO 14289-1, 7.18.1): the text
// printed as their label, else their own partial names. The buttons of a group are named apart from their group.
func (w *work) nameFields(page int, list pdf.Array) {
	var all []*widget
	for _, o := range list {
		d, ok := w.file.Dict(o)
		if !ok || w.file.Name(d["Subtype"]) != "Widget" || !w.needsTag(d, page) {
			continue
		}
		one := &widget{dict: d, field: d}
		one.ref, _ = o.(pdf.Ref)
		if r, ok := w.file.Rectangle(d["Rect"]); ok && page <= len(w.frames) {
			one.box = w.frames[page-1].Rect(r)
		}
		kind, flags := d["FT"], d["Ff"]
		if parent, ok := w.file.Dict(d["Parent"]); ok {
			if d["T"] == nil {
				one.field = parent
			}
			if kind == nil {
				kind = parent["FT"]
			}
			if flags == nil {
				flags = parent["Ff"]
			}
		}
		const pushButton = 1 << 16 // ISO 32000-1, table 226
		bits, _ := w.file.Integer(flags)
		one.button = w.file.Name(kind) == "Btn" && bits&pushButton == 0
		if w.file.Name(kind) == "Btn" && !one.button {
			one.name = w.caption(d)
		}
		all = append(all, one)
	}
	if len(all) == 0 {
		return
	}
	labels := w.readLabels(page, all)
	cells := w.cellNames()
	groups := groupsOf(all)
	for _, group := range groups {
		w.chooseNames(group, groups, labels, cells)
	}
	var taken []*label
	for _, one := range all {
		if one.button && one.label != nil {
			taken = append(taken, one.label)
		}
	}
	labels.tellApart(all, taken)
	for _, group := range groups {
		w.nameGroup(group, labels, taken, cells, page)
	}
}

// caption gives the text on a push button: what its form says, else what its appearance shows.
func (w *work) caption(d pdf.Dict) string {
	look, _ := w.file.Dict(d["MK"])
	if text, ok := w.file.String(look["CA"]); ok && cleanLabel(text.Text()) != "" {
		return cleanLabel(text.Text())
	}
	return cleanLabel(w.textOf(d))
}

// groupsOf puts widgets together whose names are chosen together: those of one field, and the check boxes below each
// other, whose labels are on the same side.
func groupsOf(all []*widget) [][]*widget {
	var groups [][]*widget
	for _, one := range all {
		at := slices.IndexFunc(groups, func(g []*widget) bool {
			first := g[0]
			const aligned = 2 // points
			return one.isPart() && samePart(first, one) ||
				one.button && first.button && !one.isPart() && !first.isPart() && math.Abs(first.box.Left-one.box.Left) < aligned
		})
		if at < 0 {
			groups = append(groups, []*widget{one})
		} else {
			groups[at] = append(groups[at], one)
		}
	}
	return groups
}

// isPart tells whether a widget is one of those that a field may have.
func (one *widget) isPart() bool { return one.dict["T"] == nil && one.dict["Parent"] != nil }

func samePart(a, b *widget) bool { return a.isPart() && a.dict["Parent"] == b.dict["Parent"] }

// isGrouped tells whether widgets are the buttons of one field, so that they and the field are named apart.
func isGrouped(group []*widget) bool {
	return group[0].isPart() && group[0].button && len(group) > 1
}

// chooseNames chooses the names of widgets that were put together, by the tables and labels of the page.
func (w *work) chooseNames(group []*widget, groups [][]*widget, labels *labels, cells map[pdf.Ref]cellName) {
	side := labels.sideOf(group)
	var heads []*label
	if isGrouped(group) && !labels.haveOwn(group, side) {
		heads = labels.headsOf(group, groups)
	}
	asked, _ := questionOf(group, cells)
	for i, one := range group {
		if one.name != "" {
			continue
		}
		if cell, ok := cells[one.ref]; ok {
			switch asked {
			case askedByRow:
				one.name = cell.column
			case askedByColumn:
				one.name = cell.row
			default:
				one.name = nameWithin(cell.row, cell.column)
			}
		}
		if one.name != "" {
			continue
		}
		if heads != nil {
			one.label = heads[i]
		} else {
			one.label = labels.find(one, side)
		}
		if one.label != nil {
			one.name = one.label.text
		}
	}
}

// nameGroup gives widgets their names, and names the field that several of them share.
func (w *work) nameGroup(group []*widget, labels *labels, taken []*label, cells map[pdf.Ref]cellName, page int) {
	grouped := isGrouped(group)
	for _, one := range group {
		target := one.field
		if grouped {
			target = one.dict
			if one.name == "" {
				one.name = w.exportName(one.dict)
			}
		}
		w.setName(target, shorten(one.name, maxDescription), page)
	}
	if !grouped {
		return
	}
	_, name := questionOf(group, cells)
	if name == "" {
		if l := labels.ofGroup(group, taken); l != nil {
			name = l.text
		}
	}
	w.setName(group[0].field, shorten(name, maxDescription), page)
}

// asked is where the question of a group of buttons in a table stands.
type asked int

const (
	notAsked asked = iota
	askedByRow
	askedByColumn
)

// questionOf finds what the cells of a group of buttons have in common: the head of their row, or that of their column.
func questionOf(group []*widget, cells map[pdf.Ref]cellName) (asked, string) {
	if !isGrouped(group) {
		return notAsked, ""
	}
	first := cells[group[0].ref]
	sameRow, sameColumn := first.row != "", first.column != ""
	for _, one := range group {
		cell := cells[one.ref]
		sameRow = sameRow && cell.row == first.row && cell.column != ""
		sameColumn = sameColumn && cell.column == first.column && cell.row != ""
	}
	switch {
	case sameRow && !sameColumn:
		return askedByRow, first.row
	case sameColumn && !sameRow:
		return askedByColumn, first.column
	}
	return notAsked, ""
}

// setName names a field that has no name.
func (w *work) setName(field pdf.Dict, label string, page int) {
	if text, ok := w.file.String(field["TU"]); ok && text.Text() != "" {
		return
	}
	from := "the text beside it: "
	if label == "" {
		own, _ := w.file.String(field["T"])
		if label = words(own.Text()); label == "" {
			w.flag("7.18.1-3", page, "A form field has no name")
			return
		}
		from = "its internal name: "
	}
	field["TU"] = pdf.TextString(label)
	w.fixed("7.18.1-3", "", 1)
	w.flag("28-005", page, "The name of a form field was taken from "+from+label)
}

// exportName is the name of the state in which a button is on.
func (w *work) exportName(d pdf.Dict) string {
	looks, _ := w.file.Dict(d["AP"])
	states, _ := w.file.Dict(looks["N"])
	var names []string
	for state := range states {
		if state != "Off" {
			names = append(names, string(state))
		}
	}
	if len(names) != 1 {
		return ""
	}
	return words(names[0])
}

// cellName are the texts that say what a cell is about: the first cell of its row and the head of its column. They are
// not the same, and one may be empty.
type cellName struct{ row, column string }

// cellNames names the fields in cells of tables that were found. A cell that has text of its own is left to that.
func (w *work) cellNames() map[pdf.Ref]cellName {
	if w.fieldCells != nil {
		return w.fieldCells
	}
	w.fieldCells = map[pdf.Ref]cellName{}
	if w.tree != nil {
		w.nameCells(w.tree.Root, 0)
	}
	return w.fieldCells
}

func (w *work) nameCells(n *structure.Node, depth int) {
	const deepest = 200
	if depth > deepest {
		return
	}
	if n.Type == "Table" {
		w.nameTable(n)
	}
	for _, kid := range n.Kids {
		w.nameCells(kid, depth+1)
	}
}

func (w *work) nameTable(table *structure.Node) {
	var rows []*structure.Node
	for _, kid := range table.Kids {
		if kid.Type == "TR" {
			rows = append(rows, kid)
		}
	}
	if len(rows) == 0 {
		return
	}
	heads := map[int]string{}
	column := 0
	// A row without fields above rows with fields is a head, though it may not look like one.
	plain := len(annotationsOf(rows[0])) == 0 && len(rows) > 1
	for _, cell := range rows[0].Kids {
		if cell.Type == "TH" || plain {
			heads[column] = cleanLabel(structure.Text(cell, w.shown))
		}
		column += max(1, cell.Attributes().ColSpan)
	}
	for i, tr := range rows {
		label := ""
		column := 0
		for k, cell := range tr.Kids {
			text := cleanLabel(structure.Text(cell, w.shown))
			fields := annotationsOf(cell)
			if k == 0 {
				label = text
			}
			if len(fields) == 1 && text == "" {
				name := cellName{row: label}
				if head := heads[column]; i > 0 && head != label {
					name.column = head
				}
				w.fieldCells[fields[0]] = name
			}
			column += max(1, cell.Attributes().ColSpan)
		}
	}
}

// annotationsOf gives the annotations in a cell.
func annotationsOf(n *structure.Node) []pdf.Ref {
	var out []pdf.Ref
	if n.Content.Annotation != (pdf.Ref{}) {
		out = append(out, n.Content.Annotation)
	}
	for _, kid := range n.Kids {
		out = append(out, annotationsOf(kid)...)
	}
	return out
}
