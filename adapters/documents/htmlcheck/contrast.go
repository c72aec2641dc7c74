package htmlcheck

import (
	"math"
	"strconv"
	"strings"

	"golang.org/x/net/html"
)

// contrast compares the colours of text where both are written in style attributes, or where there is no style sheet
// and the other one is written in a presentational attribute or is what browsers take.
func (c *checker) contrast() {
	for _, n := range c.Elements {
		if !c.Rendered(n) || !hasText(n) || Has(n, "disabled") {
			continue
		}
		p, ok := c.Paint(n)
		if !ok {
			continue
		}
		if ratio := ContrastRatio(p.Text, p.Ground); ratio < p.Need {
			c.fail("color-contrast", n, "%.2f instead of %.1f", math.Floor(ratio*100)/100, p.Need)
		}
	}
}

func hasText(n *html.Node) bool {
	for child := n.FirstChild; child != nil; child = child.NextSibling {
		if child.Type == html.TextNode && strings.TrimSpace(child.Data) != "" {
			return true
		}
	}
	return false
}

// Paint is what an element's own text is painted with, and the ratio of contrast that it needs: 4.5, or 3 if it is large
// and has less than 4.5 (WCAG 2.2, 1.4.3).
type Paint struct {
	Text, Ground Color
	Need         float64
}

// Paint gives the colours of an element's text, if they can be told.
func (d *Document) Paint(n *html.Node) (Paint, bool) {
	text, ground := d.foreground(n), d.background(n)
	switch {
	case !text.known && !ground.known, d.styled && (!text.known || !ground.known):
		return Paint{}, false
	case !text.known:
		text.color = Color{0, 0, 0}
	case !ground.known:
		if within(n, "button", "select", "textarea", "mark") {
			return Paint{}, false
		}
		ground.color = Color{1, 1, 1}
	}
	if ground.color.unknown() || text.color.unknown() {
		return Paint{}, false
	}
	p := Paint{Text: text.color, Ground: ground.color, Need: 4.5}
	if ContrastRatio(p.Text, p.Ground) < p.Need && d.large(n) {
		p.Need = 3
	}
	return p, true
}

// paint is a colour, or that nothing is said of it.
type paint struct {
	color Color
	known bool
}

func within(n *html.Node, names ...string) bool {
	return Named(names...)(n) || Closest(n, Named(names...)) != nil
}

// foreground gives the colour of text. Links and controls have their own where nothing else is said of them.
func (d *Document) foreground(n *html.Node) paint {
	for ; n != nil && n.Type == html.ElementNode; n = n.Parent {
		if value := d.Styles(n)["color"]; value != "" && value != "inherit" && value != "currentcolor" {
			return paint{parseColor(value), true}
		}
		if n.Data == "a" && Has(n, "href") || Named("button", "select", "textarea", "mark")(n) {
			return paint{notTold, true}
		}
		if value := hint(n); value != "" && !d.styled {
			return paint{hintColor(value), true}
		}
	}
	return paint{}
}

func hint(n *html.Node) string {
	switch n.Data {
	case "font":
		return Attr(n, "color")
	case "body":
		return Attr(n, "text")
	}
	return ""
}

// background gives the colour behind an element.
func (d *Document) background(n *html.Node) paint {
	if n == nil || n.Type != html.ElementNode {
		return paint{}
	}
	k := d.of(n)
	if k.grounded {
		return k.ground
	}
	out, ok := d.ownBackground(n)
	if !ok {
		out = d.background(n.Parent)
	}
	k.ground, k.grounded = out, true
	return out
}

func (d *Document) ownBackground(n *html.Node) (paint, bool) {
	style := d.Styles(n)
	if image := style["background-image"]; image != "" && image != "none" || strings.Contains(style["background"], "(") && !strings.HasPrefix(style["background"], "rgb") {
		return paint{notTold, true}, true
	}
	if strings.Contains(style["opacity"], ".") || style["position"] == "absolute" || style["position"] == "fixed" {
		return paint{notTold, true}, true
	}
	for _, value := range []string{style["background-color"], style["background"]} {
		if value != "" && value != "transparent" && value != "none" && value != "inherit" {
			return paint{parseColor(value), true}, true
		}
	}
	if d.styled || !Named("body", "table", "thead", "tbody", "tfoot", "tr", "td", "th")(n) {
		return paint{}, false
	}
	if Attr(n, "background") != "" {
		return paint{notTold, true}, true
	}
	if value := Attr(n, "bgcolor"); value != "" {
		return paint{hintColor(value), true}, true
	}
	return paint{}, false
}

// large tells of text of 24 pixels, or 18.66 if bold (WCAG 2.2, large scale).
func (d *Document) large(n *html.Node) bool {
	size, bold := 16.0, false
	sizes := map[string]float64{"h1": 32, "h2": 24, "h3": 18.72}
	for p := n; p != nil && p.Type == html.ElementNode; p = p.Parent {
		if Named("b", "strong", "h1", "h2", "h3", "h4", "h5", "h6", "th")(p) {
			bold = true
		}
		style := d.Styles(p)
		if weight, err := strconv.Atoi(style["font-weight"]); style["font-weight"] == "bold" || err == nil && weight >= 700 {
			bold = true
		}
		value := style["font-size"]
		if v, err := strconv.ParseFloat(strings.TrimSuffix(value, "px"), 64); err == nil && strings.HasSuffix(value, "px") {
			size = v
			break
		}
		if v, err := strconv.ParseFloat(strings.TrimSuffix(value, "pt"), 64); err == nil && strings.HasSuffix(value, "pt") {
			size = v * 4 / 3
			break
		}
		if v, ok := sizes[p.Data]; ok {
			size = v
			break
		}
	}
	return size >= 24 || bold && size >= 18.66
}
