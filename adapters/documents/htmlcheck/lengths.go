package htmlcheck

import (
	"strconv"
	"strings"

	"golang.org/x/net/html"
)

// rootSize is the size of the font that browsers begin with, in pixels.
const rootSize = 16

// units are in pixels.
var units = map[string]float64{"px": 1, "pt": 4.0 / 3, "pc": 16, "in": 96, "cm": 96 / 2.54, "mm": 96 / 25.4, "q": 96 / 101.6, "rem": rootSize}

// quantity divides a number from its unit.
func quantity(value string) (float64, string, bool) {
	end := len(value)
	for end > 0 && (value[end-1] < '0' || value[end-1] > '9') && value[end-1] != '.' {
		end--
	}
	v, err := strconv.ParseFloat(value[:end], 64)
	return v, value[end:], err == nil
}

// pixels reads a length, of which em, ch and percentages refer to a font size.
func pixels(value string, fontSize float64) (float64, bool) {
	v, unit, ok := quantity(value)
	if !ok {
		return 0, false
	}
	switch unit {
	case "":
		return 0, v == 0
	case "em":
		return v * fontSize, true
	case "ex", "ch":
		return v * fontSize / 2, true
	case "%":
		return v * fontSize / 100, true
	}
	size, known := units[unit]
	return v * size, known
}

// alpha reads an opacity.
func alpha(value string) (float64, bool) {
	v, unit, ok := quantity(value)
	switch {
	case !ok || unit != "" && unit != "%":
		return 0, false
	case unit == "%":
		v /= 100
	}
	return min(max(v, 0), 1), true
}

// nativeSizes are the sizes of fonts that browsers give to elements, as factors.
var nativeSizes = map[string]float64{"h1": 2, "h2": 1.5, "h3": 1.17, "h5": 0.83, "h6": 0.67, "small": 0.83, "big": 1.2, "sub": 0.83, "sup": 0.83}

var namedSizes = map[string]float64{
	"xx-small": 9, "x-small": 10, "small": 13, "medium": 16, "large": 18, "x-large": 24, "xx-large": 32, "xxx-large": 48,
}

// fontSize returns the size of an element's font in pixels.
func (d *Document) fontSize(n *html.Node) float64 {
	if n == nil || n.Type != html.ElementNode {
		return rootSize
	}
	k := d.of(n)
	if k.fontSize > 0 {
		return k.fontSize
	}
	outer := d.fontSize(n.Parent)
	size := outer
	if factor, ok := nativeSizes[n.Data]; ok {
		size = outer * factor
	}
	value := d.Style(n, "font-size")
	if value == "" {
		// The size in the shorthand stands before the family, perhaps with the height of lines behind it.
		for part := range strings.FieldsSeq(d.Style(n, "font")) {
			part, _, _ = strings.Cut(part, "/")
			if v, unit, ok := quantity(part); ok && unit != "" && v > 0 || namedSizes[part] > 0 {
				value = part
			}
		}
	}
	switch named := namedSizes[value]; {
	case named > 0:
		size = named
	case value == "smaller":
		size = outer / 1.2
	case value == "larger":
		size = outer * 1.2
	default:
		if v, ok := pixels(value, outer); ok && v > 0 {
			size = v
		}
	}
	k.fontSize = min(max(size, 0.1), 10_000)
	return k.fontSize
}

// bold reports whether an element's font is bold.
func (d *Document) bold(n *html.Node) bool {
	for p := n; p != nil && p.Type == html.ElementNode; p = p.Parent {
		switch value := d.Style(p, "font-weight"); value {
		case "bold", "bolder":
			return true
		case "normal", "lighter", "initial":
			return false
		default:
			if weight, err := strconv.Atoi(value); err == nil {
				return weight >= 700
			}
		}
		if strings.Contains(d.Style(p, "font"), "bold") || Named("b", "strong", "h1", "h2", "h3", "h4", "h5", "h6", "th")(p) {
			return true
		}
	}
	return false
}
