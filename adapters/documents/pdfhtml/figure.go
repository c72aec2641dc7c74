package pdfhtml

import (
	"slices"
	"strings"

	"golang.org/x/net/html"

	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/structure"
)

// inlineFigure gathers a figure or formula that stands in a line. It is false if it is only text.
func (g *gatherer) inlineFigure(n *structure.Node, wraps []*wrap, m manner) bool {
	alt := cleanLine(n.Attributes().Alt)
	if n.Attributes().ActualText != "" {
		return false
	}
	if n.Type == "Formula" && !g.hasImage(n) {
		if alt == "" || !g.hasText(n) {
			if alt != "" {
				g.segments = append(g.segments, segment{text: alt, wraps: wraps})
			}
			return alt != ""
		}
		// What the signs of a formula mean is said by its alternative.
		inner := append(slices.Clip(wraps), &wrap{node: element("span", "role", "math", "aria-label", alt)})
		for _, kid := range n.Kids {
			g.node(kid, inner, manner{flat: true, noBreaks: m.noBreaks, plain: style{italic: true}, inLink: true}, 0)
		}
		return true
	}
	g.segments = append(g.segments, g.picture(n, wraps, m, "")...)
	for _, caption := range captionsOf(n, 0) {
		g.space(wraps)
		for _, kid := range caption.Kids {
			g.node(kid, wraps, manner{flat: true, noBreaks: m.noBreaks, inLink: m.inLink, plain: m.plain}, 0)
		}
		g.space(wraps)
	}
	return true
}

// captionsOf gives the captions of a figure, but not those of figures inside of it.
func captionsOf(n *structure.Node, depth int) []*structure.Node {
	var out []*structure.Node
	for _, kid := range n.Kids {
		switch {
		case kid.Type == "Caption":
			out = append(out, kid)
		case kid.Type != "Figure" && depth < 2*maxDepth:
			out = append(out, captionsOf(kid, depth+1)...)
		}
	}
	return out
}

// picture gathers the images of a figure, then the text inside of it. The label is the identifier of its caption, ""
// if it has none.
func (b *builder) picture(n *structure.Node, wraps []*wrap, m manner, label string) []segment {
	alt := cleanLine(n.Attributes().Alt)
	page, _ := b.firstPlace(n)
	var shown []*html.Node
	var texts []segment
	var parts []*structure.Node
	b.eachPart(n, 0, func(part *structure.Node) {
		if part.Type == "Figure" { // with an alternative of its own
			g := gatherer{builder: b}
			g.node(part, wraps, m, 0)
			texts = append(texts, g.segments...)
			return
		}
		parts = append(parts, part)
		for _, i := range part.Content.Images {
			if img := b.image(part.Content.Page, i); img != nil {
				shown = append(shown, img)
			}
		}
		if len(part.Content.Runs) > 0 {
			only := &structure.Node{Content: structure.Content{Page: part.Content.Page, Runs: part.Content.Runs}}
			texts = append(texts, b.gather([]*structure.Node{only}, m)...)
		}
	})
	var out []segment
	for _, img := range b.named(shown, alt, label, page) {
		out = append(out, segment{node: img, page: page, wraps: wraps})
	}
	if len(shown) == 0 {
		if drawing := b.svg(parts); drawing != nil {
			return b.drawing(drawing, texts, alt, page, wraps)
		}
	}
	if len(shown) == 0 && (alt != "" || !slices.ContainsFunc(texts, func(s segment) bool { return s.node != nil })) {
		b.warn("A drawing is not shown, only the text that describes it or stands in it")
		if said := b.plainText(n.Kids); alt != "" && !strings.Contains(said, alt) {
			out = append(out, segment{text: alt, wraps: wraps}, segment{text: " ", wraps: wraps})
		} else if alt == "" && n.Type == "Figure" {
			b.flag("image-alt", page, "a drawing has no alternative text")
		}
	}
	for i := range texts {
		texts[i].wraps = wraps
	}
	return append(out, texts...)
}

// drawing gives a drawing its alternative text. Without one its own text is what is read of it.
func (b *builder) drawing(svg *html.Node, texts []segment, alt string, page int, wraps []*wrap) []segment {
	if alt != "" {
		set(svg, "role", "img")
		set(svg, "aria-label", alt)
	} else {
		b.flag("image-alt", page, "a drawing has no alternative text")
	}
	out := []segment{{node: svg, page: page, wraps: wraps}}
	for _, s := range texts {
		if s.node != nil { // figures inside of it
			out = append(out, s)
		}
	}
	return out
}

// named gives images their alternative text. Several that make one figure have it together.
func (b *builder) named(shown []*html.Node, alt, label string, page int) []*html.Node {
	switch {
	case len(shown) == 0:
	case alt == "" && label == "":
		for range shown {
			b.flagImage(page)
		}
	case alt == "":
		for _, img := range shown {
			set(img, "aria-labelledby", label)
			b.flag("image-alt", page, "an image has only its caption for an alternative text")
		}
	case len(shown) == 1:
		set(shown[0], "alt", alt)
	default:
		together := element("span", "role", "img", "aria-label", alt)
		for _, img := range shown {
			set(img, "alt", "")
			b.put(together, img)
		}
		return []*html.Node{together}
	}
	return shown
}

// eachPart visits the leaves beneath a figure, and figures inside of it; captions are left out.
func (b *builder) eachPart(n *structure.Node, depth int, visit func(*structure.Node)) {
	for _, kid := range n.Kids {
		switch {
		case kid.Type == "Caption" || depth > 2*maxDepth:
		case kid.Type == "" || kid.Type == "Figure":
			visit(kid)
		default:
			b.eachPart(kid, depth+1, visit)
		}
	}
}

// figure writes a figure with its caption.
func (b *builder) figure(parent *html.Node, n *structure.Node, f flow) {
	captions := captionsOf(n, 0)
	if n.Type == "Formula" || n.Attributes().ActualText != "" {
		b.paragraph(parent, []*structure.Node{n}, manner{flat: true})
		return
	}
	e := element("figure")
	b.foreign(e, n)
	caption := element("figcaption")
	inner := f
	inner.tight, inner.noHeadings = true, true
	for _, c := range captions {
		b.blocks(caption, c.Kids, inner)
	}
	label := ""
	if hasContent(caption) {
		label = b.numbered("caption")
		set(caption, "id", label)
	}
	segments := b.picture(n, nil, manner{flat: true}, label)
	for i := range segments { // a figure inside of another has the same caption
		img := segments[i].node
		if img != nil && img.Data == "img" && label != "" && !has(img, "alt") && !has(img, "aria-labelledby") {
			set(img, "aria-labelledby", label)
		}
	}
	if slices.ContainsFunc(segments, func(s segment) bool { return strings.TrimSpace(s.text) != "" }) {
		p := element("p")
		b.fill(p, segments)
		b.add(e, p)
	} else {
		e.AppendChild(text("\n"))
		b.fill(e, segments)
	}
	if !hasContent(e) && label == "" {
		b.keepMarks(parent, e)
		return
	}
	if label != "" {
		b.add(e, caption)
	}
	e.AppendChild(text("\n"))
	b.place(e, n)
	b.add(parent, e)
}

func has(n *html.Node, name string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == name })
}

// withCaptions gives figures and tables the captions that stand beside them: after a figure, before a table.
func withCaptions(nodes []*structure.Node) []*structure.Node {
	takes := func(i int, kinds ...pdf.Name) bool {
		return i >= 0 && i < len(nodes) && slices.Contains(kinds, nodes[i].Type) && !hasKid(nodes[i], "Caption")
	}
	if !slices.ContainsFunc(nodes, func(n *structure.Node) bool { return n.Type == "Caption" }) {
		return nodes
	}
	owner, taken := map[int]int{}, map[int]int{} // of captions, and the captions of others
	for _, try := range []struct {
		step  int
		kinds []pdf.Name
	}{{-1, []pdf.Name{"Figure"}}, {1, []pdf.Name{"Table"}}, {1, []pdf.Name{"Figure"}}, {-1, []pdf.Name{"Table"}}} {
		for i, n := range nodes {
			_, owned := owner[i]
			_, given := taken[i+try.step]
			if n.Type == "Caption" && !owned && !given && takes(i+try.step, try.kinds...) {
				owner[i], taken[i+try.step] = i+try.step, i
			}
		}
	}
	var out []*structure.Node
	for i, n := range nodes {
		if _, owned := owner[i]; owned {
			continue
		}
		if caption, given := taken[i]; given {
			whole := *n
			whole.Kids = append(slices.Clip(n.Kids), nodes[caption])
			n = &whole
		}
		out = append(out, n)
	}
	return out
}
