package htmlcheck

import (
	"math"
	"strings"

	"github.com/perfectworks/backend/adapters/documents/typeset/style"
)

// Color is a colour of sRGB, each part from 0 to 1.
type Color [3]float64

// translucent is a colour with its opacity, which is negative if the colour is not known.
type translucent [4]float64

var notTold = translucent{0, 0, 0, -1}

// over paints a colour upon an opaque one.
func (c translucent) over(ground Color) Color { return mix(Color{c[0], c[1], c[2]}, ground, c[3]) }

// mix mixes two colours; share is that of the first one.
func mix(a, b Color, share float64) Color {
	var out Color
	for i := range out {
		out[i] = a[i]*share + b[i]*(1-share)
	}
	return out
}

// parseColor reads a colour as CSS writes it.
func parseColor(value string) translucent {
	c, ok := style.ParseColor(strings.TrimSpace(value))
	if !ok {
		return notTold
	}
	return translucent(c)
}

// hintColor reads the colour of a presentational attribute, which may leave out the number sign (HTML, 2.3.6).
func hintColor(value string) translucent {
	value = strings.ToLower(strings.TrimSpace(value))
	if c := parseColor("#" + value); len(value) == 6 && c[3] >= 0 {
		return c
	}
	return parseColor(value)
}

// words divides a value at the white space and commas outside of parentheses.
func words(value string) []string {
	var out []string
	depth, start := 0, 0
	for i, r := range value + " " {
		switch {
		case r == '(':
			depth++
		case r == ')':
			depth--
		case depth <= 0 && strings.ContainsRune(" ,\t\n\r", r):
			if i > start {
				out = append(out, value[start:i])
			}
			start = i + 1
		}
	}
	return out
}

// colorIn finds the colour in the shorthand background, "" if there is none.
func colorIn(shorthand string) string {
	for _, word := range words(shorthand) {
		if parseColor(word)[3] >= 0 {
			return word
		}
	}
	return ""
}

// gradientColors finds the colours of gradients; nil if one cannot be read, or if there is an image as well.
func gradientColors(value string) []translucent {
	if strings.Contains(value, "url(") || strings.Contains(value, "var(") {
		return nil
	}
	var out []translucent
	for _, word := range words(value) {
		name, inner, ok := strings.Cut(word, "(")
		if !ok || !strings.HasSuffix(name, "gradient") {
			continue
		}
		for _, part := range words(strings.TrimSuffix(inner, ")")) {
			if c := parseColor(part); c[3] >= 0 {
				out = append(out, c)
			}
		}
	}
	return out
}

// ContrastRatio is that of WCAG 2.2, from 1 to 21.
func ContrastRatio(a, b Color) float64 {
	x, y := luminance(a), luminance(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func luminance(c Color) float64 {
	sum := 0.0
	for i, weight := range [3]float64{0.2126, 0.7152, 0.0722} {
		v := c[i]
		if v <= 0.04045 {
			v /= 12.92
		} else {
			v = math.Pow((v+0.055)/1.055, 2.4)
		}
		sum += weight * v
	}
	return sum
}
