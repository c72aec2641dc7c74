package htmlcheck

import (
	"math"
	"strings"
	"unicode"

	"golang.org/x/net/html"
)

// contrast compares the colours of text where the document says at least one of them, and the other one as well, or
// leaves it to the browser.
func (c *checker) contrast() {
	inactive := c.inactive()
	for _, n := range c.Elements {
		if !c.Visible(n) || isFolded(n) || !c.hasWords(n) || c.underAny(n, inactive) {
			continue
		}
		p, ok := c.Paint(n)
		if !ok {
			continue
		}
		// Text in the colour of its ground is invisible, and is not meant to be read.
		if ratio := ContrastRatio(p.Text, p.Ground); ratio < p.Need && ratio > 1 {
			c.fail("color-contrast", n, "%.2f instead of %.1f", math.Floor(ratio*100)/100, p.Need)
		}
	}
}

// inactive returns the controls that cannot be used and their labels, which need no contrast (WCAG 2.2, 1.4.3).
func (c *checker) inactive() map[*html.Node]bool {
	out := map[*html.Node]bool{}
	for _, n := range c.Elements {
		if !c.disabled(n) {
			continue
		}
		out[n] = true
		for _, label := range c.Labels(n) {
			out[label] = true
		}
		for id := range strings.FieldsSeq(Attr(n, "aria-labelledby")) {
			for _, label := range c.ids[id] {
				out[label] = true
			}
		}
	}
	return out
}

// disabled reports whether an element is marked as one that cannot be used now.
func (d *Document) disabled(n *html.Node) bool {
	if strings.EqualFold(Attr(n, "aria-disabled"), "true") || Has(n, "inert") {
		return true
	}
	if n.Data == "fieldset" {
		return Has(n, "disabled")
	}
	return isDisabled(n)
}

// isFolded reports whether an element is in details that are closed: its colours are not shown.
func isFolded(n *html.Node) bool {
	for p := n; p.Parent != nil; p = p.Parent {
		if p.Parent.Data == "details" && !Has(p.Parent, "open") && !isSummary(p) {
			return true
		}
	}
	return false
}

func (c *checker) underAny(n *html.Node, marked map[*html.Node]bool) bool {
	return marked[n] || Closest(n, func(p *html.Node) bool { return marked[p] }) != nil
}

// hasWords reports whether an element has text of its own in a human language. A single character in a control that has
// another name is a sign.
func (c *checker) hasWords(n *html.Node) bool {
	letters, characters := 0, 0
	for child := n.FirstChild; child != nil; child = child.NextSibling {
		if child.Type != html.TextNode {
			continue
		}
		for _, r := range child.Data {
			if unicode.IsLetter(r) || unicode.IsDigit(r) {
				letters++
			}
			if !unicode.IsSpace(r) {
				characters++
			}
		}
	}
	if characters == 1 && letters == 1 {
		labelled := func(p *html.Node) bool { return Has(p, "aria-label") || Has(p, "aria-labelledby") }
		return !labelled(n) && Closest(n, labelled) == nil
	}
	return letters > 0
}

// Paint is what an element's own text is painted with, and the ratio of contrast that it needs: 4.5, or 3 if it is large
// and has less than 4.5 (WCAG 2.2, 1.4.3).
type Paint struct {
	Text, Ground Color
	Need         float64
	// Faded is set if the element or one around it is translucent, so that the colours are mixed ones.
	Faded bool
}

// layer is what an element paints behind its text.
type layer struct {
	color   translucent
	opacity float64
	// stops are the colours of a gradient.
	stops []translucent
}

// Paint returns the colours of an element's text, if they are known. Where the ground is a gradient, it is the colour of
// it that has the most contrast.
func (d *Document) Paint(n *html.Node) (Paint, bool) {
	text, told := d.foreground(n)
	layers, grounded, ok := d.layers(n)
	if !ok || !told && !grounded || d.styled && (!told || !grounded) {
		return Paint{}, false
	}
	if !told {
		text = translucent{0, 0, 0, 1}
	}
	if shadow := d.shadow(n); shadow != "" {
		outline, around := outlineOf(shadow)
		if !around {
			return Paint{}, false
		}
		layers, grounded = append(layers, layer{color: outline, opacity: 1}), true
	}
	if text[3] < 0 || !grounded && within(n, "button", "select", "textarea", "mark") {
		return Paint{}, false
	}
	best := Paint{Need: 4.5}
	ratio := -1.0
	for i := range gradients(layers) {
		if p := blend(layers, text, i); ContrastRatio(p.Text, p.Ground) > ratio {
			best.Text, best.Ground, best.Faded = p.Text, p.Ground, p.Faded
			ratio = ContrastRatio(p.Text, p.Ground)
		}
	}
	if ratio < best.Need && d.large(n) {
		best.Need = 3
	}
	return best, true
}

// gradients is the largest number of colours that a layer has.
func gradients(layers []layer) int {
	most := 1
	for _, l := range layers {
		most = max(most, len(l.stops))
	}
	return most
}

// blend lays the layers upon white, from the outermost one, and the text upon them; of gradients it takes one colour.
func blend(layers []layer, text translucent, stop int) Paint {
	type group struct {
		behind  Color
		opacity float64
	}
	var groups []group
	ground := Color{1, 1, 1}
	for _, l := range layers {
		if l.opacity < 1 {
			groups = append(groups, group{ground, l.opacity})
		}
		ground = l.color.over(ground)
		if len(l.stops) > 0 {
			ground = l.stops[min(stop, len(l.stops)-1)].over(ground)
		}
	}
	ink := text.over(ground)
	for i := len(groups) - 1; i >= 0; i-- {
		g := groups[i]
		ink, ground = mix(ink, g.behind, g.opacity), mix(ground, g.behind, g.opacity)
	}
	return Paint{Text: ink, Ground: ground, Faded: len(groups) > 0}
}

func within(n *html.Node, names ...string) bool {
	return Named(names...)(n) || Closest(n, Named(names...)) != nil
}

// foreground returns the colour of text, and whether it is known. Links and controls have their own where nothing else is
// said of them.
func (d *Document) foreground(n *html.Node) (translucent, bool) {
	for ; n != nil && n.Type == html.ElementNode; n = n.Parent {
		if d.Style(n, "-webkit-text-fill-color") != "" {
			return notTold, true
		}
		switch value := d.Style(n, "color"); value {
		case "", "inherit", "currentcolor", "unset":
		default:
			return parseColor(value), true
		}
		if n.Data == "a" && Has(n, "href") || Named("button", "select", "textarea", "mark")(n) {
			return notTold, true
		}
		if value := hint(n); value != "" && !d.styled {
			return hintColor(value), true
		}
	}
	return translucent{}, false
}

// shadow returns the shadows of an element's text, which are inherited, "" if there are none.
func (d *Document) shadow(n *html.Node) string {
	for ; n != nil && n.Type == html.ElementNode; n = n.Parent {
		switch value := d.Style(n, "text-shadow"); value {
		case "", "inherit", "unset":
		case "none", "initial":
			return ""
		default:
			return value
		}
	}
	return ""
}

// outlineOf returns the colour of shadows that surround the text on all sides, so that it stands out against them alone.
func outlineOf(shadow string) (translucent, bool) {
	var color translucent
	sides := map[[2]bool]bool{}
	var offsets []float64
	for _, word := range append(words(strings.ReplaceAll(shadow, ",", " , ")), ",") {
		if v, ok := pixels(word, rootSize); ok {
			offsets = append(offsets, v)
			continue
		}
		if c := parseColor(word); c[3] >= 0 {
			color = c
		}
	}
	for i := 0; i+2 < len(offsets); i += 3 {
		if x, y := offsets[i], offsets[i+1]; x != 0 && y != 0 {
			sides[[2]bool{x > 0, y > 0}] = true
		}
	}
	return color, len(sides) == 4 && color[3] == 1
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

// layers returns what lies behind the text of an element, from the outermost one, and whether anything but what browsers
// begin with is among it. It is false if it is not known.
func (d *Document) layers(n *html.Node) (layers []layer, told, ok bool) {
	var chain []*html.Node
	for p := n; p != nil && p.Type == html.ElementNode; p = p.Parent {
		chain = append(chain, p)
	}
	for i := len(chain) - 1; i >= 0; i-- {
		l, known := d.layer(chain[i])
		if !known {
			return nil, false, false
		}
		if l.color[3] == 1 && l.opacity == 1 && len(l.stops) == 0 {
			// It hides what is behind it, but for what a translucent group shows through.
			opaque := true
			for _, outer := range layers {
				opaque = opaque && outer.opacity == 1
			}
			if opaque {
				layers = layers[:0]
			}
		}
		if l.color[3] > 0 || len(l.stops) > 0 || l.opacity < 1 {
			told = true
			layers = append(layers, l)
		}
	}
	return layers, told, true
}

// layer returns what one element paints. It is false for images, and where an element may lie elsewhere than the one
// around it, so that what is behind is not known.
func (d *Document) layer(n *html.Node) (layer, bool) {
	l := layer{opacity: 1}
	if value := d.Style(n, "opacity"); value != "" {
		var ok bool
		if l.opacity, ok = alpha(value); !ok {
			return l, false
		}
	}
	for _, property := range []string{"filter", "backdrop-filter", "mix-blend-mode", "background-clip", "-webkit-background-clip"} {
		if value := d.Style(n, property); value != "" && value != "none" && value != "normal" {
			return l, false
		}
	}
	color, image := d.Style(n, "background-color"), d.Style(n, "background-image")
	shorthand := d.Style(n, "background")
	if image == "" && strings.Contains(shorthand, "gradient(") || strings.Contains(image, "gradient(") {
		if l.stops = gradientColors(shorthand + " " + image); len(l.stops) == 0 {
			return l, false
		}
	} else if image != "" && image != "none" || strings.Contains(shorthand, "url(") || strings.Contains(shorthand, "image") {
		return l, false
	}
	if color == "" && len(l.stops) == 0 {
		color = colorIn(shorthand)
	}
	switch color {
	case "", "transparent", "none", "inherit", "initial", "unset":
	default:
		if l.color = parseColor(color); l.color[3] < 0 {
			return l, false
		}
	}
	position := d.Style(n, "position")
	if (position == "absolute" || position == "fixed") && (l.color[3] < 1 || l.opacity < 1) {
		return l, false
	}
	if d.styled || color != "" || !Named("body", "table", "thead", "tbody", "tfoot", "tr", "td", "th")(n) {
		return l, true
	}
	if Attr(n, "background") != "" {
		return l, false
	}
	if value := Attr(n, "bgcolor"); value != "" {
		l.color = hintColor(value)
	}
	return l, l.color[3] >= 0
}

// large tells of text of 24 pixels, or 18.66 if bold (WCAG 2.2, large scale).
func (d *Document) large(n *html.Node) bool {
	size := d.fontSize(n)
	return size >= 24 || size >= 18.66 && d.bold(n)
}
