package pdf

import (
	"bytes"
	"strconv"
)

// number reads what writers make of numbers: also "--5", "1.2.3" (as 1.2) and "5-3" (as 5).
func number(w []byte) (Object, bool) {
	if n, ok := plainNumber(w); ok {
		return n, true
	}
	negative := false
	i := 0
	for i < len(w) && (w[i] == '+' || w[i] == '-') {
		negative = negative || w[i] == '-'
		i++
	}
	digits := w[i:]
	end, dots := 0, 0
	for end < len(digits) {
		if digits[end] == '.' {
			if dots++; dots > 1 {
				break
			}
		} else if digits[end] < '0' || digits[end] > '9' {
			break
		}
		end++
	}
	if end < len(digits) && digits[end] != '-' && digits[end] != '.' {
		return nil, false
	}
	digits = digits[:end]
	if len(bytes.Trim(digits, ".")) == 0 {
		return Integer(0), len(digits) > 0 || len(w) > 0
	}
	if bytes.IndexByte(digits, '.') < 0 {
		if v, err := strconv.ParseInt(string(digits), 10, 64); err == nil {
			if negative {
				v = -v
			}
			return Integer(v), true
		}
	}
	v, err := strconv.ParseFloat(string(digits), 64)
	if err != nil {
		return nil, false
	}
	if negative {
		v = -v
	}
	return Real(v), true
}

// powers are the powers of ten that a float64 holds exactly, as far as [plainNumber] needs them.
var powers = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15}

// plainNumber reads a number as writers should make it, of at most 15 digits. Its digits and the power of ten are exact
// in a float64 then, so that their quotient is the nearest to what is written.
func plainNumber(w []byte) (Object, bool) {
	negative := len(w) > 0 && w[0] == '-'
	digits := w
	if negative {
		digits = w[1:]
	}
	if len(digits) == 0 || len(digits) > len(powers) {
		return nil, false
	}
	value, fraction := int64(0), -1
	for _, c := range digits {
		switch {
		case c >= '0' && c <= '9':
			value = value*10 + int64(c-'0')
			if fraction >= 0 {
				fraction++
			}
		case c == '.' && fraction < 0:
			fraction = 0
		default:
			return nil, false
		}
	}
	if negative {
		value = -value
	}
	switch {
	case fraction < 0:
		return Integer(value), true
	case len(digits) == 1 || value == 0: // "." and "-.0" are left to the longer way
		return nil, false
	}
	return Real(float64(value) / powers[fraction]), true
}
