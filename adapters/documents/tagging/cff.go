package tagging

import (
	"encoding/binary"
	"math"
)

// Operators of CFF dictionaries (Adobe Technical Note 5176, 9 and 10); those of two bytes are 1200 and more.
const (
	cffCharset     = 15
	cffEncoding    = 16
	cffCharStrings = 17
	cffPrivate     = 18
	cffNominal     = 21
	cffMatrix      = 1207
	cffROS         = 1230
)

// setCFFWidths writes the widths of the dictionary into the charstrings of a compact font that chooses its glyphs by
// names.
func (w *work) setCFFWidths(u *usedFont, wrong map[int]float64) {
	key, stream := w.programStream(u, "FontFile3")
	if stream == nil || w.file.Name(stream.Dict["Subtype"]) == "OpenType" {
		return
	}
	data, _ := w.file.Decode(stream)
	out, count := changeCFF(data, wrong)
	if count == 0 {
		return
	}
	w.changeProgram(u, key, stream, out, nil)
	w.fixed("7.21.5-1", "", count)
}

// changeCFF changes the widths of glyphs by their number. The new charstrings stand at the end, and what the top
// dictionary says of offsets is moved on by what it has grown. Without a change the count is 0.
func changeCFF(data []byte, widths map[int]float64) ([]byte, int) {
	if len(data) < 4 || int(data[2]) > len(data) {
		return nil, 0
	}
	names, ok1 := readIndex(data, int(data[2]))
	tops, ok2 := readIndex(data, names.end)
	if !ok1 || !ok2 || len(tops.items) != 1 {
		return nil, 0
	}
	top, ok := readEntries(tops.items[0])
	if !ok || has(top, cffROS) || has(top, cffMatrix) {
		return nil, 0 // keyed by CID, or with units of its own
	}
	charStrings, ok := readIndex(data, offsetOf(top, cffCharStrings, 0))
	private := offsetOf(top, cffPrivate, 1)
	size := offsetOf(top, cffPrivate, 0)
	if !ok || private < 0 || size < 0 || private+size > len(data) {
		return nil, 0
	}
	entries, ok := readEntries(data[private : private+size])
	if !ok {
		return nil, 0
	}
	nominal := 0.0
	for _, e := range entries {
		if e.operator == cffNominal && len(e.operands) > 0 {
			nominal = e.operands[0]
		}
	}
	count := 0
	for glyph, width := range widths {
		if glyph < 0 || glyph >= len(charStrings.items) {
			continue
		}
		if changed := setCharStringWidth(charStrings.items[glyph], width-nominal); changed != nil {
			charStrings.items[glyph] = changed
			count++
		}
	}
	if count == 0 {
		return nil, 0
	}
	grown := len(appendIndex(nil, [][]byte{topWith(top, 0, 0)})) - (tops.end - names.end)
	newTop := topWith(top, grown, len(data)+grown)
	out := append([]byte{}, data[:names.end]...)
	out = appendIndex(out, [][]byte{newTop})
	out = append(out, data[tops.end:]...)
	return appendIndex(out, charStrings.items), count
}

// cffIndex is an INDEX structure, with the offset after it.
type cffIndex struct {
	items [][]byte
	end   int
}

func readIndex(data []byte, at int) (cffIndex, bool) {
	if at < 0 || at+2 > len(data) {
		return cffIndex{}, false
	}
	count := int(binary.BigEndian.Uint16(data[at:]))
	if count == 0 {
		return cffIndex{end: at + 2}, true
	}
	if at+3 > len(data) {
		return cffIndex{}, false
	}
	wide := int(data[at+2])
	base := at + 3 + (count+1)*wide - 1
	if wide < 1 || wide > 4 || base+1 > len(data) {
		return cffIndex{}, false
	}
	offset := func(i int) int {
		v := 0
		for _, b := range data[at+3+i*wide : at+3+(i+1)*wide] {
			v = v<<8 | int(b)
		}
		return base + v
	}
	index := cffIndex{items: make([][]byte, count), end: offset(count)}
	for i := range count {
		from, to := offset(i), offset(i+1)
		if from < base+1 || to < from || to > len(data) {
			return cffIndex{}, false
		}
		index.items[i] = data[from:to:to]
	}
	return index, true
}

func appendIndex(out []byte, items [][]byte) []byte {
	const wide = 4
	out = binary.BigEndian.AppendUint16(out, uint16(len(items))) //nolint:gosec // as many as were read
	if len(items) == 0 {
		return out
	}
	out = append(out, wide)
	offset := uint32(1)
	out = binary.BigEndian.AppendUint32(out, offset)
	for _, item := range items {
		offset += uint32(len(item)) //nolint:gosec // a font in memory
		out = binary.BigEndian.AppendUint32(out, offset)
	}
	for _, item := range items {
		out = append(out, item...)
	}
	return out
}

// cffEntry is an operator of a dictionary with its operands, as numbers and as they are written.
type cffEntry struct {
	operator int
	operands []float64
	raw      []byte
}

func readEntries(data []byte) ([]cffEntry, bool) {
	var out []cffEntry
	e := cffEntry{}
	start := 0
	for at := 0; at < len(data); {
		b := data[at]
		length := 1
		switch {
		case b == 12:
			if at+1 >= len(data) {
				return nil, false
			}
			e.operator, length = 1200+int(data[at+1]), 2
		case b <= 21:
			e.operator = int(b)
		case b == 30: // a real, of which only the length matters here
			for length = 1; at+length < len(data) && data[at+length]&0x0f != 0x0f && data[at+length]>>4 != 0x0f; length++ {
			}
			length++
			e.operands = append(e.operands, 0)
			at += length
			continue
		default:
			v, n := cffNumber(data[at:], true)
			if n == 0 {
				return nil, false
			}
			e.operands = append(e.operands, v)
			at += n
			continue
		}
		e.raw = data[start:min(at, len(data))]
		out = append(out, e)
		e = cffEntry{}
		at += length
		start = at
	}
	return out, true
}

// cffNumber reads the number at the start of a dictionary or a charstring, with its length, 0 if there is none.
func cffNumber(data []byte, inDict bool) (float64, int) {
	if len(data) == 0 {
		return 0, 0
	}
	b := int(data[0])
	switch {
	case b >= 32 && b <= 246:
		return float64(b - 139), 1
	case b >= 247 && b <= 250 && len(data) > 1:
		return float64((b-247)*256 + int(data[1]) + 108), 2
	case b >= 251 && b <= 254 && len(data) > 1:
		return float64(-(b-251)*256 - int(data[1]) - 108), 2
	case b == 28 && len(data) > 2:
		return float64(int16(binary.BigEndian.Uint16(data[1:]))), 3 //nolint:gosec // a signed number of 16 bits
	case b == 29 && inDict && len(data) > 4:
		return float64(int32(binary.BigEndian.Uint32(data[1:]))), 5 //nolint:gosec // a signed number of 32 bits
	case b == 255 && !inDict && len(data) > 4:
		return float64(int32(binary.BigEndian.Uint32(data[1:]))) / 65536, 5 //nolint:gosec // a signed number of 32 bits
	}
	return 0, 0
}

func has(entries []cffEntry, operator int) bool { return offsetOf(entries, operator, 0) >= 0 }

// offsetOf gives an operand of an operator, -1 if it is not there.
func offsetOf(entries []cffEntry, operator, operand int) int {
	for _, e := range entries {
		if e.operator == operator && operand < len(e.operands) && e.operands[operand] >= 0 && e.operands[operand] < 1<<31 {
			return int(e.operands[operand])
		}
	}
	return -1
}

// topWith writes a top dictionary with its offsets moved on, and that of the charstrings set.
func topWith(entries []cffEntry, moved, charStrings int) []byte {
	var out []byte
	long := func(v int) {
		out = binary.BigEndian.AppendUint32(append(out, 29), uint32(v)) //nolint:gosec // an offset in a font
	}
	for _, e := range entries {
		switch {
		case e.operator == cffCharStrings:
			long(charStrings)
		case e.operator == cffPrivate && len(e.operands) == 2:
			long(int(e.operands[0]))
			long(int(e.operands[1]) + moved)
		case (e.operator == cffCharset || e.operator == cffEncoding) && len(e.operands) == 1 && e.operands[0] > 2:
			long(int(e.operands[0]) + moved)
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

// setCharStringWidth sets the width that a charstring may begin with, relative to the nominal one (Adobe Technical Note
// 5177, 3.1). It is nil if a subroutine stands before the operator that tells whether there is one.
func setCharStringWidth(code []byte, width float64) []byte {
	count, first := 0, 0
	for at := 0; at < len(code); {
		if _, n := cffNumber(code[at:], false); n > 0 {
			if count == 0 {
				first = n
			}
			count++
			at += n
			continue
		}
		var hasWidth bool
		switch code[at] {
		case 1, 3, 18, 19, 20, 23: // stems and masks take pairs
			hasWidth = count%2 == 1
		case 21: // rmoveto
			hasWidth = count > 2
		case 4, 22: // vmoveto, hmoveto
			hasWidth = count > 1
		case 14: // endchar
			hasWidth = count == 1 || count == 5
		default:
			return nil
		}
		if !hasWidth {
			first = 0
		}
		v := math.Round(width)
		if math.Abs(v) > math.MaxInt16 {
			return nil
		}
		out := binary.BigEndian.AppendUint16([]byte{28}, uint16(int16(v))) //nolint:gosec // bounded above
		return append(out, code[first:]...)
	}
	return nil
}
