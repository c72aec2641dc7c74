package tagging

import (
	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/structure"
)

// repairTables makes tables and lists what ISO 14289-1, 7.2 and 7.5 want once their parts are nested: captions first, one
// head and foot, rows of one length, header cells with a scope.
func (w *work) repairTables(root *element) {
	root.each(func(e, _ *element) {
		switch w.standardKind(e.kind) {
		case "Table":
			w.repairCaption(e, true)
			w.repairSections(e)
			w.layOut(e)
		case "L", "TOC":
			w.repairCaption(e, false)
		}
	})
}

// repairCaption puts a caption first, and all captions into one. A table's may be its last part as well.
func (w *work) repairCaption(e *element, mayBeLast bool) {
	var caption *element
	var others []kid
	at, found := 0, 0
	for i, k := range e.kids {
		if k.element == nil || w.standardKind(k.element.kind) != "Caption" {
			others = append(others, k)
			continue
		}
		found++
		if caption == nil {
			caption, at = k.element, i
			continue
		}
		for _, inner := range k.element.kids {
			if inner.element != nil {
				inner.element.dict["P"] = caption.ref
			}
		}
		// The element stays, inside of the first caption, since it names the content.
		k.element.kind = "Span"
		k.element.dict["S"] = k.element.kind
		k.element.dict["P"] = caption.ref
		for _, inner := range k.element.kids {
			if inner.element != nil {
				inner.element.dict["P"] = k.element.ref
			}
		}
		caption.add(k.element)
	}
	if found == 0 || found == 1 && (at == 0 || mayBeLast && at == len(e.kids)-1) {
		return
	}
	e.kids = append([]kid{{element: caption}}, others...)
	switch {
	case found > 1:
		w.fixed("7.2-39", "", 1)
	case mayBeLast:
		w.fixed("7.2-16", "", 1)
	case w.standardKind(e.kind) == "L":
		w.fixed("7.2-40", "", 1)
	default:
		w.fixed("7.2-28", "", 1)
	}
}

// repairSections leaves a table one head and one foot, and gives it a body if it has either.
func (w *work) repairSections(e *element) {
	heads, feet, bodies := 0, 0, 0
	set := func(k *element, kind pdf.Name, rule string) {
		k.kind = kind
		k.dict["S"] = kind
		w.fixed(rule, "", 1)
	}
	var rows []kid
	for _, k := range e.kids {
		if k.element == nil {
			continue
		}
		switch w.standardKind(k.element.kind) {
		case "THead":
			if heads++; heads > 1 {
				set(k.element, "TBody", "7.2-11")
				bodies++
			}
		case "TFoot":
			if feet++; feet > 1 {
				set(k.element, "TBody", "7.2-12")
				bodies++
			}
		case "TBody":
			bodies++
		case "TR":
			rows = append(rows, k)
		}
	}
	if heads+feet == 0 || bodies > 0 {
		return
	}
	rule := "7.2-14"
	if heads == 0 {
		rule = "7.2-13"
	}
	if len(rows) > 0 {
		w.wrapRows(e, rule)
		return
	}
	for _, k := range e.kids {
		if k.element == nil {
			continue
		}
		if kind := w.standardKind(k.element.kind); kind == "THead" || kind == "TFoot" {
			set(k.element, "TBody", rule)
			return
		}
	}
}

// wrapRows puts the rows that lie right below a table into a body.
func (w *work) wrapRows(e *element, rule string) {
	body := w.newElement("TBody", &structure.Node{Type: "TBody"}, nil)
	body.dict["P"] = e.ref
	var out []kid
	for _, k := range e.kids {
		if k.element == nil || w.standardKind(k.element.kind) != "TR" {
			out = append(out, k)
			continue
		}
		if len(body.kids) == 0 {
			out = append(out, kid{element: body})
		}
		k.element.dict["P"] = body.ref
		body.add(k.element)
	}
	e.kids = out
	w.fixed(rule, "", 1)
}

// rows lists the rows of a table, groups looked through.
func (w *work) rows(e *element) []*element {
	var out []*element
	for _, k := range e.kids {
		if k.element == nil {
			continue
		}
		switch kind := w.standardKind(k.element.kind); {
		case kind == "TR":
			out = append(out, k.element)
		case isGroup(kind), kind == "THead", kind == "TBody", kind == "TFoot":
			out = append(out, w.rows(k.element)...)
		}
	}
	return out
}

// cells lists the cells of a row, groups looked through.
func (w *work) cells(row *element) []*element {
	var out []*element
	for _, k := range row.kids {
		if k.element == nil {
			continue
		}
		switch kind := w.standardKind(k.element.kind); {
		case kind == "TH", kind == "TD":
			out = append(out, k.element)
		case isGroup(kind):
			out = append(out, w.cells(k.element)...)
		}
	}
	return out
}

func (w *work) span(cell *element, name pdf.Name) int {
	n, ok := w.attribute(cell, "Table", name).(pdf.Integer)
	if !ok || n < 1 {
		return 1
	}
	return int(min(n, maxGrid))
}
