package htmlcheck

import (
	"bytes"
	"strconv"

	"golang.org/x/net/html"
)

// Token is a token of a source and its place.
type Token struct {
	Kind       html.TokenType
	Start, End int
	// Name is that of a tag, in lower case.
	Name string
}

// Tokenize splits a source as the parser does. It knows only from the tags what lies in drawings and formulas, where
// CDATA sections are text.
func Tokenize(source []byte) []Token {
	var out []Token
	z := html.NewTokenizer(bytes.NewReader(source))
	offset, foreign := 0, 0
	for {
		z.AllowCDATA(foreign > 0)
		kind := z.Next()
		raw := z.Raw()
		if kind == html.ErrorToken {
			return out
		}
		t := Token{Kind: kind, Start: offset, End: offset + len(raw)}
		offset = t.End
		switch kind {
		case html.StartTagToken, html.SelfClosingTagToken:
			t.Name = lower(raw[1:NameEnd(raw, 1)])
			if kind == html.StartTagToken && (t.Name == "svg" || t.Name == "math") {
				foreign++
			}
		case html.EndTagToken:
			t.Name = lower(raw[2:NameEnd(raw, 2)])
			if t.Name == "svg" || t.Name == "math" {
				foreign = max(foreign-1, 0)
			}
		default: // nothing else has a name
		}
		out = append(out, t)
	}
}

// lower changes the capital letters that HTML takes for small ones, those of ASCII.
func lower(name []byte) string {
	out := bytes.Clone(name)
	for i, c := range out {
		if c >= 'A' && c <= 'Z' {
			out[i] = c + 'a' - 'A'
		}
	}
	return string(out)
}

// NameEnd returns the place in a tag where its name ends, which begins at from.
func NameEnd(tag []byte, from int) int {
	if i := bytes.IndexAny(tag[from:], " \t\r\n\f/>"); i >= 0 {
		return from + i
	}
	return len(tag)
}

// mark writes the offset of each start tag into the tag. The parser gives no positions, and it moves, copies and
// invents elements, so that counting tags would go wrong.
func mark(source []byte, tokens []Token) []byte {
	var out bytes.Buffer
	out.Grow(len(source) + len(source)/4)
	end := 0
	for _, t := range tokens {
		raw := source[t.Start:t.End]
		end = t.End
		if t.Kind != html.StartTagToken && t.Kind != html.SelfClosingTagToken {
			out.Write(raw)
			continue
		}
		name := NameEnd(raw, 1)
		out.Write(raw[:name])
		out.WriteString(" " + marker + "=")
		out.Write(strconv.AppendInt(out.AvailableBuffer(), int64(t.Start), 10))
		out.WriteByte(' ')
		out.Write(raw[name:])
	}
	out.Write(source[end:]) // a tag that does not end
	return out.Bytes()
}
