package pagetext

import (
	"strings"

	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/pdffont"
)

// standardWidth gives the advance of a character in one of the standard fonts, in thousandths of an em: about as wide as
// such characters are in Helvetica.
func standardWidth(name string, mono bool, text string) float64 {
	const fixed, narrow, wide, figure = 600, 260, 700, 545
	switch {
	case mono || strings.Contains(name, "courier"):
		return fixed
	case strings.ContainsAny(text, "ijl.,:;!'| tfIr-()[]"):
		return narrow
	case strings.ContainsAny(text, "ABCDEGHKMNOPQRSUVWXYmw"):
		return wide
	}
	return figure
}

// substitute is the font for text whose own cannot be found.
func (r *Reader) substitute() *fontTable {
	if r.fallback == nil {
		r.fallback = newFontTable(r.file, pdffont.Read(r.file, pdf.Dict{
			"Type": pdf.Name("Font"), "Subtype": pdf.Name("Type1"), "BaseFont": pdf.Name("Helvetica"),
			"Encoding": pdf.Name("WinAnsiEncoding"),
		}))
	}
	return r.fallback
}
