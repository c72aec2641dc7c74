package fontrepair

import (
	"bytes"
	"encoding/hex"

	"github.com/perfectworks/backend/adapters/documents/font"
	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// programKind is the format of a font program, told by its first bytes.
type programKind int

const (
	unknownProgram programKind = iota
	type1Program
	trueTypeProgram
	openTypeCFF
	bareCFF
)

// kindOf tells what a font program is, wherever the file has put it.
func kindOf(data []byte) programKind {
	switch {
	case bytes.HasPrefix(data, []byte("%!")), len(data) > 8 && data[0] == 0x80 && data[1] == 1 && bytes.HasPrefix(data[6:], []byte("%!")):
		return type1Program
	case bytes.HasPrefix(data, []byte("OTTO")):
		return openTypeCFF
	case bytes.HasPrefix(data, []byte{0, 1, 0, 0}), bytes.HasPrefix(data, []byte("true")):
		return trueTypeProgram
	case len(data) > 4 && data[0] == 1 && data[2] >= 4 && data[3] >= 1 && data[3] <= 4: // major version, header size, offset size
		return bareCFF
	}
	return unknownProgram
}

// placeProgram puts a font program under the key of its format (ISO 32000-1, table 126), and calls the font what its
// program is. Programs that show pages go by the program and not by the key, so that the page looks the same.
func (r *repairer) placeProgram(u *usedFont) {
	if u.Subtype == "Type3" || u.Descriptor == nil {
		return
	}
	key, stream := r.programStream(u, "FontFile", "FontFile2", "FontFile3")
	if stream == nil {
		return
	}
	data, err := r.file.Decode(stream)
	if err != nil || !parses(data) {
		return // there is no program that could be used
	}
	program := data
	var right, kind pdf.Name
	entries := pdf.Dict{}
	switch kindOf(data) {
	case type1Program:
		if u.Subtype == "Type0" {
			return // a composite font cannot have one
		}
		parts, ok := normalType1(data)
		if !ok {
			return
		}
		right, kind, program = "FontFile", "Type1", bytes.Join(parts[:], nil)
		for i, name := range []pdf.Name{"Length1", "Length2", "Length3"} {
			entries[name] = pdf.Integer(len(parts[i]))
		}
	case trueTypeProgram:
		right, kind = "FontFile2", either(u, "TrueType", "CIDFontType2")
	case openTypeCFF:
		right, kind = "FontFile3", either(u, "Type1", "CIDFontType0")
		entries["Subtype"] = pdf.Name("OpenType")
	case bareCFF:
		right, kind = "FontFile3", either(u, "Type1", "CIDFontType0")
		entries["Subtype"] = either(u, "Type1C", "CIDFontType0C")
	case unknownProgram:
		return
	}
	moved := key != right || !bytes.Equal(data, program)
	for _, name := range []pdf.Name{"Length1", "Length2", "Subtype"} { // what readers need
		if wanted := entries[name]; wanted != nil {
			moved = moved || r.file.Resolve(stream.Dict[name]) != wanted
		}
	}
	if moved {
		if right == "FontFile2" {
			entries["Length1"] = pdf.Integer(len(program))
		}
		for _, other := range []pdf.Name{"FontFile", "FontFile2", "FontFile3"} {
			delete(u.Descriptor, other)
		}
		u.Descriptor[right] = r.file.Add(pdf.NewStream(entries, program))
	}
	if named := r.nameFont(u, kind); moved || named {
		r.report.Fixed("7.21.4.1-1", plainName(u.Name), 1)
		r.reread(u)
	}
}

// either chooses by whether a font is simple or composite.
func either(u *usedFont, simple, composite pdf.Name) pdf.Name {
	if u.Subtype == "Type0" {
		return composite
	}
	return simple
}

// nameFont sets the Subtype of a font to what suits its program, and tells whether it was another.
func (r *repairer) nameFont(u *usedFont, kind pdf.Name) bool {
	d := u.dict
	if u.Subtype == "Type0" {
		d = u.Descendant
	}
	now := r.file.Name(d["Subtype"])
	if now == kind || now == "MMType1" && kind == "Type1" {
		return false
	}
	if kind == "CIDFontType0" {
		if _, isStream := r.file.Stream(d["CIDToGIDMap"]); isStream {
			return false // the map says which glyphs are meant, which only fonts of the other kind have
		}
		delete(d, "CIDToGIDMap")
	}
	d["Subtype"] = kind
	return true
}

// parses tells whether a font program can be read.
func parses(data []byte) bool {
	var err error
	switch kindOf(data) {
	case type1Program:
		_, err = font.ParseType1(data)
	case trueTypeProgram, openTypeCFF:
		_, err = font.ParseTrueType(data)
	case bareCFF:
		_, err = font.ParseCFF(data)
	case unknownProgram:
		return false
	}
	return err == nil
}

// normalType1 divides a Type 1 program as PDF files hold it: the clear part, the encrypted part in binary, and the rest
// (ISO 32000-1, 9.9). Segments of the PC format and hexadecimal digits are undone.
func normalType1(data []byte) (parts [3][]byte, ok bool) {
	data = font.WithoutSegments(data)
	head, private, rest, ok := divideType1(data)
	if ok {
		if !bytes.Contains(rest, []byte("cleartomark")) {
			rest = type1Tail()
		}
		return [3][]byte{head, private, rest}, true
	}
	at := bytes.Index(data, []byte("eexec"))
	if at < 0 {
		return parts, false
	}
	at += len("eexec")
	for at < len(data) && bytes.IndexByte([]byte(" \t\r\n"), data[at]) >= 0 {
		at++
	}
	body := data[at:]
	if end := bytes.LastIndex(body, []byte("cleartomark")); end >= 0 {
		body = body[:end] // it begins with a digit
	}
	digits := make([]byte, 0, len(body))
	for _, c := range body {
		if bytes.IndexByte([]byte(" \t\r\n"), c) >= 0 {
			continue
		}
		if !font.IsHex([]byte{c}) {
			break
		}
		digits = append(digits, c)
	}
	if rest := bytes.TrimRight(digits, "0"); len(digits)-len(rest) >= tailZeros {
		digits = digits[:len(digits)-tailZeros]
	}
	private = make([]byte, len(digits)/2)
	if _, err := hex.Decode(private, digits[:len(digits)/2*2]); err != nil || len(private) < leadingBytes {
		return parts, false
	}
	return [3][]byte{data[:at], private, type1Tail()}, true
}

// tailZeros is how many zeros follow the encrypted part (Adobe Type 1 Font Format, 7.2).
const tailZeros = 512

func type1Tail() []byte {
	const line = 64
	zeros := bytes.Repeat(append(bytes.Repeat([]byte{'0'}, line), '\n'), tailZeros/line)
	return append(append([]byte{'\n'}, zeros...), "cleartomark\n"...)
}
