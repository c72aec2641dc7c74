package typeset

import (
	"io"

	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/xmp"
)

// write finishes the file and writes it.
func (o *output) write(w io.Writer, options Options) error {
	for _, u := range o.b.fonts.all {
		u.embedding.Finish()
	}
	catalog := o.file.Catalog()
	catalog["Pages"] = o.pageTree()
	catalog["StructTreeRoot"] = o.structure()
	catalog["MarkInfo"] = pdf.Dict{"Marked": true}
	catalog["Lang"] = pdf.TextString(o.doc.language)
	catalog["ViewerPreferences"] = pdf.Dict{"DisplayDocTitle": true}
	catalog["Metadata"] = o.file.Add(&pdf.Stream{
		// Not compressed, so that programs that do not read PDF find it (ISO 16684-3).
		Dict: pdf.Dict{"Type": pdf.Name("Metadata"), "Subtype": pdf.Name("XML")},
		Raw: xmp.Packet(xmp.Metadata{
			Title: o.doc.title, Language: o.doc.language, Author: o.doc.author, Subject: o.doc.subject, Producer: options.Producer,
			Created: options.Now, Modified: options.Now, UA: true,
		}),
	})
	if outlines := o.outlines(); outlines != nil {
		catalog["Outlines"] = outlines
		catalog["PageMode"] = pdf.Name("UseOutlines")
	}
	return o.file.Write(w)
}

// pageFan is how many kids a node of the page tree has at most.
const pageFan = 64

// pageTree arranges the pages in a tree, so that no node has thousands of kids.
func (o *output) pageTree() pdf.Ref {
	type node struct {
		ref   pdf.Ref
		count int
		dict  pdf.Dict
	}
	level := make([]node, 0, len(o.refs))
	for _, ref := range o.refs {
		d, _ := o.file.Dict(ref)
		level = append(level, node{ref, 1, d})
	}
	for {
		var next []node
		for start := 0; start < len(level); start += pageFan {
			part := level[start:min(len(level), start+pageFan)]
			d := pdf.Dict{"Type": pdf.Name("Pages")}
			parent := node{o.file.Add(d), 0, d}
			kids := make(pdf.Array, 0, len(part))
			for _, k := range part {
				k.dict["Parent"] = parent.ref
				kids = append(kids, k.ref)
				parent.count += k.count
			}
			d["Kids"], d["Count"] = kids, pdf.Integer(parent.count)
			next = append(next, parent)
		}
		if len(next) == 1 {
			return next[0].ref
		}
		level = next
	}
}

// outlines makes the bookmarks (ISO 32000-1, 12.3.3), nil if there are none. Levels have no gaps.
func (o *output) outlines() pdf.Object {
	type entry struct {
		ref   pdf.Ref
		dict  pdf.Dict
		level int
		last  *entry
		count int
	}
	root := &entry{dict: pdf.Dict{"Type": pdf.Name("Outlines")}}
	root.ref = o.file.Add(root.dict)
	open := []*entry{root}
	found := false
	for _, b := range o.strip.bookmarks {
		if b.title == "" || !b.at.set {
			continue
		}
		found = true
		for len(open) > 1 && open[len(open)-1].level >= b.level {
			open = open[:len(open)-1]
		}
		parent := open[len(open)-1]
		e := &entry{level: b.level, dict: pdf.Dict{
			"Title": pdf.TextString(b.title), "Parent": parent.ref, "Dest": o.point(b.at),
		}}
		e.ref = o.file.Add(e.dict)
		if parent.last == nil {
			parent.dict["First"] = e.ref
		} else {
			parent.last.dict["Next"], e.dict["Prev"] = e.ref, parent.last.ref
		}
		parent.dict["Last"] = e.ref
		parent.last = e
		parent.count++
		// Below the first level bookmarks are closed, but for those of the first two levels.
		sign := 1
		if parent.level >= 2 {
			sign = -1
		}
		parent.dict["Count"] = pdf.Integer(sign * parent.count)
		open = append(open, e)
	}
	if !found {
		return nil
	}
	return root.ref
}
