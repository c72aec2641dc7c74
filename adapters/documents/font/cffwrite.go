package font

import (
	"encoding/binary"
	"maps"
	"slices"
)

// endchar ends a charstring (Adobe Technical Note 5177).
const endchar = 14

// Blanked returns the program with every glyph empty that is not used; .notdef stays. Glyphs keep their places, which
// costs next to nothing once it is compressed, so that no offset changes.
func (f *CFF) Blanked(used map[int]bool) []byte {
	out := slices.Clone(f.data)
	at := f.charStrings.first
	for g, code := range f.glyphs {
		if end := at + len(code); g > 0 && !used[g] && end > at {
			clear(out[at:end])
			out[at] = endchar
		}
		at += len(code)
	}
	return out
}

// WithWidths returns the program with other widths, in thousandths of an em by glyph number, and how many were set: some
// charstrings do not allow it. It sets none in fonts that are keyed by CID or have units of their own.
//
// The new charstrings stand at the end, and the offsets in the top dictionary grow by what that has grown.
func (f *CFF) WithWidths(widths map[int]float64) ([]byte, int) {
	if len(f.tops.items) != 1 || len(f.privates) != 1 {
		return nil, 0
	}
	top, ok := parseDict(f.tops.items[0])
	if !ok || f.CIDKeyed || top.has(opFontMatrix) || len(top.operands(opPrivate)) != 2 {
		return nil, 0
	}
	charStrings := slices.Clone(f.glyphs)
	count := 0
	for glyph, width := range widths {
		if glyph < 0 || glyph >= len(charStrings) {
			continue
		}
		if changed := setWidth(charStrings[glyph], width-f.privates[0].nominal); changed != nil {
			charStrings[glyph] = changed
			count++
		}
	}
	if count == 0 {
		return nil, 0
	}
	return f.rewritten(top, charStrings, nil), count
}

// rewritten puts the program together with new charstrings and, if it is not nil, a new charset at its end.
func (f *CFF) rewritten(top cffDict, charStrings [][]byte, charset []byte) []byte {
	grown := len(appendIndex(nil, [][]byte{top.moved(0, 0, len(charset))})) - (f.tops.end - f.tops.start)
	end, charsetAt := len(f.data)+grown, 0
	if charset != nil {
		charsetAt = end
	}
	out := slices.Clone(f.data[:f.tops.start])
	out = appendIndex(out, [][]byte{top.moved(grown, end+len(charset), charsetAt)})
	out = append(out, f.data[f.tops.end:]...)
	return appendIndex(append(out, charset...), charStrings)
}

// IsBlank tells whether a glyph paints nothing: its charstring has nothing but its end.
func (f *CFF) IsBlank(glyph int) bool {
	if glyph < 0 || glyph >= len(f.glyphs) {
		return false
	}
	r := &reader{data: f.glyphs[glyph]}
	for r.pos < len(r.data) {
		b := r.u8()
		if b == 255 {
			r.u32()
		} else if _, isNumber := r.operand(b); !isNumber {
			return b == endchar
		}
	}
	return false
}

// WithGlyphs returns the program with copies of the glyph of missing characters under further names, with widths in
// thousandths of an em. The names must be among the standard strings of the format, and the font as WithWidths needs it;
// else it is nil.
func (f *CFF) WithGlyphs(widths map[string]float64) []byte {
	if len(f.tops.items) != 1 || len(f.privates) != 1 || f.CIDKeyed || len(f.ids) < len(f.glyphs) {
		return nil
	}
	top, ok := parseDict(f.tops.items[0])
	if !ok || top.has(opFontMatrix) || len(top.operands(opPrivate)) != 2 {
		return nil
	}
	charStrings := slices.Clone(f.glyphs)
	charset := []byte{0} // format 0: a string for each glyph but the first
	for _, id := range f.ids[1:len(f.glyphs)] {
		charset = binary.BigEndian.AppendUint16(charset, uint16(id)) //nolint:gosec // read from two bytes
	}
	for _, name := range slices.Sorted(maps.Keys(widths)) {
		id := slices.Index(cffStrings, name)
		code := setWidth(f.glyphs[0], widths[name]-f.privates[0].nominal)
		if _, taken := f.byName[name]; id < 0 || taken || code == nil {
			return nil
		}
		charStrings = append(charStrings, code)
		charset = binary.BigEndian.AppendUint16(charset, uint16(id)) //nolint:gosec // below 391
	}
	return f.rewritten(top, charStrings, charset)
}

// moved writes a top dictionary with its offsets moved by a distance, and that of the charstrings set. A charset other
// than 0 is the offset of a new one.
func (d cffDict) moved(distance, charStrings, charset int) []byte {
	var out []byte
	long := func(v int) {
		out = binary.BigEndian.AppendUint32(append(out, 29), uint32(v)) //nolint:gosec // an offset in a font
	}
	for _, e := range d {
		switch {
		case e.operator == opCharStrings:
			long(charStrings)
		case e.operator == opPrivate && len(e.operands) == 2:
			long(int(e.operands[0]))
			long(int(e.operands[1]) + distance)
		case e.operator == opCharset && charset > 0:
			continue
		case (e.operator == opCharset || e.operator == opEncoding) && len(e.operands) == 1 && e.operands[0] > 2:
			long(int(e.operands[0]) + distance)
		default:
			out = append(out, e.raw...)
		}
		if e.operator >= 1200 {
			out = append(out, 12, byte(e.operator-1200)) //nolint:gosec // read from one byte
		} else {
			out = append(out, byte(e.operator)) //nolint:gosec // read from one byte
		}
	}
	if charset > 0 {
		long(charset)
		out = append(out, opCharset)
	}
	return out
}
