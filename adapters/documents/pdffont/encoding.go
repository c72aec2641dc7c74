package pdffont

import (
	"github.com/perfectworks/backend/adapters/documents/font"
	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// Encoding is the Encoding entry of a simple font.
type Encoding struct {
	Present, IsDict, HasDifferences bool
	// Name is that of the encoding or of its BaseEncoding, "" if there is none.
	Name pdf.Name
	// Differences are the glyph names that a dictionary sets for codes.
	Differences map[int]string

	base []string
}

func readEncoding(file *pdf.File, o pdf.Object) Encoding {
	e := Encoding{}
	switch v := file.Resolve(o).(type) {
	case pdf.Name:
		e.Present, e.Name = true, v
	case pdf.Dict:
		e.Present, e.IsDict = true, true
		e.Name = file.Name(v["BaseEncoding"])
		e.Differences = map[int]string{}
		e.HasDifferences = v["Differences"] != nil
		list, _ := file.Array(v["Differences"])
		code := 0
		for _, o := range list {
			switch d := file.Resolve(o).(type) {
			case pdf.Integer:
				code = int(d)
			case pdf.Name:
				e.Differences[code] = string(d)
				code++
			}
		}
	}
	switch e.Name {
	case "MacRomanEncoding":
		e.base = font.MacRomanEncoding
	case "WinAnsiEncoding":
		e.base = font.WinAnsiEncoding
	case "StandardEncoding":
		if e.IsDict {
			e.base = font.StandardEncoding
		}
	}
	return e
}

// Glyph gives the glyph name that the encoding has for a code, "" if it says nothing.
func (e Encoding) Glyph(code int) string {
	if name, ok := e.Differences[code]; ok {
		return name
	}
	if e.base == nil {
		return ""
	}
	if code < 0 || code >= len(e.base) {
		return ".notdef"
	}
	return e.base[code]
}
