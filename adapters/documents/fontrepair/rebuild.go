package fontrepair

import (
	"encoding/binary"
	"maps"
	"slices"
	"unicode/utf8"

	"github.com/perfectworks/backend/adapters/documents/font"
	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// shownGlyphs gives the glyphs that a simple TrueType font shows for the codes that are shown. Where the format leaves it
// open, as for symbolic fonts with an encoding, programs that show pages ask the Unicode map by the names of the encoding
// first, and then the others by the code.
func shownGlyphs(u *usedFont) map[int]int {
	out := map[int]int{}
	for code, visible := range u.codes {
		if visible {
			out[code] = shownGlyph(u, code)
		}
	}
	return out
}

func shownGlyph(u *usedFont, code int) int {
	t := u.Program.TrueType
	name := u.Encoding.Glyph(code)
	if !u.Symbolic && u.Encoding.Present {
		name = encodedName(u, code)
	}
	if name != "" && name != ".notdef" {
		if glyph := unicodeGlyph(t, name); glyph != 0 {
			return glyph
		}
		if !u.Symbolic {
			if glyph := t.LookupName(name); glyph != 0 {
				return glyph
			}
		}
	}
	if glyph := byCode(u, code); glyph != 0 {
		return glyph
	}
	if glyph := t.Named(name); glyph != 0 && name != "" {
		return glyph
	}
	if u.Encoding.Present {
		return 0
	}
	return t.LookupAny(code)
}

// unicodeMaps are the maps from Unicode to glyphs, the usual one first.
var unicodeMaps = [][2]int{{3, 1}, {3, 10}, {0, 3}, {0, 4}, {0, 1}, {0, 0}}

// unicodeGlyph gives the glyph of a name by the program's map from Unicode.
func unicodeGlyph(t *font.TrueType, name string) int {
	text, ok := font.GlyphText(name)
	if !ok {
		text = nameText(name)
	}
	char, size := utf8.DecodeRuneInString(text)
	if size == 0 || size != len(text) {
		return 0
	}
	for _, m := range unicodeMaps {
		if glyph := t.Lookup(m[0], m[1], int(char)); glyph != 0 {
			return glyph
		}
	}
	return 0
}

// rebuildTrueType gives a simple TrueType font that still breaks a rule a map of its own from codes to glyphs, and makes it
// a symbolic font without an encoding (ISO 14289-1, 7.21.6). Each code shows the glyph that it showed. Codes without a
// glyph showed the one of missing characters, of which they get copies: it may paint nothing, as where a subset was made
// without the space.
func (r *repairer) rebuildTrueType(u *usedFont, shown map[int]int) {
	if u.Program.TrueType == nil || len(shown) == 0 || r.agrees(u) {
		return
	}
	key, stream := r.programStream(u, "FontFile2")
	if stream == nil {
		return
	}
	data, _ := r.file.Decode(stream)
	program, err := readSFNT(data)
	if err != nil {
		return
	}
	texts, glyphs := map[int]string{}, map[int]int{}
	copies := map[float64]int{} // of the glyph of missing characters, by their widths
	missing := 0
	for _, code := range slices.Sorted(maps.Keys(shown)) {
		g := u.Glyph(code)
		texts[code] = g.Text
		if texts[code] == "" {
			texts[code] = meaning(u, code)
		}
		glyphs[code] = shown[code]
		if shown[code] != 0 && shown[code] < u.Program.TrueType.Glyphs {
			continue
		}
		missing++
		number, made := copies[g.Wanted]
		if !made {
			if number, made = program.copyGlyph(0, g.Wanted); !made {
				return
			}
			copies[g.Wanted] = number
		}
		glyphs[code] = number
	}
	program.setCodes(glyphs)
	descriptor := maps.Clone(u.Descriptor)
	out := program.bytes()
	descriptor[key] = r.file.Add(pdf.NewStream(pdf.Dict{"Length1": pdf.Integer(len(out))}, out))
	u.dict["FontDescriptor"] = r.file.Add(descriptor)
	delete(u.dict, "Encoding")
	maps.DeleteFunc(texts, func(_ int, text string) bool { return text == "" })
	if len(texts) > 0 {
		u.dict["ToUnicode"] = r.file.Add(pdf.NewStream(nil, font.ToUnicode(texts, 2)))
	}
	r.reread(u)
	r.setFlags(u, true)
	r.report.Fixed("7.21.6-3", "", 1)
	if missing > 0 {
		r.report.Fixed("7.21.4.1-2", plainName(u.Name), missing)
	}
	if missing > 0 && !program.isBlank(0) {
		r.report.Flag("7.21.4.1-2", 0, "The font "+plainName(u.Name)+" lacks glyphs; the pages show its sign for missing characters")
	}
}

// agrees tells whether flags, encoding and maps of a simple TrueType font fit together and lead to a glyph for each code
// that is shown (ISO 14289-1, 7.21.4.1, 7.21.6 and 7.21.8).
func (r *repairer) agrees(u *usedFont) bool {
	t, e := u.Program.TrueType, u.Encoding
	for code, visible := range u.codes {
		if g := u.Glyph(code); visible && (!g.Present || g.Missing) {
			return false
		}
	}
	if u.Symbolic {
		return e.Name == "" && (t.CMaps == 1 || t.HasMap(3, 0))
	}
	known := e.Name == "MacRomanEncoding" || e.Name == "WinAnsiEncoding"
	return known && (!e.HasDifferences || t.HasMap(3, 1) && listed(e.Differences)) &&
		(t.CMaps > 1 || t.CMaps == 1 && !t.HasMap(3, 0))
}

// isBlank tells whether a glyph paints nothing.
func (s *sfnt) isBlank(glyph int) bool {
	data, ok := s.outline(glyph)
	return ok && len(data) == 0
}

// outline gives the data of a glyph in the table glyf.
func (s *sfnt) outline(glyph int) ([]byte, bool) {
	head, loca, glyf := s.tables["head"], s.tables["loca"], s.tables["glyf"]
	if len(head) < 54 || glyph < 0 {
		return nil, false
	}
	var from, to int
	if long := binary.BigEndian.Uint16(head[50:]) != 0; long {
		if len(loca) < 4*glyph+8 {
			return nil, false
		}
		from, to = int(binary.BigEndian.Uint32(loca[4*glyph:])), int(binary.BigEndian.Uint32(loca[4*glyph+4:]))
	} else {
		if len(loca) < 2*glyph+4 {
			return nil, false
		}
		from, to = 2*int(binary.BigEndian.Uint16(loca[2*glyph:])), 2*int(binary.BigEndian.Uint16(loca[2*glyph+2:]))
	}
	if from > to || to > len(glyf) {
		return nil, false
	}
	return glyf[from:to], true
}

// copyGlyph adds a copy of a glyph with another width, in thousandths of an em, and gives its number; false if the font
// has outlines of another kind or no room.
func (s *sfnt) copyGlyph(glyph int, width float64) (int, bool) {
	const most = 0xfffe // glyphs of one font
	data, ok := s.outline(glyph)
	maxp, loca, head := slices.Clone(s.tables["maxp"]), slices.Clone(s.tables["loca"]), slices.Clone(s.tables["head"])
	if !ok || len(maxp) < 6 {
		return 0, false
	}
	number := int(binary.BigEndian.Uint16(maxp[4:]))
	glyf := slices.Clone(s.tables["glyf"])
	for len(glyf)%4 != 0 {
		glyf = append(glyf, 0)
	}
	if number >= most {
		return 0, false
	}
	if binary.BigEndian.Uint16(head[50:]) == 0 { // short offsets may not reach the end
		if loca = longOffsets(loca, number); loca == nil {
			return 0, false
		}
		binary.BigEndian.PutUint16(head[50:], 1)
	}
	if len(loca) < 4*number+4 {
		return 0, false
	}
	loca = loca[:4*number+4]
	binary.BigEndian.PutUint32(loca[4*number:], uint32(len(glyf))) //nolint:gosec // a font in memory
	glyf = append(glyf, data...)
	loca = binary.BigEndian.AppendUint32(loca, uint32(len(glyf))) //nolint:gosec // a font in memory
	binary.BigEndian.PutUint16(maxp[4:], uint16(number+1))
	s.tables["maxp"], s.tables["loca"], s.tables["glyf"], s.tables["head"] = maxp, loca, glyf, head
	delete(s.tables, "hdmx") // these have an entry for each glyph as well
	delete(s.tables, "LTSH")
	if post := s.tables["post"]; len(post) >= 32 {
		post = slices.Clone(post[:32])
		binary.BigEndian.PutUint32(post, 0x00030000) // without names
		s.tables["post"] = post
	}
	if s.setAdvances(map[int]float64{number: width}) != nil {
		return 0, false
	}
	// The outline stands where its side bearing says.
	if hmtx := s.tables["hmtx"]; len(hmtx) >= 4*number+4 && glyph < number {
		copy(hmtx[4*number+2:4*number+4], hmtx[4*glyph+2:])
	}
	return number, true
}

// longOffsets writes the offsets of glyphs with four bytes each, nil if there are too few.
func longOffsets(loca []byte, glyphs int) []byte {
	if len(loca) < 2*glyphs+2 {
		return nil
	}
	out := make([]byte, 0, 4*glyphs+8)
	for i := range glyphs + 1 {
		out = binary.BigEndian.AppendUint32(out, 2*uint32(binary.BigEndian.Uint16(loca[2*i:])))
	}
	return out
}

// setCodes makes the font one for symbols, which has glyphs by codes of one byte.
func (s *sfnt) setCodes(glyphs map[int]int) {
	const (
		header   = 4 + 2*8
		subtable = 10 + 2*256
	)
	out := binary.BigEndian.AppendUint16([]byte{0, 0}, 2)
	for i, platform := range []uint16{1, 3} {
		out = binary.BigEndian.AppendUint16(out, platform)
		out = binary.BigEndian.AppendUint16(out, 0)
		out = binary.BigEndian.AppendUint32(out, uint32(header+i*subtable))
	}
	for _, first := range []uint16{0, 0xf000} { // format 6: a dense range
		for _, v := range []uint16{6, subtable, 0, first, 256} {
			out = binary.BigEndian.AppendUint16(out, v)
		}
		for code := range 256 {
			out = binary.BigEndian.AppendUint16(out, uint16(glyphs[code])) //nolint:gosec // glyph numbers have two bytes
		}
	}
	s.tables["cmap"] = out
}
