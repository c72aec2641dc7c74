package typeset

import (
	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/typeset/style"
)

// maxLinks bounds the annotations of one page; what goes beyond it stays text.
const maxLinks = 5_000

// annotate makes the link annotations of a page, each a kid of its structure element (ISO 14289-1, 7.18.5).
func (p *painter) annotate() pdf.Array {
	var out pdf.Array
	for i, area := range p.links {
		owner := area.link.element
		if owner == nil || i >= maxLinks {
			continue
		}
		// A link that reaches over several paragraphs has an element in each.
		for e := area.slot.owner; e != nil; e = e.parent {
			if e.role == "Link" {
				owner = e
				break
			}
		}
		d := pdf.Dict{
			"Type": pdf.Name("Annot"), "Subtype": pdf.Name("Link"), "Rect": numbers(area.rect[:]...),
			"Border": numbers(0, 0, 0), "F": pdf.Integer(4), "P": p.o.refs[p.number], "Contents": pdf.TextString(area.link.text),
		}
		switch {
		case area.link.url != "":
			d["A"] = pdf.Dict{"Type": pdf.Name("Action"), "S": pdf.Name("URI"), "URI": pdf.String(area.link.url)}
		default:
			dest, ok := p.o.destination(area.link.anchor)
			if !ok {
				continue
			}
			d["Dest"] = dest
		}
		a := &annotation{page: p.number, parent: len(p.o.pages) + len(p.o.annotated)}
		d["StructParent"] = pdf.Integer(a.parent)
		a.ref = p.o.file.Add(d)
		owner.kids = append(owner.kids, kid{object: a})
		p.o.annotated = append(p.o.annotated, &annotationParent{a, owner})
		out = append(out, a.ref)
	}
	return out
}

// destination gives the place that an anchor names.
func (o *output) destination(name string) (pdf.Object, bool) {
	if o.targets == nil {
		o.targets = map[string]destination{}
		for _, t := range o.strip.targets {
			if _, known := o.targets[t.name]; !known {
				o.targets[t.name] = t.at
			}
		}
	}
	at, ok := o.targets[name]
	if !ok {
		return nil, false
	}
	return o.point(at), true
}

// point writes a destination (ISO 32000-1, 12.3.2.2).
func (o *output) point(at destination) pdf.Object {
	i := pageOf(o.pages, at.y)
	sheet := o.doc.sheet
	y := sheet.height - sheet.margin[style.Top] + o.pages[i].start - o.pages[i].shift - at.y
	x := max(at.x+sheet.margin[style.Left], 0)
	return pdf.Array{o.refs[i], pdf.Name("XYZ"), hundredth(x), hundredth(min(max(y, 0), sheet.height)), nil}
}
