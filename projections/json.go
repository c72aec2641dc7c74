package projections

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"unicode/utf16"
)

// maxDepth is how deep objects and arrays of a jsonb value can be nested.
// Postgres reads them by recursion, and how deep it gets depends on a setting.
const maxDepth = 500

// numberPattern is a number in JSON.
var numberPattern = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?$`)

// appendJSON writes a value as JSON that Postgres accepts.
func appendJSON(dst []byte, value any) ([]byte, error) {
	encoded, err := json.Marshal(value)
	if err != nil {
		return dst, fmt.Errorf("a value without a JSON form %w", errMisfit) // The error itself may quote it.
	}
	if err := checkJSON(encoded); err != nil {
		return dst, err
	}
	return appendText(dst, string(encoded))
}

// checkJSON refuses what is valid JSON and no valid jsonb: zero characters and
// halves of surrogate pairs, however they are written, numbers of very many
// digits, and very deep nesting.
func checkJSON(text []byte) error {
	depth := 0
	for i := 0; i < len(text); {
		switch c := text[i]; {
		case c == '"':
			end, err := checkString(text, i+1)
			if err != nil {
				return err
			}
			i = end
		case c == '-' || c >= '0' && c <= '9':
			end := i + 1
			for end < len(text) && isNumber(text[end]) {
				end++
			}
			if end-i > maxDigits/2 || hasExponent(text[i:end]) {
				if _, err := parseDecimal(string(text[i:end])); err != nil {
					return err
				}
			}
			i = end
		default:
			switch c {
			case '{', '[':
				depth++
			case '}', ']':
				depth--
			}
			if depth > maxDepth {
				return fmt.Errorf("JSON that is nested deeper than %d %w", maxDepth, errMisfit)
			}
			i++
		}
	}
	return nil
}

func isNumber(c byte) bool {
	return c >= '0' && c <= '9' || c == '.' || c == 'e' || c == 'E' || c == '+' || c == '-'
}

func hasExponent(number []byte) bool {
	for _, c := range number {
		if c == 'e' || c == 'E' {
			return true
		}
	}
	return false
}

// checkString looks at the escapes of a string and returns where it ends.
func checkString(text []byte, i int) (end int, err error) {
	for ; text[i] != '"'; i++ {
		if text[i] == 0 {
			return 0, fmt.Errorf("a zero byte %w", errMisfit)
		}
		if text[i] != '\\' {
			continue
		}
		i++
		if text[i] != 'u' {
			continue
		}
		r := escaped(text[i+1:])
		i += 4
		switch {
		case r == 0:
			return 0, fmt.Errorf("a zero byte %w", errMisfit)
		case !utf16.IsSurrogate(r):
		case i+7 <= len(text) && text[i+1] == '\\' && text[i+2] == 'u' &&
			utf16.DecodeRune(r, escaped(text[i+3:])) != '\uFFFD':
			i += 6
		default:
			return 0, fmt.Errorf("half of a surrogate pair %w", errMisfit)
		}
	}
	return i + 1, nil
}

// escaped reads the four hexadecimal digits of an escape.
func escaped(digits []byte) rune {
	n, _ := strconv.ParseUint(string(digits[:4]), 16, 16) // It is valid JSON.
	return rune(n)
}
