// Package pdffont reads fonts as PDF files use them: a dictionary, an encoding, a font program and a map to Unicode, and
// what all these say together of a character code.
//
// Where the format leaves open which of them counts, the reading of veraPDF is followed.
package pdffont

import (
	"github.com/perfectworks/backend/adapters/documents/font"
	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// Font is one font of a file.
type Font struct {
	Dict    pdf.Dict
	Subtype pdf.Name
	// Name is BaseFont, with the tag of a subset if it is one.
	Name string
	// Descendant is the CID font of a composite font, else the font itself; Descriptor is its FontDescriptor.
	Descendant, Descriptor pdf.Dict
	// Symbolic is that flag of the descriptor.
	Symbolic bool
	// Encoding is that of a simple font.
	Encoding Encoding
	Program  Program
	// CMap is the encoding of a composite font, nil if it is predefined and other than Identity.
	CMap     *font.CMap
	CMapName pdf.Name
	// Procedures are the glyphs of a Type 3 font, Resources what they use.
	Procedures, Resources pdf.Dict

	file         *pdf.File
	toUnicode    *font.CMap
	identityText bool
	toGlyph      []byte // a CIDToGIDMap in a stream
	widths       map[int]float64
}

// Read reads a font dictionary, which is taken as it is: what is wrong with it shows in what it has no answer to.
func Read(file *pdf.File, d pdf.Dict) *Font {
	f := &Font{
		Dict: d, Subtype: file.Name(d["Subtype"]), Name: string(file.Name(d["BaseFont"])), Descendant: d, file: file,
	}
	f.readToUnicode()
	if f.Subtype == "Type0" {
		list, _ := file.Array(d["DescendantFonts"])
		f.Descendant = nil
		if len(list) > 0 {
			f.Descendant, _ = file.Dict(list[0])
		}
	}
	f.Descriptor, _ = file.Dict(f.Descendant["FontDescriptor"])
	flags, _ := file.Integer(f.Descriptor["Flags"])
	f.Symbolic = flags&4 != 0
	switch f.Subtype {
	case "Type0":
		f.readComposite()
	case "Type3":
		f.Encoding = readEncoding(file, d["Encoding"])
		f.Procedures, _ = file.Dict(d["CharProcs"])
		f.Resources, _ = file.Dict(d["Resources"])
	default:
		f.Encoding = readEncoding(file, d["Encoding"])
		f.Program = f.simpleProgram()
		if f.Subtype != "TrueType" && f.Encoding.base == nil && len(f.Descriptor) == 0 && standard14[f.Name] {
			f.Encoding.base = font.StandardEncoding
		}
	}
	return f
}

// standard14 are those of the fourteen standard fonts that have letters.
var standard14 = map[string]bool{
	"Courier": true, "Courier-Bold": true, "Courier-Oblique": true, "Courier-BoldOblique": true, "Helvetica": true,
	"Helvetica-Bold": true, "Helvetica-Oblique": true, "Helvetica-BoldOblique": true, "Times-Roman": true,
	"Times-Bold": true, "Times-Italic": true, "Times-BoldItalic": true,
}

func (f *Font) readToUnicode() {
	switch v := f.file.Resolve(f.Dict["ToUnicode"]).(type) {
	case *pdf.Stream:
		data, _ := f.file.Decode(v)
		f.toUnicode = font.ParseCMap(data)
	case pdf.Name:
		f.identityText = v == "Identity-H" || v == "Identity-V"
	}
}

// Embedded tells whether the font has a program that can be read, or is drawn by procedures.
func (f *Font) Embedded() bool { return f.Subtype == "Type3" || f.Program.Parsed() }

// Codes splits a shown string into character codes; none if the encoding is not known.
func (f *Font) Codes(s string) []int {
	if f.Subtype == "Type0" {
		if f.CMap == nil {
			return nil
		}
		return f.CMap.Codes(s)
	}
	codes := make([]int, len(s))
	for i := range len(s) {
		codes[i] = int(s[i])
	}
	return codes
}
