package embedfont

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"unicode/utf8"

	"github.com/perfectworks/backend/adapters/documents/font"
	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// Code is what a code of a simple font shows.
type Code struct {
	// Name is the glyph's name, by the font's encoding.
	Name string
	// Text is what the code stands for; if it is empty, the name tells it.
	Text string
	// Width is the advance that the document declares for the code, in thousandths of an em, if Declared: text is set by
	// it, and it stays, whatever the new font's own is.
	Width    float64
	Declared bool
}

// simpleGlyph is a code whose glyph was found.
type simpleGlyph struct {
	Code
	glyph int
	first rune
}

// Simple embeds a face in the place of a simple font that is not embedded. It gives the entries that the font
// dictionary must have instead of its own (a nil entry must be taken out), and the codes for which the face has no
// glyph. Without any glyph there are no entries. Codes that the document uses must all be told.
//
// The font is a non-symbolic TrueType font with WinAnsiEncoding and differences where the Adobe Glyph List knows all
// names, as ISO 14289-1, 7.21.6 wants it, and a symbolic one without encoding else.
func Simple(file *pdf.File, face *Face, codes map[byte]Code) (entries pdf.Dict, missing []byte) {
	if face.cff != nil {
		return nil, sortedKeys(codes)
	}
	found := map[byte]simpleGlyph{}
	for _, code := range sortedKeys(codes) {
		c := codes[code]
		g, ok := face.simpleGlyph(c)
		if !ok {
			missing = append(missing, code)
			continue
		}
		found[code] = g
	}
	if len(found) == 0 {
		return nil, missing
	}
	listed := sortedKeys(found)
	first, last := listed[0], listed[len(listed)-1]
	widths, texts := pdf.Array{}, map[int]string{}
	for code := int(first); code <= int(last); code++ {
		width := 0.0
		if g, ok := found[byte(code)]; ok { //nolint:gosec // between two codes
			width = g.Width
			texts[code] = g.Text
		}
		widths = append(widths, number(width))
	}
	nonsymbolic := namesAlone(found)
	glyphs, numbers := face.simpleGlyphs(found)
	var cmap []byte
	flags := int64(flagSymbolic)
	entries = pdf.Dict{"Encoding": nil}
	if nonsymbolic {
		flags = flagNonsymbolic
		entries["Encoding"] = differences(found)
		unicodes := map[int]int{}
		for code, g := range found {
			unicodes[int(g.first)] = numbers[code]
		}
		cmap = cmapTable(map[[2]int]map[int]int{{3, 1}: unicodes})
	} else {
		byCode, symbols := map[int]int{}, map[int]int{}
		for code, number := range numbers {
			byCode[int(code)], symbols[0xf000+int(code)] = number, number
		}
		cmap = cmapTable(map[[2]int]map[int]int{{1, 0}: byCode, {3, 0}: symbols})
	}
	program := face.subset(glyphs, cmap)
	name := subsetName(face.Name, program)
	maps.Copy(entries, pdf.Dict{
		"Type": pdf.Name("Font"), "Subtype": pdf.Name("TrueType"), "BaseFont": name,
		"FirstChar": pdf.Integer(first), "LastChar": pdf.Integer(last), "Widths": widths,
		"FontDescriptor": face.descriptor(file, name, flags, "FontFile2",
			pdf.NewStream(pdf.Dict{"Length1": pdf.Integer(len(program))}, program)),
		"ToUnicode": file.Add(pdf.NewStream(nil, toUnicode(texts, 2))),
	})
	return entries, missing
}

// simpleGlyph finds the glyph of a code and completes what is known of it.
func (f *Face) simpleGlyph(c Code) (simpleGlyph, bool) {
	text, named := font.GlyphText(c.Name)
	if !named {
		text, named = dingbat(c.Name)
	}
	if !named {
		text = c.Text
	}
	if c.Text == "" {
		c.Text = text
	}
	first, size := utf8.DecodeRuneInString(text)
	if text == "" || size != len(text) {
		return simpleGlyph{}, false
	}
	glyph, ok := f.Glyph(first)
	if !ok {
		if glyph, ok = f.Glyph(twin(first)); !ok {
			return simpleGlyph{}, false
		}
	}
	if !c.Declared {
		// The metrics of the standard fonts are whole numbers, from which those of Liberation differ by rounding.
		c.Width = math.Round(f.Advance(glyph))
	}
	return simpleGlyph{Code: c, glyph: glyph, first: first}, true
}

// twin gives a character that looks the same.
func twin(r rune) rune {
	switch r {
	case 0xa0:
		return ' '
	case 0xad, 0x2010, 0x2011:
		return '-'
	case 0x2126:
		return 0x3a9
	case 0x2206:
		return 0x394
	case 0xb5:
		return 0x3bc
	case 0x3bc:
		return 0xb5
	}
	return r
}

// namesAlone tells whether the codes can be told apart by glyph names of the Adobe Glyph List: each name listed, and
// none with two different widths.
func namesAlone(found map[byte]simpleGlyph) bool {
	widths := map[rune]float64{}
	for _, g := range found {
		if _, ok := font.GlyphText(g.Name); !ok || g.first > 0xffff {
			return false
		}
		if w, known := widths[g.first]; known && w != g.Width {
			return false
		}
		widths[g.first] = g.Width
	}
	return true
}

// simpleGlyphs lists the glyphs of the subset with the advances that agree with the widths, and their numbers by code.
func (f *Face) simpleGlyphs(found map[byte]simpleGlyph) ([]chosen, map[byte]int) {
	glyphs := []chosen{{0, f.advance(0)}}
	numbers := map[byte]int{}
	for _, code := range sortedKeys(found) {
		g := chosen{found[code].glyph, int(math.Round(found[code].Width * f.units / 1000))}
		at := slices.Index(glyphs[1:], g) + 1
		if at == 0 {
			at = len(glyphs)
			glyphs = append(glyphs, g)
		}
		numbers[code] = at
	}
	return glyphs, numbers
}

// differences writes an encoding upon WinAnsiEncoding.
func differences(found map[byte]simpleGlyph) pdf.Object {
	list := pdf.Array{}
	previous := -2
	for _, code := range sortedKeys(found) {
		if font.WinAnsiEncoding[code] == found[code].Name {
			continue
		}
		if int(code) != previous+1 {
			list = append(list, pdf.Integer(code))
		}
		list = append(list, pdf.Name(found[code].Name))
		previous = int(code)
	}
	if len(list) == 0 {
		return pdf.Name("WinAnsiEncoding")
	}
	return pdf.Dict{"Type": pdf.Name("Encoding"), "BaseEncoding": pdf.Name("WinAnsiEncoding"), "Differences": list}
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
