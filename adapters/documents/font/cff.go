package font

// CFF is a compact font: bare (FontFile3) or the table of an OpenType font.
type CFF struct {
	// CIDKeyed tells whether glyphs are chosen by character identifiers instead of names.
	CIDKeyed bool

	data []byte
	tops cffIndex
	// charStrings is where the glyphs lie in data.
	charStrings cffIndex
	glyphs      [][]byte
	names       []string // of glyphs, if not keyed by CID
	ids         []int    // of their names among the strings
	byName      map[string]int
	byCID       map[int]int // nil if identifiers are glyph numbers
	cids        []int       // of glyphs, as byCID
	encoding    [256]int
	standard    bool // the encoding is StandardEncoding
	global      [][]byte
	privates    []cffPrivate
	selects     []byte
	widths      map[int]float64
}

type cffPrivate struct {
	standard, nominal float64
	subrs             [][]byte
	scale             float64
}

// ParseCFF reads the first font of a font set.
func ParseCFF(data []byte) (*CFF, error) {
	r := &reader{data: data}
	r.bytes(2)
	r = r.at(r.u8())
	readIndex(r) // names
	tops := readIndex(r)
	stringsIndex := readIndex(r).items
	f := &CFF{data: data, tops: tops, global: readIndex(r).items, widths: map[int]float64{}}
	if r.bad || len(tops.items) == 0 {
		return nil, ErrMalformed
	}
	top, _ := parseDict(tops.items[0])
	f.CIDKeyed = top.has(opROS)
	charStrings := r.at(top.offset(opCharStrings))
	f.charStrings = readIndex(charStrings)
	f.glyphs = f.charStrings.items
	if charStrings.bad || len(f.glyphs) == 0 {
		return nil, ErrMalformed
	}
	ids := cffCharsetOf(r, top.offset(opCharset), len(f.glyphs), f.CIDKeyed)
	if f.CIDKeyed {
		return f, f.readCID(r, top, ids)
	}
	f.ids = ids
	f.names = make([]string, len(f.glyphs))
	f.byName = make(map[string]int, len(f.glyphs))
	for g := range f.glyphs {
		name := ".notdef"
		if g < len(ids) {
			switch id := ids[g]; {
			case id < len(cffStrings):
				name = cffStrings[id]
			case id-len(cffStrings) < len(stringsIndex):
				name = string(stringsIndex[id-len(cffStrings)])
			}
		}
		f.names[g] = name
		if _, taken := f.byName[name]; !taken {
			f.byName[name] = g
		}
	}
	f.readEncoding(r, top.offset(opEncoding))
	f.privates = []cffPrivate{readPrivate(r, top, matrixScale(top, 1))}
	return f, nil
}

func (f *CFF) readCID(r *reader, top cffDict, ids []int) error {
	if ids != nil {
		f.cids = ids
		f.byCID = make(map[int]int, len(ids))
		for g, cid := range ids {
			if g < len(f.glyphs) {
				f.byCID[cid] = g
			}
		}
	}
	fonts := r.at(top.offset(opFDArray))
	outer := 1.0
	if m := top.operands(opFontMatrix); len(m) == 6 {
		outer = m[0]
	}
	for _, d := range readIndex(fonts).items {
		dict, _ := parseDict(d)
		scale := matrixScale(dict, outer)
		if len(dict.operands(opFontMatrix)) != 6 && len(top.operands(opFontMatrix)) == 6 {
			scale = outer * 1000
		}
		f.privates = append(f.privates, readPrivate(r, dict, scale))
	}
	if fonts.bad || len(f.privates) == 0 {
		return ErrMalformed
	}
	f.selects = make([]byte, len(f.glyphs))
	s := r.at(top.offset(opFDSelect))
	switch s.u8() {
	case 0:
		copy(f.selects, s.bytes(len(f.glyphs)))
	case 3:
		ranges, first := s.u16(), s.u16()
		for range ranges {
			fd, next := s.u8(), s.u16()
			for g := first; g < next && g < len(f.selects); g++ {
				f.selects[g] = byte(fd) //nolint:gosec // read from one byte
			}
			first = next
		}
	default:
		return ErrMalformed
	}
	if s.bad {
		return ErrMalformed
	}
	return nil
}

// matrixScale is what a unit of the font is in thousandths of an em.
func matrixScale(d cffDict, outer float64) float64 {
	if m := d.operands(opFontMatrix); len(m) == 6 && m[0] != 0 {
		return m[0] * outer * 1000
	}
	return 1
}

func readPrivate(r *reader, d cffDict, scale float64) cffPrivate {
	p := cffPrivate{scale: scale}
	v := d.operands(opPrivate)
	if len(v) < 2 || v[0] < 0 || v[1] < 0 {
		return p
	}
	start := int(v[1])
	private, _ := parseDict(r.at(start).bytes(int(v[0])))
	if w := private.operands(opDefaultWidth); len(w) > 0 {
		p.standard = w[0]
	}
	if w := private.operands(opNominalWidth); len(w) > 0 {
		p.nominal = w[0]
	}
	if offset := private.offset(opSubrs); offset > 0 {
		p.subrs = readIndex(r.at(start + offset)).items
	}
	return p
}

// cffCharsetOf gives the string or character identifiers of the glyphs; nil stands for a predefined charset of a
// CID-keyed font, where they are the glyph numbers.
func cffCharsetOf(r *reader, offset, glyphs int, cid bool) []int {
	if offset <= 2 {
		if cid {
			return nil
		}
		return predefinedCharset(offset)
	}
	r = r.at(offset)
	ids := make([]int, 1, glyphs)
	switch format := r.u8(); format {
	case 0:
		for len(ids) < glyphs && !r.bad {
			ids = append(ids, r.u16())
		}
	case 1, 2:
		for len(ids) < glyphs && !r.bad {
			first, left := r.u16(), r.uint(format)
			for i := 0; i <= left && len(ids) < glyphs; i++ {
				ids = append(ids, first+i)
			}
		}
	default:
		return nil
	}
	return ids
}

func predefinedCharset(which int) []int {
	if which == 0 {
		ids := make([]int, 229)
		for i := range ids {
			ids[i] = i
		}
		return ids
	}
	names := cffExpert
	if which == 2 {
		names = cffExpertSubset
	}
	numbers := make(map[string]int, len(cffStrings))
	for i, s := range cffStrings {
		numbers[s] = i
	}
	ids := make([]int, len(names))
	for i, name := range names {
		ids[i] = numbers[name]
	}
	return ids
}

func (f *CFF) readEncoding(r *reader, offset int) {
	if offset <= 1 {
		f.standard = offset == 0
		return
	}
	r = r.at(offset)
	format := r.u8()
	glyph := 1
	switch format & 0x7f {
	case 0:
		for range r.u8() {
			f.encoding[r.u8()] = glyph
			glyph++
		}
	case 1:
		for range r.u8() {
			first, left := r.u8(), r.u8()
			for i := 0; i <= left && first+i < 256; i++ {
				f.encoding[first+i] = glyph
				glyph++
			}
		}
	}
	if format&0x80 != 0 {
		for range r.u8() {
			code, sid := r.u8(), r.u16()
			if sid < len(cffStrings) {
				f.encoding[code] = f.byName[cffStrings[sid]]
			}
		}
	}
}

// Glyphs is the number of glyphs.
func (f *CFF) Glyphs() int { return len(f.glyphs) }

// Names are the names of all glyphs of a font that is not keyed by CID.
func (f *CFF) Names() []string { return f.names }

// NameOf gives the name that the font's own encoding has for a code, "" if none.
func (f *CFF) NameOf(code int) string {
	if code < 0 || code > 255 {
		return ""
	}
	if f.standard {
		return StandardEncoding[code]
	}
	if g := f.encoding[code]; g < len(f.names) {
		return f.names[g]
	}
	return ""
}

// Named gives the glyph of a name.
func (f *CFF) Named(name string) (int, bool) {
	g, ok := f.byName[name]
	return g, ok
}

// ByCID gives the glyph of a character identifier.
func (f *CFF) ByCID(cid int) (int, bool) {
	if f.byCID == nil {
		return cid, cid >= 0 && cid < len(f.glyphs)
	}
	g, ok := f.byCID[cid]
	return g, ok
}

// CID gives the character identifier of a glyph, 0 if it has none. Without identifiers a glyph is its own.
func (f *CFF) CID(glyph int) int {
	if f.byCID == nil {
		return glyph
	}
	if glyph < 0 || glyph >= len(f.cids) {
		return 0
	}
	return f.cids[glyph]
}

// CIDs are the identifiers of all glyphs of a CID-keyed font.
func (f *CFF) CIDs() []int {
	var out []int
	for cid := range f.byCID {
		out = append(out, cid)
	}
	if f.byCID == nil {
		for g := range f.glyphs {
			out = append(out, g)
		}
	}
	return out
}

// Width is the advance of a glyph in thousandths of an em, from the start of its charstring.
func (f *CFF) Width(glyph int) float64 {
	if glyph < 0 || glyph >= len(f.glyphs) {
		glyph = 0
	}
	if w, ok := f.widths[glyph]; ok {
		return w
	}
	p := cffPrivate{scale: 1}
	fd := 0
	if f.selects != nil {
		fd = int(f.selects[glyph])
	}
	if fd < len(f.privates) {
		p = f.privates[fd]
	}
	run := type2{global: f.global, local: p.subrs, steps: 10000}
	run.run(f.glyphs[glyph], 0)
	w := p.standard
	if run.hasWidth {
		w = p.nominal + run.width
	}
	w *= p.scale
	f.widths[glyph] = w
	return w
}
