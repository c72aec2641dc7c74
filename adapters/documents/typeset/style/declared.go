package style

import (
	"strings"

	"golang.org/x/net/html"
)

// Declaration is the value that an author gives a property, in lower case and without !important.
type Declaration struct {
	Value     string
	Important bool
}

// Declared gives the author's declarations for an element that win the cascade, by property: from the style sheets and
// from the style attribute. A shorthand hides the longhands that come before it. Values are not computed: they may be
// keywords such as inherit, or hold variables.
func (r *Resolver) Declared(n *html.Node) map[string]Declaration {
	r.collect(n, "")
	out := map[string]Declaration{}
	for _, k := range r.hits {
		if k.author {
			declare(out, k.declarations)
		}
	}
	if inline, _ := attribute(n, "style"); inline != "" {
		declare(out, parseDeclarations(inline))
	}
	return out
}

// DeclaredInline gives the declarations of a style attribute that win, by property.
func DeclaredInline(source string) map[string]Declaration {
	out := map[string]Declaration{}
	declare(out, parseDeclarations(source))
	return out
}

// shorthands hide longhands whose names begin with theirs.
var shorthands = map[string][]string{
	"background": {"background-color", "background-image"},
	"font":       {"font-size", "font-weight", "line-height"},
}

func declare(out map[string]Declaration, list []declaration) {
	for _, d := range list {
		if out[d.name].Important && !d.important {
			continue
		}
		for _, longhand := range shorthands[d.name] {
			if !out[longhand].Important || d.important {
				delete(out, longhand)
			}
		}
		out[d.name] = Declaration{Value: strings.ToLower(d.text), Important: d.important}
	}
}
