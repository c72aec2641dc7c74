package fontrepair

import (
	"slices"

	"github.com/perfectworks/backend/adapters/documents/font"
	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// repairTrueType makes flags, encoding and maps of a simple TrueType font agree (ISO 14289-1, 7.21.6), as long as every
// code that is used goes on to show the same glyph.
func (r *repairer) repairTrueType(u *usedFont) {
	switch {
	case u.Symbolic && u.Encoding.Name != "":
		if !slices.Contains(encodings, u.Encoding.Name) || r.sameGlyphs(u, byName, byCode) {
			delete(u.dict, "Encoding")
			r.report.Fixed("7.21.6-3", "", 1)
			r.reread(u)
		} else if r.nameable(u) && r.sameGlyphs(u, byName, byName) {
			r.setFlags(u, false)
			r.report.Fixed("7.21.6-3", "", 1)
		}
	case !u.Symbolic && !u.Encoding.Present:
		// Without an encoding the program's own maps count, as they do for symbols.
		r.setFlags(u, true)
		r.report.Fixed("7.21.6-2", "", 1)
	}
	if !u.Symbolic {
		r.repairEncoding(u)
		return
	}
	if t := u.Program.TrueType; t != nil && !t.HasMap(3, 0) && (t.CMaps != 1 || r.needsSymbolMap(u)) {
		r.addSymbolMap(u)
	}
}

// needsSymbolMap tells whether a code that is shown is found only in a map that is not meant for symbols.
func (r *repairer) needsSymbolMap(u *usedFont) bool {
	for code, visible := range u.codes {
		if visible && byCode(u, code) == 0 && u.Program.TrueType.LookupAny(code) != 0 {
			return true
		}
	}
	return false
}

// encodings are those that have a name (ISO 32000-1, table 114); others mean nothing.
var encodings = []pdf.Name{"WinAnsiEncoding", "MacRomanEncoding", "MacExpertEncoding", "StandardEncoding"}

// byName and byCode are the two ways to a glyph (ISO 32000-1, 9.6.6.4).
func byName(u *usedFont, code int) int {
	return u.Program.TrueType.LookupName(encodedName(u, code))
}

func byCode(u *usedFont, code int) int {
	t := u.Program.TrueType
	if glyph := t.LookupSymbol(code); glyph != 0 {
		return glyph
	}
	return t.Lookup(1, 0, code)
}

// encodedName is the name that the encoding of a TrueType font has for a code; StandardEncoding fills its gaps.
func encodedName(u *usedFont, code int) string {
	name := u.Encoding.Glyph(code)
	if name == "" || name == ".notdef" && u.Encoding.IsDict {
		name = font.StandardEncoding[code&0xff]
	}
	return name
}

// sameGlyphs tells whether two ways lead to the same glyphs, none of them missing.
func (r *repairer) sameGlyphs(u *usedFont, a, b func(*usedFont, int) int) bool {
	for code, visible := range u.codes {
		if visible && (a(u, code) != b(u, code) || a(u, code) == 0) {
			return false
		}
	}
	return true
}

// nameable tells whether the program can be asked by Unicode and the encoding has only listed names.
func (r *repairer) nameable(u *usedFont) bool {
	if !u.Program.TrueType.HasMap(3, 1) {
		return false
	}
	for code := range u.codes {
		if _, ok := font.GlyphText(encodedName(u, code)); !ok {
			return false
		}
	}
	return true
}

func (r *repairer) setFlags(u *usedFont, symbolic bool) {
	const nonsymbolic = 1 << 5
	flags, _ := r.file.Integer(u.Descriptor["Flags"])
	flags &^= flagSymbolic | nonsymbolic
	if symbolic {
		flags |= flagSymbolic
	} else {
		flags |= nonsymbolic
	}
	u.Descriptor["Flags"] = pdf.Integer(flags)
	r.reread(u)
}

// repairEncoding writes the encoding of a non-symbolic font upon WinAnsiEncoding, with the names that it has now.
func (r *repairer) repairEncoding(u *usedFont) {
	e := u.Encoding
	if e.Name == "WinAnsiEncoding" || e.Name == "MacRomanEncoding" {
		if !e.HasDifferences || r.nameable(u) && listed(e.Differences) {
			return
		}
	}
	if u.Program.TrueType == nil || !r.nameable(u) {
		return
	}
	differences := pdf.Array{}
	for _, code := range u.sorted() {
		if name := encodedName(u, code); font.WinAnsiEncoding[code&0xff] != name {
			differences = append(differences, pdf.Integer(code), pdf.Name(name))
		}
	}
	before := map[int]int{}
	for code := range u.codes {
		before[code] = byName(u, code)
	}
	old := u.dict["Encoding"]
	u.dict["Encoding"] = pdf.Name("WinAnsiEncoding")
	if len(differences) > 0 {
		u.dict["Encoding"] = pdf.Dict{
			"Type": pdf.Name("Encoding"), "BaseEncoding": pdf.Name("WinAnsiEncoding"), "Differences": differences,
		}
	}
	r.reread(u)
	for code, glyph := range before {
		if u.Program.TrueType == nil || byName(u, code) != glyph {
			u.dict["Encoding"] = old
			r.reread(u)
			return
		}
	}
	r.report.Fixed("7.21.6-2", "", 1)
}

// listed tells whether all names are in the Adobe Glyph List.
func listed(differences map[int]string) bool {
	for _, name := range differences {
		if _, ok := font.GlyphText(name); !ok && name != ".notdef" {
			return false
		}
	}
	return true
}

// addSymbolMap adds a map for symbols to a program that has several maps and none for these.
func (r *repairer) addSymbolMap(u *usedFont) {
	key, stream := r.programStream(u, "FontFile2")
	if stream == nil {
		return
	}
	data, _ := r.file.Decode(stream)
	program, err := readSFNT(data)
	if err != nil {
		return
	}
	glyphs := map[int]int{}
	for code := range 256 {
		if glyph := u.Program.TrueType.Lookup(1, 0, code); glyph != 0 {
			glyphs[code] = glyph
		} else {
			glyphs[code] = u.Program.TrueType.LookupAny(code)
		}
	}
	program.addSymbolMap(glyphs)
	out := program.bytes()
	r.changeProgram(u, key, stream, out, pdf.Dict{"Length1": pdf.Integer(len(out))})
	r.report.Fixed("7.21.6-4", "", 1)
}
