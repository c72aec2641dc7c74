package htmlcheck

import (
	"math"
	"strconv"
	"strings"

	"golang.org/x/image/colornames"
	"golang.org/x/net/html"
)

// contrast compares the colours of text where both are written in style attributes, or where there is no style sheet
// and the other one is what browsers take.
func (c *checker) contrast() {
	styled := len(c.all("style")) > 0
	for _, n := range c.all("link") {
		styled = styled || strings.Contains(strings.ToLower(attr(n, "rel")), "stylesheet")
	}
	for _, n := range c.elements {
		if !c.rendered(n) || !hasText(n) || has(n, "disabled") {
			continue
		}
		c.contrastOf(n, styled)
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

func (c *checker) contrastOf(n *html.Node, styled bool) {
	text, knownText := inherited(n, "color")
	ground, knownGround := background(n)
	switch {
	case !knownText && !knownGround, styled && (!knownText || !knownGround):
		return
	case !knownText:
		if n.Data == "a" || closest(n, named("a")) != nil || closest(n, named("button", "select", "textarea")) != nil {
			return
		}
		text = rgb{0, 0, 0}
	case !knownGround:
		if n.Data == "button" || closest(n, named("button", "select", "textarea")) != nil {
			return
		}
		ground = rgb{1, 1, 1}
	}
	if ground.unknown() || text.unknown() {
		return
	}
	need := 4.5
	if isLarge(n) {
		need = 3
	}
	if ratio := contrastRatio(text, ground); ratio < need {
		c.fail("color-contrast", n, "%.2f instead of %.1f", math.Floor(ratio*100)/100, need)
	}
}

// rgb is a colour, each part from 0 to 1; a negative part says that it cannot be told.
type rgb [3]float64

func (c rgb) unknown() bool { return c[0] < 0 }

var notTold = rgb{-1}

func inherited(n *html.Node, property string) (rgb, bool) {
	for ; n != nil && n.Type == html.ElementNode; n = n.Parent {
		if value := styles(n)[property]; value != "" && value != "inherit" && value != "currentcolor" {
			return color(value), true
		}
	}
	return rgb{}, false
}

func background(n *html.Node) (rgb, bool) {
	for ; n != nil && n.Type == html.ElementNode; n = n.Parent {
		style := styles(n)
		if image := style["background-image"]; image != "" && image != "none" || strings.Contains(style["background"], "(") && !strings.HasPrefix(style["background"], "rgb") {
			return notTold, true
		}
		if strings.Contains(style["opacity"], ".") || style["position"] == "absolute" || style["position"] == "fixed" {
			return notTold, true
		}
		for _, value := range []string{style["background-color"], style["background"]} {
			if value != "" && value != "transparent" && value != "none" && value != "inherit" {
				return color(value), true
			}
		}
	}
	return rgb{}, false
}

// color reads #rgb, #rrggbb, rgb() and names; what it cannot read, or is translucent, cannot be told.
func color(value string) rgb {
	value = strings.TrimSpace(value)
	if named, ok := colornames.Map[value]; ok {
		return rgb{float64(named.R) / 255, float64(named.G) / 255, float64(named.B) / 255}
	}
	if digits, ok := strings.CutPrefix(value, "#"); ok {
		if len(digits) == 3 {
			digits = string([]byte{digits[0], digits[0], digits[1], digits[1], digits[2], digits[2]})
		}
		v, err := strconv.ParseUint(digits, 16, 32)
		if err != nil || len(digits) != 6 {
			return notTold
		}
		return rgb{float64(v>>16&255) / 255, float64(v>>8&255) / 255, float64(v&255) / 255}
	}
	inner, ok := strings.CutPrefix(value, "rgb(")
	if !ok {
		return notTold
	}
	parts := strings.FieldsFunc(strings.TrimSuffix(inner, ")"), func(r rune) bool { return r == ',' || r == ' ' })
	if len(parts) != 3 {
		return notTold
	}
	var out rgb
	for i, part := range parts {
		v, err := strconv.ParseFloat(part, 64)
		if err != nil {
			return notTold
		}
		out[i] = v / 255
	}
	return out
}

// contrastRatio is that of WCAG 2.2.
func contrastRatio(a, b rgb) float64 {
	x, y := luminance(a), luminance(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func luminance(c rgb) float64 {
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

// isLarge tells of text of 24 pixels, or 18.66 if bold.
func isLarge(n *html.Node) bool {
	size, bold := 16.0, false
	sizes := map[string]float64{"h1": 32, "h2": 24, "h3": 18.72}
	for p := n; p != nil && p.Type == html.ElementNode; p = p.Parent {
		if named("b", "strong", "h1", "h2", "h3", "h4", "h5", "h6", "th")(p) {
			bold = true
		}
		style := styles(p)
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
