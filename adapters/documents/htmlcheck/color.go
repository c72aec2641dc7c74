package htmlcheck

import (
	"math"
	"strconv"
	"strings"

	"golang.org/x/image/colornames"
)

// Color is a colour of sRGB, each part from 0 to 1; a negative part says that it cannot be told.
type Color [3]float64

func (c Color) unknown() bool { return c[0] < 0 }

var notTold = Color{-1}

// parseColor reads #rgb, #rrggbb, rgb() and names; what it cannot read, or is translucent, cannot be told.
func parseColor(value string) Color {
	value = strings.TrimSpace(value)
	if named, ok := colornames.Map[value]; ok {
		return Color{float64(named.R) / 255, float64(named.G) / 255, float64(named.B) / 255}
	}
	if digits, ok := strings.CutPrefix(value, "#"); ok {
		return hexColor(digits)
	}
	inner, ok := strings.CutPrefix(value, "rgb(")
	if !ok {
		return notTold
	}
	parts := strings.FieldsFunc(strings.TrimSuffix(inner, ")"), func(r rune) bool { return r == ',' || r == ' ' })
	if len(parts) != 3 {
		return notTold
	}
	var out Color
	for i, part := range parts {
		v, err := strconv.ParseFloat(part, 64)
		if err != nil || !(v >= 0 && v <= 255) {
			return notTold
		}
		out[i] = v / 255
	}
	return out
}

// hintColor reads the colour of a presentational attribute, which may leave out the number sign (HTML, 2.3.6).
func hintColor(value string) Color {
	value = strings.ToLower(strings.TrimSpace(value))
	if c := hexColor(value); len(value) == 6 && !c.unknown() {
		return c
	}
	return parseColor(value)
}

func hexColor(digits string) Color {
	if len(digits) == 3 {
		digits = string([]byte{digits[0], digits[0], digits[1], digits[1], digits[2], digits[2]})
	}
	v, err := strconv.ParseUint(digits, 16, 32)
	if err != nil || len(digits) != 6 {
		return notTold
	}
	return Color{float64(v>>16&255) / 255, float64(v>>8&255) / 255, float64(v&255) / 255}
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
