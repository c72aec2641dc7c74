package pdf

import (
	"maps"
	"math"
	"slices"
	"strconv"
)

// AppendObject writes an object as it stands in a content stream: references and streams, which cannot stand there,
// as null.
func AppendObject(b []byte, o Object) []byte { return appendObject(b, o, nil) }

// appendObject writes an object with references as reference renumbers them. Streams, which are indirect objects
// always, are referred to as well.
func appendObject(b []byte, o Object, reference func(Object) Ref) []byte {
	switch v := o.(type) {
	case bool:
		return strconv.AppendBool(b, v)
	case Integer:
		return strconv.AppendInt(b, int64(v), 10)
	case Real:
		return appendReal(b, float64(v))
	case String:
		return appendString(b, string(v))
	case Name:
		return appendName(b, string(v))
	case Operator:
		return append(b, v...)
	case Array:
		b = append(b, '[')
		for i, element := range v {
			if i > 0 {
				b = append(b, ' ')
			}
			b = appendObject(b, element, reference)
		}
		return append(b, ']')
	case Dict:
		b = append(b, "<<"...)
		for _, key := range slices.Sorted(maps.Keys(v)) {
			if v[key] == nil {
				continue
			}
			b = append(appendName(b, string(key)), ' ')
			b = appendObject(b, v[key], reference)
		}
		return append(b, ">>"...)
	case Ref, *Stream:
		if reference != nil {
			b = strconv.AppendInt(b, int64(reference(v).Number), 10)
			return append(b, " 0 R"...)
		}
	}
	return append(b, "null"...)
}

// appendReal writes a number without an exponent, which the format does not know.
func appendReal(b []byte, v float64) []byte {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return append(b, '0')
	}
	return strconv.AppendFloat(b, v, 'f', -1, 64)
}

func appendName(b []byte, name string) []byte {
	const digits = "0123456789ABCDEF"
	b = append(b, '/')
	for i := range len(name) {
		c := name[i]
		if c <= ' ' || c >= 0x7f || c == '#' || isDelimiter(c) {
			b = append(b, '#', digits[c>>4], digits[c&15])
		} else {
			b = append(b, c)
		}
	}
	return b
}

// appendString writes a literal string; text that is not ASCII for the most part is written in hexadecimal.
func appendString(b []byte, s string) []byte {
	const digits = "0123456789ABCDEF"
	binary := 0
	for i := range len(s) {
		if s[i] < ' ' || s[i] >= 0x7f {
			binary++
		}
	}
	if binary*4 > len(s) {
		b = append(b, '<')
		for i := range len(s) {
			b = append(b, digits[s[i]>>4], digits[s[i]&15])
		}
		return append(b, '>')
	}
	b = append(b, '(')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '(' || c == ')' || c == '\\':
			b = append(b, '\\', c)
		case c < ' ' || c >= 0x7f:
			b = append(b, '\\', '0'+c>>6, '0'+c>>3&7, '0'+c&7)
		default:
			b = append(b, c)
		}
	}
	return append(b, ')')
}
