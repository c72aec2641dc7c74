package font

import (
	"encoding/binary"
	"math"
)

// Operators of CFF dictionaries (Adobe Technical Note 5176, 9 and 10); those of two bytes are 1200 and more.
const (
	opCharset      = 15
	opEncoding     = 16
	opCharStrings  = 17
	opPrivate      = 18
	opSubrs        = 19
	opDefaultWidth = 20
	opNominalWidth = 21
	opFontMatrix   = 1207
	opROS          = 1230
	opFDArray      = 1236
	opFDSelect     = 1237
)

// cffIndex is an INDEX structure (Adobe Technical Note 5176, 5). Its items follow each other without gaps.
type cffIndex struct {
	items [][]byte
	// start is where the structure begins, first where its first item does, and end what follows it.
	start, first, end int
}

// readIndex reads the INDEX at the position of the reader and moves it behind.
func readIndex(r *reader) cffIndex {
	index := cffIndex{start: r.pos}
	count := r.u16()
	if count == 0 || r.bad {
		index.first, index.end = r.pos, r.pos
		return index
	}
	size := r.u8()
	base := r.pos + (count+1)*size - 1
	start := r.uint(size)
	if size < 1 || size > 4 || start < 1 {
		r.bad = true
		return index
	}
	index.first = base + start
	index.items = make([][]byte, 0, count)
	for range count {
		end := r.uint(size)
		if r.bad || start > end || base+end > len(r.data) {
			r.bad = true
			return cffIndex{}
		}
		index.items = append(index.items, r.data[base+start:base+end:base+end])
		start = end
	}
	r.pos = base + start
	index.end = r.pos
	return index
}

func appendIndex(out []byte, items [][]byte) []byte {
	const size = 4
	out = binary.BigEndian.AppendUint16(out, uint16(len(items))) //nolint:gosec // as many as were read
	if len(items) == 0 {
		return out
	}
	out = append(out, size)
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

// cffDict is a dictionary, in its order.
type cffDict []dictEntry

type dictEntry struct {
	operator int
	operands []float64
	// raw is the operands as they are written.
	raw []byte
}

// parseDict reads a dictionary. It skips what it cannot read, and then returns false as well.
func parseDict(data []byte) (cffDict, bool) {
	r := &reader{data: data}
	var d cffDict
	e := dictEntry{}
	ok := true
	start := 0
	for r.pos < len(data) && !r.bad {
		b := r.u8()
		switch v, isNumber := r.operand(b); {
		case isNumber:
			e.operands = append(e.operands, v)
		case b == 29:
			e.operands = append(e.operands, float64(int32(r.u32()))) //nolint:gosec // a signed number of 32 bits
		case b == 30:
			e.operands = append(e.operands, cffReal(r))
		case b <= 21:
			e.raw = data[start : r.pos-1]
			if e.operator = b; b == 12 {
				e.operator = 1200 + r.u8()
			}
			d = append(d, e)
			e, start = dictEntry{}, r.pos
		default:
			ok = false
		}
	}
	return d, ok && !r.bad
}

// operands are those of an operator, nil if it is not there.
func (d cffDict) operands(operator int) []float64 {
	for i := len(d) - 1; i >= 0; i-- {
		if d[i].operator == operator {
			return d[i].operands
		}
	}
	return nil
}

func (d cffDict) has(operator int) bool {
	for _, e := range d {
		if e.operator == operator {
			return true
		}
	}
	return false
}

// offset is the last operand of an operator, 0 if that is no offset.
func (d cffDict) offset(operator int) int {
	v := d.operands(operator)
	if len(v) == 0 || v[len(v)-1] < 0 || v[len(v)-1] > math.MaxInt32 {
		return 0
	}
	return int(v[len(v)-1])
}

// operand reads the number that begins with the byte b, in the forms that dictionaries and charstrings share. It returns
// false if b begins something else.
func (r *reader) operand(b int) (float64, bool) {
	switch {
	case b == 28:
		return float64(r.i16()), true
	case b >= 32 && b <= 246:
		return float64(b - 139), true
	case b >= 247 && b <= 250:
		return float64((b-247)*256 + r.u8() + 108), true
	case b >= 251 && b <= 254:
		return float64(-(b-251)*256 - r.u8() - 108), true
	}
	return 0, false
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
