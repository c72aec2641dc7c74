package font

import (
	"encoding/binary"
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
	grown := len(appendIndex(nil, [][]byte{top.moved(0, 0)})) - (f.tops.end - f.tops.start)
	out := slices.Clone(f.data[:f.tops.start])
	out = appendIndex(out, [][]byte{top.moved(grown, len(f.data)+grown)})
	out = append(out, f.data[f.tops.end:]...)
	return appendIndex(out, charStrings), count
}

// moved writes a top dictionary with its offsets moved by a distance, and that of the charstrings set.
func (d cffDict) moved(distance, charStrings int) []byte {
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
	return out
}
