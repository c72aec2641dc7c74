package fontrepair

import (
	"fmt"
	"maps"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/perfectworks/backend/adapters/documents/font"
	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// noCharacters are the code points that ISO 14289-1, 7.21.7 does not admit as the meaning of a glyph.
const noCharacters = "\x00\ufffe\ufeff"

// privateUse is where glyphs are mapped to whose meaning is not known: Unicode gives those code points none.
const privateUse = 0xe000

// completeText completes the map from codes to Unicode (ISO 14289-1, 7.21.7) by what the encoding, the glyph names and
// the font program say.
func (r *repairer) completeText(u *usedFont) {
	texts := map[int]string{}
	repaired, guessed, unknown := 0, 0, 0
	if r.overflows(u) {
		repaired = 1
	}
	for _, code := range u.sorted() {
		g := u.Glyph(code)
		if g.HasText && !strings.ContainsAny(g.Text, noCharacters) {
			texts[code] = apart.Replace(g.Text)
			continue
		}
		text := strings.Trim(g.Text, noCharacters)
		if text == "" || strings.ContainsAny(text, noCharacters) {
			text = meaning(u, code)
		}
		switch {
		case text != "":
			repaired++
		case numbered(u, code) != "":
			text = numbered(u, code)
			guessed++
		default:
			text = string(rune(privateUse + code&0xfff))
			unknown++
		}
		texts[code] = text
	}
	if repaired+guessed+unknown == 0 {
		return
	}
	if u.Subtype != "Type0" {
		for code := range 256 {
			if g := u.Glyph(code); u.dict["ToUnicode"] != nil && g.HasText && texts[code] == "" {
				texts[code] = strings.Trim(g.Text, noCharacters)
			}
		}
	}
	maps.DeleteFunc(texts, func(_ int, text string) bool { return text == "" })
	digits := 2
	if u.Subtype == "Type0" {
		digits = 4
	}
	u.dict["ToUnicode"] = r.file.Add(pdf.NewStream(nil, font.ToUnicode(texts, digits)))
	r.reread(u)
	name := plainName(u.Name)
	if name == "" {
		name = "without a name"
	}
	r.report.Fixed("7.21.7-1", "", repaired)
	if guessed > 0 {
		r.report.Flag("7.21.7-1", 0, fmt.Sprintf("The meaning of %d glyphs of the font %s was taken from their numbers", guessed, name))
	}
	if unknown > 0 {
		r.report.Flag("7.21.7-1", 0, fmt.Sprintf("The meaning of %d glyphs of the font %s is not known", unknown, name))
	}
}

// meaning gives the text of a code by the name of its glyph or by the font program, "" if they do not tell.
func meaning(u *usedFont, code int) string {
	if u.Subtype == "Type0" {
		return compositeMeaning(u, code)
	}
	if text := nameText(glyphName(u, code)); text != "" {
		return text
	}
	if t := u.Program.TrueType; t != nil && u.Subtype == "TrueType" {
		return programText(t, trueTypeGlyph(u, code))
	}
	return ""
}

func compositeMeaning(u *usedFont, code int) string {
	if u.CMap == nil {
		return ""
	}
	cid, ok := u.CMap.CID(code)
	glyph, has := u.GlyphOf(cid)
	if !ok || !has {
		return ""
	}
	if t := u.Program.TrueType; t != nil {
		return programText(t, glyph)
	}
	if c := u.Program.CFF; c != nil && !c.CIDKeyed && glyph < len(c.Names()) {
		return nameText(c.Names()[glyph])
	}
	return ""
}

// programText gives the text of a glyph by the tables of its program.
func programText(t *font.TrueType, glyph int) string {
	if glyph <= 0 {
		return ""
	}
	if char, ok := t.GlyphRune(glyph); ok {
		return string(char)
	}
	return nameText(t.GlyphName(glyph))
}

// glyphName is the name of the glyph of a simple font's code.
func glyphName(u *usedFont, code int) string {
	if name := u.Encoding.Glyph(code); name != "" && name != ".notdef" {
		return name
	}
	switch p := u.Program; {
	case p.Type1 != nil && code < len(p.Type1.Encoding):
		return p.Type1.Encoding[code]
	case p.CFF != nil && !p.CFF.CIDKeyed:
		return p.CFF.NameOf(code)
	}
	return ""
}

// trueTypeGlyph gives the glyph of a simple TrueType font's code (ISO 32000-1, 9.6.6.4).
func trueTypeGlyph(u *usedFont, code int) int {
	t := u.Program.TrueType
	if !u.Symbolic && u.Encoding.Present {
		name := u.Encoding.Glyph(code)
		if name == "" || name == ".notdef" {
			name = font.StandardEncoding[code&0xff]
		}
		return t.LookupName(name)
	}
	if glyph := t.LookupSymbol(code); glyph != 0 {
		return glyph
	}
	if glyph := t.Lookup(1, 0, code); glyph != 0 {
		return glyph
	}
	return t.LookupAny(code)
}

// nameText reads a glyph name by the Adobe Glyph List Specification: suffixes after a period are dropped, components are
// joined by underscores, and "uni" or "u" leads to code points; names of TeX's fonts are known as well.
func nameText(name string) string {
	base, _, _ := strings.Cut(name, ".")
	if base == "" || len(base) > 63 {
		return ""
	}
	var out strings.Builder
	for part := range strings.SplitSeq(base, "_") {
		text, ok := font.GlyphText(part)
		if !ok {
			text = codePoints(part)
		}
		if text == "" {
			text = texText(part, font.GlyphText)
		}
		if text == "" || strings.ContainsAny(text, noCharacters) {
			return ""
		}
		out.WriteString(text)
	}
	return apart.Replace(out.String())
}

// apart writes ligatures as the letters that they consist of, as readers say and search them.
var apart = strings.NewReplacer(
	"\ufb00", "ff", "\ufb01", "fi", "\ufb02", "fl", "\ufb03", "ffi", "\ufb04", "ffl", "\ufb05", "st", "\ufb06", "st",
)

func codePoints(part string) string {
	if digits, ok := strings.CutPrefix(part, "uni"); ok && len(digits) >= 4 && len(digits)%4 == 0 {
		var out []byte
		for ; digits != ""; digits = digits[4:] {
			v, err := strconv.ParseUint(digits[:4], 16, 16)
			if err != nil || utf16.IsSurrogate(rune(v)) {
				return ""
			}
			out = utf8.AppendRune(out, rune(v))
		}
		return string(out)
	}
	if digits, ok := strings.CutPrefix(part, "u"); ok && len(digits) >= 4 && len(digits) <= 6 {
		if v, err := strconv.ParseUint(digits, 16, 32); err == nil && v > 0 && v <= utf8.MaxRune && !utf16.IsSurrogate(rune(v)) {
			return string(rune(v))
		}
	}
	return ""
}

// oldLigatures are the codes of ligatures in TeX's text fonts (OT1), which bitmap fonts keep.
var oldLigatures = map[int]string{11: "ff", 12: "fi", 13: "fl", 14: "ffi", 15: "ffl"}

// numbered gives the character of a bitmap font's glyph whose name is its code: "a65", "C65", "#28" or the character
// itself. Programs that extract text read such names the same. Only ASCII is taken to be certain enough.
func numbered(u *usedFont, code int) string {
	name := glyphName(u, code)
	if u.Subtype == "Type0" || name == "" || code < 0 || code >= 0x7f {
		return ""
	}
	if name != string([]byte{byte(code)}) && !namesCode(name, code) {
		return ""
	}
	if code <= ' ' {
		if u.Subtype == "Type3" {
			return oldLigatures[code]
		}
		return ""
	}
	return string(rune(code))
}

func namesCode(name string, code int) bool {
	if digits, ok := strings.CutPrefix(name, "#"); ok {
		n, err := strconv.ParseInt(digits, 16, 32)
		return err == nil && int(n) == code
	}
	digits := strings.TrimLeft(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
	if letters := len(name) - len(digits); letters < 1 || letters > 2 {
		return false
	}
	if n, err := strconv.Atoi(digits); err == nil && n == code {
		return true
	}
	n, err := strconv.ParseInt(digits, 16, 32)
	return err == nil && int(n) == code
}
