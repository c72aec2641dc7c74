package htmlcheck

import (
	_ "embed" // the tables of WAI-ARIA
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/html"
)

// The tables hold what WAI-ARIA 1.2, DPUB-ARIA 1.1 and Graphics-ARIA 1.0 say of roles and attributes.
//
// A role in each line: name, flags (c named from content, p naming prohibited), attributes beside the global ones,
// required attributes, roles that it must be inside of, roles that it must contain.
//
//go:embed roles.txt
var rolesText string

// An attribute in each line: name, type, allowed words.
//
//go:embed attributes.txt
var attributesText string

type roleInfo struct {
	known, fromContent, unnamed          bool
	attributes, required, context, owned []string
}

type attributeInfo struct {
	kind  string
	words []string
}

var roleTable = func() map[string]roleInfo {
	out := map[string]roleInfo{}
	for line := range strings.Lines(rolesText) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "|")
		out[f[0]] = roleInfo{
			known: true, fromContent: strings.Contains(f[1], "c"), unnamed: strings.Contains(f[1], "p"),
			attributes: strings.Fields(f[2]), required: strings.Fields(f[3]), context: strings.Fields(f[4]),
			owned: strings.Fields(f[5]),
		}
	}
	return out
}()

var attributeTable = func() map[string]attributeInfo {
	out := map[string]attributeInfo{}
	for line := range strings.Lines(attributesText) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "|")
		out["aria-"+f[0]] = attributeInfo{kind: f[1], words: strings.Fields(f[2])}
	}
	return out
}()

// globalAttributes are allowed with every role.
var globalAttributes = strings.Fields(`aria-atomic aria-braillelabel aria-brailleroledescription aria-busy aria-controls
	aria-current aria-describedby aria-description aria-details aria-disabled aria-dropeffect aria-errormessage
	aria-flowto aria-grabbed aria-haspopup aria-hidden aria-invalid aria-keyshortcuts aria-label aria-labelledby
	aria-live aria-owns aria-relevant aria-roledescription`)

func roleFor(role string) roleInfo { return roleTable[role] }

// Role gives the role of an element: the first known one of the attribute, else that of the element itself.
func (d *Document) Role(n *html.Node) string {
	k := d.of(n)
	if k.hasRole {
		return k.role
	}
	role := ExplicitRole(n)
	if role == "" {
		role = d.implicitRole(n)
	}
	k.role, k.hasRole = role, true
	return role
}

// ExplicitRole gives the first role of the attribute that exists, "" if there is none.
func ExplicitRole(n *html.Node) string {
	for role := range strings.FieldsSeq(strings.ToLower(Attr(n, "role"))) {
		if roleFor(role).known {
			return role
		}
	}
	return ""
}

// conflict tells whether an element with a presentational role keeps its own one: it can have focus or has a global
// attribute.
func (d *Document) conflict(n *html.Node) bool {
	if d.Focusable(n) {
		return true
	}
	for _, a := range n.Attr {
		if a.Key != "aria-hidden" && slices.Contains(globalAttributes, a.Key) {
			return true
		}
	}
	return false
}

var simpleRoles = map[string]string{
	"article": "article", "blockquote": "blockquote", "button": "button", "caption": "caption",
	"code": "code", "datalist": "listbox", "dd": "definition", "del": "deletion", "details": "group", "dfn": "term",
	"dialog": "dialog", "dt": "term", "em": "emphasis", "fieldset": "group", "figure": "figure", "h1": "heading",
	"h2": "heading", "h3": "heading", "h4": "heading", "h5": "heading", "h6": "heading", "hr": "separator",
	"html": "document", "ins": "insertion", "main": "main", "math": "math", "menu": "list", "meter": "meter",
	"nav": "navigation", "ol": "list", "optgroup": "group", "option": "option", "output": "status", "p": "paragraph",
	"progress": "progressbar", "search": "search", "strong": "strong", "sub": "subscript", "sup": "superscript",
	"table": "table", "tbody": "rowgroup", "textarea": "textbox", "tfoot": "rowgroup", "thead": "rowgroup",
	"time": "time", "tr": "row", "ul": "list", "div": "generic", "span": "generic", "b": "generic", "i": "generic",
	"u": "generic", "small": "generic", "body": "generic", "address": "group", "hgroup": "group",
}

func (d *Document) implicitRole(n *html.Node) string {
	if n.Namespace != "" {
		return ""
	}
	switch n.Data {
	case "a", "area":
		if Has(n, "href") {
			return "link"
		}
		return "generic"
	case "img":
		if Has(n, "alt") && Attr(n, "alt") == "" && !d.conflict(n) {
			return "presentation"
		}
		return "img"
	case "li":
		if n.Parent != nil && Named("ul", "ol", "menu")(n.Parent) {
			return "listitem"
		}
		return ""
	case "header", "footer":
		if Closest(n, Named("article", "aside", "main", "nav", "section")) != nil {
			return "generic"
		}
		if n.Data == "header" {
			return "banner"
		}
		return "contentinfo"
	case "aside":
		if Closest(n, Named("article", "aside", "nav", "section")) != nil && !Has(n, "aria-label") && !Has(n, "aria-labelledby") && !Has(n, "title") {
			return "generic"
		}
		return "complementary"
	case "section":
		if Has(n, "aria-label") || Has(n, "aria-labelledby") || Has(n, "title") {
			return "region"
		}
		return "generic"
	case "form":
		if Has(n, "aria-label") || Has(n, "aria-labelledby") || Has(n, "title") {
			return "form"
		}
		return ""
	case "td", "th":
		return d.cellRole(n)
	case "select":
		size, _ := strconv.Atoi(Attr(n, "size"))
		if Has(n, "multiple") || size > 1 {
			return "listbox"
		}
		return "combobox"
	case "input":
		return inputRole(n)
	}
	return simpleRoles[n.Data]
}

func (d *Document) cellRole(n *html.Node) string {
	table := Closest(n, Named("table"))
	cell := "cell"
	if table != nil {
		switch ExplicitRole(table) {
		case "grid", "treegrid":
			cell = "gridcell"
		case "presentation", "none":
			return ""
		}
	}
	if n.Data == "td" {
		return cell
	}
	if scope := strings.ToLower(Attr(n, "scope")); scope == "row" || scope == "rowgroup" {
		return "rowheader"
	}
	return "columnheader"
}

func inputRole(n *html.Node) string {
	switch kind := strings.ToLower(Attr(n, "type")); kind {
	case "button", "image", "reset", "submit":
		return "button"
	case "checkbox", "radio":
		return kind
	case "number":
		return "spinbutton"
	case "range":
		return "slider"
	case "hidden", "color", "date", "datetime-local", "file", "month", "password", "time", "week":
		return ""
	case "search":
		if Has(n, "list") {
			return "combobox"
		}
		return "searchbox"
	default:
		if Has(n, "list") {
			return "combobox"
		}
		return "textbox"
	}
}

// Focusable tells whether an element can have focus.
func (d *Document) Focusable(n *html.Node) bool {
	if Has(n, "tabindex") {
		if _, err := strconv.Atoi(strings.TrimSpace(Attr(n, "tabindex"))); err == nil {
			return true
		}
	}
	switch n.Data {
	case "a", "area":
		return Has(n, "href")
	case "button", "select", "textarea":
		return !Has(n, "disabled")
	case "input":
		return !Has(n, "disabled") && !strings.EqualFold(Attr(n, "type"), "hidden")
	case "iframe", "summary":
		return true
	case "audio", "video":
		return Has(n, "controls")
	}
	return Has(n, "contenteditable") && !strings.EqualFold(Attr(n, "contenteditable"), "false")
}

// Tabbable tells whether the tab key reaches an element.
func (d *Document) Tabbable(n *html.Node) bool {
	if !d.Focusable(n) {
		return false
	}
	index, err := strconv.Atoi(strings.TrimSpace(Attr(n, "tabindex")))
	return err != nil || index >= 0
}
