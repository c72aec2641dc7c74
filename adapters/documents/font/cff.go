package font

import "math"

// CFF is a compact font: bare (FontFile3) or the table of an OpenType font.
type CFF struct {
	// CIDKeyed tells whether glyphs are chosen by character identifiers instead of names.
	CIDKeyed bool

	glyphs   [][]byte
	names    []string // of glyphs, if not keyed by CID
	byName   map[string]int
	byCID    map[int]int // nil if identifiers are glyph numbers
	encoding [256]int
	standard bool // the encoding is StandardEncoding
	global   [][]byte
	privates []cffPrivate
	selects  []byte
	widths   map[int]float64
}

type cffPrivate struct {
	standard, nominal float64
	subrs             [][]byte
	scale             float64
}

type cffDict map[int][]float64

// Operators of CFF dictionaries; those of two bytes are 1200 and more.
const (
	cffCharset     = 15
	cffEncoding    = 16
	cffCharStrings = 17
	cffPrivateOp   = 18
	cffSubrs       = 19
	cffDefaultW    = 20
	cffNominalW    = 21
	cffMatrix      = 1207
	cffROS         = 1230
	cffFDArray     = 1236
	cffFDSelect    = 1237
)

// ParseCFF reads the first font of a font set.
func ParseCFF(data []byte) (*CFF, error) {
	r := &reader{data: data}
	r.bytes(2)
	r = r.at(r.u8())
	cffIndex(r) // names
	tops := cffIndex(r)
	stringsIndex := cffIndex(r)
	f := &CFF{global: cffIndex(r), widths: map[int]float64{}}
	if r.bad || len(tops) == 0 {
		return nil, ErrMalformed
	}
	top := parseDict(tops[0])
	_, f.CIDKeyed = top[cffROS]
	charStrings := r.at(top.offset(cffCharStrings))
	f.glyphs = cffIndex(charStrings)
	if charStrings.bad || len(f.glyphs) == 0 {
		return nil, ErrMalformed
	}
	ids := cffCharsetOf(r, top.offset(cffCharset), len(f.glyphs), f.CIDKeyed)
	if f.CIDKeyed {
		return f, f.readCID(r, top, ids)
	}
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
	f.readEncoding(r, top.offset(cffEncoding))
	f.privates = []cffPrivate{readPrivate(r, top, matrixScale(top, 1))}
	return f, nil
}

func (f *CFF) readCID(r *reader, top cffDict, ids []int) error {
	if ids != nil {
		f.byCID = make(map[int]int, len(ids))
		for g, cid := range ids {
			if g < len(f.glyphs) {
				f.byCID[cid] = g
			}
		}
	}
	fonts := r.at(top.offset(cffFDArray))
	outer := 1.0
	if m := top[cffMatrix]; len(m) == 6 {
		outer = m[0]
	}
	for _, d := range cffIndex(fonts) {
		dict := parseDict(d)
		scale := matrixScale(dict, outer)
		if len(dict[cffMatrix]) != 6 && len(top[cffMatrix]) == 6 {
			scale = outer * 1000
		}
		f.privates = append(f.privates, readPrivate(r, dict, scale))
	}
	if fonts.bad || len(f.privates) == 0 {
		return ErrMalformed
	}
	f.selects = make([]byte, len(f.glyphs))
	s := r.at(top.offset(cffFDSelect))
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
	if m := d[cffMatrix]; len(m) == 6 && m[0] != 0 {
		return m[0] * outer * 1000
	}
	return 1
}

func (d cffDict) offset(op int) int {
	v := d[op]
	if len(v) == 0 || v[len(v)-1] < 0 || v[len(v)-1] > math.MaxInt32 {
		return 0
	}
	return int(v[len(v)-1])
}

func readPrivate(r *reader, d cffDict, scale float64) cffPrivate {
	p := cffPrivate{scale: scale}
	v := d[cffPrivateOp]
	if len(v) < 2 || v[0] < 0 || v[1] < 0 {
		return p
	}
	start := int(v[1])
	private := parseDict(r.at(start).bytes(int(v[0])))
	if w := private[cffDefaultW]; len(w) > 0 {
		p.standard = w[0]
	}
	if w := private[cffNominalW]; len(w) > 0 {
		p.nominal = w[0]
	}
	if offset := private.offset(cffSubrs); offset > 0 {
		p.subrs = cffIndex(r.at(start + offset))
	}
	return p
}

func cffIndex(r *reader) [][]byte {
	count := r.u16()
	if count == 0 || r.bad {
		return nil
	}
	size := r.u8()
	if size < 1 || size > 4 {
		r.bad = true
		return nil
	}
	base := r.pos + (count+1)*size - 1
	out := make([][]byte, 0, count)
	start := r.uint(size)
	for range count {
		end := r.uint(size)
		if r.bad || start > end || base+end > len(r.data) || base+start < 0 {
			r.bad = true
			return nil
		}
		out = append(out, r.data[base+start:base+end])
		start = end
	}
	r.pos = base + start
	return out
}

func parseDict(data []byte) cffDict {
	r := &reader{data: data}
	d := cffDict{}
	var operands []float64
	for r.pos < len(data) && !r.bad {
		switch b := r.u8(); {
		case b <= 21:
			if b == 12 {
				b = 1200 + r.u8()
			}
			d[b] = operands
			operands = nil
		case b == 28:
			operands = append(operands, float64(r.i16()))
		case b == 29:
			operands = append(operands, float64(int32(r.u32()))) //nolint:gosec // a signed number of 32 bits
		case b == 30:
			operands = append(operands, cffReal(r))
		case b >= 32 && b <= 246:
			operands = append(operands, float64(b-139))
		case b >= 247 && b <= 250:
			operands = append(operands, float64((b-247)*256+r.u8()+108))
		case b >= 251 && b <= 254:
			operands = append(operands, float64(-(b-251)*256-r.u8()-108))
		}
	}
	return d
}

func cffReal(r *reader) float64 {
	mantissa, exponent, fraction := 0.0, 0, 0
	negative, inFraction, inExponent, exponentSign := false, false, false, 1
	for !r.bad {
		b := r.u8()
		for _, n := range [2]int{b >> 4, b & 15} {
			switch {
			case n <= 9 && inExponent:
				exponent = min(exponent*10+n, 400)
			case n <= 9:
				mantissa = mantissa*10 + float64(n)
				if inFraction {
					fraction++
				}
			case n == 10:
				inFraction = true
			case n == 11, n == 12:
				inExponent = true
				if n == 12 {
					exponentSign = -1
				}
			case n == 14:
				negative = true
			case n == 15:
				if negative {
					mantissa = -mantissa
				}
				return mantissa * math.Pow10(exponentSign*exponent-fraction)
			}
		}
	}
	return 0
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

// type2 runs a Type 2 charstring up to the first operator that clears the stack, which tells the width.
type type2 struct {
	global, local [][]byte
	stack         []float64
	width         float64
	hasWidth      bool
	done          bool
	steps         int
}

func (t *type2) run(code []byte, depth int) {
	r := &reader{data: code}
	for r.pos < len(code) && !t.done && !r.bad {
		if t.steps--; t.steps < 0 || depth > 10 {
			t.done = true
			return
		}
		b := r.u8()
		switch {
		case b == 28:
			t.push(float64(r.i16()))
		case b >= 32 && b <= 246:
			t.push(float64(b - 139))
		case b >= 247 && b <= 250:
			t.push(float64((b-247)*256 + r.u8() + 108))
		case b >= 251 && b <= 254:
			t.push(float64(-(b-251)*256 - r.u8() - 108))
		case b == 255:
			t.push(float64(int32(r.u32())) / 65536) //nolint:gosec // a signed number of 32 bits
		case b == 10:
			t.call(t.local, depth)
		case b == 29:
			t.call(t.global, depth)
		case b == 11:
			return
		default:
			t.clear(b)
		}
	}
}

func (t *type2) push(v float64) {
	if len(t.stack) < 192 {
		t.stack = append(t.stack, v)
	}
}

func (t *type2) call(subrs [][]byte, depth int) {
	if len(t.stack) == 0 {
		t.done = true
		return
	}
	bias := 32768
	if len(subrs) < 1240 {
		bias = 107
	} else if len(subrs) < 33900 {
		bias = 1131
	}
	i := int(t.stack[len(t.stack)-1]) + bias
	t.stack = t.stack[:len(t.stack)-1]
	if i < 0 || i >= len(subrs) {
		t.done = true
		return
	}
	t.run(subrs[i], depth+1)
}

// clear ends the run; the width is there if the stack has one operand more than the operator takes.
func (t *type2) clear(op int) {
	t.done = true
	n := len(t.stack)
	switch op {
	case 1, 3, 18, 23, 19, 20: // stem hints
		t.hasWidth = n%2 == 1
	case 21: // rmoveto
		t.hasWidth = n > 2
	case 4, 22: // vmoveto, hmoveto
		t.hasWidth = n > 1
	case 14: // endchar
		t.hasWidth = n == 1 || n == 5
	}
	if t.hasWidth {
		t.width = t.stack[0]
	}
}
