package campaign

import (
	"io"
	"slices"
	"strings"

	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/input"
)

// Lengths of codes.
const (
	minCode       = 3
	maxCode       = 48
	generatedCode = 8
)

// reserved are codes that would be taken for something of the product's own.
var reserved = []string{
	"admin", "api", "app", "auth", "billing", "campaign", "campaigns", "contact", "dashboard", "docs", "download",
	"health", "healthz", "help", "home", "index", "join", "legal", "link", "links", "login", "logout", "metrics",
	"new", "null", "official", "openapi", "partner", "partners", "perfectworks", "pricing", "privacy", "profile",
	"readyz", "ref", "referral", "referrals", "referrer", "register", "root", "security", "settings", "signin",
	"signup", "staff", "status", "support", "system", "terms", "test", "undefined", "www",
}

// FoldCode returns the form in which codes are compared. What is no code stays
// none: letters that only look like those of ASCII are not folded to them.
func FoldCode(code string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, strings.Trim(code, " "))
}

// ValidCode reports whether a folded text has the form of a code: lower case
// letters of ASCII, digits and single hyphens between them.
func ValidCode(code string) bool {
	if len(code) < minCode || len(code) > maxCode || strings.Contains(code, "--") {
		return false
	}
	for i, r := range []byte(code) {
		letter := r >= 'a' && r <= 'z' || r >= '0' && r <= '9'
		if !letter && (r != '-' || i == 0 || i == len(code)-1) {
			return false
		}
	}
	return true
}

// CheckCode notes what is wrong with a code that somebody chose, and returns it
// folded.
func CheckCode(wrong *failure.Fields, field, code string) string {
	code = FoldCode(code)
	switch {
	case !ValidCode(code):
		wrong.Add(field, input.CodeFormat, "must have 3 to 48 letters from a to z, digits and single hyphens between them")
	case slices.Contains(reserved, code):
		wrong.Add(field, CodeReserved, "is reserved")
	default:
		return code
	}
	return ""
}

// CodeReserved is the code of the rule against reserved words.
const CodeReserved = "RESERVED"

// alphabet has no letters that are easily taken for others.
const alphabet = "abcdefghjkmnpqrstuvwxyz23456789"

// GenerateCode returns a code of random letters.
func GenerateCode(entropy io.Reader) (string, error) {
	var code []byte
	var one [1]byte
	for len(code) < generatedCode {
		if _, err := io.ReadFull(entropy, one[:]); err != nil {
			return "", err
		}
		// A byte beyond the last whole multiple would prefer some letters.
		if int(one[0]) < 256/len(alphabet)*len(alphabet) {
			code = append(code, alphabet[int(one[0])%len(alphabet)])
		}
	}
	return string(code), nil
}
