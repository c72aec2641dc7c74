package style

import (
	"strconv"
	"strings"

	"github.com/tdewolff/parse/v2"
	"github.com/tdewolff/parse/v2/css"
)

// token is a component of a value: what the tokenizer gives, or a function with its arguments.
type token struct {
	kind css.TokenType
	// text is the token as written; of identifiers, units and function names in lower case.
	text string
	// number is the value of numbers, percentages and dimensions, whose unit is text.
	number float64
	args   []token
}

// The limits of values.
const (
	maxTokens    = 512
	maxArguments = 8 // depth of functions in functions
)

// values makes components of tokens.
func values(tokens []css.Token) []token {
	out, _ := components(tokens, 0, 0)
	return out
}

func components(tokens []css.Token, at, depth int) ([]token, int) {
	var out []token
	for at < len(tokens) && len(out) < maxTokens {
		t := tokens[at]
		at++
		switch t.TokenType {
		case css.WhitespaceToken, css.CommentToken:
			continue
		case css.RightParenthesisToken:
			if depth > 0 {
				return out, at
			}
			continue
		case css.FunctionToken, css.LeftParenthesisToken:
			if depth >= maxArguments {
				return nil, len(tokens)
			}
			f := token{kind: css.FunctionToken, text: strings.ToLower(strings.TrimSuffix(string(t.Data), "("))}
			f.args, at = components(tokens, at, depth+1)
			out = append(out, f)
			continue
		default:
		}
		out = append(out, component(t))
	}
	return out, at
}

func component(t css.Token) token {
	c := token{kind: t.TokenType, text: string(t.Data)}
	switch t.TokenType {
	case css.IdentToken:
		c.text = strings.ToLower(c.text)
	case css.NumberToken, css.PercentageToken, css.DimensionToken:
		digits := c.text
		end := len(digits)
		for i := range len(digits) {
			ch := digits[i]
			numeric := ch >= '0' && ch <= '9' || ch == '.' || (ch == '+' || ch == '-') && (i == 0 || digits[i-1]|32 == 'e')
			exponent := ch|32 == 'e' && i+1 < len(digits) && (digits[i+1] >= '0' && digits[i+1] <= '9' || digits[i+1] == '-' || digits[i+1] == '+')
			if !numeric && !exponent {
				end = i
				break
			}
		}
		c.number, _ = strconv.ParseFloat(digits[:end], 64)
		c.number = bounded(c.number)
		c.text = strings.ToLower(digits[end:])
	case css.StringToken:
		c.text = unquote(c.text)
	default:
	}
	return c
}

// unquote reads a string or an identifier with its escapes.
func unquote(s string) string {
	if len(s) >= 2 && (s[0] == '"' || s[0] == '\'') && s[len(s)-1] == s[0] {
		s = s[1 : len(s)-1]
	}
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		end := i + 1
		for end < len(s) && end < i+7 && strings.IndexByte("0123456789abcdefABCDEF", s[end]) >= 0 {
			end++
		}
		if end == i+1 {
			i++
			if s[i] != '\n' {
				b.WriteByte(s[i])
			}
			continue
		}
		if code, err := strconv.ParseUint(s[i+1:end], 16, 32); err == nil && code != 0 && code <= 0x10ffff {
			b.WriteRune(rune(code))
		}
		if end < len(s) && s[end] == ' ' {
			end++
		}
		i = end - 1
	}
	return b.String()
}

// lex reads the components of a value that stands for itself.
func lex(value string) []token {
	l := css.NewLexer(parse.NewInputString(value))
	var tokens []css.Token
	for len(tokens) < maxTokens {
		kind, data := l.Next()
		if kind == css.ErrorToken {
			break
		}
		tokens = append(tokens, css.Token{TokenType: kind, Data: data})
	}
	return values(tokens)
}

// split cuts components at commas.
func split(tokens []token) [][]token {
	var out [][]token
	start := 0
	for i, t := range tokens {
		if t.kind == css.CommaToken {
			out = append(out, tokens[start:i])
			start = i + 1
		}
	}
	return append(out, tokens[start:])
}
