package embedfont

import (
	"crypto/sha256"
	"math"

	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// The flags of a font descriptor (ISO 32000-1, table 123).
const (
	flagFixed       = 1
	flagSerif       = 2
	flagSymbolic    = 4
	flagNonsymbolic = 32
	flagItalic      = 64
)

// subsetName puts the tag before the name that marks a subset (ISO 32000-1, 9.6.4): six letters from the program, so
// that the same subset has the same name.
func subsetName(name string, program []byte) pdf.Name {
	sum := sha256.Sum256(program)
	letters := make([]byte, 6)
	for i := range letters {
		letters[i] = 'A' + sum[i]%26
	}
	return pdf.Name(string(letters) + "+" + name)
}

// descriptor describes the font with its program under the key FontFile2 or FontFile3.
func (f *Face) descriptor(file *pdf.File, name pdf.Name, flags int64, key pdf.Name, program *pdf.Stream) pdf.Ref {
	if f.Fixed {
		flags |= flagFixed
	}
	if f.Serif {
		flags |= flagSerif
	}
	if f.ItalicAngle != 0 {
		flags |= flagItalic
	}
	box := pdf.Array{}
	for _, v := range f.BBox {
		box = append(box, number(v))
	}
	return file.Add(pdf.Dict{
		"Type": pdf.Name("FontDescriptor"), "FontName": name, "Flags": pdf.Integer(flags), "FontBBox": box,
		"ItalicAngle": number(f.ItalicAngle), "Ascent": number(f.Ascent), "Descent": number(f.Descent),
		"CapHeight": number(f.CapHeight), "StemV": number(f.StemV), key: file.Add(program),
	})
}

// number writes a metric as a whole number where nothing is lost by it, else to a hundredth.
func number(v float64) pdf.Object {
	v = math.Round(v*100) / 100
	if v == math.Trunc(v) && math.Abs(v) < 1<<31 {
		return pdf.Integer(v)
	}
	return pdf.Real(v)
}
