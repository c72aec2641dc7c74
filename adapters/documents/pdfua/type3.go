package pdfua

import "github.com/perfectworks/backend/adapters/documents/pdf"

// type3 holds the glyph procedures of a Type 3 font.
type type3 struct {
	procedures pdf.Dict
	resources  pdf.Dict
}

func (c *checker) readType3(d pdf.Dict) *type3 {
	t := &type3{}
	t.procedures, _ = c.file.Dict(d["CharProcs"])
	t.resources, _ = c.file.Dict(d["Resources"])
	return t
}

// runGlyphs runs the glyph procedures once; they may show text of other fonts.
func (c *checker) runGlyphs(facts *fontFacts, outer content) {
	in := content{resources: outer.resources, depth: outer.depth + 1}
	if facts.special.resources != nil {
		in.resources = facts.special.resources
	}
	for _, o := range facts.special.procedures {
		if s, ok := c.file.Stream(o); ok {
			data, _ := c.file.Decode(s)
			c.run(data, in)
		}
	}
}

func (facts *fontFacts) type3Glyph(c *checker, code int) glyph {
	name := facts.encoding.glyph(code)
	g := glyph{known: true, notdef: name == ".notdef", wanted: facts.simpleWidth(c.file, code)}
	o := c.file.Resolve(facts.special.procedures[pdf.Name(name)])
	g.present = o != nil
	if s, ok := o.(*pdf.Stream); ok {
		data, _ := c.file.Decode(s)
		if op, ok := pdf.NewScanner(data, pdf.Limits{}).Next(); ok && (op.Operator == "d0" || op.Operator == "d1") && len(op.Operands) > 0 {
			g.width, _ = pdf.Number(op.Operands[0])
		}
	} else {
		g.width, _ = c.file.Number(facts.descriptor["MissingWidth"])
	}
	facts.namedText(&g, code, name)
	return g
}
