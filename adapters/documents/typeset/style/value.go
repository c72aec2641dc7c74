package style

import (
	"strconv"
	"strings"

	"github.com/tdewolff/parse/v2"
	"github.com/tdewolff/parse/v2/css"
	"golang.org/x/image/colornames"
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
			b.WriteRune(rune(code)) //nolint:gosec // a code point
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

// units gives the points of absolute units (CSS Values and Units Level 4, 6.2).
var units = map[string]float64{
	"px": 0.75, "pt": 1, "pc": 12, "in": 72, "cm": 72 / 2.54, "mm": 72 / 25.4, "q": 72 / 101.6,
}

// length reads a length or a percentage. Size and root are the font sizes that em and rem refer to.
func (t token) length(size, root float64) (Length, bool) {
	switch t.kind {
	case css.NumberToken:
		return Length{}, t.number == 0
	case css.PercentageToken:
		return Length{Share: t.number / 100}, true
	case css.DimensionToken:
		if factor, ok := units[t.text]; ok {
			return Length{Points: bounded(t.number * factor)}, true
		}
		switch t.text {
		case "em":
			return Length{Points: bounded(t.number * size)}, true
		case "rem":
			return Length{Points: bounded(t.number * root)}, true
		case "ex", "ch":
			return Length{Points: bounded(t.number * size / 2)}, true
		case "vw", "vmin", "dvw", "svw", "lvw":
			return Length{Points: bounded(t.number / 100 * viewport[0])}, true
		case "vh", "vmax", "dvh", "svh", "lvh":
			return Length{Points: bounded(t.number / 100 * viewport[1])}, true
		}
	case css.FunctionToken:
		return t.function(size, root)
	}
	return Length{}, false
}

// viewport is what the viewport's units refer to: the area within the margins of a page of A4.
var viewport = [2]float64{482, 728}

// function computes calc(), min(), max() and clamp() where it takes no knowledge of the layout.
func (t token) function(size, root float64) (Length, bool) {
	switch t.text {
	case "calc", "":
		return sum(t.args, size, root)
	case "min", "max", "clamp":
		var out Length
		for i, part := range split(t.args, css.CommaToken) {
			l, ok := sum(part, size, root)
			if !ok {
				return Length{}, false
			}
			less := l.Points+l.Share*viewport[0] < out.Points+out.Share*viewport[0]
			switch {
			case i == 0:
				out = l
			case t.text == "min" && less, t.text == "max" && !less, t.text == "clamp" && i == 1 && !less, t.text == "clamp" && i == 2 && less:
				out = l
			}
		}
		return out, true
	}
	return Length{}, false
}

// sum computes terms that are added, subtracted, multiplied and divided, from the left to the right.
func sum(args []token, size, root float64) (Length, bool) {
	var out, term Length
	sign, op := 1.0, byte(0)
	for _, a := range args {
		if a.kind == css.DelimToken && len(a.text) == 1 && strings.Contains("+-*/", a.text) {
			op = a.text[0]
			if op == '+' || op == '-' {
				out.Points, out.Share, term = out.Points+sign*term.Points, out.Share+sign*term.Share, Length{}
				sign = 1
				if op == '-' {
					sign = -1
				}
			}
			continue
		}
		switch {
		case a.kind == css.NumberToken && op == '*':
			term.Points, term.Share = term.Points*a.number, term.Share*a.number
		case a.kind == css.NumberToken && op == '/' && a.number != 0:
			term.Points, term.Share = term.Points/a.number, term.Share/a.number
		case a.kind == css.NumberToken:
			term = Length{Points: a.number} // a factor that comes first
		default:
			l, ok := a.length(size, root)
			if !ok {
				return Length{}, false
			}
			if op == '*' {
				l.Points, l.Share = l.Points*term.Points, l.Share*term.Points
			}
			term = l
		}
	}
	return Length{Points: bounded(out.Points + sign*term.Points), Share: bounded(out.Share + sign*term.Share)}, true
}

// split cuts components at a separator.
func split(tokens []token, at css.TokenType) [][]token {
	var out [][]token
	start := 0
	for i, t := range tokens {
		if t.kind == at {
			out = append(out, tokens[start:i])
			start = i + 1
		}
	}
	return append(out, tokens[start:])
}

// color reads a colour; current tells that it is that of the text.
func (t token) color() (c Color, current, ok bool) {
	switch t.kind {
	case css.IdentToken:
		switch t.text {
		case "transparent":
			return Color{}, false, true
		case "currentcolor":
			return Color{}, true, true
		}
		if named, known := colornames.Map[t.text]; known {
			return Color{float64(named.R) / 255, float64(named.G) / 255, float64(named.B) / 255, 1}, false, true
		}
		if t.text == "rebeccapurple" {
			return Color{0.4, 0.2, 0.6, 1}, false, true
		}
	case css.HashToken:
		c, ok = hexColor(strings.TrimPrefix(t.text, "#"))
		return c, false, ok
	case css.FunctionToken:
		c, ok = t.functionColor()
		return c, false, ok
	}
	return Color{}, false, false
}

func hexColor(digits string) (Color, bool) {
	if len(digits) == 3 || len(digits) == 4 {
		var long strings.Builder
		for i := range len(digits) {
			long.WriteString(digits[i:i+1] + digits[i:i+1])
		}
		digits = long.String()
	}
	if len(digits) != 6 && len(digits) != 8 {
		return Color{}, false
	}
	c := Color{0, 0, 0, 1}
	for i := 0; i < len(digits); i += 2 {
		v, err := strconv.ParseUint(digits[i:i+2], 16, 8)
		if err != nil {
			return Color{}, false
		}
		c[i/2] = float64(v) / 255
	}
	return c, true
}

// functionColor reads rgb() and hsl() in their old and new notations.
func (t token) functionColor() (Color, bool) {
	c := Color{0, 0, 0, 1}
	n := 0
	hsl := strings.HasPrefix(t.text, "hsl")
	if !hsl && !strings.HasPrefix(t.text, "rgb") {
		return c, false
	}
	for _, a := range t.args {
		v := a.number
		switch {
		case a.kind == css.CommaToken || a.kind == css.DelimToken:
			continue
		case a.kind == css.PercentageToken:
			v /= 100
		case a.kind == css.NumberToken && n < 3 && !hsl:
			v /= 255
		case a.kind == css.NumberToken && hsl && n == 0, a.kind == css.DimensionToken && a.text == "deg":
			v /= 360
		case a.kind == css.NumberToken:
		default:
			return c, false
		}
		if n == 4 {
			return c, false
		}
		if hsl && n == 0 {
			c[0] = v
		} else {
			c[n] = min(max(v, 0), 1)
		}
		n++
	}
	if hsl {
		c[0], c[1], c[2] = hslToRGB(c[0], c[1], c[2])
	}
	return c, n >= 3
}

// hslToRGB follows CSS Color Level 4, 7.1. The hue is a share of the circle.
func hslToRGB(h, s, l float64) (r, g, b float64) {
	h -= float64(int(h))
	if h < 0 {
		h++
	}
	channel := func(n float64) float64 {
		k := n + h*12
		for k >= 12 {
			k -= 12
		}
		return l - s*min(l, 1-l)*max(-1, min(k-3, 9-k, 1))
	}
	return channel(0), channel(8), channel(4)
}

// ParseColor reads a colour as CSS writes it.
func ParseColor(value string) (Color, bool) {
	tokens := lex(value)
	if len(tokens) != 1 {
		return Color{}, false
	}
	c, current, ok := tokens[0].color()
	if current {
		c = Color{0, 0, 0, 1}
	}
	return c, ok
}
