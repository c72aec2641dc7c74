package pagetext

import (
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// combining are the combining marks of accents that stand by themselves, as TeX sets them over letters in fonts that
// lack the accented ones.
var combining = map[rune]rune{
	'`': 0x300, '´': 0x301, 'ˆ': 0x302, '^': 0x302, '˜': 0x303, '~': 0x303, '¯': 0x304, '˘': 0x306, '˙': 0x307,
	'¨': 0x308, '˚': 0x30a, '˝': 0x30b, 'ˇ': 0x30c, '¸': 0x327, '˛': 0x328, '\'': 0x301, '"': 0x308,
}

// accent puts a letter under the accent that was shown last, and tells whether it could.
func (in *interpreter) accent(text string) bool {
	mark, size := utf8.DecodeLastRune(in.buffer)
	letter, n := utf8.DecodeRuneInString(text)
	if combining[mark] == 0 || n != len(text) || !unicode.IsLetter(letter) {
		return false
	}
	switch letter { // the letters without dots are for accents
	case 'ı':
		letter = 'i'
	case 'ȷ':
		letter = 'j'
	}
	in.buffer = append(in.buffer[:len(in.buffer)-size], norm.NFC.String(string([]rune{letter, combining[mark]}))...)
	return true
}
