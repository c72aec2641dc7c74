package htmlcheck

import (
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// autofillFields are the field names of HTML, 4.10.18.7.1; those of autofillContacts may follow a kind of contact.
var (
	autofillFields = strings.Fields(`name honorific-prefix given-name additional-name family-name honorific-suffix
		nickname username new-password current-password one-time-code organization-title organization street-address
		address-line1 address-line2 address-line3 address-level4 address-level3 address-level2 address-level1 country
		country-name postal-code cc-name cc-given-name cc-additional-name cc-family-name cc-number cc-exp cc-exp-month
		cc-exp-year cc-csc cc-type transaction-currency transaction-amount language bday bday-day bday-month bday-year
		sex url photo`)
	autofillContacts = strings.Fields(`tel tel-country-code tel-national tel-area-code tel-local tel-local-prefix
		tel-local-suffix tel-extension email impp`)
)

// forms checks the purposes of fields.
func (c *checker) forms() {
	for _, n := range c.All("input", "select", "textarea") {
		value := strings.ToLower(strings.TrimSpace(Attr(n, "autocomplete")))
		if value == "" || !c.Rendered(n) || c.disabled(n) || n.Data == "input" && slices.Contains([]string{"submit", "reset", "button", "hidden", "image"}, strings.ToLower(Attr(n, "type"))) {
			continue
		}
		if !validAutocomplete(value) {
			c.fail("autocomplete-valid", n, "%s", value)
		}
	}
}

func validAutocomplete(value string) bool {
	if value == "on" || value == "off" {
		return true
	}
	tokens := strings.Fields(value)
	if tokens[len(tokens)-1] == "webauthn" && len(tokens) > 1 {
		tokens = tokens[:len(tokens)-1]
	}
	if len(tokens) > 0 && strings.HasPrefix(tokens[0], "section-") {
		tokens = tokens[1:]
	}
	if len(tokens) > 0 && (tokens[0] == "shipping" || tokens[0] == "billing") {
		tokens = tokens[1:]
	}
	if len(tokens) == 2 && slices.Contains([]string{"home", "work", "mobile", "fax", "pager"}, tokens[0]) {
		return slices.Contains(autofillContacts, tokens[1])
	}
	return len(tokens) == 1 && (slices.Contains(autofillFields, tokens[0]) || slices.Contains(autofillContacts, tokens[0]))
}

// keyboard checks the tab order and access keys.
func (c *checker) keyboard() {
	keys := map[string]*html.Node{}
	for _, n := range c.Elements {
		if index, ok := tabIndex(n); ok && index > 0 {
			c.fail("tabindex", n, "tabindex=%d", index)
		}
		if key := strings.ToLower(strings.TrimSpace(Attr(n, "accesskey"))); key != "" && c.Rendered(n) {
			if keys[key] != nil {
				c.fail("accesskeys", n, "%s", key)
			}
			keys[key] = n
		}
		if strings.Contains(Attr(n, "style"), "!") {
			c.spacing(n)
		}
	}
}

// identifiers checks that what attributes refer to is unique.
func (c *checker) identifiers() {
	used := map[string]bool{}
	for _, n := range c.Elements {
		for _, key := range []string{
			"aria-labelledby", "aria-describedby", "aria-controls", "aria-owns", "aria-activedescendant", "aria-details",
			"aria-errormessage", "aria-flowto", "for", "headers",
		} {
			if key == "for" && n.Data != "label" {
				continue
			}
			for id := range strings.FieldsSeq(Attr(n, key)) {
				used[id] = true
			}
		}
	}
	for _, n := range c.Elements {
		if id := Attr(n, "id"); used[id] && len(c.ids[id]) > 1 && c.ids[id][0] != n {
			c.fail("duplicate-id-aria", n, "%s", id)
		}
	}
}
