package htmlcheck

import (
	"strings"

	"golang.org/x/net/html"
)

// maxNameSteps bounds how many elements one name is computed from: references can multiply without end.
const maxNameSteps = 20_000

// Name computes the name of an element (Accessible Name and Description Computation 1.2), as far as it does
// not depend on style sheets.
func (d *Document) Name(n *html.Node) string {
	return Collapse(d.nameOf(n, newNameContext()))
}

type nameContext struct {
	seen map[*html.Node]bool
	// steps counts the elements looked at for one name.
	steps *int
	// referred is set if the element was reached by aria-labelledby, so that hidden content counts.
	referred bool
	// inside is set if the element is part of the content of another one.
	inside bool
}

func newNameContext() nameContext { return nameContext{seen: map[*html.Node]bool{}, steps: new(int)} }

func (d *Document) nameOf(n *html.Node, in nameContext) string {
	if *in.steps++; in.seen[n] || *in.steps > maxNameSteps {
		return ""
	}
	in.seen[n] = true
	defer delete(in.seen, n)
	if !in.referred && in.inside && !d.Shown(n) {
		return ""
	}
	if !in.referred {
		if name := d.referredName(n, "aria-labelledby", in); strings.TrimSpace(name) != "" {
			return name
		}
	}
	if label := Attr(n, "aria-label"); strings.TrimSpace(label) != "" {
		return label
	}
	role := d.Role(n)
	if role != "presentation" && role != "none" {
		if name := d.nativeName(n, in); strings.TrimSpace(name) != "" {
			return name
		}
	}
	if in.inside {
		if value, ok := embeddedValue(n); ok {
			return value
		}
	}
	if in.inside || in.referred || roleFor(role).fromContent || isNamedByContent(n) {
		if name := d.content(n, in); strings.TrimSpace(name) != "" {
			return name
		}
	}
	return Attr(n, "title")
}

// referredName joins the names of the elements that an attribute refers to.
func (d *Document) referredName(n *html.Node, key string, from nameContext) string {
	var parts []string
	for id := range strings.FieldsSeq(Attr(n, key)) {
		if targets := d.ids[id]; len(targets) > 0 {
			target := targets[0]
			in := nameContext{seen: from.seen, steps: from.steps, referred: true}
			if target == n { // an element may name itself as a part
				in.seen = map[*html.Node]bool{}
			}
			parts = append(parts, d.nameOf(target, in))
		}
	}
	return strings.Join(parts, " ")
}

func (d *Document) content(n *html.Node, in nameContext) string {
	var b strings.Builder
	for child := n.FirstChild; child != nil; child = child.NextSibling {
		switch child.Type {
		case html.TextNode:
			b.WriteString(child.Data)
		case html.ElementNode:
			if child.Data == "script" || child.Data == "style" || child.Data == "template" || child.Data == "noscript" {
				continue
			}
			part := d.nameOf(child, nameContext{seen: in.seen, steps: in.steps, referred: in.referred && !d.Shown(child), inside: true})
			if isBlock(child) {
				part = " " + part + " "
			}
			b.WriteString(part)
		default: // comments have no name
		}
	}
	return b.String()
}

func isBlock(n *html.Node) bool {
	switch n.Data {
	case "a", "abbr", "b", "bdi", "bdo", "cite", "code", "em", "i", "kbd", "label", "mark", "q", "s", "samp", "small",
		"span", "strong", "sub", "sup", "u", "var", "font":
		return false
	}
	return true
}

func isNamedByContent(n *html.Node) bool {
	return n.Data == "label" || n.Data == "legend" || n.Data == "caption" || n.Data == "summary" || n.Data == "title" && n.Namespace == "svg"
}

// nativeName returns the name that HTML itself provides.
func (d *Document) nativeName(n *html.Node, in nameContext) string {
	if n.Namespace == "svg" {
		return d.childName(n, "title", in)
	}
	switch n.Data {
	case "img", "area":
		return Attr(n, "alt")
	case "input":
		return d.inputName(n, in)
	case "textarea", "select", "meter", "progress", "output":
		return d.labels(n, in)
	case "button":
		return d.labels(n, in)
	case "fieldset":
		return d.childName(n, "legend", in)
	case "table":
		return d.childName(n, "caption", in)
	case "figure":
		return d.childName(n, "figcaption", in)
	case "iframe":
		return Attr(n, "title")
	case "optgroup":
		return Attr(n, "label")
	}
	return ""
}

func (d *Document) inputName(n *html.Node, in nameContext) string {
	name := d.labels(n, in)
	switch strings.ToLower(Attr(n, "type")) {
	case "submit":
		if name == "" {
			if name = Attr(n, "value"); !Has(n, "value") {
				name = "Submit"
			}
		}
	case "reset":
		if name == "" {
			if name = Attr(n, "value"); !Has(n, "value") {
				name = "Reset"
			}
		}
	case "button":
		if name == "" {
			name = Attr(n, "value")
		}
	case "image":
		if name == "" {
			name = Attr(n, "alt")
		}
	default:
		if name == "" {
			name = Attr(n, "title")
		}
		if name == "" {
			name = Attr(n, "placeholder")
		}
	}
	return name
}

func (d *Document) childName(n *html.Node, child string, in nameContext) string {
	for _, kid := range Kids(n) {
		if kid.Data == child {
			return d.content(kid, in)
		}
	}
	return ""
}

// Labels returns the labels of a control, shown or not.
func (d *Document) Labels(n *html.Node) []*html.Node {
	if d.labelled != nil {
		return d.labelled[n]
	}
	d.labelled = map[*html.Node][]*html.Node{}
	for _, label := range d.All("label") {
		var control *html.Node
		if !Has(label, "for") {
			control = d.firstControl(label)
		} else if targets := d.ids[Attr(label, "for")]; len(targets) > 0 {
			control = targets[0]
		}
		if control != nil {
			d.labelled[control] = append(d.labelled[control], label)
		}
	}
	return d.labelled[n]
}

func (d *Document) firstControl(label *html.Node) *html.Node {
	var found *html.Node
	Under(label, func(n *html.Node) bool {
		if isLabelable(n) {
			found = n
			return true
		}
		return false
	})
	return found
}

func isLabelable(n *html.Node) bool {
	switch n.Data {
	case "button", "meter", "output", "progress", "select", "textarea":
		return true
	case "input":
		return !strings.EqualFold(Attr(n, "type"), "hidden")
	}
	return false
}

func (d *Document) labels(n *html.Node, in nameContext) string {
	var parts []string
	for _, label := range d.Labels(n) {
		if !d.Shown(label) {
			continue
		}
		parts = append(parts, d.nameOf(label, nameContext{seen: in.seen, steps: in.steps, inside: true}))
	}
	return strings.TrimSpace(strings.Join(parts, " "))
}

// embeddedValue returns what a control inside of a label adds to the label's text: its value.
func embeddedValue(n *html.Node) (string, bool) {
	switch n.Data {
	case "input":
		switch strings.ToLower(Attr(n, "type")) {
		case "checkbox", "radio", "image", "file", "submit", "reset", "button", "color":
			return "", false
		}
		return Attr(n, "value"), true
	case "textarea":
		return Text(n), true
	case "select":
		for _, option := range Kids(n) {
			if Has(option, "selected") {
				return Text(option), true
			}
		}
		return "", true
	}
	return "", false
}
