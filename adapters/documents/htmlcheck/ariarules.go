package htmlcheck

import (
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/html"
)

// ariaRules checks roles and attributes.
func (c *checker) ariaRules() {
	for _, n := range c.Elements {
		if !c.Rendered(n) {
			continue
		}
		c.roleOf(n)
		c.decoration(n)
		c.attributesOf(n)
		if c.Shown(n) {
			c.structureOf(n)
			c.nesting(n)
		}
		if strings.EqualFold(Attr(n, "aria-hidden"), "true") && n.Data != "body" {
			c.hiddenFocus(n)
		}
	}
}

var deprecatedRoles = []string{"directory", "doc-biblioentry", "doc-endnote"}

// roleOf checks the attribute role itself.
func (c *checker) roleOf(n *html.Node) {
	value := strings.ToLower(strings.TrimSpace(Attr(n, "role")))
	if value == "" {
		return
	}
	role := ExplicitRole(n)
	if role == "" && value != "text" {
		c.fail("aria-roles", n, "%s", value)
		return
	}
	if slices.Contains(deprecatedRoles, role) {
		c.fail("aria-deprecated-role", n, "%s", role)
	}
	if !c.roleAllowed(n, role) {
		c.fail("aria-allowed-role", n, "%s on <%s>", role, n.Data)
	}
}

// decoration checks that what is marked as decoration is not shown to assistive technology all the same.
func (c *checker) decoration(n *html.Node) {
	role := ExplicitRole(n)
	marked := role == "presentation" || role == "none" ||
		role == "" && n.Data == "img" && n.Namespace == "" && Has(n, "alt") && Attr(n, "alt") == ""
	if marked && c.conflict(n) && c.Shown(n) {
		c.fail("presentation-role-conflict", n, "")
	}
}

// allowedRoles lists the roles that elements may have beside their own (ARIA in HTML); elements that are not listed
// may have any. An empty list is none.
var allowedRoles = map[string]string{
	"a":       "button checkbox menuitem menuitemcheckbox menuitemradio option radio switch tab treeitem doc-backlink doc-biblioref doc-glossref doc-noteref",
	"article": "application document feed main none presentation region", "aside": "feed none note presentation region search doc-dedication doc-example doc-footnote doc-glossary doc-pullquote doc-tip",
	"button": "checkbox combobox gridcell link menuitem menuitemcheckbox menuitemradio option radio separator slider switch tab treeitem",
	"area":   "button", "audio": "application", "video": "application", "base": "", "body": "", "caption": "", "col": "",
	"colgroup": "", "datalist": "", "dd": "", "details": "", "dialog": "alertdialog", "dt": "listitem",
	"fieldset": "none presentation radiogroup", "figcaption": "group none presentation",
	"footer": "group none presentation doc-footnote", "header": "group none presentation doc-footnote", "form": "none presentation search form",
	"h1": headingRoles, "h2": headingRoles, "h3": headingRoles, "h4": headingRoles, "h5": headingRoles, "h6": headingRoles,
	"head": "", "hr": "none presentation doc-pagebreak", "html": "", "iframe": "application document img none presentation",
	"label": "", "legend": "", "link": "", "main": "", "map": "", "math": "", "meta": "", "meter": "",
	"nav": "doc-index doc-pagelist doc-toc menu menubar none presentation radiogroup tablist",
	"ol":  listRoles, "ul": listRoles, "menu": listRoles, "optgroup": "", "option": "", "param": "", "picture": "", "progress": "",
	"script": "", "slot": "", "source": "", "style": "", "summary": "", "template": "", "textarea": "", "title": "", "track": "",
	"object": "application document img",
}

const (
	headingRoles = "none presentation tab doc-subtitle"
	listRoles    = "directory group listbox menu menubar none presentation radiogroup tablist toolbar tree list"
)

var inputRoles = map[string]string{
	"button":   "checkbox combobox gridcell link menuitem menuitemcheckbox menuitemradio option radio separator slider switch tab treeitem",
	"checkbox": "menuitemcheckbox option switch button", "radio": "menuitemradio",
	"image": "checkbox gridcell link menuitem menuitemcheckbox menuitemradio option radio separator slider switch tab treeitem",
	"text":  "combobox searchbox spinbutton", "search": "", "email": "", "tel": "", "url": "", "number": "", "range": "",
	"password": "", "date": "", "month": "", "week": "", "time": "", "datetime-local": "", "color": "", "file": "",
	"hidden": "", "submit": "checkbox combobox gridcell link menuitem menuitemcheckbox menuitemradio option radio separator slider switch tab treeitem",
	"reset": "checkbox combobox gridcell link menuitem menuitemcheckbox menuitemradio option radio separator slider switch tab treeitem",
}

func (c *checker) roleAllowed(n *html.Node, role string) bool {
	if role == "" || n.Namespace != "" || role == c.implicitRole(n) {
		return true
	}
	allowed, listed := allowedRoles[n.Data]
	switch n.Data {
	case "a", "area":
		if !Has(n, "href") {
			return true
		}
	case "img":
		if Has(n, "alt") && Attr(n, "alt") == "" {
			return role == "presentation" || role == "none"
		}
		return true
	case "input":
		kind := strings.ToLower(Attr(n, "type"))
		if _, known := inputRoles[kind]; !known {
			kind = "text"
		}
		allowed, listed = inputRoles[kind], true
	case "select":
		allowed, listed = "menu", true
	}
	return !listed || slices.Contains(strings.Fields(allowed), role)
}

// attributesOf checks the ARIA attributes of an element.
func (c *checker) attributesOf(n *html.Node) {
	role := c.Role(n)
	info := roleFor(role)
	for _, a := range n.Attr {
		if !strings.HasPrefix(a.Key, "aria-") {
			continue
		}
		attribute, known := attributeTable[a.Key]
		if !known {
			c.fail("aria-valid-attr", n, "%s", a.Key)
			continue
		}
		if !c.validValue(attribute, a.Key, a.Val, n) {
			c.fail("aria-valid-attr-value", n, "%s=%q", a.Key, a.Val)
		}
		if rule := c.misplaced(n, role, info, a); rule != "" {
			c.fail(rule, n, "%s", a.Key)
		}
	}
	if explicit := ExplicitRole(n); explicit != "" && c.Role(n) == explicit && c.Shown(n) {
		for _, key := range info.required {
			if strings.TrimSpace(Attr(n, "aria-"+key)) == "" && !nativelyHas(n, explicit, key) && requiredNow(n, explicit, key) {
				c.fail("aria-required-attr", n, "aria-%s", key)
			}
		}
	}
}

// requiredNow reports whether an attribute that a role requires must be there in the state in which an element is: a
// closed combobox has nothing that it controls.
func requiredNow(n *html.Node, role, key string) bool {
	if key == "controls" && role == "combobox" {
		return strings.EqualFold(strings.TrimSpace(Attr(n, "aria-expanded")), "true")
	}
	if key == "valuenow" && role == "separator" {
		_, focusable := tabIndex(n)
		return focusable
	}
	return true
}

// misplaced returns the rule by which an element may not have an ARIA attribute that exists, "" if it may.
func (d *Document) misplaced(n *html.Node, role string, info roleInfo, a html.Attribute) string {
	switch {
	case slices.Contains(globalAttributes, a.Key):
		if slices.Contains(nameAttributes, a.Key) && strings.TrimSpace(a.Val) != "" && d.Shown(n) && d.unnamable(n, role, info, a.Key) {
			return "aria-prohibited-attr"
		}
	case a.Val == "false" && attributeTable[a.Key].kind == "boolean", !d.Shown(n):
		// The default of a property does no harm where it means nothing.
	case !slices.Contains(info.attributes, strings.TrimPrefix(a.Key, "aria-")) && !nativeSupports(n, a.Key):
		return "aria-allowed-attr"
	}
	return ""
}

// Misplaced returns the ARIA attributes of an element that exist but do not go with its role. The element need not be one
// of the document: it may be a changed copy of one, with the same parent and children.
func (d *Document) Misplaced(n *html.Node) []string {
	role := d.Role(n)
	info := roleFor(role)
	var out []string
	for _, a := range n.Attr {
		if _, known := attributeTable[a.Key]; known && d.misplaced(n, role, info, a) != "" {
			out = append(out, a.Key)
		}
	}
	return out
}

// ValidValue reports whether an element may have a value in an ARIA attribute that exists.
func (d *Document) ValidValue(n *html.Node, key, value string) bool {
	attribute, known := attributeTable[key]
	return known && d.validValue(attribute, key, value, n)
}

// Requires reports whether the role of an element needs an ARIA attribute.
func Requires(n *html.Node, key string) bool {
	role := ExplicitRole(n)
	key = strings.TrimPrefix(key, "aria-")
	return slices.Contains(roleFor(role).required, key) && !nativelyHas(n, role, key)
}

// unnamable reports whether ARIA may not name an element: its role prohibits it, or it has no role at all.
func (d *Document) unnamable(n *html.Node, role string, info roleInfo, key string) bool {
	if n.Namespace != "" {
		return false
	}
	if role == "none" || role == "presentation" {
		return key != "aria-label" && key != "aria-labelledby" // by these the role does not count
	}
	if ExplicitRole(n) == "" && !Named("div", "span", "p", "code", "em", "strong", "sub", "sup", "ins", "del", "caption", "b", "i", "u", "small")(n) {
		return false
	}
	return info.unnamed
}

// nativeSupports recognizes attributes that elements without a role may have.
func nativeSupports(n *html.Node, key string) bool {
	switch n.Data {
	case "input":
		kind := strings.ToLower(Attr(n, "type"))
		if key == "aria-checked" || key == "aria-pressed" {
			return kind == "checkbox" || kind == "radio" || kind == "button"
		}
		return key == "aria-required" || key == "aria-readonly" || key == "aria-placeholder"
	case "details", "summary":
		return key == "aria-expanded" || key == "aria-pressed"
	}
	return false
}

// nativelyHas reports whether HTML itself gives what a role needs.
func nativelyHas(n *html.Node, role, key string) bool {
	switch key {
	case "level":
		return len(n.Data) == 2 && n.Data[0] == 'h' && n.Data[1] >= '1' && n.Data[1] <= '6'
	case "checked":
		return n.Data == "input"
	case "valuenow":
		return n.Data == "input" || n.Data == "meter" || n.Data == "progress"
	case "expanded":
		return n.Data == "select" || role == "combobox" && n.Data == "input" && Has(n, "list")
	}
	return false
}

func (d *Document) validValue(a attributeInfo, key, value string, n *html.Node) bool {
	value = strings.TrimSpace(value)
	lower := strings.ToLower(value)
	if value == "" { // an empty attribute is one that is absent, but for those that must say something
		return a.kind == "string" || a.kind == "idlist" || a.kind == "id" || a.kind == "boolean" || a.kind == "state" || a.kind == "tristate" || a.kind == "token" || a.kind == "tokenlist"
	}
	switch a.kind {
	case "boolean":
		return lower == "true" || lower == "false"
	case "state":
		return lower == "true" || lower == "false" || lower == "undefined"
	case "tristate":
		return slices.Contains([]string{"true", "false", "mixed", "undefined"}, lower)
	case "token":
		return slices.Contains(a.words, lower)
	case "tokenlist":
		for word := range strings.FieldsSeq(lower) {
			if !slices.Contains(a.words, word) {
				return false
			}
		}
	case "integer":
		v, err := strconv.Atoi(value)
		return err == nil && (v > 0 || v == -1 && (key == "aria-rowcount" || key == "aria-colcount" || key == "aria-setsize") || v == 0 && (key == "aria-colspan" || key == "aria-rowspan" || key == "aria-rowcount" || key == "aria-colcount"))
	case "number":
		_, err := strconv.ParseFloat(value, 64)
		return err == nil
	case "id", "idlist":
		return d.knownIDs(key, value, n)
	}
	return true
}

// knownIDs reports whether at least one of the identifiers exists, where that is needed: controls that are closed may refer
// to what is not there yet, and an error message may come later.
func (d *Document) knownIDs(key, value string, n *html.Node) bool {
	switch role := ExplicitRole(n); key {
	case "aria-describedby", "aria-labelledby", "aria-errormessage": // axe asks a person here
		return true
	case "aria-controls":
		closed := strings.EqualFold(Attr(n, "aria-expanded"), "false") || strings.EqualFold(Attr(n, "aria-selected"), "false")
		if role != "scrollbar" && (closed || role == "combobox" && !Has(n, "aria-expanded") || role != "combobox" && Has(n, "aria-haspopup")) {
			return true
		}
	}
	for id := range strings.FieldsSeq(value) {
		if len(d.ids[id]) > 0 {
			return true
		}
	}
	return false
}

// structureOf checks what a role must contain and what it must be inside of.
func (c *checker) structureOf(n *html.Node) {
	role := ExplicitRole(n)
	if role == "" || role != c.Role(n) {
		return
	}
	info := roleFor(role)
	if len(info.context) > 0 && !c.inContext(n, info.context) {
		c.fail("aria-required-parent", n, "%s wants %s", role, strings.Join(info.context, " or "))
	}
	if len(info.owned) > 0 && !strings.EqualFold(Attr(n, "aria-busy"), "true") {
		c.ownedBy(n, role, info.owned)
	}
}

func (c *checker) inContext(n *html.Node, context []string) bool {
	if id := Attr(n, "id"); id != "" {
		if slices.ContainsFunc(c.owners[id], func(owner *html.Node) bool { return slices.Contains(context, c.Role(owner)) }) {
			return true
		}
	}
	for p := n.Parent; p != nil && p.Type == html.ElementNode; p = p.Parent {
		switch role := c.Role(p); {
		case slices.Contains(context, role):
			if role != "group" && role != "rowgroup" {
				return true
			} // a group must itself be in such a context
		case role != "" && role != "generic" && role != "none" && role != "presentation":
			return false
		}
	}
	return false
}

// ownedBy finds what the accessible children of n are.
func (c *checker) ownedBy(n *html.Node, role string, allowed []string) {
	var found, foreign []string
	seen := map[*html.Node]bool{} // what is owned may own its owner
	var walk func(*html.Node)
	walk = func(p *html.Node) {
		if seen[p] {
			return
		}
		seen[p] = true
		children := Kids(p)
		for id := range strings.FieldsSeq(Attr(p, "aria-owns")) {
			children = append(children, c.ids[id]...)
		}
		for _, kid := range children {
			if !c.Shown(kid) {
				continue
			}
			switch r := c.Role(kid); {
			case slices.Contains(allowed, r):
				found = append(found, r)
			case r == "" || r == "generic" || r == "none" || r == "presentation" || r == "group" || r == "rowgroup":
				walk(kid)
			case r == "separator" && role != "table" && role != "grid":
			default:
				foreign = append(foreign, r)
			}
		}
	}
	walk(n)
	mayBeEmpty := slices.Contains([]string{"list", "listbox", "tree", "menu", "menubar", "tablist", "feed", "grid", "table", "rowgroup", "treegrid", "row", "radiogroup", "doc-bibliography", "doc-endnotes", "doc-glossary"}, role)
	switch {
	case role == "radiogroup" || strings.HasPrefix(role, "doc-"):
	case len(found) == 0 && len(foreign) == 0 && (mayBeEmpty && Text(n) == "" || role == "combobox"):
	case len(foreign) > 0:
		c.fail("aria-required-children", n, "%s contains %s", role, strings.Join(slices.Compact(foreign), ", "))
	case len(found) == 0:
		c.fail("aria-required-children", n, "%s wants %s", role, strings.Join(allowed, " or "))
	}
}

// leafRoles are those whose content is only their name: assistive technology does not see what is inside (WAI-ARIA 1.2,
// 5.2.8).
var leafRoles = []string{
	"button", "checkbox", "graphics-symbol", "image", "img", "math", "menuitemcheckbox", "menuitemradio", "meter", "option",
	"progressbar", "radio", "scrollbar", "separator", "slider", "switch", "tab",
}

// IsLeaf reports whether assistive technology sees nothing of what is inside of an element with a role.
func IsLeaf(role string) bool { return slices.Contains(leafRoles, role) }

// nesting checks that nothing inside of a control can be used on its own.
func (c *checker) nesting(n *html.Node) {
	role := c.Role(n)
	if isSummary(n) {
		role = "button"
	}
	if !IsLeaf(role) {
		return
	}
	if Under(n, func(inner *html.Node) bool { return c.Rendered(inner) && c.Tabbable(inner) }) {
		c.fail("nested-interactive", n, "")
	}
}

// hiddenFocus finds what can have focus though it is hidden from assistive technology.
func (c *checker) hiddenFocus(n *html.Node) {
	reachable := func(inner *html.Node) bool { return c.Rendered(inner) && c.Tabbable(inner) }
	if reachable(n) || Under(n, reachable) {
		c.fail("aria-hidden-focus", n, "")
	}
}
