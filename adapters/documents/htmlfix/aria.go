package htmlfix

import (
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/html"

	"github.com/perfectworks/backend/adapters/documents/htmlcheck"
)

// aria repairs roles and ARIA attributes so that they say what browsers make of them.
func (p *plan) aria() {
	for _, f := range p.findings("aria-roles") {
		p.withoutRole(f, "role removed, which does not exist")
	}
	for _, f := range p.findings("aria-allowed-role") {
		if htmlcheck.ExplicitRole(f.Node) == "navigation" && !htmlcheck.Has(f.Node, "aria-label") && !htmlcheck.Has(f.Node, "aria-labelledby") {
			r := p.start(f.Rule, f.Node, "role navigation, which its element may not have, given to a <nav> around it").remove(f.Node, "role")
			p.wrapRun(r, [2]*html.Node{f.Node, f.Node}, "<nav>", "nav")
			p.add(r)
			continue
		}
		p.withoutRole(f, "role removed, which its element may not have")
	}
	for _, f := range p.findings("presentation-role-conflict") {
		p.withoutRole(f, "role removed, which browsers pass over")
	}
	for _, f := range p.findings("aria-deprecated-role") {
		p.deprecated(f)
	}
	for _, f := range p.findings("aria-valid-attr") {
		p.unknownAttribute(f)
	}
	for _, f := range p.findings("aria-valid-attr-value") {
		p.invalidValue(f)
	}
	for _, f := range p.findings("aria-allowed-attr") {
		key := attributeAt(f)
		p.add(p.start(f.Rule, f.Node, key+" removed, which does not go with the role").remove(f.Node, key))
	}
	for _, f := range p.findings("aria-prohibited-attr") {
		p.prohibited(f)
	}
	for _, f := range p.findings("aria-required-attr") {
		if key := attributeAt(f); !htmlcheck.Has(f.Node, key) {
			if value := p.fallback(f.Node, key); value != "" {
				p.add(p.start(f.Rule, f.Node, key+"="+value+" added, which is what browsers take").set(f.Node, key, value))
			}
		}
	}
	for _, f := range p.findings("aria-required-parent", "aria-required-children") {
		p.loneRole(f)
	}
	for _, f := range p.findings("aria-hidden-focus") {
		p.hiddenFocus(f)
	}
	for _, f := range p.findings("empty-heading") {
		p.emptyHeading(f)
	}
}

// attributeAt returns the attribute that a finding is about, which its detail begins with.
func attributeAt(f htmlcheck.Finding) string {
	key, _, _ := strings.Cut(f.Detail, "=")
	return key
}

// changed copies an element with other attributes; an empty value leaves one out.
func changed(n *html.Node, attributes map[string]string) *html.Node {
	out := *n
	out.Attr = slices.DeleteFunc(slices.Clone(n.Attr), func(a html.Attribute) bool { _, ok := attributes[a.Key]; return ok })
	for key, value := range attributes {
		if value != "" {
			out.Attr = append(out.Attr, html.Attribute{Key: key, Val: value})
		}
	}
	return &out
}

// withRole gives an element another role, or none, and takes away the attributes that go with the old one only.
func (p *plan) withRole(r *repair, n *html.Node, role string) {
	before := p.Misplaced(n)
	if role == "" {
		r.remove(n, "role")
	} else {
		r.set(n, "role", role)
	}
	for _, key := range p.Misplaced(changed(n, map[string]string{"role": role})) {
		if !slices.Contains(before, key) {
			r.remove(n, key)
		}
	}
	p.add(r)
}

func (p *plan) withoutRole(f htmlcheck.Finding, detail string) {
	p.withRole(p.start(f.Rule, f.Node, detail), f.Node, "")
}

// deprecated replaces roles by those that WAI-ARIA 1.2 and DPUB-ARIA 1.1 name instead, where what these need is there.
func (p *plan) deprecated(f htmlcheck.Finding) {
	n := f.Node
	switch htmlcheck.ExplicitRole(n) {
	case "directory":
		if n.Data != "ul" && n.Data != "ol" && slices.ContainsFunc(htmlcheck.Kids(n), func(kid *html.Node) bool { return p.Role(kid) == "listitem" }) {
			p.withRole(p.start(f.Rule, n, "role directory replaced by list"), n, "list")
			return
		}
	case "doc-biblioentry", "doc-endnote":
		if n.Data != "li" && n.Parent != nil && p.Role(n.Parent) == "list" {
			p.withRole(p.start(f.Rule, n, "deprecated role replaced by listitem"), n, "listitem")
			return
		}
	}
	p.withoutRole(f, "deprecated role removed")
}

// misspelt are attributes that people write for others.
var misspelt = map[string]string{
	"aria-labeledby": "aria-labelledby", "aria-labelled-by": "aria-labelledby", "aria-labeled-by": "aria-labelledby",
	"aria-labelby": "aria-labelledby", "aria-labelleby": "aria-labelledby", "aria-lable": "aria-label",
	"aria-describeby": "aria-describedby", "aria-described-by": "aria-describedby", "aria-discribedby": "aria-describedby",
	"aria-expand": "aria-expanded", "aria-control": "aria-controls", "aria-hide": "aria-hidden",
	"aria-require": "aria-required",
}

// unknownAttribute corrects an attribute that is misspelt, or takes it away, as browsers do.
func (p *plan) unknownAttribute(f htmlcheck.Finding) {
	key := attributeAt(f)
	value := htmlcheck.Attr(f.Node, key)
	right := misspelt[key]
	if right != "" && strings.TrimSpace(value) != "" && !htmlcheck.Has(f.Node, right) && right != "aria-hidden" {
		known := true
		if strings.HasSuffix(right, "by") || right == "aria-controls" {
			for id := range strings.FieldsSeq(value) {
				known = known && len(p.ByID(id)) > 0
			}
		}
		copied := changed(f.Node, map[string]string{key: "", right: value})
		if known && p.ValidValue(copied, right, value) && !slices.Contains(p.Misplaced(copied), right) {
			p.add(p.start(f.Rule, f.Node, key+" corrected to "+right).remove(f.Node, key).set(f.Node, right, value))
			return
		}
	}
	p.add(p.start(f.Rule, f.Node, key+" removed, which does not exist").remove(f.Node, key))
}

// invalidValue writes a value as it was meant, or takes the attribute away, so that what counts is what browsers take
// anyway. An attribute that the role needs gets that value.
func (p *plan) invalidValue(f htmlcheck.Finding) {
	key := attributeAt(f)
	value := strings.ToLower(strings.TrimSpace(htmlcheck.Attr(f.Node, key)))
	meant := map[string]string{"yes": "true", "1": "true", "on": "true", "y": "true", key: "true", strings.TrimPrefix(key, "aria-"): "true", "no": "false", "0": "false", "off": "false", "none": "false"}[value]
	if meant != "" && p.ValidValue(f.Node, key, meant) && key != "aria-hidden" {
		p.add(p.start(f.Rule, f.Node, key+" changed to "+meant).set(f.Node, key, meant))
		return
	}
	if !htmlcheck.Requires(f.Node, key) {
		p.add(p.start(f.Rule, f.Node, key+" removed, whose value does not exist").remove(f.Node, key))
		return
	}
	if value := p.fallback(f.Node, key); value != "" {
		p.add(p.start(f.Rule, f.Node, key+" changed to "+value+", which is what browsers take").set(f.Node, key, value))
	}
}

// prohibited lets the name of an element that may not have one be heard where a role fits, else takes it away.
func (p *plan) prohibited(f htmlcheck.Finding) {
	n, key := f.Node, attributeAt(f)
	r := p.start(f.Rule, n, "")
	plain := htmlcheck.Named("div", "span", "i", "b", "em")(n) && !htmlcheck.Has(n, "role")
	switch empty := htmlcheck.Text(n) == ""; {
	case plain && empty && len(htmlcheck.Kids(n)) == 0 && key == "aria-label":
		r.detail = "role img added to a named element without text"
		p.add(r.set(n, "role", "img"))
	case plain && !empty && n.Data == "div" && len(htmlcheck.Kids(n)) > 0 && !strings.EqualFold(htmlcheck.Text(n), htmlcheck.Collapse(htmlcheck.Attr(n, key))):
		r.detail = "role group added to a named element"
		p.add(r.set(n, "role", "group"))
	default:
		r.detail = key + " removed, which its element may not have"
		p.add(r.remove(n, key))
	}
}

// fallback returns the value that browsers take for an attribute that a role needs and does not have (WAI-ARIA 1.2,
// Handling Author Errors, fallback values for missing required attributes); "" if there is none.
func (p *plan) fallback(n *html.Node, key string) string {
	number := func(key string, otherwise float64) float64 {
		if v, err := strconv.ParseFloat(strings.TrimSpace(htmlcheck.Attr(n, key)), 64); err == nil {
			return v
		}
		return otherwise
	}
	switch key {
	case "aria-checked", "aria-expanded":
		return "false"
	case "aria-level":
		return "2"
	case "aria-valuenow":
		least, most := number("aria-valuemin", 0), number("aria-valuemax", 100)
		if p.Role(n) != "meter" && most > least {
			least += (most - least) / 2
		}
		return strconv.FormatFloat(least, 'f', -1, 64)
	}
	return ""
}

// loneRole takes away roles of structure where the structure is not there: text is then read as text. Roles of controls
// are left, since scripts count on them.
func (p *plan) loneRole(f htmlcheck.Finding) {
	switch role := htmlcheck.ExplicitRole(f.Node); {
	case f.Rule == "aria-required-parent" && slices.Contains([]string{"listitem", "row", "cell", "columnheader", "rowheader"}, role),
		f.Rule == "aria-required-children" && slices.Contains([]string{"list", "table", "rowgroup", "feed"}, role) && !p.holdsRole(f.Node, "listitem", "row", "article"):
		p.withoutRole(f, "role "+role+" removed, which lacks what it belongs to")
	}
}

func (p *plan) holdsRole(n *html.Node, roles ...string) bool {
	return htmlcheck.Under(n, func(m *html.Node) bool { return slices.Contains(roles, p.Role(m)) })
}

// hiddenFocus takes links that are hidden from assistive technology out of the order of the tab key where another link
// leads to the same place. Other controls are left: people would lose them.
func (p *plan) hiddenFocus(f htmlcheck.Finding) {
	r := p.start(f.Rule, f.Node, "hidden links left out of the tab order; other links lead to the same places")
	check := func(n *html.Node) bool {
		if !p.Rendered(n) || !p.Tabbable(n) {
			return true
		}
		if n.Data != "a" || p.linkName(htmlcheck.Attr(n, "href")) == "" {
			return false
		}
		r.set(n, "tabindex", "-1")
		return true
	}
	if !check(f.Node) || htmlcheck.Under(f.Node, func(n *html.Node) bool { return !check(n) }) {
		return
	}
	p.add(r)
}

// emptyHeading makes a heading without any content one that means nothing, unless a script may fill it.
func (p *plan) emptyHeading(f htmlcheck.Finding) {
	n := f.Node
	if htmlcheck.Has(n, "id") && p.result.Scripts > 0 || htmlcheck.Text(n) != "" || htmlcheck.Has(n, "role") ||
		!htmlcheck.Named("h1", "h2", "h3", "h4", "h5", "h6")(n) ||
		htmlcheck.Under(n, func(m *html.Node) bool {
			return !htmlcheck.Named("br", "span", "b", "strong", "em", "i", "font", "a")(m) || p.Focusable(m)
		}) {
		return
	}
	p.withRole(p.start(f.Rule, n, "empty heading made one that means nothing"), n, "presentation")
}
