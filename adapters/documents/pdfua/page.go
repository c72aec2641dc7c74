package pdfua

import (
	"strings"

	"github.com/perfectworks/backend/adapters/documents/pdf"
)

func (c *checker) checkPage(p pdf.Page) {
	c.texts = false
	data, _ := c.file.Content(p)
	c.run(data, content{resources: p.Resources, owner: c.ownerOf(p.Dict), semantic: true})
	if c.texts {
		c.facts.TextPages++
	}
	c.additionalActions(p.Dict["AA"])
	list, _ := c.file.Array(p.Dict["Annots"])
	found := false
	for _, o := range list {
		if d, ok := c.file.Dict(o); ok {
			found = true
			c.annotation(d, p)
		}
	}
	c.require(!found || c.file.Name(p.Dict["Tabs"]) == "S", "7.18.3-1", "")
}

func (c *checker) annotation(d pdf.Dict, p pdf.Page) {
	f := c.file
	kind := f.Name(d["Subtype"])
	flags, _ := f.Integer(d["F"])
	exempt := flags&2 != 0 || outside(c.file, d, p)
	var parent pdf.Dict
	if c.tree.root != nil {
		parent = c.elementOf(d["StructParent"])
	}
	parentKind := c.tree.standardType(f.Name(parent["S"]))
	_, hasAlt := c.text(parent["Alt"])
	hasAlt = hasAlt && c.filled(parent["Alt"])
	_, hasContents := f.String(d["Contents"])
	_, hasLanguage := f.String(parent["Lang"])
	c.checkLanguage(parent["Lang"])
	detail := string(kind)
	c.facts.Annotations++
	if text, _ := c.text(d["Contents"]); !exempt && undescribed.MatchString(strings.ToLower(text)) {
		c.facts.Placeholders = append(c.facts.Placeholders, Place{Page: c.page, Detail: text})
	}

	c.require(!hasContents || hasLanguage || c.catalogLanguage, "7.2-24", detail)
	c.require(oneOf(kind, "Widget", "PrinterMark", "Link") || exempt || parentKind == "Annot", "7.18.1-1", detail)
	c.require(kind == "Widget" || exempt || c.filled(d["Contents"]) || hasAlt, "7.18.1-2", detail)
	switch kind {
	case "Widget":
		field := d
		if d["T"] == nil {
			field, _ = f.Dict(d["Parent"])
		}
		c.require(exempt || c.filled(field["TU"]) || hasAlt, "7.18.1-3", "")
		c.require(exempt || parentKind == "Form", "7.18.4-1", "")
	case "Link":
		c.facts.Links++
		c.require(exempt || parentKind == "Link", "7.18.5-1", "")
		c.require(exempt || c.filled(d["Contents"]), "7.18.5-2", "")
	case "TrapNet":
		c.require(exempt, "7.18.2-1", "")
	case "PrinterMark":
		c.require(exempt || f.Name(parent["S"]) == "", "7.18.8-1", "")
	case "Movie", "Sound", "Screen", "RichMedia", "3D":
		c.facts.Media++
	}
	c.actions(d["A"])
	c.additionalActions(d["AA"])
	c.appearances(d, parent, p)
}

// outside tells whether an annotation lies wholly outside of the crop box.
func outside(f *pdf.File, d pdf.Dict, p pdf.Page) bool {
	list, _ := f.Array(d["Rect"])
	if len(list) < 4 {
		return false
	}
	var r [4]float64
	for i := range r {
		r[i], _ = f.Number(list[i])
	}
	box := p.CropBox
	return box[1] >= r[3] || box[0] >= r[2] || box[3] <= r[1] || box[2] <= r[0]
}

// appearances runs the appearance streams of an annotation; their content need not be tagged.
func (c *checker) appearances(d, parent pdf.Dict, p pdf.Page) {
	ap, _ := c.file.Dict(d["AP"])
	for _, which := range []pdf.Name{"N", "D", "R"} {
		entry := ap[which]
		switch v := c.file.Resolve(entry).(type) {
		case *pdf.Stream:
			c.appearance(entry, v, parent, p)
		case pdf.Dict:
			for _, state := range v {
				if s, ok := c.file.Stream(state); ok {
					c.appearance(state, s, parent, p)
				}
			}
		}
	}
}

func (c *checker) appearance(o pdf.Object, s *pdf.Stream, parent pdf.Dict, p pdf.Page) {
	in := content{depth: 1}
	if parent != nil {
		in.parent = parent
	}
	c.form(o, s, in, p.Resources)
}
