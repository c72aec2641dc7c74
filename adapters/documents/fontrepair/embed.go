package fontrepair

import (
	"encoding/binary"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/perfectworks/backend/adapters/documents/embedfont"
	"github.com/perfectworks/backend/adapters/documents/font"
	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// Flags of a font descriptor (ISO 32000-1, table 123).
const (
	flagFixed    = 1 << 0
	flagSerif    = 1 << 1
	flagSymbolic = 1 << 2
	flagItalic   = 1 << 6
	flagBold     = 1 << 18
)

// embed puts a free font in the place of one that is not embedded (ISO 14289-1, 7.21.4.1): a twin with the same metrics
// for the standard fonts, for others the nearest, set by the widths that the document declares.
func (r *repairer) embed(u *usedFont) {
	if u.Subtype == "Type0" {
		r.embedComposite(u)
		return
	}
	standard, isStandard := embedfont.BaseFont(u.Name)
	face := standard.Face
	if !isStandard {
		face = embedfont.Liberation(nearest(u))
	}
	codes := r.shownCodes(u, standard.Encoding)
	if len(codes) == 0 { // strings without characters use a font as well
		codes[' '] = embedfont.Code{Name: "space"}
	}
	if face == nil || isStandard && standard.Encoding != nil {
		texts := make([]string, 0, len(codes))
		for _, code := range slices.Sorted(maps.Keys(codes)) {
			texts = append(texts, codes[code].Text)
		}
		face = r.faceFor(texts, face, embedfont.Style{})
	}
	if face == nil {
		r.notEmbedded(u)
		return
	}
	entries, missing := embedfont.Simple(r.file, face, codes)
	if entries == nil {
		r.notEmbedded(u)
		return
	}
	for key, value := range entries {
		if value == nil {
			delete(u.dict, key)
		} else {
			u.dict[key] = value
		}
	}
	r.replaced(u, face, len(missing), isStandard)
	r.reread(u)
}

func (r *repairer) notEmbedded(u *usedFont) {
	r.report.Warn("No free font was found for %s, which is not embedded.", plainName(u.Name))
}

// replaced says which font took the place of another; a standard font's twin looks the same.
func (r *repairer) replaced(u *usedFont, face *embedfont.Face, missing int, isStandard bool) {
	if missing > 0 {
		r.report.Warn("The font embedded for %s lacks %d of its characters.", plainName(u.Name), missing)
	}
	if !isStandard {
		r.report.Warn("The font %s is not embedded; %s was embedded in its place, as programs without it do.", plainName(u.Name), face.Name)
	}
	r.report.Fixed("7.21.4.1-1", plainName(u.Name), 1)
}

// embedComposite puts a free font in the place of a composite font that is not embedded, glyph by glyph by what its
// codes mean. Codes of a predefined character map are not known here.
func (r *repairer) embedComposite(u *usedFont) {
	if u.CMap == nil || u.Descendant == nil {
		r.notEmbedded(u)
		return
	}
	standard, isStandard := embedfont.BaseFont(u.Name)
	family, style := nearest(u)
	face := standard.Face
	if face == nil {
		face = embedfont.Liberation(family, style)
	}
	texts := map[int]string{}
	order, ordered := r.glyphOrder(u), map[int]string{}
	for code, visible := range u.codes {
		if cid, ok := u.CMap.CID(code); ok && visible && cid < 1<<16 {
			texts[cid] = u.Glyph(code).Text
			if texts[cid] == "" && order != nil {
				ordered[cid] = order(cid)
			}
		}
	}
	if !isStandard || r.fitsOrder(u, face, ordered) {
		maps.Copy(texts, ordered)
	} else {
		clear(ordered)
	}
	wanted := make([]string, 0, len(texts))
	for _, cid := range slices.Sorted(maps.Keys(texts)) {
		wanted = append(wanted, texts[cid])
	}
	face = r.faceFor(wanted, face, style)
	embedding := embedfont.Composite(r.file, face)
	toGlyph := make([]byte, 0, 512)
	found := 0
	for _, cid := range slices.Sorted(maps.Keys(texts)) {
		char, size := utf8.DecodeRuneInString(texts[cid])
		glyph, ok := face.Glyph(char)
		if !ok || size == 0 {
			continue
		}
		if code, ok := embedding.Use(glyph, texts[cid]); ok {
			if need := 2*cid + 2 - len(toGlyph); need > 0 {
				toGlyph = append(toGlyph, make([]byte, need)...)
			}
			binary.BigEndian.PutUint16(toGlyph[2*cid:], code)
			found++
		}
	}
	embedding.Finish()
	made, _ := r.file.Dict(embedding.Ref)
	list, _ := r.file.Array(made["DescendantFonts"])
	if found == 0 || len(list) == 0 {
		r.notEmbedded(u)
		return
	}
	source, _ := r.file.Dict(list[0])
	if r.file.Name(source["Subtype"]) != "CIDFontType2" {
		r.notEmbedded(u)
		return
	}
	d := u.Descendant
	d["Subtype"], d["FontDescriptor"], d["BaseFont"] = source["Subtype"], source["FontDescriptor"], source["BaseFont"]
	d["CIDToGIDMap"] = r.file.Add(pdf.NewStream(nil, toGlyph))
	u.dict["BaseFont"] = source["BaseFont"]
	if len(ordered) > 0 {
		r.tellOrdered(u, texts)
	}
	r.replaced(u, face, len(texts)-found, isStandard)
	r.reread(u)
}

// tellOrdered writes what codes mean whose glyphs were told by their numbers.
func (r *repairer) tellOrdered(u *usedFont, texts map[int]string) {
	byCode := map[int]string{}
	for code := range u.codes {
		if cid, ok := u.CMap.CID(code); ok && texts[cid] != "" {
			byCode[code] = texts[cid]
		}
	}
	u.dict["ToUnicode"] = r.file.Add(pdf.NewStream(nil, font.ToUnicode(byCode, 4)))
	r.report.Fixed("7.21.7-1", "", 1)
}

// shownCodes tells what each code of a simple font shows. A code that stands for nothing shows nothing: it becomes a
// space of its width.
func (r *repairer) shownCodes(u *usedFont, own []string) map[byte]embedfont.Code {
	if own == nil {
		own = font.StandardEncoding
		if u.Subtype == "TrueType" && !u.Encoding.Present {
			own = font.WinAnsiEncoding
		}
	}
	out := map[byte]embedfont.Code{}
	for code := range u.codes {
		c := embedfont.Code{Name: u.Encoding.Glyph(code)}
		if c.Name == "" && code < len(own) {
			c.Name = own[code]
		}
		g := u.Glyph(code)
		c.Text = g.Text
		if c.Text = apart.Replace(c.Text); c.Text == "" {
			c.Text = nameText(c.Name)
		}
		if c.Declared = r.declares(u, code); c.Declared {
			c.Width = g.Wanted
		}
		if c.Name == ".notdef" || c.Name == "" {
			if strings.TrimSpace(c.Text) == "" {
				c.Name, c.Text = "space", ""
			}
			if !c.Declared {
				c.Declared = true
				c.Width, _ = r.file.Number(u.Descriptor["MissingWidth"])
			}
		}
		out[byte(code)] = c //nolint:gosec // simple fonts have codes of one byte
	}
	return out
}

// declares tells whether the dictionary of a simple font has a width for a code.
func (r *repairer) declares(u *usedFont, code int) bool {
	first, _ := r.file.Integer(u.dict["FirstChar"])
	widths, ok := r.file.Array(u.dict["Widths"])
	if !ok {
		return false
	}
	if i := int64(code) - first; i >= 0 && i < int64(len(widths)) {
		return true
	}
	return len(u.Descriptor) > 0
}

// faceFor gives the font that has most of the texts' characters: one of the machine, if the given one lacks any.
func (r *repairer) faceFor(texts []string, face *embedfont.Face, style embedfont.Style) *embedfont.Face {
	has := func(f *embedfont.Face, text string) bool {
		char, size := utf8.DecodeRuneInString(text)
		_, ok := f.Glyph(char)
		return ok || size == 0
	}
	count := func(f *embedfont.Face) (n int) {
		for _, text := range texts {
			if has(f, text) {
				n++
			}
		}
		return n
	}
	best := 0
	if face != nil {
		best = count(face)
	}
	if best == len(texts) {
		return face
	}
	if r.machine == nil {
		r.machine = embedfont.NewMachine()
	}
	tried := 0
	for _, text := range texts {
		char, size := utf8.DecodeRuneInString(text)
		if face != nil && has(face, text) {
			continue
		}
		if tried++; tried > 16 {
			return face
		}
		if candidate, ok := r.machine.Face(char, style); ok && size > 0 {
			if n := count(candidate); n > best {
				best, face = n, candidate
			}
		}
	}
	return face
}

// nearest chooses family and style by the name and the descriptor of a font.
func nearest(u *usedFont) (embedfont.Family, embedfont.Style) {
	flags, _ := u.Descriptor["Flags"].(pdf.Integer)
	name := strings.ToLower(plainName(u.Name))
	has := func(parts ...string) bool {
		for _, part := range parts {
			if strings.Contains(name, part) {
				return true
			}
		}
		return false
	}
	style := embedfont.Style{
		Bold:   flags&flagBold != 0 || has("bold", "black", "heavy", "demi"),
		Italic: flags&flagItalic != 0 || has("italic", "oblique", "slanted"),
	}
	switch {
	case flags&flagFixed != 0 || has("mono", "courier", "consol", "typewriter", "fixed"):
		return embedfont.Mono, style
	case has("sans", "arial", "helvet", "verdana", "tahoma", "calibri", "gothic", "futura", "univers", "frutiger", "trebuchet"):
		return embedfont.Sans, style
	case flags&flagSerif != 0 || has("times", "serif", "roman", "garamond", "bookman", "palatino", "georgia", "cambria", "century", "minion"):
		return embedfont.Serif, style
	}
	return embedfont.Sans, style
}
