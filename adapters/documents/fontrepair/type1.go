package fontrepair

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"
	"strconv"

	"github.com/perfectworks/backend/adapters/documents/font"
	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// Keys of the encryption of Type 1 programs (Adobe Type 1 Font Format, 7).
const (
	eexecKey      = 55665
	charStringKey = 4330
	leadingBytes  = 4
)

// setType1Widths writes the widths of the dictionary into the charstrings of a Type 1 program, each of which begins with
// its side bearing and width.
func (r *repairer) setType1Widths(u *usedFont) {
	key, stream := r.programStream(u, "FontFile")
	if stream == nil {
		return
	}
	wanted := map[string]float64{}
	for _, code := range u.sorted() {
		g := u.Glyph(code)
		name := glyphName(u, code)
		if _, taken := wanted[name]; u.codes[code] && g.Known && g.Present && !taken && math.Abs(g.Width-g.Wanted) > 1 {
			wanted[name] = g.Wanted
		}
	}
	data, _ := r.file.Decode(stream)
	head, private, rest, ok := divideType1(data)
	if !ok || len(wanted) == 0 {
		return
	}
	// The widths are in thousandths of an em only with the usual matrix.
	if !bytes.Contains(head, []byte("0.001")) {
		return
	}
	changed, count := changeCharStrings(crypt(private, eexecKey, false), wanted)
	if count == 0 {
		return
	}
	private = crypt(changed, eexecKey, true)
	out := slices.Concat(head, private, rest)
	r.changeProgram(u, key, stream, out, pdf.Dict{
		"Length1": pdf.Integer(len(head)), "Length2": pdf.Integer(len(private)), "Length3": pdf.Integer(len(rest)),
	})
	r.report.Fixed("7.21.5-1", "", count)
}

// divideType1 divides a program into its clear part, the encrypted part in binary, and the zeros at its end.
func divideType1(data []byte) (head, private, rest []byte, ok bool) {
	at := bytes.Index(data, []byte("eexec"))
	if at < 0 || len(data) > 0 && data[0] == 0x80 { // segments of the PC format are not for PDF files
		return nil, nil, nil, false
	}
	at += len("eexec")
	for at < len(data) && (data[at] == '\r' || data[at] == '\n' || data[at] == ' ' || data[at] == '\t') {
		at++
	}
	end := bytes.LastIndex(data, []byte("cleartomark"))
	if end < at {
		end = len(data)
	}
	for end > at && (data[end-1] == '0' || data[end-1] == '\n' || data[end-1] == '\r' || data[end-1] == ' ') {
		end--
	}
	private = data[at:end]
	if len(private) < leadingBytes || font.IsHex(private[:leadingBytes]) {
		return nil, nil, nil, false
	}
	return data[:at], private, data[end:], true
}

// crypt encrypts or decrypts, the random bytes at the start included.
func crypt(data []byte, key uint16, encrypt bool) []byte {
	out := make([]byte, len(data))
	for i, c := range data {
		out[i] = c ^ byte(key>>8)
		cipher := c
		if encrypt {
			cipher = out[i]
		}
		key = (uint16(cipher)+key)*52845 + 22719
	}
	return out
}

// changeCharStrings changes the widths of named glyphs in a decrypted private part.
func changeCharStrings(data []byte, wanted map[string]float64) ([]byte, int) {
	random := leadingBytes
	if at := bytes.Index(data, []byte("/lenIV")); at >= 0 {
		if o, _ := pdf.NewLexer(data[at+6:min(len(data), at+32)], 1).Next(); o != nil {
			if n, ok := o.(pdf.Integer); ok {
				random = int(n)
			}
		}
	}
	at := bytes.Index(data, []byte("/CharStrings"))
	if at < 0 || random < 0 || random > 16 {
		return nil, 0
	}
	at += len("/CharStrings")
	out := slices.Clone(data[:at])
	data = data[at:]
	count := 0
	for {
		slash := bytes.IndexByte(data, '/')
		if slash < 0 {
			break
		}
		out = append(out, data[:slash]...)
		data = data[slash:]
		fields := bytes.SplitN(data[1:min(len(data), 256)], []byte(" "), 4)
		if len(fields) < 4 {
			break
		}
		length, err := strconv.Atoi(string(fields[1]))
		skip := len(fields[0]) + len(fields[1]) + len(fields[2]) + 4
		if err != nil || length < 0 || skip+length > len(data) {
			out = append(out, '/')
			data = data[1:]
			continue
		}
		code := data[skip : skip+length]
		if width, ok := wanted[string(fields[0])]; ok {
			if changed := changeWidth(crypt(code, charStringKey, false), random, width); changed != nil {
				code = crypt(changed, charStringKey, true)
				count++
			}
		}
		out = append(append(append(out, '/'), fields[0]...), ' ')
		out = strconv.AppendInt(out, int64(len(code)), 10)
		out = append(append(append(out, ' '), fields[2]...), ' ')
		out = append(out, code...)
		data = data[skip+length:]
	}
	return append(out, data...), count
}

// changeWidth replaces the second of the two numbers before hsbw, nil if the charstring does not begin with these.
func changeWidth(code []byte, random int, width float64) []byte {
	const hsbw = 13
	if len(code) < random {
		return nil
	}
	body := code[random:]
	first := type1Number(body)
	if first == 0 || first >= len(body) {
		return nil
	}
	second := type1Number(body[first:])
	if second == 0 || first+second >= len(body) || body[first+second] != hsbw {
		return nil
	}
	out := slices.Clone(code[:random+first])
	out = append(out, 255)
	out = binary.BigEndian.AppendUint32(out, uint32(int32(math.Round(width)))) //nolint:gosec // a width is small
	return append(out, body[first+second:]...)
}

// type1Number is the length of the number at the start of a charstring, 0 if there is none.
func type1Number(code []byte) int {
	if len(code) == 0 {
		return 0
	}
	switch b := code[0]; {
	case b >= 32 && b <= 246:
		return 1
	case b >= 247 && b <= 254:
		return 2
	case b == 255:
		return 5
	}
	return 0
}
