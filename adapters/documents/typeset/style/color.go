package style

import (
	"strconv"
	"strings"

	"github.com/tdewolff/parse/v2/css"
	"golang.org/x/image/colornames"
)

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
	default:
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
