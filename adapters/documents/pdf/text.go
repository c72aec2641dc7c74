package pdf

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Text reads a text string (ISO 32000-1, 7.9.2.2): UTF-16 with a byte order mark, UTF-8 with one (PDF 2.0), else
// PDFDocEncoding.
func (s String) Text() string {
	switch {
	case strings.HasPrefix(string(s), "\xfe\xff"):
		return utf16Text(string(s[2:]), false)
	case strings.HasPrefix(string(s), "\xff\xfe"):
		return utf16Text(string(s[2:]), true)
	case strings.HasPrefix(string(s), "\xef\xbb\xbf") && utf8.ValidString(string(s[3:])):
		return string(s[3:])
	}
	var b strings.Builder
	for i := range len(s) {
		b.WriteRune(pdfDoc(s[i]))
	}
	return b.String()
}

// TextString writes text as a text string: in ASCII if it is, else in UTF-16 with a byte order mark.
func TextString(text string) String {
	ascii := true
	for i := range len(text) {
		ascii = ascii && text[i] < 0x7f && (text[i] >= ' ' || text[i] == '\n' || text[i] == '\t')
	}
	if ascii {
		return String(text)
	}
	out := []byte{0xfe, 0xff}
	for _, unit := range utf16.Encode([]rune(text)) {
		out = append(out, byte(unit>>8), byte(unit)) //nolint:gosec // the two halves of a unit
	}
	return String(out)
}

func utf16Text(s string, little bool) string {
	units := make([]uint16, 0, len(s)/2)
	for i := 0; i+1 < len(s); i += 2 {
		hi, lo := s[i], s[i+1]
		if little {
			hi, lo = lo, hi
		}
		units = append(units, uint16(hi)<<8|uint16(lo))
	}
	return string(utf16.Decode(units))
}

// pdfDocUpper holds PDFDocEncoding from 0x80 to 0xA0, where it differs from Latin-1 (ISO 32000-1, D.3).
var pdfDocUpper = [...]rune{
	'•', '†', '‡', '…', '—', '–', 'ƒ', '⁄', '‹', '›', '−', '‰', '„', '“', '”', '‘',
	'’', '‚', '™', 'ﬁ', 'ﬂ', 'Ł', 'Œ', 'Š', 'Ÿ', 'Ž', 'ı', 'ł', 'œ', 'š', 'ž', '\ufffd', '€',
}

var pdfDocAccents = [...]rune{'˘', 'ˇ', 'ˆ', '˙', '˝', '˛', '˚', '˜'}

func pdfDoc(c byte) rune {
	switch {
	case c >= 0x18 && c <= 0x1f:
		return pdfDocAccents[c-0x18]
	case c >= 0x80 && c <= 0xa0:
		return pdfDocUpper[c-0x80]
	}
	return rune(c)
}
