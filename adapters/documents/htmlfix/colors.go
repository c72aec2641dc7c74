package htmlfix

import (
	"fmt"
	"math"
	"strings"

	"golang.org/x/net/html"

	"github.com/perfectworks/backend/adapters/documents/htmlcheck"
)

// colors gives text enough contrast, and lets readers space it. A colour that several elements inherit is changed where
// it is set if all of them need it.
func (p *plan) colors() {
	failing := p.findings("color-contrast")
	if len(failing) > 0 {
		p.contrast(failing)
	}
	for _, f := range p.findings("avoid-inline-spacing") {
		style := htmlcheck.Attr(f.Node, "style")
		changed := replaceDeclarations(style, func(name, value string) string {
			if name == "letter-spacing" || name == "word-spacing" || name == "line-height" {
				return strings.TrimSpace(cutImportant(value))
			}
			return value
		})
		p.add(p.start(f.Rule, f.Node, "!important removed from the spacing of text").set(f.Node, "style", changed))
	}
}

func (p *plan) contrast(failing []htmlcheck.Finding) {
	type heirs struct {
		all, failing int
		ground       htmlcheck.Color
		mixed        bool
		need         float64
	}
	setters := map[*html.Node]*heirs{}
	for _, n := range p.Elements {
		if p.Rendered(n) && hasText(n) {
			if setter := p.setter(n); setter != nil {
				if setters[setter] == nil {
					setters[setter] = &heirs{}
				}
				setters[setter].all++
			}
		}
	}
	for _, f := range failing {
		paint, ok := p.Paint(f.Node)
		h := setters[p.setter(f.Node)]
		if !ok || h == nil {
			continue
		}
		h.mixed = h.mixed || h.failing > 0 && h.ground != paint.Ground
		h.failing++
		h.ground, h.need = paint.Ground, max(h.need, paint.Need)
	}
	done := map[*html.Node]bool{}
	for _, f := range failing {
		paint, ok := p.Paint(f.Node)
		if !ok || paint.Faded { // another colour would fade as well
			continue
		}
		target, need := f.Node, paint.Need
		if setter := p.setter(f.Node); setter != nil && setters[setter].all == setters[setter].failing && !setters[setter].mixed {
			target, need = setter, setters[setter].need
		}
		if done[target] {
			continue
		}
		done[target] = true
		better, ok := contrasting(paint.Text, paint.Ground, need)
		if !ok {
			continue
		}
		r := p.start(f.Rule, target, fmt.Sprintf("colour of the text changed from %s to %s", hex(paint.Text), hex(better)))
		p.add(r.setColor(target, hex(better)))
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

// setter returns the element for which the colour of an element's text is set, nil if it is for none.
func (p *plan) setter(n *html.Node) *html.Node {
	for ; n != nil && n.Type == html.ElementNode; n = n.Parent {
		if value := p.Style(n, "color"); value != "" && value != "inherit" && value != "currentcolor" {
			return n
		}
	}
	return nil
}

// contrasting moves a colour towards black or white, in steps of a hundredth, until it has a contrast to the ground.
// Both ways keep the hue; the one that leads away from the ground is tried first.
func contrasting(text, ground htmlcheck.Color, need float64) (htmlcheck.Color, bool) {
	black, white := htmlcheck.Color{}, htmlcheck.Color{1, 1, 1}
	ends := []htmlcheck.Color{black, white}
	if htmlcheck.ContrastRatio(text, black) > htmlcheck.ContrastRatio(ground, black) { // the text is the lighter one
		ends = []htmlcheck.Color{white, black}
	}
	for _, end := range ends {
		for step := 1; step <= 100; step++ {
			var c htmlcheck.Color
			for i := range c {
				c[i] = math.Round(255*(text[i]+(end[i]-text[i])*float64(step)/100)) / 255
			}
			if htmlcheck.ContrastRatio(c, ground) >= need {
				return c, true
			}
		}
	}
	return htmlcheck.Color{}, false
}

func hex(c htmlcheck.Color) string {
	return fmt.Sprintf("#%02x%02x%02x", int(math.Round(c[0]*255)), int(math.Round(c[1]*255)), int(math.Round(c[2]*255)))
}

// setColor sets the colour in a style attribute, and keeps whether it is important.
func (r *repair) setColor(n *html.Node, color string) *repair {
	found := false
	style := replaceDeclarations(htmlcheck.Attr(n, "style"), func(name, value string) string {
		if name != "color" {
			return value
		}
		found = true
		if cutImportant(value) != value {
			return color + " !important"
		}
		return color
	})
	if !found {
		if r.plan.Important(n, "color") {
			color += " !important"
		}
		return r.style(n, "color: "+color)
	}
	return r.set(n, "style", style)
}

func cutImportant(value string) string {
	if i := strings.Index(strings.ToLower(value), "!important"); i >= 0 {
		return value[:i]
	}
	return value
}

// replaceDeclarations changes values in a style attribute and keeps the rest as it is written.
func replaceDeclarations(style string, change func(name, value string) string) string {
	parts := strings.Split(style, ";")
	for i, part := range parts {
		name, value, ok := strings.Cut(part, ":")
		if !ok {
			continue
		}
		trimmed := strings.TrimSpace(value)
		if changed := change(strings.ToLower(strings.TrimSpace(name)), trimmed); changed != trimmed {
			parts[i] = name + ":" + value[:len(value)-len(strings.TrimLeft(value, " \t\r\n"))] + changed
		}
	}
	return strings.Join(parts, ";")
}
