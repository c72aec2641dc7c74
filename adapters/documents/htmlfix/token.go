package htmlfix

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"github.com/perfectworks/backend/adapters/documents/htmlcheck"
)

// contentEnd returns the place where the last token ends: what follows is a tag that does not end, and nothing to a reader.
func contentEnd(tokens []htmlcheck.Token) int {
	if len(tokens) == 0 {
		return 0
	}
	return tokens[len(tokens)-1].End
}

// tokenAt finds the token that starts at an offset.
func tokenAt(tokens []htmlcheck.Token, offset int) (int, bool) {
	return slices.BinarySearchFunc(tokens, offset, func(t htmlcheck.Token, offset int) int { return cmp.Compare(t.Start, offset) })
}

// attribute is one attribute as it is written in a start tag.
type attribute struct {
	key                string
	start, end         int // the whole of it
	valueStart, valEnd int // the value, quotation marks left out
}

// scanTag finds the attributes of a start tag that is source[t.Start:t.End], and the place after the last one or after
// the tag's name. It reads as the tokenizer of HTML does (HTML, 13.2.5.32 to 13.2.5.39).
func scanTag(source []byte, t htmlcheck.Token) (attributes []attribute, last int) {
	end := t.End
	if end > t.Start && source[end-1] == '>' {
		end--
	}
	i := t.Start + htmlcheck.NameEnd(source[t.Start:t.End], 1)
	last = i
	for i < end {
		if isSpace(source[i]) || source[i] == '/' {
			i++
			continue
		}
		a := attribute{start: i}
		for i++; i < end && !isSpace(source[i]) && source[i] != '/' && source[i] != '='; i++ {
		}
		a.key, a.end = strings.ToLower(string(source[a.start:i])), i
		a.valueStart, a.valEnd = i, i
		if j := skipSpace(source, i, end); j < end && source[j] == '=' {
			i = scanValue(source, skipSpace(source, j+1, end), end, &a)
			a.end = i
		}
		attributes, last = append(attributes, a), a.end
	}
	return attributes, last
}

// scanValue reads the value that starts at i and gives the place after it.
func scanValue(source []byte, i, end int, a *attribute) int {
	if i < end && (source[i] == '"' || source[i] == '\'') {
		a.valueStart = i + 1
		a.valEnd = end
		if length := bytes.IndexByte(source[i+1:end], source[i]); length >= 0 {
			a.valEnd = i + 1 + length
		}
		return min(a.valEnd+1, end)
	}
	a.valueStart = i
	for i < end && !isSpace(source[i]) {
		i++
	}
	a.valEnd = i
	return i
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' }

func skipSpace(source []byte, i, end int) int {
	for i < end && isSpace(source[i]) {
		i++
	}
	return i
}

var (
	valueEscaper = strings.NewReplacer("&", "&amp;", `"`, "&#34;", "<", "&lt;", ">", "&gt;")
	textEscaper  = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")
)

// escape writes a value for quotation marks.
func escape(value string) string {
	return valueEscaper.Replace(value)
}

// escapeText writes text between tags.
func escapeText(text string) string {
	return textEscaper.Replace(text)
}
