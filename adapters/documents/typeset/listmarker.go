package typeset

import (
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/net/html"

	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/typeset/style"
)

// numbering gives the attribute ListNumbering of a list (ISO 32000-1, table 347).
func numbering(n *html.Node, s *style.Style) pdf.Name {
	if n.Data == "dl" {
		return ""
	}
	switch s.ListType {
	case "disc":
		return "Disc"
	case "circle":
		return "Circle"
	case "square":
		return "Square"
	case "decimal", "decimal-leading-zero":
		return "Decimal"
	case "lower-alpha", "lower-latin":
		return "LowerAlpha"
	case "upper-alpha", "upper-latin":
		return "UpperAlpha"
	case "lower-roman":
		return "LowerRoman"
	case "upper-roman":
		return "UpperRoman"
	}
	return ""
}

// markerText is the bullet or the number of a list item.
func markerText(n *html.Node, s *style.Style) string {
	if s.Display != style.ListItem {
		return ""
	}
	if own, ok := strings.CutPrefix(s.ListType, "\x00"); ok {
		return strings.TrimSpace(own)
	}
	switch s.ListType {
	case "none":
		return ""
	case "circle":
		return "○"
	case "square":
		return "▪"
	case "decimal", "decimal-leading-zero", "lower-alpha", "lower-latin", "upper-alpha", "upper-latin", "lower-roman", "upper-roman", "lower-greek":
		return counter(ordinal(n), s.ListType) + "."
	}
	return "•"
}

// ordinal is the number of a list item (HTML Standard, 4.4.8). To count items again and again would take quadratic
// time, so the number goes on from the item before; it is kept in an attribute that no parser makes.
func ordinal(n *html.Node) int {
	own := func(k *html.Node) (int, bool) {
		v, ok := attr(k, "value")
		if !ok {
			v, ok = attr(k, countedAs)
		}
		number, err := strconv.Atoi(strings.TrimSpace(v))
		return min(max(number, -1<<30), 1<<30), ok && err == nil
	}
	number, ok := own(n)
	if !ok {
		step := 1
		reversed := false
		if n.Parent != nil {
			if _, reversed = attr(n.Parent, "reversed"); reversed {
				step = -1
			}
		}
		previous := n.PrevSibling
		for previous != nil && (previous.Type != html.ElementNode || previous.Data != "li") {
			previous = previous.PrevSibling
		}
		if previous != nil {
			before, _ := own(previous)
			number = before + step
		} else {
			number = first(n, reversed)
		}
	}
	n.Attr = append(n.Attr, html.Attribute{Key: countedAs, Val: strconv.Itoa(number)})
	return number
}

const countedAs = "\x00ordinal"

func first(n *html.Node, reversed bool) int {
	if n.Parent == nil {
		return 1
	}
	if v, ok := attr(n.Parent, "start"); ok {
		if start, err := strconv.Atoi(strings.TrimSpace(v)); err == nil {
			return min(max(start, -1<<30), 1<<30)
		}
	}
	if !reversed {
		return 1
	}
	count := 0
	for k := n.Parent.FirstChild; k != nil; k = k.NextSibling {
		if k.Type == html.ElementNode && k.Data == "li" {
			count++
		}
	}
	return count
}

// counter writes a number as a list style does (CSS Counter Styles Level 3, 6).
func counter(n int, kind string) string {
	letters := func(first rune, count int) string {
		if n < 1 {
			return strconv.Itoa(n)
		}
		out := ""
		for v := n; v > 0; v = (v - 1) / count {
			out = string(first+rune((v-1)%count)) + out //nolint:gosec // a letter
		}
		return out
	}
	switch kind {
	case "decimal-leading-zero":
		return fmt.Sprintf("%02d", n)
	case "lower-alpha", "lower-latin":
		return letters('a', 26)
	case "upper-alpha", "upper-latin":
		return letters('A', 26)
	case "lower-greek":
		if n >= 1 && n <= 24 {
			return string([]rune("αβγδεζηθικλμνξοπρστυφχψω")[n-1])
		}
	case "lower-roman":
		return strings.ToLower(roman(n))
	case "upper-roman":
		return roman(n)
	}
	return strconv.Itoa(n)
}

func roman(n int) string {
	if n < 1 || n > 3999 {
		return strconv.Itoa(n)
	}
	var b strings.Builder
	values := []int{1000, 900, 500, 400, 100, 90, 50, 40, 10, 9, 5, 4, 1}
	for i, letters := range []string{"M", "CM", "D", "CD", "C", "XC", "L", "XL", "X", "IX", "V", "IV", "I"} {
		for n >= values[i] {
			b.WriteString(letters)
			n -= values[i]
		}
	}
	return b.String()
}
