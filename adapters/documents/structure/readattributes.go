package structure

import "github.com/perfectworks/backend/adapters/documents/pdf"

// standardTypes are those of ISO 32000-1, 14.8.4.
var standardTypes = func() map[pdf.Name]bool {
	types := map[pdf.Name]bool{}
	for _, name := range []pdf.Name{
		"Document", "Part", "Art", "Sect", "Div", "BlockQuote", "Caption", "TOC", "TOCI", "Index", "NonStruct",
		"Private", "P", "H", "H1", "H2", "H3", "H4", "H5", "H6", "L", "LI", "Lbl", "LBody", "Table", "TR", "TH", "TD",
		"THead", "TBody", "TFoot", "Span", "Quote", "Note", "Reference", "BibEntry", "Code", "Link", "Annot", "Ruby",
		"RB", "RT", "RP", "Warichu", "WT", "WP", "Figure", "Formula", "Form", "Artifact",
	} {
		types[name] = true
	}
	return types
}()

// newerTypes are those that ISO 32000-2, 14.8.4 adds, and others that writers use without a role map, with the older
// type that comes nearest.
var newerTypes = map[pdf.Name]pdf.Name{
	"DocumentFragment": "Sect", "Aside": "Div", "Title": "H1", "FENote": "Note", "Sub": "Span", "Em": "Span",
	"Strong": "Span", "H7": "H6", "H8": "H6", "H9": "H6", "Article": "Art", "Section": "Sect",
}

// maxRoles is how many steps a role map may take from one type to a standard one.
const maxRoles = 64

// standard follows the role map to a standard type; what leads to none only groups.
func (r *reader) standard(name pdf.Name) pdf.Name {
	for range maxRoles {
		if standardTypes[name] {
			return name
		}
		next := r.file.Name(r.roles[name])
		if next == "" || next == name {
			break
		}
		name = next
	}
	if near, ok := newerTypes[name]; ok {
		return near
	}
	return "NonStruct"
}

func (r *reader) text(d pdf.Dict, key pdf.Name) string {
	s, _ := r.file.String(d[key])
	return s.Text()
}

// maxSpan bounds RowSpan and ColSpan, as HTML does.
const maxSpan = 1000

// attributes reads what an element says of itself (ISO 32000-1, 14.7.2 and 14.8.5).
func (r *reader) attributes(n *Node, d pdf.Dict) {
	a := Attributes{
		Title: r.text(d, "T"), Lang: r.text(d, "Lang"), Alt: r.text(d, "Alt"), ActualText: r.text(d, "ActualText"),
		Expansion: r.text(d, "E"), ID: r.text(d, "ID"),
	}
	switch n.Type {
	case "TH", "TD":
		switch scope := r.file.Name(r.attribute(d, "Table", "Scope")); scope {
		case "Row", "Column", "Both":
			a.Scope = scope
		}
		a.RowSpan, a.ColSpan = r.span(d, "RowSpan"), r.span(d, "ColSpan")
		headers, _ := r.file.Array(r.attribute(d, "Table", "Headers"))
		for _, o := range headers[:min(len(headers), maxSpan)] {
			if id, ok := r.file.String(o); ok {
				a.Headers = append(a.Headers, id.Text())
			}
		}
	case "L":
		a.Numbering = r.file.Name(r.attribute(d, "List", "ListNumbering"))
	}
	if !a.isZero() {
		n.Extra = &a
	}
}

func (a *Attributes) isZero() bool {
	return a.Title == "" && a.Lang == "" && a.Alt == "" && a.ActualText == "" && a.Expansion == "" && a.ID == "" &&
		a.Scope == "" && a.RowSpan == 0 && a.ColSpan == 0 && len(a.Headers) == 0 && a.Numbering == ""
}

// span gives a number of rows or columns, 0 for one.
func (r *reader) span(d pdf.Dict, name pdf.Name) int {
	if v, ok := r.file.Integer(r.attribute(d, "Table", name)); ok && v > 1 {
		return int(min(v, maxSpan))
	}
	return 0
}

// attribute gives an attribute of an owner, from A or, by C, from the class map; nil if there is none.
func (r *reader) attribute(d pdf.Dict, owner, name pdf.Name) pdf.Object {
	if v := r.owned(d["A"], owner, name); v != nil {
		return v
	}
	for _, class := range r.list(d["C"]) {
		if v := r.owned(r.classes[r.file.Name(class)], owner, name); v != nil {
			return v
		}
	}
	return nil
}

// owned looks into an attribute object or an array of them, with revision numbers between.
func (r *reader) owned(o pdf.Object, owner, name pdf.Name) pdf.Object {
	for _, element := range r.list(o) {
		if d, ok := r.file.Dict(element); ok && r.file.Name(d["O"]) == owner {
			if v := r.file.Resolve(d[name]); v != nil {
				return v
			}
		}
	}
	return nil
}

// maxAttributes is how many attribute objects or classes of one element are looked at.
const maxAttributes = 64

// list gives the elements of an array, or the object as the only one.
func (r *reader) list(o pdf.Object) pdf.Array {
	if list, ok := r.file.Array(o); ok {
		return list[:min(len(list), maxAttributes)]
	}
	return pdf.Array{o}
}
