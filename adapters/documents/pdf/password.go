package pdf

import (
	"strings"
	"unicode"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/unicode/norm"
)

// longestPassword is how many bytes of a password count in files of revision 5 and later (ISO 32000-2, 7.6.4.3.3).
const longestPassword = 127

// passwordForms gives the bytes that a password may have been written as: up to revision 4 in an encoding of one byte,
// later in UTF-8, prepared by SASLprep (RFC 4013).
func passwordForms(password string, utf8 bool) [][]byte {
	if password == "" {
		return [][]byte{nil}
	}
	var forms []string
	if utf8 {
		forms = []string{prepared(password), password}
	} else {
		if text, err := charmap.Windows1252.NewEncoder().String(password); err == nil {
			forms = append(forms, text)
		}
		forms = append(forms, password)
	}
	out := make([][]byte, 0, len(forms))
	for _, form := range forms {
		if utf8 {
			form = form[:min(len(form), longestPassword)]
		}
		out = append(out, []byte(form))
	}
	return out
}

// prepared maps spaces to the usual one, drops what shows nothing, and composes the rest (RFC 4013, 2.1 and 2.2).
func prepared(password string) string {
	return norm.NFKC.String(strings.Map(func(r rune) rune {
		switch {
		case r == 0xad, r == 0x34f, r >= 0x180b && r <= 0x180d, r >= 0x200b && r <= 0x200d, r == 0x1806, r == 0x2060,
			r >= 0xfe00 && r <= 0xfe0f, r == 0xfeff:
			return -1
		case unicode.Is(unicode.Zs, r):
			return ' '
		}
		return r
	}, password))
}
