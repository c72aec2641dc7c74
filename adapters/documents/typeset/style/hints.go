package style

import (
	"strconv"
	"strings"

	"golang.org/x/net/html"
)

// hintAttributes are the attributes that say how an element looks (HTML Standard, 15.3 and 15.4).
var hintAttributes = map[string]bool{
	"align": true, "valign": true, "bgcolor": true, "width": true, "height": true, "border": true, "cellpadding": true,
	"cellspacing": true, "color": true, "face": true, "size": true, "hspace": true, "vspace": true, "nowrap": true, "type": true,
}

// hasHints tells whether an element has such attributes itself, and, for a cell, the table whose attributes tell how
// its cells look.
func hasHints(n *html.Node) (own bool, table *html.Node) {
	switch n.Data {
	case "table", "td", "th", "tr", "thead", "tbody", "tfoot", "col", "colgroup", "img", "font", "p", "div", "h1", "h2", "h3",
		"h4", "h5", "h6", "hr", "caption", "body", "li", "svg", "video", "iframe", "canvas", "object":
	default:
		return false, nil
	}
	for _, a := range n.Attr {
		if hintAttributes[a.Key] {
			return true, nil
		}
	}
	if n.Data != "td" && n.Data != "th" {
		return false, nil
	}
	if table = ancestor(n, "table"); table != nil {
		_, padding := attribute(table, "cellpadding")
		_, border := attribute(table, "border")
		if padding || border {
			return false, table
		}
	}
	return false, nil
}

// appendHints adds the declarations that the attributes of an element stand for.
func appendHints(list []declaration, n *html.Node) []declaration {
	add := func(name, value string) {
		if parsed := lex(value); len(parsed) > 0 {
			list = append(list, declaration{name: name, value: parsed})
		}
	}
	dimension := func(name, value string) {
		value = strings.TrimSpace(value)
		if _, err := strconv.ParseFloat(strings.TrimSuffix(value, "%"), 64); err == nil {
			if !strings.HasSuffix(value, "%") {
				value += "px"
			}
			add(name, value)
		}
	}
	cell := n.Data == "td" || n.Data == "th"
	if cell {
		if table := ancestor(n, "table"); table != nil {
			if padding, ok := attribute(table, "cellpadding"); ok {
				dimension("padding", padding)
			}
			if border, ok := attribute(table, "border"); ok && border != "0" {
				add("border", "1px solid gray")
			}
		}
	}
	for _, a := range n.Attr {
		value := strings.ToLower(strings.TrimSpace(a.Val))
		switch a.Key {
		case "align":
			switch {
			case n.Data == "img" && (value == "left" || value == "right"):
				add("float", value)
			case n.Data == "table" && value == "center", n.Data == "hr" && value == "center":
				add("margin-left", "auto")
				add("margin-right", "auto")
			case n.Data != "img" && n.Data != "table":
				add("text-align", value)
			}
		case "valign":
			add("vertical-align", value)
		case "bgcolor":
			add("background-color", value)
		case "width", "height":
			if n.Data != "svg" {
				dimension(a.Key, value)
			}
		case "border":
			if n.Data == "table" && value != "0" {
				add("border", "1px solid gray")
			}
		case "cellspacing":
			dimension("border-spacing", value)
		case "color":
			if n.Data == "font" {
				add("color", value)
			}
		case "face":
			if n.Data == "font" {
				add("font-family", value)
			}
		case "nowrap":
			if cell {
				add("white-space", "nowrap")
			}
		case "hspace", "vspace":
			if n.Data == "img" {
				for _, side := range map[string][]string{"hspace": {"left", "right"}, "vspace": {"top", "bottom"}}[a.Key] {
					dimension("margin-"+side, value)
				}
			}
		}
	}
	return list
}

func ancestor(n *html.Node, tag string) *html.Node {
	for p := parent(n); p != nil; p = parent(p) {
		if p.Data == tag {
			return p
		}
	}
	return nil
}
