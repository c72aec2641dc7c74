package htmlcheck

import (
	"strings"

	"golang.org/x/net/html"

	"github.com/perfectworks/backend/adapters/documents/typeset/style"
)

// leastSpacing is what users may want to set, in font sizes (WCAG 2.2, 1.4.12).
var leastSpacing = map[string]float64{"letter-spacing": 0.12, "word-spacing": 0.16, "line-height": 1.5}

// spacing checks that the user's own spacing of text wins over a style attribute where it is wider.
func (c *checker) spacing(n *html.Node) {
	inline := style.DeclaredInline(Attr(n, "style"))
	for _, property := range []string{"letter-spacing", "word-spacing", "line-height"} {
		d := inline[property]
		if !d.Important {
			continue
		}
		spacing, ok := c.spacingOf(n, property, d.Value)
		if !ok {
			continue
		}
		_, unit, _ := quantity(d.Value)
		narrow, text := false, ""
		c.inheriting(n, property, func(p *html.Node, part string) {
			size := c.fontSize(p)
			if property == "line-height" && unit == "" {
				size = c.fontSize(n) // a factor is inherited as such
			}
			narrow = narrow || strings.TrimSpace(part) != "" && spacing < leastSpacing[property]*size-0.001
			text += part
		})
		if narrow && (property != "line-height" || c.lines(n, Collapse(text)) > 1) {
			c.fail("avoid-inline-spacing", n, "%s: %s", property, d.Value)
		}
	}
}

// spacingOf computes a spacing in pixels, false if it is not known.
func (d *Document) spacingOf(n *html.Node, property, value string) (float64, bool) {
	size := d.fontSize(n)
	switch value {
	case "inherit", "unset": // what users set further out comes through
		return 0, false
	case "normal", "initial", "revert", "revert-layer":
		if property == "line-height" {
			return 1.2 * size, true // about what fonts have
		}
		return 0, true
	}
	if v, unit, ok := quantity(value); ok && unit == "" && property == "line-height" {
		return v * size, true
	}
	return pixels(value, size)
}

// inheriting calls visit for the text that can be seen in an element and has its spacing, since nothing between says
// otherwise, with the element that the text lies in.
func (c *checker) inheriting(n *html.Node, property string, visit func(p *html.Node, text string)) {
	for child := n.FirstChild; child != nil; child = child.NextSibling {
		switch {
		case child.Type == html.TextNode && c.Visible(n):
			visit(n, child.Data)
		case child.Type == html.ElementNode && c.Style(child, property) == "":
			c.inheriting(child, property, visit)
		}
	}
}

// lines estimates how many lines text takes in the width that is said of an element or one around it, or else that of a
// usual window. Letters are about half as wide as the font is large.
func (c *checker) lines(n *html.Node, text string) int {
	if text == "" {
		return 0
	}
	width := 1280.0
	for p := n; p != nil && p.Type == html.ElementNode; p = p.Parent {
		for _, property := range []string{"width", "max-width"} {
			value := c.Style(p, property)
			if v, ok := pixels(value, c.fontSize(p)); ok && v > 0 && !strings.HasSuffix(value, "%") {
				width = min(width, v)
			}
		}
	}
	if Under(n, Named("br")) {
		return 2
	}
	return 1 + int(float64(len([]rune(text)))*c.fontSize(n)/2/width)
}
