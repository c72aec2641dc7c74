package pdfua

import (
	"math"
	"strings"

	"github.com/perfectworks/backend/adapters/documents/font"
	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// glyph is what a code of a font stands for.
type glyph struct {
	// known tells that the program could be asked; present and the widths count only then.
	known, present bool
	width, wanted  float64
	notdef         bool
	hasText        bool
	text           string
}

// glyphs checks the codes of a shown string, each once.
func (facts *fontFacts) glyphs(c *checker, s string, mode int64) {
	if facts.dict == nil {
		return
	}
	if facts.subtype == "Type0" {
		if facts.cmap == nil {
			return
		}
		for _, code := range facts.cmap.Codes(s) {
			facts.glyph(c, code, mode)
		}
		return
	}
	for i := range len(s) {
		facts.glyph(c, int(s[i]), mode)
	}
}

func (facts *fontFacts) glyph(c *checker, code int, mode int64) {
	use := glyphUse{code: code, invisible: mode == 3}
	if facts.checked[use] {
		return
	}
	facts.checked[use] = true
	var g glyph
	switch facts.subtype {
	case "Type0":
		g = facts.compositeGlyph(c, code)
	case "Type3":
		g = facts.type3Glyph(c, code)
	case "TrueType":
		g = facts.trueTypeGlyph(c, code)
	default:
		g = facts.type1Glyph(c, code)
	}
	detail := glyphDetail(facts, code)
	if mode != 3 && g.known {
		c.require(g.present, "7.21.4.1-2", detail)
		c.require(math.Abs(g.width-g.wanted) <= 1, "7.21.5-1", detail)
	}
	c.require(g.hasText, "7.21.7-1", detail)
	c.require(!g.hasText || !strings.ContainsAny(g.text, "\x00\ufffe\ufeff"), "7.21.7-2", detail)
	c.require(!g.notdef, "7.21.8-1", detail)
}

// mapped gives the text of a code by ToUnicode.
func (facts *fontFacts) mapped(code int) (string, bool) {
	if facts.identityText {
		return string(rune(code)), true //nolint:gosec // a code has at most four bytes; others become U+FFFD
	}
	if facts.toUnicode == nil {
		return "", false
	}
	return facts.toUnicode.Text(code)
}

// namedText gives the text of a code of a simple font by ToUnicode or by the name of its glyph.
func (facts *fontFacts) namedText(g *glyph, code int, name string) {
	if g.text, g.hasText = facts.mapped(code); g.hasText {
		return
	}
	if g.text, g.hasText = font.GlyphText(name); !g.hasText {
		g.hasText = font.HasMeaning(name)
	}
}

// simpleWidth gives the width that a simple font's dictionary has for a code.
func (facts *fontFacts) simpleWidth(f *pdf.File, code int) float64 {
	first, ok1 := f.Integer(facts.dict["FirstChar"])
	last, ok2 := f.Integer(facts.dict["LastChar"])
	widths, ok3 := f.Array(facts.dict["Widths"])
	if i := int64(code) - first; ok1 && ok2 && ok3 && i >= 0 && int64(code) <= last && i < int64(len(widths)) {
		w, _ := f.Number(widths[i])
		return w
	}
	w, _ := f.Number(facts.descriptor["MissingWidth"])
	return w
}

func (facts *fontFacts) type1Glyph(c *checker, code int) glyph {
	name := facts.encoding.glyph(code)
	g := glyph{notdef: name == ".notdef", wanted: facts.simpleWidth(c.file, code)}
	own := ""
	switch p := facts.program; {
	case p.type1 != nil:
		g.known = true
		own = p.type1.Encoding[code]
		ask := name
		if ask == "" {
			ask = own
		}
		w, ok := p.type1.Width(ask)
		if !ok {
			w, _ = c.file.Number(facts.descriptor["MissingWidth"])
		}
		g.width = w
		g.present = code == 0 || ok && ask != ".notdef"
	case p.cff != nil && !p.cff.CIDKeyed:
		g.known = true
		own = p.cff.NameOf(code)
		ask := name
		if ask == "" {
			ask = own
		}
		id, ok := p.cff.Named(ask)
		g.width = p.cff.Width(id)
		g.present = code == 0 || ok
	}
	if name == "" {
		name = own
	}
	facts.namedText(&g, code, name)
	return g
}

func (facts *fontFacts) trueTypeGlyph(c *checker, code int) glyph {
	g := glyph{wanted: facts.simpleWidth(c.file, code)}
	name := ""
	if !facts.symbolic {
		name = facts.encoding.glyph(code)
	}
	own := ""
	t := facts.program.trueType
	byName := !facts.symbolic && facts.encoding.present
	if t != nil {
		g.known = true
		var id int
		if byName {
			own = facts.trueTypeName(code)
			id = t.LookupName(own)
			g.present = own != ".notdef" && id > 0 && id < t.Glyphs
			if t.CMaps == 0 && t.Named(own) == 0 {
				g.width = 0
			} else {
				g.width = t.Width(id)
			}
		} else {
			own = " "
			id = t.LookupSymbol(code)
			g.present = id != 0
			if id == 0 && !t.HasMap(3, 0) {
				id = t.Lookup(1, 0, code)
				g.present = id != 0
			} else if id == 0 {
				id = t.Lookup(1, 0, code)
			}
			if id == 0 && !t.HasMap(1, 0) {
				id = t.LookupAny(code)
			}
			g.width = t.Width(id)
		}
		g.present = g.present || code == 0
	}
	switch {
	case name != "":
		g.notdef = name == ".notdef"
	case t != nil:
		g.notdef = own == ".notdef"
	default:
		g.notdef = code == 0
	}
	if text := facts.encoding.glyph(code); text != "" {
		facts.namedText(&g, code, text)
	} else {
		facts.namedText(&g, code, own)
	}
	return g
}

// trueTypeName gives the name of a code by the Encoding of a non-symbolic TrueType font, StandardEncoding filling the
// gaps of a dictionary.
func (facts *fontFacts) trueTypeName(code int) string {
	e := facts.encoding
	name := e.glyph(code)
	if e.isDict && (name == "" || name == ".notdef") {
		name = font.StandardEncoding[code]
	}
	return name
}

func (facts *fontFacts) compositeGlyph(c *checker, code int) glyph {
	cid, has := facts.cmap.CID(code)
	g := glyph{wanted: facts.cidWidth(c.file, cid)}
	if facts.program.parsed() {
		id, ok := facts.glyphOf(cid)
		ok = ok && has
		g.known = true
		g.present = code == 0 || ok
		g.notdef = !ok
		switch {
		case facts.program.trueType != nil:
			g.width = facts.program.trueType.Width(id)
		case !ok && facts.program.cff.CIDKeyed && id == 0 && cid != 0:
			g.width, _ = c.file.Number(facts.descendant["DW"])
			if facts.descendant["DW"] == nil {
				g.width = 1000
			}
		default:
			g.width = facts.program.cff.Width(id)
		}
	}
	if g.text, g.hasText = facts.mapped(code); !g.hasText {
		g.hasText = facts.collectionText(c)
	}
	return g
}

// collectionText tells whether the characters have text by their collection (ISO 14289-1, 7.21.7).
func (facts *fontFacts) collectionText(c *checker) bool {
	info, _ := c.file.Dict(facts.descendant["CIDSystemInfo"])
	registry, _ := c.file.String(info["Registry"])
	ordering, _ := c.file.String(info["Ordering"])
	if registry != "Adobe" {
		return false
	}
	switch ordering {
	case "GB1", "CNS1", "Japan1", "Korea1", "KR":
		return true
	}
	return false
}
