package htmlcheck

import (
	"strings"

	"golang.org/x/net/html"
)

// accessibleName computes the name of an element (Accessible Name and Description Computation 1.2), as far as it does
// not depend on style sheets.
func (d *document) accessibleName(n *html.Node) string {
	return collapse(d.nameOf(n, nameContext{seen: map[*html.Node]bool{}}))
}

type nameContext struct {
	seen map[*html.Node]bool
	// referred tells that the element was reached by aria-labelledby, so that hidden content counts.
	referred bool
	// inside tells that the element is part of the content of another one.
	inside bool
}

func (d *document) nameOf(n *html.Node, in nameContext) string {
	if in.seen[n] {
		return ""
	}
	in.seen[n] = true
	defer delete(in.seen, n)
	if !in.referred && in.inside && !d.shown(n) {
		return ""
	}
	if !in.referred {
		if name := d.referredName(n, "aria-labelledby", in.seen); strings.TrimSpace(name) != "" {
			return name
		}
	}
	if label := attr(n, "aria-label"); strings.TrimSpace(label) != "" {
		return label
	}
	role := d.role(n)
	if role != "presentation" && role != "none" || d.conflict(n) {
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
	return attr(n, "title")
}

// referredName joins the names of the elements that an attribute refers to.
func (d *document) referredName(n *html.Node, key string, seen map[*html.Node]bool) string {
	var parts []string
	for id := range strings.FieldsSeq(attr(n, key)) {
		if targets := d.ids[id]; len(targets) > 0 {
			target := targets[0]
			in := nameContext{seen: seen, referred: true}
			if target == n { // an element may name itself as a part
				in.seen = map[*html.Node]bool{}
			}
			parts = append(parts, d.nameOf(target, in))
		}
	}
	return strings.Join(parts, " ")
}

func (d *document) content(n *html.Node, in nameContext) string {
	var b strings.Builder
	for child := n.FirstChild; child != nil; child = child.NextSibling {
		switch child.Type {
		case html.TextNode:
			b.WriteString(child.Data)
		case html.ElementNode:
			if child.Data == "script" || child.Data == "style" || child.Data == "template" || child.Data == "noscript" {
				continue
			}
			part := d.nameOf(child, nameContext{seen: in.seen, referred: in.referred && !d.shown(child), inside: true})
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

// nativeName gives the name that HTML itself provides.
func (d *document) nativeName(n *html.Node, in nameContext) string {
	switch n.Data {
	case "img", "area":
		return attr(n, "alt")
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
		return attr(n, "title")
	case "svg":
		return d.childName(n, "title", in)
	case "optgroup":
		return attr(n, "label")
	}
	return ""
}

func (d *document) inputName(n *html.Node, in nameContext) string {
	name := d.labels(n, in)
	switch strings.ToLower(attr(n, "type")) {
	case "submit":
		if name == "" {
			if name = attr(n, "value"); !has(n, "value") {
				name = "Submit"
			}
		}
	case "reset":
		if name == "" {
			if name = attr(n, "value"); !has(n, "value") {
				name = "Reset"
			}
		}
	case "button":
		if name == "" {
			name = attr(n, "value")
		}
	case "image":
		if name == "" {
			name = attr(n, "alt")
		}
	default:
		if name == "" {
			name = attr(n, "title")
		}
		if name == "" {
			name = attr(n, "placeholder")
		}
	}
	return name
}

func (d *document) childName(n *html.Node, child string, in nameContext) string {
	for _, kid := range kids(n) {
		if kid.Data == child {
			return d.content(kid, in)
		}
	}
	return ""
}

// labelsOf gives the labels of a control, shown or not.
func (d *document) labelsOf(n *html.Node) []*html.Node {
	var out []*html.Node
	id := attr(n, "id")
	for _, label := range d.all("label") {
		switch target := attr(label, "for"); {
		case has(label, "for"):
			if id != "" && target == id && d.ids[id][0] == n {
				out = append(out, label)
			}
		case d.firstControl(label) == n:
			out = append(out, label)
		}
	}
	return out
}

func (d *document) firstControl(label *html.Node) *html.Node {
	var found *html.Node
	d.under(label, func(n *html.Node) bool {
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
		return !strings.EqualFold(attr(n, "type"), "hidden")
	}
	return false
}

func (d *document) labels(n *html.Node, in nameContext) string {
	var parts []string
	for _, label := range d.labelsOf(n) {
		if !d.shown(label) {
			continue
		}
		parts = append(parts, d.nameOf(label, nameContext{seen: in.seen, inside: true}))
	}
	return strings.TrimSpace(strings.Join(parts, " "))
}

// embeddedValue gives what a control inside of a label adds to the label's text: its value.
func embeddedValue(n *html.Node) (string, bool) {
	switch n.Data {
	case "input":
		switch strings.ToLower(attr(n, "type")) {
		case "checkbox", "radio", "image", "file", "submit", "reset", "button", "color":
			return "", false
		}
		return attr(n, "value"), true
	case "textarea":
		return text(n), true
	case "select":
		for _, option := range kids(n) {
			if has(option, "selected") {
				return text(option), true
			}
		}
		return "", true
	}
	return "", false
}
