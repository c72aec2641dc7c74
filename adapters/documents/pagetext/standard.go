package pagetext

import (
	"unicode/utf8"

	"github.com/perfectworks/backend/adapters/documents/embedfont"
	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/pdffont"
)

// standardWidth gives the advance of a character in one of the standard fonts, in thousandths of an em, or in a font
// that is taken for one. What the fonts with the same metrics lack is as wide as a figure.
func standardWidth(name string, mono bool, text string) float64 {
	const figure, fixed = 556, 600
	if mono {
		return fixed
	}
	standard, ok := embedfont.BaseFont(name)
	if !ok || standard.Face == nil {
		standard.Face = embedfont.Liberation(embedfont.Sans, embedfont.Style{})
	}
	if r, size := utf8.DecodeRuneInString(text); size > 0 {
		if glyph, ok := standard.Face.Glyph(r); ok {
			return standard.Face.Advance(glyph)
		}
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
