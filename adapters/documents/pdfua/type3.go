package pdfua

// runGlyphs runs the glyph procedures of a Type 3 font once; they may show text of other fonts.
func (c *checker) runGlyphs(facts *fontFacts, outer content) {
	in := content{resources: outer.resources, depth: outer.depth + 1}
	if facts.Resources != nil {
		in.resources = facts.Resources
	}
	for _, o := range facts.Procedures {
		if s, ok := c.file.Stream(o); ok {
			data, _ := c.file.Decode(s)
			c.run(data, in)
		}
	}
}
