package pdffont

import (
	"github.com/perfectworks/backend/adapters/documents/font"
	"github.com/perfectworks/backend/adapters/documents/pdf"
)

func (f *Font) readComposite() {
	f.readCMap()
	kind := f.file.Name(f.Descendant["Subtype"])
	if s, ok := f.file.Stream(f.Descendant["CIDToGIDMap"]); ok {
		f.toGlyph, _ = f.file.Decode(s)
		if f.toGlyph == nil {
			f.toGlyph = []byte{}
		}
	}
	if data, _, ok := f.File("FontFile2"); ok && kind == "CIDFontType2" {
		if t, err := font.ParseTrueType(data); err == nil {
			f.Program.TrueType = t
		}
	} else if data, sub, ok := f.File("FontFile3"); ok {
		if sub == "OpenType" && kind == "CIDFontType2" {
			if t, err := font.ParseTrueType(data); err == nil {
				f.Program.TrueType = t
			}
		} else {
			f.Program = cffProgram(data, sub)
		}
	}
	f.readWidths()
}

// readCMap reads Encoding; the map stays nil if it is predefined and other than Identity, since there are no copies of
// those here.
func (f *Font) readCMap() {
	switch v := f.file.Resolve(f.Dict["Encoding"]).(type) {
	case pdf.Name:
		f.CMapName = v
		if v == "Identity-H" || v == "Identity-V" {
			f.CMap = font.Identity()
		}
	case *pdf.Stream:
		f.CMapName = f.file.Name(v.Dict["CMapName"])
		data, _ := f.file.Decode(v)
		f.CMap = font.ParseCMap(data)
		switch base := f.file.Resolve(v.Dict["UseCMap"]).(type) {
		case pdf.Name:
			if base == "Identity-H" || base == "Identity-V" {
				f.CMap.Use(font.Identity())
			} else {
				f.CMap = nil
			}
		case *pdf.Stream:
			data, _ := f.file.Decode(base)
			f.CMap.Use(font.ParseCMap(data))
		}
	}
}

// readWidths reads W: "first [w …]" or "first last w".
func (f *Font) readWidths() {
	f.widths = map[int]float64{}
	list, _ := f.file.Array(f.Descendant["W"])
	for i := 0; i+1 < len(list); {
		first, _ := f.file.Integer(list[i])
		if widths, ok := f.file.Array(list[i+1]); ok {
			for j, o := range widths {
				if w, ok := f.file.Number(o); ok {
					f.widths[int(first)+j] = w
				}
			}
			i += 2
			continue
		}
		if i+2 >= len(list) {
			return
		}
		last, _ := f.file.Integer(list[i+1])
		w, ok := f.file.Number(list[i+2])
		for cid := first; ok && cid <= last && cid <= 0xffff; cid++ {
			f.widths[int(cid)] = w
		}
		i += 3
	}
}

func (f *Font) cidWidth(cid int) float64 {
	if w, ok := f.widths[cid]; ok {
		return w
	}
	if w, ok := f.file.Number(f.Descendant["DW"]); ok {
		return w
	}
	return 1000
}

// GlyphOf gives the glyph of a character identifier, and whether the program has one.
func (f *Font) GlyphOf(cid int) (int, bool) {
	switch {
	case f.Program.TrueType != nil:
		glyph := cid
		if f.toGlyph != nil {
			if 2*cid+1 >= len(f.toGlyph) {
				return 0, false
			}
			glyph = int(f.toGlyph[2*cid])<<8 | int(f.toGlyph[2*cid+1])
		}
		return glyph, cid != 0 && glyph < f.Program.TrueType.Glyphs
	case f.Program.CFF != nil && f.Program.CFF.CIDKeyed:
		glyph, ok := f.Program.CFF.ByCID(cid)
		return glyph, ok && glyph != 0
	case f.Program.CFF != nil:
		return cid, cid != 0 && cid < f.Program.CFF.Glyphs()
	}
	return 0, false
}

// CIDs lists the character identifiers that the program has glyphs for.
func (f *Font) CIDs() []int {
	var out []int
	switch {
	case f.Program.CFF != nil:
		return f.Program.CFF.CIDs()
	case f.toGlyph != nil:
		for cid := range len(f.toGlyph) / 2 {
			if _, ok := f.GlyphOf(cid); ok {
				out = append(out, cid)
			}
		}
	case f.Program.TrueType != nil:
		for cid := range f.Program.TrueType.Metrics() {
			out = append(out, cid)
		}
	}
	return out
}
