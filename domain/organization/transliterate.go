package organization

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// longestName bounds the work, in bytes: more than any valid name has.
const longestName = maxName * utf8.UTFMax

// latin writes a name in a-z, 0-9 and single dashes. Marks are dropped, letters
// without a decomposition are spelled out, and every other run of characters
// becomes one dash. A name in a script that is not known here leaves nothing.
func latin(name string) string {
	var b strings.Builder
	dash := false
	if len(name) > longestName {
		name = name[:longestName]
	}
	for _, r := range strings.ToLower(norm.NFKD.String(strings.ToLower(name))) {
		if unicode.Is(unicode.Mn, r) || r == '\'' || r == '’' {
			continue
		}
		spelled, known := spelling[r]
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			spelled = string(r)
		case !known:
			dash = true
			continue
		}
		if dash && b.Len() > 0 && spelled != "" {
			b.WriteByte('-')
		}
		dash = dash && spelled == ""
		b.WriteString(spelled)
	}
	return b.String()
}

// spelling is how letters are written in Latin ones: those of Latin alphabets
// that do not decompose, Greek by ELOT 743, Cyrillic by the common English
// romanisation.
var spelling = map[rune]string{
	'ß': "ss", 'æ': "ae", 'œ': "oe", 'ø': "o", 'đ': "d", 'ð': "d", 'þ': "th",
	'ł': "l", 'ħ': "h", 'ı': "i", 'ŋ': "ng", 'ŧ': "t", 'ə': "a",

	'α': "a", 'β': "v", 'γ': "g", 'δ': "d", 'ε': "e", 'ζ': "z", 'η': "i", 'θ': "th",
	'ι': "i", 'κ': "k", 'λ': "l", 'μ': "m", 'ν': "n", 'ξ': "x", 'ο': "o", 'π': "p",
	'ρ': "r", 'σ': "s", 'ς': "s", 'τ': "t", 'υ': "y", 'φ': "f", 'χ': "ch", 'ψ': "ps", 'ω': "o",

	'а': "a", 'б': "b", 'в': "v", 'г': "g", 'ґ': "g", 'д': "d", 'ђ': "dj", 'е': "e", 'є': "ye",
	'ж': "zh", 'з': "z", 'и': "i", 'і': "i", 'ј': "j", 'к': "k", 'л': "l", 'љ': "lj", 'м': "m",
	'н': "n", 'њ': "nj", 'о': "o", 'п': "p", 'р': "r", 'с': "s", 'т': "t", 'ћ': "c", 'у': "u",
	'ф': "f", 'х': "kh", 'ц': "ts", 'ч': "ch", 'џ': "dz", 'ш': "sh", 'щ': "shch", 'ъ': "",
	'ы': "y", 'ь': "", 'э': "e", 'ю': "yu", 'я': "ya",
}
