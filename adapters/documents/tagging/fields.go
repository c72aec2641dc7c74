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
		all = append(all, one)
	}
	if len(all) == 0 {
		return
	}
	labels := w.readLabels(page, all)
	cells := w.cellNames()
	for _, group := range groupsOf(all) {
		w.nameGroup(group, labels, cells, page)
	}
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

// nameGroup names widgets that were put together, and the field that several of them share.
func (w *work) nameGroup(group []*widget, labels *labels, cells map[pdf.Ref]string, page int) {
	first := group[0]
	grouped := first.isPart() && first.button && len(group) > 1
	side := labels.sideOf(group)
	var taken []*label
	for _, one := range group {
		name := cells[one.ref]
		if name == "" {
			if l := labels.find(one, side); l != nil {
				name = l.text
				taken = append(taken, l)
			}
		}
		target := one.field
		if grouped {
			target = one.dict
			if name == "" {
				name = w.exportName(one.dict)
			}
		}
		w.setName(target, shorten(name, maxDescription), page)
	}
	if grouped {
		name := ""
		if l := labels.ofGroup(group, taken); l != nil {
			name = l.text
		}
		w.setName(first.field, shorten(name, maxDescription), page)
	}
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

// cellNames names the fields in cells of tables that were found: by the first cell of the row and the head of the
// column. A cell that has text of its own is left to that.
func (w *work) cellNames() map[pdf.Ref]string {
	if w.fieldCells != nil {
		return w.fieldCells
	}
	w.fieldCells = map[pdf.Ref]string{}
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
				name := label
				if head := heads[column]; head != "" && i > 0 && head != label {
					if name != "" {
						name += ", "
					}
					name += head
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
