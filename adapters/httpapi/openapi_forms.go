package httpapi

import (
	"regexp"
	"slices"
	"strings"

	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/organization"
)

// form is what a format of our own means in terms that every reader of a schema
// knows.
type form struct {
	pattern string
	values  []any
}

// forms are the formats that fields name in their format tag and that JSON Schema
// does not have. They are documented here and checked by the domain, whose
// refusals say more than that a pattern does not match. Ids have formats as well:
// see formOfID.
var forms = map[string]form{
	"scope": {values: scopeValues()},
	"slug":  {pattern: organization.SlugPattern},
	// A member's id is that of the user, or of the invitation.
	"user-or-invitation": {pattern: "^(user|inv)" + idSuffix},
	// A transaction's id is that of the referrer, and a number.
	"referrer-transaction": {pattern: "^rtx" + strings.TrimSuffix(idSuffix, "$") + "_[1-9][0-9]{0,18}$"},
}

func scopeValues() []any {
	var values []any
	seen := map[access.Scope]bool{}
	for _, kind := range []access.Kind{access.KindUserKey, access.KindOrganizationKey} {
		for _, scope := range access.ScopesOf(kind) {
			if !seen[scope] {
				seen[scope] = true
				values = append(values, string(scope))
			}
		}
	}
	return values
}

// idSuffix is what follows the prefix of a TypeID: a UUID in Crockford's base 32.
const idSuffix = "_[0-7][0-9a-hjkmnp-tv-z]{25}$"

var (
	exampleID = regexp.MustCompile("^([a-z]+)" + idSuffix)
	idFormat  = regexp.MustCompile("^([a-z]+)-id$")
)

// withForms writes out the formats of our own in a schema. A text whose example
// is an id has the format of that kind of id; where there is no example, the
// field names the format itself.
func withForms(schema map[string]any) {
	if !isText(schema) || schema["pattern"] != nil {
		return
	}
	format, _ := schema["format"].(string)
	_, own := forms[format]
	if id := exampleID.FindStringSubmatch(anExample(schema)); id != nil && !own {
		format = id[1] + "-id"
		schema["format"] = format
	}
	known := forms[format]
	if id := idFormat.FindStringSubmatch(format); id != nil {
		known = form{pattern: "^" + id[1] + idSuffix}
	}
	if known.pattern != "" {
		schema["pattern"] = known.pattern
	}
	if known.values != nil {
		schema["enum"] = slices.Clone(known.values)
		delete(schema, "format")
	}
}

// isText reports whether an object is the schema of a text.
func isText(schema map[string]any) bool {
	switch t := schema["type"].(type) {
	case string:
		return t == "string"
	case []any:
		for _, one := range t {
			if one == "string" {
				return true
			}
		}
	}
	return false
}

// anExample is the first example of a schema of either version; empty if it has
// none.
func anExample(schema map[string]any) string {
	if all, ok := schema["examples"].([]any); ok && len(all) > 0 {
		text, _ := all[0].(string)
		return text
	}
	text, _ := schema["example"].(string)
	return strings.TrimSpace(text)
}
