package typeset

import (
	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// structure writes the structure tree (ISO 32000-1, 14.7) and gives its root.
func (o *output) structure() pdf.Ref {
	root := o.b.root
	root.used(0)
	// Headings of which nothing could be shown are gone.
	closeSkips(root, nil)
	o.tree = o.file.Add(nil)
	ids := map[string]*element{}
	var elements []*element
	walk(root, func(e *element) {
		e.ref = o.file.Add(nil)
		elements = append(elements, e)
		if e.id != "" {
			if ids[e.id] == nil {
				ids[e.id] = e
			} else {
				e.id = ""
			}
		}
	})
	for _, e := range elements {
		o.file.Set(e.ref, o.dictionary(e, ids))
	}
	d := pdf.Dict{
		"Type": pdf.Name("StructTreeRoot"), "K": pdf.Array{root.ref}, "ParentTree": o.parentTree(),
		"ParentTreeNextKey": pdf.Integer(len(o.pages) + len(o.annotated)),
	}
	if len(ids) > 0 {
		names := pdf.Array{}
		for _, id := range sortedKeys(ids) {
			names = append(names, pdf.String(id), ids[id].ref)
		}
		d["IDTree"] = pdf.Dict{"Names": names}
	}
	o.file.Set(o.tree, d)
	return o.tree
}

// walk visits the elements from the root on.
func walk(e *element, visit func(*element)) {
	visit(e)
	for _, k := range e.kids {
		if k.element != nil {
			walk(k.element, visit)
		}
	}
}

func (o *output) dictionary(e *element, ids map[string]*element) pdf.Dict {
	d := pdf.Dict{"Type": pdf.Name("StructElem"), "S": e.role, "P": o.tree}
	if e.parent != nil {
		d["P"] = e.parent.ref
	}
	if e.hasAlt {
		d["Alt"] = pdf.TextString(e.alt)
	}
	if e.expansion != "" {
		d["E"] = pdf.TextString(e.expansion)
	}
	if e.language != "" && e.language != o.doc.language {
		d["Lang"] = pdf.TextString(e.language)
	}
	if e.id != "" {
		d["ID"] = pdf.String(e.id)
	}
	if attributes := e.attributes(ids); len(attributes) > 0 {
		d["A"] = attributes
	}
	o.kids(e, d)
	return d
}

// kids writes the kids of an element. Most content of an element is on one page, which Pg names.
func (o *output) kids(e *element, d pdf.Dict) {
	page := -1
	kids := pdf.Array{}
	for _, k := range e.kids {
		switch {
		case k.element != nil:
			kids = append(kids, k.element.ref)
		case k.object != nil:
			kids = append(kids, pdf.Dict{"Type": pdf.Name("OBJR"), "Obj": k.object.ref, "Pg": o.refs[k.object.page]})
		default:
			for _, m := range k.slot.marks {
				if page < 0 {
					page = m.page
					d["Pg"] = o.refs[page]
				}
				if m.page == page {
					kids = append(kids, pdf.Integer(m.id))
					continue
				}
				kids = append(kids, pdf.Dict{"Type": pdf.Name("MCR"), "Pg": o.refs[m.page], "MCID": pdf.Integer(m.id)})
			}
		}
	}
	if len(kids) > 0 {
		d["K"] = kids
	}
}

// attributes writes the attributes of cells and lists (ISO 32000-1, 14.8.5).
func (e *element) attributes(ids map[string]*element) pdf.Dict {
	if e.numbering != "" {
		return pdf.Dict{"O": pdf.Name("List"), "ListNumbering": e.numbering}
	}
	d := pdf.Dict{}
	if e.scope != "" {
		d["Scope"] = e.scope
	}
	if e.columns > 1 {
		d["ColSpan"] = pdf.Integer(e.columns)
	}
	if e.rows > 1 {
		d["RowSpan"] = pdf.Integer(e.rows)
	}
	headers := pdf.Array{}
	for _, id := range e.headers {
		if ids[id] != nil {
			headers = append(headers, pdf.String(id))
		}
	}
	if len(headers) > 0 {
		d["Headers"] = headers
	}
	if len(d) > 0 {
		d["O"] = pdf.Name("Table")
	}
	return d
}

// parentTree connects marks and annotations with their elements (ISO 32000-1, 14.7.4.4).
func (o *output) parentTree() pdf.Dict {
	var nums pdf.Array
	for i, slots := range o.parents {
		list := make(pdf.Array, 0, len(slots))
		for _, s := range slots {
			list = append(list, s.owner.ref)
		}
		nums = append(nums, pdf.Integer(i), o.file.Add(list))
	}
	for _, a := range o.annotated {
		nums = append(nums, pdf.Integer(a.annotation.parent), a.element.ref)
	}
	// One node for each thousand entries.
	const fan = 2_000
	if len(nums) <= fan {
		return pdf.Dict{"Nums": nums}
	}
	kids := pdf.Array{}
	for start := 0; start < len(nums); start += fan {
		part := nums[start:min(len(nums), start+fan)]
		kids = append(kids, o.file.Add(pdf.Dict{"Nums": part, "Limits": pdf.Array{part[0], part[len(part)-2]}}))
	}
	return pdf.Dict{"Kids": kids}
}
