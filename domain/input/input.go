// Package input holds the rules for values that people type, which several
// aggregates share. Each function notes in a failure.Fields what is wrong with
// a field, and returns the value in the form to keep, which is empty when it
// breaks a rule.
package input

import (
	"net/mail"
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"

	"github.com/perfectworks/backend/domain/failure"
)

// The codes of broken rules.
const (
	CodeRequired  = "REQUIRED"
	CodeTooShort  = "TOO_SHORT"
	CodeTooLong   = "TOO_LONG"
	CodeCharacter = "CHARACTER_FORBIDDEN"
	CodeFormat    = "FORMAT_INVALID"
	CodeUnknown   = "VALUE_UNKNOWN"
	CodeRange     = "OUT_OF_RANGE"
	CodePast      = "NOT_IN_THE_FUTURE"
	CodeMismatch  = "MISMATCHED"
)

// maxURL is the length of the longest URL, in characters.
const maxURL = 2048

// Longest parts of an email address, in bytes: RFC 5321, section 4.5.3.1, with
// its erratum 1690.
const (
	maxEmail     = 254
	maxLocalPart = 64
)

// Line is a text of one line, of shortest to longest characters: NFKC, without
// the space around it, without control and direction characters.
func Line(f *failure.Fields, field, value string, shortest, longest int) string {
	return text(f, field, value, shortest, longest, "")
}

// Paragraphs is a text that may also hold line breaks, as \n, and tabs.
func Paragraphs(f *failure.Fields, field, value string, longest int) string {
	value = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(value)
	return text(f, field, value, 0, longest, "\n\t")
}

func text(f *failure.Fields, field, value string, shortest, longest int, allowed string) string {
	// Before the normalisation: its work is bounded by that of a legal value.
	if len(value) > 4*utf8.UTFMax*longest {
		f.Add(field, CodeTooLong, atMost(longest))
		return ""
	}
	if !utf8.ValidString(value) {
		f.Add(field, CodeCharacter, "must be valid UTF-8")
		return ""
	}
	value = strings.TrimSpace(norm.NFKC.String(value))
	n := utf8.RuneCountInString(value)
	switch {
	case n == 0 && shortest > 0:
		f.Add(field, CodeRequired, "must not be empty")
	case n < shortest:
		f.Add(field, CodeTooShort, "must have at least "+strconv.Itoa(shortest)+" characters")
	case n > longest:
		f.Add(field, CodeTooLong, atMost(longest))
	case n > 0 && !strings.ContainsFunc(value, func(r rune) bool { return !invisible(r) && !unicode.IsMark(r) }):
		f.Add(field, invisibleCode(shortest), "must hold something visible")
	case strings.ContainsFunc(value, func(r rune) bool { return forbidden(r) && !strings.ContainsRune(allowed, r) }):
		f.Add(field, CodeCharacter, "must not contain control or text direction characters")
	default:
		return value
	}
	return ""
}

func atMost(n int) string { return "must have at most " + strconv.Itoa(n) + " characters" }

// forbidden are the characters that make a text look like another one, or
// break the line it stands in. Joiners stay: several scripts need them.
func forbidden(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) ||
		unicode.In(r, unicode.Zl, unicode.Zp) || unicode.Is(unicode.Noncharacter_Code_Point, r) ||
		r == '\uFEFF' || r == '\uFFFC'
}

// invisible are the characters that show nothing: spaces, those that only have
// an effect on their neighbours (Unicode's Default_Ignorable_Code_Point), and
// the Braille pattern without dots.
func invisible(r rune) bool {
	return unicode.IsSpace(r) || unicode.IsControl(r) ||
		unicode.In(r, unicode.Cf, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point) ||
		r == '\u2800'
}

// invisibleCode is what a text of nothing visible amounts to: none, where one is
// required.
func invisibleCode(shortest int) string {
	if shortest > 0 {
		return CodeRequired
	}
	return CodeCharacter
}

// URL is an absolute https address, or empty.
func URL(f *failure.Fields, field, value string) string {
	value = strings.TrimSpace(value)
	if value == "" {
		return ""
	}
	if utf8.RuneCountInString(value) > maxURL {
		f.Add(field, CodeTooLong, atMost(maxURL))
		return ""
	}
	u, err := url.Parse(value)
	switch {
	case err != nil || !utf8.ValidString(value),
		strings.ContainsFunc(value, func(r rune) bool { return forbidden(r) || unicode.IsSpace(r) }),
		u.Scheme != "https", u.Hostname() == "", u.User != nil:
		f.Add(field, CodeFormat, "must be an https address without user name and password")
		return ""
	}
	return value
}

// Email is one bare address, or empty: a local part without quotes, and the name
// of a domain, which may be an international one. RFC 5321, section 4.1.2, and
// RFC 6531.
func Email(f *failure.Fields, field, value string) string {
	// Before the normalisation: its work is bounded by that of a legal value.
	if len(value) > 4*utf8.UTFMax*maxEmail {
		f.Add(field, CodeTooLong, atMost(maxEmail))
		return ""
	}
	value = strings.TrimSpace(norm.NFKC.String(value))
	switch {
	case value == "":
	case len(value) > maxEmail:
		f.Add(field, CodeTooLong, "must have at most "+strconv.Itoa(maxEmail)+" bytes")
	case !isAddress(value):
		f.Add(field, CodeFormat, "must be one email address, without a name, spaces and invisible characters")
	default:
		return value
	}
	return ""
}

func isAddress(value string) bool {
	if !utf8.ValidString(value) || strings.ContainsFunc(value, func(r rune) bool { return forbidden(r) || invisible(r) }) {
		return false
	}
	address, err := mail.ParseAddress(value)
	if err != nil || address.Address != value {
		return false
	}
	at := strings.LastIndexByte(value, '@')
	_, err = domains.ToASCII(value[at+1:])
	return err == nil && at <= maxLocalPart
}

// domains are the names of RFC 5891 that can be looked up.
var domains = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.VerifyDNSLength(true))

// Changed collects the names of the fields that an update makes different.
type Changed []string

// If adds a field's name when it differs.
func (c *Changed) If(differs bool, field string) {
	if differs {
		*c = append(*c, field)
	}
}
