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

// Role returns the role of an element: the first known one of the attribute, else that of the element itself, which also
// counts where a presentational role is in conflict with the rest (WAI-ARIA 1.2, 7.2).
func (d *Document) Role(n *html.Node) string {
	k := d.of(n)
	if k.hasRole {
		return k.role
	}
	role := ExplicitRole(n)
	if role == "" || (role == "none" || role == "presentation") && d.conflict(n) {
		role = d.implicitRole(n)
	}
	k.role, k.hasRole = role, true
	return role
}

// ExplicitRole returns the first role of the attribute that exists, "" if there is none.
func ExplicitRole(n *html.Node) string {
	for role := range strings.FieldsSeq(strings.ToLower(Attr(n, "role"))) {
		if roleFor(role).known {
			return role
		}
	}
	return ""
}

// nameAttributes are those that roles may prohibit: they name an element or its role.
var nameAttributes = []string{"aria-label", "aria-labelledby", "aria-braillelabel", "aria-roledescription", "aria-brailleroledescription"}

// conflict reports whether an element that is marked as presentational keeps its own role: it can have focus or has a
// global attribute (WAI-ARIA 1.2, 7.2). What only describes a role does not count, since there is none.
func (d *Document) conflict(n *html.Node) bool {
	if d.Focusable(n) {
		return true
	}
	for _, a := range n.Attr {
		if a.Key != "aria-hidden" && slices.Contains(globalAttributes, a.Key) && strings.TrimSpace(a.Val) != "" &&
			(!slices.Contains(nameAttributes, a.Key) || a.Key == "aria-label" || a.Key == "aria-labelledby") {
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
		if n.Data == "a" && n.Namespace == "svg" && slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == "href" }) {
			return "link"
		}
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

// isDisabled reports whether a control of a form is disabled, itself or by a fieldset around it.
func isDisabled(n *html.Node) bool {
	if !Named("button", "input", "select", "textarea", "optgroup", "option")(n) || n.Namespace != "" {
		return false
	}
	if Has(n, "disabled") {
		return true
	}
	inner := n
	for p := n.Parent; p != nil; inner, p = p, p.Parent {
		if p.Data == "fieldset" && Has(p, "disabled") && !isFirstLegend(inner) {
			return true
		}
	}
	return false
}

// isFirstLegend recognizes the legend of a fieldset, whose controls are not disabled with the others.
func isFirstLegend(n *html.Node) bool {
	if n.Data != "legend" {
		return false
	}
	for p := n.PrevSibling; p != nil; p = p.PrevSibling {
		if p.Data == "legend" {
			return false
		}
	}
	return true
}

// Focusable reports whether an element can have focus.
func (d *Document) Focusable(n *html.Node) bool {
	if isDisabled(n) || d.of(n).hidden.inert {
		return false
	}
	if _, ok := tabIndex(n); ok {
		return true
	}
	switch n.Data {
	case "a", "area":
		return Has(n, "href")
	case "button", "select", "textarea", "iframe":
		return true
	case "input":
		return !strings.EqualFold(Attr(n, "type"), "hidden")
	case "summary":
		return isSummary(n)
	case "audio", "video":
		return Has(n, "controls")
	}
	return Has(n, "contenteditable") && !strings.EqualFold(Attr(n, "contenteditable"), "false")
}

// isSummary recognizes the summary that opens and closes its details.
func isSummary(n *html.Node) bool {
	if n.Data != "summary" || n.Parent == nil || n.Parent.Data != "details" {
		return false
	}
	for p := n.PrevSibling; p != nil; p = p.PrevSibling {
		if p.Data == "summary" {
			return false
		}
	}
	return true
}

// tabIndex reads the attribute tabindex as HTML does (HTML, 2.3.4.1): what follows the number does not matter.
func tabIndex(n *html.Node) (int, bool) {
	value := strings.TrimLeft(Attr(n, "tabindex"), " \t\n\f\r")
	end := 0
	for end < len(value) && (value[end] >= '0' && value[end] <= '9' || end == 0 && (value[end] == '-' || value[end] == '+')) {
		end++
	}
	index, err := strconv.Atoi(value[:end])
	return index, err == nil
}

// Tabbable reports whether the tab key reaches an element.
func (d *Document) Tabbable(n *html.Node) bool {
	if !d.Focusable(n) {
		return false
	}
	index, ok := tabIndex(n)
	return !ok || index >= 0
}
