package font

import (
	"encoding/binary"
	"math"
)

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
		switch v, isNumber := r.operand(b); {
		case isNumber:
			t.push(v)
		case b == 255:
			t.push(float64(int32(r.u32())) / 65536) //nolint:gosec // a signed number of 32 bits
		case b == 10:
			t.call(t.local, depth)
		case b == 29:
			t.call(t.global, depth)
		case b == 11:
			return
		default:
			t.done = true
			if t.hasWidth, _ = startsWithWidth(b, len(t.stack)); t.hasWidth {
				t.width = t.stack[0]
			}
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

// startsWithWidth tells by the first operator that clears the stack, and by how many operands it has, whether the first
// of these is the width of the glyph (Adobe Technical Note 5177, 3.1). Known is false for any other operator.
func startsWithWidth(operator, operands int) (hasWidth, known bool) {
	switch operator {
	case 1, 3, 18, 19, 20, 23: // stems and masks take pairs
		return operands%2 == 1, true
	case 21: // rmoveto
		return operands > 2, true
	case 4, 22: // vmoveto, hmoveto
		return operands > 1, true
	case 14: // endchar
		return operands == 1 || operands == 5, true
	}
	return false, false
}

// setWidth sets the width that a charstring may begin with, relative to the nominal one. It returns nil if a subroutine
// stands before the operator that tells whether there is one.
func setWidth(code []byte, width float64) []byte {
	v := math.Round(width)
	if math.Abs(v) > math.MaxInt16 {
		return nil
	}
	r := &reader{data: code}
	count, first := 0, 0
	for r.pos < len(code) && !r.bad {
		b := r.u8()
		_, isNumber := r.operand(b)
		if b == 255 {
			r.u32()
			isNumber = true
		}
		if isNumber {
			if count == 0 {
				first = r.pos
			}
			count++
			continue
		}
		hasWidth, known := startsWithWidth(b, count)
		if !known || r.bad {
			return nil
		}
		if !hasWidth {
			first = 0
		}
		out := binary.BigEndian.AppendUint16([]byte{28}, uint16(int16(v))) //nolint:gosec // bounded above
		return append(out, code[first:]...)
	}
	return nil
}
