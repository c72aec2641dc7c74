package font

import (
	"bytes"
	"regexp"
	"strconv"

	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// Type1 is a Type 1 font program.
type Type1 struct {
	// Encoding is the font's own, with "" for codes it does not have.
	Encoding [256]string
	// Damaged tells that the subroutines do not have the lengths that they say: what the glyphs need of them is lost, and
	// readers that are strict find no glyphs at all.
	Damaged bool

	widths map[string]float64
}

// ParseType1 reads a font program, as PFA or PFB or as PDF embeds it.
func ParseType1(data []byte) (*Type1, error) {
	data = WithoutSegments(data)
	at := bytes.Index(data, []byte("eexec"))
	if at < 0 {
		return nil, ErrMalformed
	}
	f := &Type1{widths: map[string]float64{}}
	scale := f.readClear(data[:at])
	body := bytes.TrimLeft(data[at+len("eexec"):], " \t\r\n")
	const leading = 4 // the encrypted part is binary unless these are all digits (Adobe Type 1 Font Format, 7.2)
	if len(body) >= leading && IsHex(body[:leading]) {
		body = []byte(hexString(body))
	}
	private := decrypt(body, 55665, 4)
	if err := f.readPrivate(private, scale); err != nil {
		return nil, err
	}
	if len(f.widths) == 0 {
		return nil, ErrMalformed
	}
	return f, nil
}

// WithoutSegments takes the headers of PFB segments away.
func WithoutSegments(data []byte) []byte {
	if len(data) < 6 || data[0] != 0x80 {
		return data
	}
	var out []byte
	for len(data) >= 6 && data[0] == 0x80 && data[1] != 3 {
		n := int(data[2]) | int(data[3])<<8 | int(data[4])<<16 | int(data[5])<<24
		n = min(n, len(data)-6)
		out = append(out, data[6:6+n]...)
		data = data[6+n:]
	}
	return out
}

// IsHex tells whether all bytes are hexadecimal digits.
func IsHex(data []byte) bool {
	for _, c := range data {
		if bytes.IndexByte([]byte("0123456789abcdefABCDEF"), c) < 0 {
			return false
		}
	}
	return true
}

func hexString(data []byte) pdf.String {
	o, _ := pdf.NewLexer(append(append([]byte{'<'}, data...), '>'), 4).Next()
	s, _ := o.(pdf.String)
	return s
}

// decrypt undoes eexec and charstring encryption (Adobe Type 1 Font Format, 7.1); skip bytes are random.
func decrypt(data []byte, key uint16, skip int) []byte {
	out := make([]byte, len(data))
	for i, c := range data {
		out[i] = c ^ byte(key>>8)
		key = (uint16(c)+key)*52845 + 22719
	}
	return out[min(skip, len(out)):]
}

// readClear reads Encoding and gives the scale of FontMatrix.
func (f *Type1) readClear(data []byte) float64 {
	scale := 1.0
	if at := bytes.Index(data, []byte("/FontMatrix")); at >= 0 {
		l := pdf.NewLexer(data[at+len("/FontMatrix"):], 4)
		if o, ok := l.Next(); ok {
			if a, isArray := o.(pdf.Array); isArray && len(a) > 0 {
				if v, ok := pdf.Number(a[0]); ok && v != 0 {
					scale = v * 1000
				}
			}
		}
	}
	at := bytes.Index(data, []byte("/Encoding"))
	if at < 0 {
		return scale
	}
	l := pdf.NewLexer(data[at+len("/Encoding"):], 4)
	var last [2]pdf.Object
	for {
		o, ok := l.Next()
		if !ok {
			return scale
		}
		switch o {
		case pdf.Operator("StandardEncoding"):
			copy(f.Encoding[:], StandardEncoding)
			return scale
		case pdf.Operator("put"):
			code, ok1 := last[0].(pdf.Integer)
			name, ok2 := last[1].(pdf.Name)
			if ok1 && ok2 && code >= 0 && code < 256 {
				f.Encoding[code] = string(name)
			}
		case pdf.Operator("def"), pdf.Operator("readonly"):
			return scale
		}
		last[0], last[1] = last[1], o
	}
}

// readPrivate reads the charstrings: "/name length RD bytes ND".
func (f *Type1) readPrivate(data []byte, scale float64) error {
	random := 4
	if at := bytes.Index(data, []byte("/lenIV")); at >= 0 {
		if o, _ := pdf.NewLexer(data[at+6:], 1).Next(); o != nil {
			if n, ok := o.(pdf.Integer); ok {
				random = int(n)
			}
		}
	}
	at := bytes.Index(data, []byte("/CharStrings"))
	if at < 0 {
		return ErrMalformed
	}
	f.Damaged = !soundSubrs(data[:at])
	data = data[at+len("/CharStrings"):]
	for {
		slash := bytes.IndexByte(data, '/')
		if slash < 0 {
			return nil
		}
		if end := bytes.Index(data[:slash], []byte("end")); end >= 0 && len(f.widths) > 0 {
			return nil
		}
		data = data[slash+1:]
		fields := bytes.SplitN(data[:min(len(data), 256)], []byte(" "), 4)
		if len(fields) < 4 {
			return nil
		}
		length, err := strconv.Atoi(string(fields[1]))
		skip := len(fields[0]) + len(fields[1]) + len(fields[2]) + 3
		if err != nil || length < 0 || skip+length > len(data) {
			continue
		}
		code := data[skip : skip+length]
		if random >= 0 {
			code = decrypt(code, 4330, random)
		}
		f.widths[string(fields[0])] = type1Width(code) * scale
		data = data[skip+length:]
	}
}

// subrEnd is what follows the bytes of a subroutine, by the names that programs give it; not all put a space before it.
var subrEnd = regexp.MustCompile(`^\s*(?:NP|\||put|(?:noaccess|readonly)\s+put)(?:\s|$)`)

// soundSubrs tells whether the subroutines before the charstrings, each "dup index length RD bytes NP", end where they
// say.
func soundSubrs(data []byte) bool {
	at := bytes.Index(data, []byte("/Subrs"))
	if at < 0 {
		return true
	}
	data = data[at:]
	for {
		at := bytes.Index(data, []byte("dup "))
		if at < 0 {
			return true
		}
		data = data[at+len("dup "):]
		fields := bytes.SplitN(data[:min(len(data), 64)], []byte(" "), 4)
		if len(fields) < 4 {
			return true
		}
		length, err := strconv.Atoi(string(fields[1]))
		skip := len(fields[0]) + len(fields[1]) + len(fields[2]) + 3
		if _, isIndex := strconv.Atoi(string(fields[0])); err != nil || isIndex != nil {
			continue
		}
		end := skip + length
		if length < 0 || end >= len(data) || !subrEnd.Match(data[end:min(len(data), end+32)]) {
			return false
		}
		data = data[end:]
	}
}

// type1Width runs a charstring up to hsbw or sbw, with which every one starts.
func type1Width(code []byte) float64 {
	r := &reader{data: code}
	var stack []float64
	for !r.bad && r.pos < len(code) && len(stack) < 24 {
		switch b := r.u8(); {
		case b >= 32 && b <= 246:
			stack = append(stack, float64(b-139))
		case b >= 247 && b <= 250:
			stack = append(stack, float64((b-247)*256+r.u8()+108))
		case b >= 251 && b <= 254:
			stack = append(stack, float64(-(b-251)*256-r.u8()-108))
		case b == 255:
			stack = append(stack, float64(int32(r.u32()))) //nolint:gosec // a signed number of 32 bits
		case b == 13: // hsbw
			if len(stack) >= 2 {
				return stack[1]
			}
			return 0
		case b == 12:
			switch r.u8() {
			case 7: // sbw
				if len(stack) >= 3 {
					return stack[2]
				}
				return 0
			case 12: // div
				if n := len(stack); n >= 2 && stack[n-1] != 0 {
					stack = append(stack[:n-2], stack[n-2]/stack[n-1])
				}
			}
		default:
			return 0
		}
	}
	return 0
}

// Has tells whether there is a glyph of a name.
func (f *Type1) Has(name string) bool {
	_, ok := f.widths[name]
	return ok
}

// Width is the advance of a named glyph in thousandths of an em.
func (f *Type1) Width(name string) (float64, bool) {
	w, ok := f.widths[name]
	return w, ok
}

// Names are the names of all glyphs.
func (f *Type1) Names() []string {
	out := make([]string, 0, len(f.widths))
	for name := range f.widths {
		out = append(out, name)
	}
	return out
}
