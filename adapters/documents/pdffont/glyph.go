package pdffont

import (
	"github.com/perfectworks/backend/adapters/documents/font"
	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// Glyph is what a code of a font stands for.
type Glyph struct {
	// Known tells that the font program could be asked; Present and Width count only then.
	Known, Present bool
	// Width is the advance by the font program, Wanted that by the font dictionary, in thousandths of an em; of Type 3
	// fonts, in glyph space.
	Width, Wanted float64
	// Missing tells that the code stands for the glyph of missing characters.
	Missing bool
	// Text is what the code means, if HasText; some glyphs have a meaning that is no text.
	Text    string
	HasText bool
}

// Glyph asks everything that a font says of a code.
func (f *Font) Glyph(code int) Glyph {
	switch f.Subtype {
	case "Type0":
		if f.CMap == nil {
			return Glyph{}
		}
		return f.compositeGlyph(code)
	case "Type3":
		return f.type3Glyph(code)
	case "TrueType":
		return f.trueTypeGlyph(code)
	}
	return f.type1Glyph(code)
}

// mapped gives the text of a code by ToUnicode.
func (f *Font) mapped(code int) (string, bool) {
	if f.identityText {
		return string(rune(code)), true //nolint:gosec // a code has at most four bytes; others become U+FFFD
	}
	if f.toUnicode == nil {
		return "", false
	}
	return f.toUnicode.Text(code)
}

// namedText gives the text of a code of a simple font by ToUnicode or by the name of its glyph.
func (f *Font) namedText(g *Glyph, code int, name string) {
	if g.Text, g.HasText = f.mapped(code); g.HasText {
		return
	}
	if g.Text, g.HasText = font.GlyphText(name); !g.HasText {
		g.HasText = font.HasMeaning(name)
	}
}

// simpleWidth gives the width that a simple font's dictionary has for a code.
func (f *Font) simpleWidth(code int) float64 {
	first, ok1 := f.file.Integer(f.Dict["FirstChar"])
	last, ok2 := f.file.Integer(f.Dict["LastChar"])
	widths, ok3 := f.file.Array(f.Dict["Widths"])
	if i := int64(code) - first; ok1 && ok2 && ok3 && i >= 0 && int64(code) <= last && i < int64(len(widths)) {
		w, _ := f.file.Number(widths[i])
		return w
	}
	w, _ := f.file.Number(f.Descriptor["MissingWidth"])
	return w
}

func (f *Font) type1Glyph(code int) Glyph {
	name := f.Encoding.Glyph(code)
	g := Glyph{Missing: name == ".notdef", Wanted: f.simpleWidth(code)}
	own := ""
	switch p := f.Program; {
	case p.Type1 != nil:
		g.Known = true
		own = p.Type1.Encoding[code]
		ask := name
		if ask == "" {
			ask = own
		}
		w, ok := p.Type1.Width(ask)
		if !ok {
			w, _ = f.file.Number(f.Descriptor["MissingWidth"])
		}
		g.Width = w
		g.Present = code == 0 || ok && ask != ".notdef"
	case p.CFF != nil && !p.CFF.CIDKeyed:
		g.Known = true
		own = p.CFF.NameOf(code)
		ask := name
		if ask == "" {
			ask = own
		}
		id, ok := p.CFF.Named(ask)
		if g.Width = p.CFF.Width(id); name == "" && own == ".notdef" {
			g.Width = 0 // neither encoding names a glyph, so that none has a width
		}
		g.Present = code == 0 || ok
	}
	if name == "" {
		name = own
	}
	f.namedText(&g, code, name)
	return g
}

func (f *Font) trueTypeGlyph(code int) Glyph {
	g := Glyph{Wanted: f.simpleWidth(code)}
	name := ""
	if !f.Symbolic {
		name = f.Encoding.Glyph(code)
	}
	own := ""
	t := f.Program.TrueType
	byName := !f.Symbolic && f.Encoding.Present
	if t != nil {
		g.Known = true
		var id int
		if byName {
			own = f.trueTypeName(code)
			id = t.LookupName(own)
			g.Present = own != ".notdef" && id > 0 && id < t.Glyphs
			if t.CMaps == 0 && t.Named(own) == 0 {
				g.Width = 0
			} else {
				g.Width = t.Width(id)
			}
		} else {
			own = " "
			id = t.LookupSymbol(code)
			g.Present = id != 0
			if id == 0 && !t.HasMap(3, 0) {
				id = t.Lookup(1, 0, code)
				g.Present = id != 0
			} else if id == 0 {
				id = t.Lookup(1, 0, code)
			}
			if id == 0 && !t.HasMap(1, 0) {
				id = t.LookupAny(code)
			}
			g.Width = t.Width(id)
		}
		g.Present = g.Present || code == 0
	}
	switch {
	case name != "":
		g.Missing = name == ".notdef"
	case t != nil:
		g.Missing = own == ".notdef"
	default:
		g.Missing = code == 0
	}
	if text := f.Encoding.Glyph(code); text != "" {
		f.namedText(&g, code, text)
	} else {
		f.namedText(&g, code, own)
	}
	return g
}

// trueTypeName gives the name of a code by the Encoding of a non-symbolic TrueType font, StandardEncoding filling the
// gaps of a dictionary.
func (f *Font) trueTypeName(code int) string {
	e := f.Encoding
	name := e.Glyph(code)
	if e.IsDict && (name == "" || name == ".notdef") {
		name = font.StandardEncoding[code]
	}
	return name
}

func (f *Font) compositeGlyph(code int) Glyph {
	cid, has := f.CMap.CID(code)
	g := Glyph{Wanted: f.cidWidth(cid)}
	if f.Program.Parsed() {
		id, ok := f.GlyphOf(cid)
		ok = ok && has
		g.Known = true
		g.Present = code == 0 || ok
		g.Missing = !ok
		switch {
		case f.Program.TrueType != nil:
			g.Width = f.Program.TrueType.Width(id)
		case !ok && f.Program.CFF.CIDKeyed && id == 0 && cid != 0:
			g.Width, _ = f.file.Number(f.Descendant["DW"])
			if f.Descendant["DW"] == nil {
				g.Width = 1000
			}
		default:
			g.Width = f.Program.CFF.Width(id)
		}
	}
	if g.Text, g.HasText = f.mapped(code); !g.HasText {
		g.HasText = f.collectionText()
	}
	return g
}

// collectionText tells whether the characters have text by their collection (ISO 14289-1, 7.21.7).
func (f *Font) collectionText() bool {
	info, _ := f.file.Dict(f.Descendant["CIDSystemInfo"])
	registry, _ := f.file.String(info["Registry"])
	ordering, _ := f.file.String(info["Ordering"])
	if registry != "Adobe" {
		return false
	}
	switch ordering {
	case "GB1", "CNS1", "Japan1", "Korea1", "KR":
		return true
	}
	return false
}

func (f *Font) type3Glyph(code int) Glyph {
	name := f.Encoding.Glyph(code)
	g := Glyph{Known: true, Missing: name == ".notdef", Wanted: f.simpleWidth(code)}
	o := f.file.Resolve(f.Procedures[pdf.Name(name)])
	g.Present = o != nil
	if s, ok := o.(*pdf.Stream); ok {
		data, _ := f.file.Decode(s)
		if op, ok := pdf.NewScanner(data, pdf.Limits{}).Next(); ok && (op.Operator == "d0" || op.Operator == "d1") && len(op.Operands) > 0 {
			g.Width, _ = pdf.Number(op.Operands[0])
		}
	} else {
		g.Width, _ = f.file.Number(f.Descriptor["MissingWidth"])
	}
	f.namedText(&g, code, name)
	return g
}
