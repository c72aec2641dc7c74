package font

import "unicode/utf8"

// TrueType is an sfnt font: TrueType, or OpenType with either outlines.
type TrueType struct {
	// Glyphs is the number of glyphs.
	Glyphs int
	// CMaps is the number of subtables of the table cmap.
	CMaps int
	// CFF is the table of that name, if the outlines are there.
	CFF []byte

	scale  float64
	widths []int
	maps   map[[2]int]map[int]int
	order  [][2]int
	names  map[string]int
	// reverse is made when first asked for.
	reverse *reverse
}

// ParseTrueType reads the tables that checks need; head, hhea, hmtx and maxp are required.
func ParseTrueType(data []byte) (*TrueType, error) {
	r := &reader{data: data}
	if version := r.u32(); version == 0x74746366 { // ttcf: the first font of a collection
		r = r.at(12)
		r = r.at(r.u32())
		r.u32()
	}
	count := r.u16()
	r.bytes(6)
	tables := map[string]*reader{}
	for range count {
		tag := string(r.bytes(4))
		r.u32()
		offset, length := r.u32(), r.u32()
		if r.bad {
			return nil, ErrMalformed
		}
		if offset > len(data) {
			continue
		}
		tables[tag] = &reader{data: data[offset:min(len(data), offset+length)]}
	}
	for _, tag := range []string{"head", "hhea", "hmtx", "maxp"} {
		if tables[tag] == nil {
			return nil, ErrMalformed
		}
	}
	f := &TrueType{maps: map[[2]int]map[int]int{}}
	units := tables["head"].at(18).u16()
	if units == 0 {
		return nil, ErrMalformed
	}
	f.scale = 1000 / float64(units)
	f.Glyphs = tables["maxp"].at(4).u16()
	metrics := tables["hhea"].at(34).u16()
	for hmtx := tables["hmtx"]; len(f.widths) < metrics; {
		w := hmtx.u16()
		hmtx.u16()
		if hmtx.bad {
			break
		}
		f.widths = append(f.widths, w)
	}
	f.readMaps(tables["cmap"])
	f.readNames(tables["post"])
	if cff := tables["CFF "]; cff != nil {
		f.CFF = cff.data
	}
	return f, nil
}

// Width is the advance of a glyph in thousandths of an em.
func (f *TrueType) Width(glyph int) float64 {
	switch {
	case len(f.widths) == 0:
		return 0
	case glyph < 0:
		return float64(f.widths[0]) * f.scale
	case glyph < len(f.widths):
		return float64(f.widths[glyph]) * f.scale
	case glyph < f.Glyphs:
		return float64(f.widths[len(f.widths)-1]) * f.scale
	}
	return float64(f.widths[0]) * f.scale
}

// Metrics is the number of glyphs that have a width of their own.
func (f *TrueType) Metrics() int { return len(f.widths) }

// HasMap tells whether there is a subtable for a platform and an encoding.
func (f *TrueType) HasMap(platform, encoding int) bool {
	_, ok := f.maps[[2]int{platform, encoding}]
	return ok
}

// Lookup gives the glyph of a code in a subtable, 0 if there is none.
func (f *TrueType) Lookup(platform, encoding, code int) int {
	return f.maps[[2]int{platform, encoding}][code]
}

// LookupAny gives the glyph of a code in the first subtable that has it.
func (f *TrueType) LookupAny(code int) int {
	for _, key := range f.order {
		if g, ok := f.maps[key][code]; ok {
			return g
		}
	}
	return 0
}

// LookupSymbol gives the glyph of a code in the Microsoft symbol subtable, whose codes have a common high byte.
func (f *TrueType) LookupSymbol(code int) int {
	symbols := f.maps[[2]int{3, 0}]
	for _, high := range []int{0xf000, 0, 0xf100, 0xf200} {
		if g := symbols[high+code]; g != 0 {
			return g
		}
	}
	return 0
}

// Named gives the glyph of a name in the table post, 0 if there is none.
func (f *TrueType) Named(name string) int { return f.names[name] }

// LookupName gives the glyph of a name as ISO 32000-1, 9.6.6.4 does for non-symbolic fonts: by its Unicode value, by
// its Mac OS code, then by its name.
func (f *TrueType) LookupName(name string) int {
	if text, ok := GlyphText(name); ok {
		first, _ := utf8.DecodeRuneInString(text)
		if g := f.Lookup(3, 1, int(first)); g != 0 {
			return g
		}
	}
	if f.HasMap(1, 0) {
		for code, n := range macOSRoman {
			if n == name && name != ".notdef" {
				if g := f.Lookup(1, 0, code); g != 0 {
					return g
				}
			}
		}
	}
	return f.Named(name)
}

func (f *TrueType) readMaps(r *reader) {
	if r == nil {
		return
	}
	r.u16()
	f.CMaps = r.u16()
	for range f.CMaps {
		platform, encoding, offset := r.u16(), r.u16(), r.u32()
		if r.bad {
			return
		}
		key := [2]int{platform, encoding}
		if _, ok := f.maps[key]; ok {
			continue
		}
		f.maps[key] = subtable(r.at(offset))
		f.order = append(f.order, key)
	}
}

// maxCodes bounds what one subtable may map.
const maxCodes = 1 << 17

func subtable(r *reader) map[int]int {
	out := map[int]int{}
	start := r.pos
	switch format := r.u16(); format {
	case 0:
		r.bytes(4)
		for code := range 256 {
			if g := r.u8(); !r.bad {
				out[code] = g
			}
		}
	case 4:
		segments(r, out)
	case 6:
		r.bytes(4)
		first, count := r.u16(), r.u16()
		for i := range count {
			if g := r.u16(); !r.bad {
				out[first+i] = g
			}
		}
	case 12, 13:
		r = r.at(start + 12)
		for range min(r.u32(), maxCodes) {
			first, last, glyph := r.u32(), r.u32(), r.u32()
			if r.bad {
				break
			}
			for code := first; code <= last && len(out) < maxCodes; code++ {
				out[code] = glyph
				if format == 12 {
					glyph++
				}
			}
		}
	}
	return out
}

func segments(r *reader, out map[int]int) {
	r.bytes(4)
	count := r.u16() / 2
	r.bytes(6)
	ends := r.pos
	starts := ends + 2*count + 2
	deltas := starts + 2*count
	offsets := deltas + 2*count
	for i := range count {
		last, first := r.at(ends+2*i).u16(), r.at(starts+2*i).u16()
		delta, offset := r.at(deltas+2*i).u16(), r.at(offsets+2*i).u16()
		for code := first; code <= last && code < 0xffff; code++ {
			glyph := code
			if offset != 0 {
				cell := r.at(offsets + 2*i + offset + 2*(code-first))
				glyph = cell.u16()
				if cell.bad {
					break
				}
				if glyph == 0 {
					out[code] = 0
					continue
				}
			}
			out[code] = (glyph + delta) & 0xffff
		}
	}
}

func (f *TrueType) readNames(r *reader) {
	if r == nil {
		return
	}
	f.names = map[string]int{}
	switch r.u32() {
	case 0x00010000:
		for g, name := range macGlyphs {
			f.names[name] = g
		}
	case 0x00020000:
		r = r.at(32)
		count := r.u16()
		index := make([]int, 0, min(count, 1<<16))
		for range count {
			index = append(index, r.u16())
		}
		var custom []string
		for !r.bad && r.pos < len(r.data) {
			custom = append(custom, string(r.bytes(r.u8())))
		}
		for g, i := range index {
			name := ""
			switch {
			case i < len(macGlyphs):
				name = macGlyphs[i]
			case i-len(macGlyphs) < len(custom):
				name = custom[i-len(macGlyphs)]
			}
			if _, taken := f.names[name]; !taken {
				f.names[name] = g
			}
		}
	}
}
