package htmlfix

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// token is a token of the source and its place.
type token struct {
	kind       html.TokenType
	start, end int
	// name is that of a tag, in lower case.
	name string
}

// tokenize splits a source as the parser does outside of foreign content.
func tokenize(source []byte) []token {
	var out []token
	z := html.NewTokenizer(bytes.NewReader(source))
	offset := 0
	for {
		kind := z.Next()
		raw := z.Raw()
		t := token{kind: kind, start: offset, end: offset + len(raw)}
		offset = t.end
		if kind == html.ErrorToken {
			return out
		}
		switch kind {
		case html.StartTagToken, html.SelfClosingTagToken:
			t.name = strings.ToLower(string(raw[1:nameEnd(raw, 1)]))
		case html.EndTagToken:
			t.name = strings.ToLower(string(raw[2:nameEnd(raw, 2)]))
		default: // nothing else has a name
		}
		out = append(out, t)
	}
}

func nameEnd(raw []byte, from int) int {
	if i := bytes.IndexAny(raw[from:], " \t\r\n\f/>"); i >= 0 {
		return from + i
	}
	return len(raw)
}

// tokenAt finds the token that starts at an offset.
func tokenAt(tokens []token, offset int) (int, bool) {
	return slices.BinarySearchFunc(tokens, offset, func(t token, offset int) int { return cmp.Compare(t.start, offset) })
}

// attribute is one attribute as it is written in a start tag.
type attribute struct {
	key                string
	start, end         int // the whole of it
	valueStart, valEnd int // the value, quotation marks left out
}

// scanTag finds the attributes of a start tag that is source[t.start:t.end], and the place after the last one or after
// the tag's name. It reads as the tokenizer of HTML does (HTML, 13.2.5.32 to 13.2.5.39).
func scanTag(source []byte, t token) (attributes []attribute, last int) {
	end := t.end
	if end > t.start && source[end-1] == '>' {
		end--
	}
	i := t.start + nameEnd(source[t.start:t.end], 1)
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
