package pdffont

import (
	"github.com/perfectworks/backend/adapters/documents/font"
	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// Program is the embedded font program; at most one of its fields is set.
type Program struct {
	TrueType *font.TrueType
	CFF      *font.CFF
	Type1    *font.Type1
}

// Parsed tells whether there is a program that could be read.
func (p Program) Parsed() bool { return p.TrueType != nil || p.CFF != nil || p.Type1 != nil }

// File gives the decoded stream of one of the descriptor's font files, with its Subtype, and whether there is one.
func (f *Font) File(key pdf.Name) ([]byte, pdf.Name, bool) {
	s, ok := f.file.Stream(f.Descriptor[key])
	if !ok {
		return nil, "", false
	}
	data, err := f.file.Decode(s)
	if err != nil && len(data) == 0 {
		return nil, "", true
	}
	return data, f.file.Name(s.Dict["Subtype"]), true
}

func (f *Font) simpleProgram() Program {
	if f.Subtype == "TrueType" {
		data, _, ok := f.File("FontFile2")
		if !ok {
			data, _, ok = f.File("FontFile3")
		}
		if ok {
			if t, err := font.ParseTrueType(data); err == nil && f.encodingUsable() {
				return Program{TrueType: t}
			}
		}
		return Program{}
	}
	if data, _, ok := f.File("FontFile"); ok {
		// Segments of the PC format are not for PDF files, and not all programs read them there.
		if len(data) > 0 && data[0] == 0x80 || !f.dividesType1() {
			return Program{}
		}
		if t, err := font.ParseType1(data); err == nil {
			return Program{Type1: t}
		}
		return Program{}
	}
	data, kind, ok := f.File("FontFile3")
	if !ok {
		return Program{}
	}
	return cffProgram(data, kind)
}

// dividesType1 tells whether the lengths of a Type 1 program say where its encrypted part is (ISO 32000-1, table 127).
func (f *Font) dividesType1() bool {
	s, _ := f.file.Stream(f.Descriptor["FontFile"])
	first, ok1 := f.file.Integer(s.Dict["Length1"])
	second, ok2 := f.file.Integer(s.Dict["Length2"])
	return ok1 && ok2 && first > 0 && second > 0
}

func cffProgram(data []byte, kind pdf.Name) Program {
	if kind == "OpenType" {
		t, err := font.ParseTrueType(data)
		if err != nil || t.CFF == nil {
			return Program{}
		}
		data = t.CFF
	}
	if f, err := font.ParseCFF(data); err == nil {
		return Program{CFF: f}
	}
	return Program{}
}

// encodingUsable tells whether a non-symbolic TrueType font has an Encoding that can be read.
func (f *Font) encodingUsable() bool {
	if f.Symbolic || !f.Encoding.Present {
		return true
	}
	return f.Encoding.IsDict || f.Encoding.Name == "MacRomanEncoding" || f.Encoding.Name == "WinAnsiEncoding"
}
