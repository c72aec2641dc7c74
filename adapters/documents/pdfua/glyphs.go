package pdfua

import (
	"math"
	"strings"
)

// glyphs checks the codes of a shown string, each once.
func (facts *fontFacts) glyphs(c *checker, s string, mode int64) {
	if facts.Dict == nil {
		return
	}
	for _, code := range facts.Codes(s) {
		facts.glyph(c, code, mode)
	}
}

func (facts *fontFacts) glyph(c *checker, code int, mode int64) {
	use := glyphUse{code: code, invisible: mode == 3}
	if facts.checked[use] {
		return
	}
	facts.checked[use] = true
	g := facts.Glyph(code)
	detail := glyphDetail(facts, code)
	if mode != 3 && g.Known {
		c.require(g.Present, "7.21.4.1-2", detail)
		c.require(math.Abs(g.Width-g.Wanted) <= 1, "7.21.5-1", detail)
	}
	c.require(g.HasText, "7.21.7-1", detail)
	c.require(!g.HasText || !strings.ContainsAny(g.Text, "\x00\ufffe\ufeff"), "7.21.7-2", detail)
	c.require(!g.Missing, "7.21.8-1", detail)
}
