package file

import (
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/input"
)

// maxName bounds a name, in characters.
const maxName = 255

// maxGivenName bounds what is cleaned, in bytes.
const maxGivenName = 16 << 10

// cleanName returns a name as it is shown: in NFC, without the folders before it,
// control and direction characters, and the space around it. A name is for people
// only: it is no part of a path, an object's key or a header without encoding.
func cleanName(wrong *failure.Fields, given string) string {
	if len(given) > maxGivenName {
		wrong.Add("filename", input.CodeTooLong, "must have at most 255 characters")
		return ""
	}
	name := norm.NFC.String(strings.ToValidUTF8(given, ""))
	if i := strings.LastIndexAny(name, `/\`); i >= 0 {
		name = name[i+1:]
	}
	name = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r), unicode.In(r, unicode.Zl, unicode.Zp),
			unicode.Is(unicode.Noncharacter_Code_Point, r), r == '\uFEFF', r == '\uFFFC', r == '\uFFFD':
			return -1
		case unicode.IsSpace(r):
			return ' '
		}
		return r
	}, name)
	name = strings.TrimSpace(name)
	visible := strings.ContainsFunc(name, func(r rune) bool {
		return unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsSymbol(r) || unicode.IsPunct(r) && r != '.'
	})
	switch {
	case !visible:
		wrong.Add("filename", input.CodeRequired, "must hold a visible name, not only folders or dots")
		return ""
	case utf8.RuneCountInString(name) > maxName:
		wrong.Add("filename", input.CodeTooLong, "must have at most 255 characters")
		return ""
	}
	return name
}

// derivedName is the name of what is made of a file: its own, with the ending of
// the format.
func derivedName(of string, made Type, format Format) string {
	ending := path.Ext(of)
	base := strings.TrimSuffix(of, ending)
	if base == "" {
		base = of
	}
	if made == Accessible {
		base += "-accessible"
	}
	tail := "." + string(format)
	if strings.EqualFold(ending, tail) || format == HTML && strings.EqualFold(ending, ".htm") {
		tail = ending
	}
	most := maxName - utf8.RuneCountInString(tail)
	if runes := []rune(base); len(runes) > most {
		base = string(runes[:most])
	}
	return base + tail
}
