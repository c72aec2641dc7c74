package pagetext

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/perfectworks/backend/adapters/documents/font"
	"github.com/perfectworks/backend/adapters/documents/pdffont"
)

// guess gives the likely meaning of a code that the font gives no text for, "" if nothing is likely.
func (t *fontTable) guess(code int) string {
	f := t.font
	if f.Subtype == "Type0" {
		// Predefined CMaps of the Uni… families have Unicode for codes (ISO 32000-1, table 118).
		name := string(f.CMapName)
		if f.CMap == nil && strings.HasPrefix(name, "Uni") &&
			(strings.Contains(name, "UCS2") || strings.Contains(name, "UTF16")) {
			return unicodeCode(code)
		}
		return ""
	}
	if text := nameText(t.glyphName(code)); text != "" {
		return text
	}
	// A symbolic TrueType font without more to tell is mostly a text font whose codes are left as they were.
	if f.Subtype == "TrueType" && code > ' ' && code < 0x7f && !t.isPi() && f.Program.TrueType != nil {
		p := f.Program.TrueType
		if p.LookupSymbol(code) != 0 && !strings.Contains(f.Name, "+") {
			return string(rune(code))
		}
	}
	return ""
}

func unicodeCode(code int) string {
	if code>>16 != 0 {
		return string(utf16.DecodeRune(rune(code>>16&0xffff), rune(code&0xffff)))
	}
	return clean(string(rune(code)))
}

// glyphName is the name of the glyph of a simple font's code.
func (t *fontTable) glyphName(code int) string {
	f := t.font
	if name := f.Encoding.Glyph(code); name != "" {
		return name
	}
	switch p := f.Program; {
	case p.Type1 != nil && code < len(p.Type1.Encoding):
		return p.Type1.Encoding[code]
	case p.CFF != nil && !p.CFF.CIDKeyed:
		return p.CFF.NameOf(code)
	}
	return ""
}

// nameText reads a glyph name by the rules of the Adobe Glyph List Specification: suffixes after a period are dropped,
// components are joined by underscores, and "uni" or "u" leads to code points.
func nameText(name string) string {
	name, _, _ = strings.Cut(name, ".")
	if name == "" || len(name) > 63 {
		return ""
	}
	var out strings.Builder
	for part := range strings.SplitSeq(name, "_") {
		if text, ok := font.GlyphText(part); ok {
			out.WriteString(text)
			continue
		}
		text := codedName(part)
		if text == "" {
			return ""
		}
		out.WriteString(text)
	}
	return clean(out.String())
}

func codedName(part string) string {
	if digits, ok := strings.CutPrefix(part, "uni"); ok && len(digits) >= 4 && len(digits)%4 == 0 {
		var out []byte
		for ; digits != ""; digits = digits[4:] {
			v, err := strconv.ParseUint(digits[:4], 16, 16)
			if err != nil {
				return ""
			}
			out = utf8.AppendRune(out, rune(v))
		}
		return string(out)
	}
	if digits, ok := strings.CutPrefix(part, "u"); ok && len(digits) >= 4 && len(digits) <= 6 {
		if v, err := strconv.ParseUint(digits, 16, 32); err == nil && v <= utf8.MaxRune {
			return string(rune(v))
		}
	}
	return ""
}

// isPi tells whether a font has symbols in the places of letters.
func (t *fontTable) isPi() bool {
	name := strings.ToLower(t.font.Name)
	for _, part := range [...]string{"symbol", "dingbat", "wingding", "webding", "bookshelf", "marlett"} {
		if strings.Contains(name, part) {
			return true
		}
	}
	return false
}

// symbolLow and symbolUp are the built-in encoding of Symbol from code 0x21 to 0x7E and from 0xA0 to 0xFE (ISO 32000-1, D.5); a
// blank stands for codes without a character.
const (
	symbolLow = "!∀#∃%&∍()∗+,−./0123456789:;<=>?≅ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ[∴]⊥_‾αβχδεφγηιϕκλμνοπθρστυϖωξψζ{|}∼"
	symbolUp  = "€ϒ′≤⁄∞ƒ♣♦♥♠↔←↑→↓°±″≥×∝∂•÷≠≡≈…⏐⎯↵ℵℑℜ℘⊗⊕∅∩∪⊃⊇⊄⊂⊆∈∉∠∇®©™∏√⋅¬∧∨⇔⇐⇑⇒⇓◊〈®©™∑⎛⎜⎝⎡⎢⎣⎧⎨⎩⎪ 〉∫⌠⎮⌡⎞⎟⎠⎤⎥⎦⎫⎬⎭"
)

// dingbats are the codes of ZapfDingbats that lie outside of the order of the block Dingbats (ISO 32000-1, D.6).
var dingbats = map[int]rune{
	0x25: '☎', 0x2a: '☛', 0x2b: '☞', 0x48: '★', 0x6c: '●', 0x6e: '■', 0x73: '▲', 0x74: '▼', 0x75: '◆', 0x77: '◗',
	0xa8: '♣', 0xa9: '♦', 0xaa: '♥', 0xab: '♠', 0xd5: '→', 0xd6: '↔', 0xd7: '↕',
}

// wingdings are the codes of Wingdings that people use as bullets, check marks and arrows.
var wingdings = map[int]rune{
	0x6c: '●', 0x6d: '❍', 0x6e: '■', 0x6f: '□', 0x71: '❑', 0x72: '❒', 0x75: '◆', 0x76: '❖', 0x77: '◆', 0x9e: '·',
	0x9f: '•', 0xa1: '○', 0xa7: '▪', 0xa8: '◻', 0xd8: '➢', 0xe0: '→', 0xe8: '➔', 0xf0: '⇨', 0xfb: '✗', 0xfc: '✓',
	0xfd: '☒', 0xfe: '☑',
}

// symbol gives the text of a code of a font of symbols. The text that such fonts claim, a letter or a code point of the
// private use area, is replaced by what people see.
func (t *fontTable) symbol(code int, text string) string {
	r, size := utf8.DecodeRuneInString(text)
	private := size == len(text) && r >= 0xf020 && r <= 0xf0ff
	if private {
		code = int(r - 0xf000)
	} else if text != "" || !t.simple {
		return text
	}
	name := strings.ToLower(t.font.Name)
	switch {
	case strings.Contains(name, "wingding"):
		r = wingdings[code]
	case strings.Contains(name, "dingbat"):
		r = dingbat(code)
	case strings.Contains(name, "symbol"):
		r = symbolRune(code)
	default:
		return text
	}
	if r == 0 {
		return text
	}
	return string(r)
}

func dingbat(code int) rune {
	if r, ok := dingbats[code]; ok {
		return r
	}
	switch {
	case code >= 0x21 && code <= 0x7e:
		return rune(0x2700 + code - 0x20)
	case code >= 0xa1 && code <= 0xa7:
		return rune(0x2761 + code - 0xa1)
	case code >= 0xac && code <= 0xb5:
		return rune(0x2460 + code - 0xac)
	case code >= 0xb6 && code <= 0xd4:
		return rune(0x2776 + code - 0xb6)
	case code >= 0xd8 && code <= 0xfe && code != 0xf0:
		return rune(0x2798 + code - 0xd8)
	}
	return 0
}

var symbolRunes = [2][]rune{[]rune(symbolLow), []rune(symbolUp)}

func symbolRune(code int) rune {
	var r rune
	switch {
	case code >= 0x21 && code-0x21 < len(symbolRunes[0]):
		r = symbolRunes[0][code-0x21]
	case code >= 0xa0 && code-0xa0 < len(symbolRunes[1]):
		r = symbolRunes[1][code-0xa0]
	}
	if r == ' ' {
		return 0
	}
	return r
}

// standardWidth gives the width of a glyph of a font without Widths, which only the standard fonts may be: by the font
// program, or as wide as such glyphs are.
func (t *fontTable) standardWidth(text string, g pdffont.Glyph) float64 {
	if g.Known && g.Width != 0 {
		return g.Width
	}
	return standardWidth(t.font.Name, t.mono, text)
}
