package tagging

import (
	"slices"

	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/structure"
)

// between gives the elements that are missing between an element of a type and a kid of another (ISO 32000-1, 14.8.4.3,
// and ISO 14289-1, 7.2), from the outside in; nil if none is. Groups are looked through, and so are never parents here.
func between(parent, kid pdf.Name) []pdf.Name {
	one := func(kinds ...pdf.Name) bool { return slices.Contains(kinds, kid) }
	switch parent {
	case "Table":
		switch {
		case one("TR", "THead", "TBody", "TFoot", "Caption"):
			return nil
		case one("TH", "TD"):
			return []pdf.Name{"TR"}
		}
		return []pdf.Name{"TR", "TD"}
	case "THead", "TBody", "TFoot":
		switch {
		case one("TR"):
			return nil
		case one("TH", "TD"):
			return []pdf.Name{"TR"}
		}
		return []pdf.Name{"TR", "TD"}
	case "TR":
		if one("TH", "TD") {
			return nil
		}
		return []pdf.Name{"TD"}
	case "L":
		switch {
		case one("L", "LI", "Caption"):
			return nil
		case one("Lbl", "LBody"):
			return []pdf.Name{"LI"}
		}
		return []pdf.Name{"LI", "LBody"}
	case "LI":
		if one("Lbl", "LBody") {
			return nil
		}
		return []pdf.Name{"LBody"}
	case "TOC":
		if one("TOC", "TOCI", "Caption") {
			return nil
		}
		return []pdf.Name{"TOCI"}
	}
	switch kid {
	case "TR", "THead", "TBody", "TFoot":
		return []pdf.Name{"Table"}
	case "TH", "TD":
		return []pdf.Name{"Table", "TR"}
	case "LI":
		return []pdf.Name{"L"}
	case "LBody":
		return []pdf.Name{"L", "LI"}
	case "TOCI":
		return []pdf.Name{"TOC"}
	}
	return nil
}

// nestingRule is the rule that a kid in the wrong place breaks.
func nestingRule(parent, kid pdf.Name) string {
	if rule, ok := map[pdf.Name]string{
		"Table": "7.2-3", "THead": "7.2-36", "TBody": "7.2-37", "TFoot": "7.2-38", "TR": "7.2-10", "L": "7.2-19",
		"LI": "7.2-20", "TOC": "7.2-27",
	}[parent]; ok {
		return rule
	}
	return map[pdf.Name]string{
		"TR": "7.2-4", "THead": "7.2-5", "TBody": "7.2-6", "TFoot": "7.2-7", "TH": "7.2-8", "TD": "7.2-9", "LI": "7.2-17",
		"LBody": "7.2-18", "TOCI": "7.2-26",
	}[kid]
}

func isGroup(kind pdf.Name) bool { return kind == "NonStruct" || kind == "Div" || kind == "Part" }

// repairNesting puts the elements that are missing around those in the wrong place.
func (w *work) repairNesting(root *element) { w.nest(root, "") }

// nest repairs the kids of an element; kind is its type, or for a group that of what it lies in.
func (w *work) nest(e *element, kind pdf.Name) {
	var out []kid
	var chain []*element // the elements that were put around the kid before
	var head pdf.Name
	for _, k := range e.kids {
		if k.element == nil {
			out = append(out, k)
			chain = nil
			continue
		}
		own := w.standardKind(k.element.kind)
		if isGroup(own) {
			out = append(out, k)
			chain = nil
			continue
		}
		missing := between(kind, own)
		if missing == nil {
			out = append(out, k)
			chain = nil
			continue
		}
		w.fixed(nestingRule(kind, own), "", 1)
		w.flag("09-002", k.element.page, "Tags in the wrong place were put into "+string(missing[0]))
		at := e
		from := 0
		if chain != nil && head == missing[0] && len(chain) <= len(missing) && joins(missing, own) {
			at, from = chain[len(missing)-1], len(missing)
		}
		if from == 0 {
			chain = chain[:0:0]
			head = missing[0]
		}
		for i := from; i < len(missing); i++ {
			around := w.newElement(missing[i], &structure.Node{Type: missing[i]}, nil)
			around.dict["P"] = at.ref
			if i == 0 {
				out = append(out, kid{element: around})
			} else {
				at.add(around)
			}
			chain = append(chain, around)
			at = around
		}
		k.element.dict["P"] = at.ref
		at.add(k.element)
	}
	e.kids = out
	for _, k := range e.kids {
		if k.element == nil {
			continue
		}
		own := w.standardKind(k.element.kind)
		if isGroup(own) {
			own = kind
		}
		w.nest(k.element, own)
	}
}

// joins tells whether a kid goes into the same new element as the one before it: cells of a row, rows of a table, items
// of a list, but not one item or row with the next.
func joins(missing []pdf.Name, kid pdf.Name) bool {
	switch missing[len(missing)-1] {
	case "TD", "TOCI":
		return false
	case "LBody":
		return len(missing) == 1
	case "LI":
		return kid == "LBody"
	}
	return true
}
