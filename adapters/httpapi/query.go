package httpapi

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/input"
)

// codeRepeated is the rule that a parameter with one value occurs once.
const codeRepeated = "REPEATED_PARAMETER"

// queryParameters are those of an operation, by name; true for those that take
// several values.
type queryParameters map[string]bool

func queryParametersOf(documented *huma.Operation) queryParameters {
	known := queryParameters{}
	for _, p := range documented.Parameters {
		if p.In == "query" {
			known[p.Name] = p.Schema != nil && p.Schema.Type == huma.TypeArray
		}
	}
	return known
}

// check refuses a query that can be read in more than one way, and gives
// all values of a list to huma in the one form that it reads: between commas.
// Parameters that are not known pass.
func (known queryParameters) check(r *http.Request) error {
	if r.URL.RawQuery == "" {
		return nil
	}
	var (
		wrong  failure.Fields
		values = map[string][]string{}
		again  bool
	)
	for part := range strings.SplitSeq(r.URL.RawQuery, "&") {
		escaped, value, _ := strings.Cut(part, "=")
		name, err := url.QueryUnescape(escaped)
		if err != nil {
			return malformed("query", "must not hold a % that no two hexadecimal digits follow")
		}
		isList, isKnown := known[name]
		text, err := url.QueryUnescape(value)
		switch {
		case err != nil && isKnown:
			wrong.Add(name, input.CodeFormat, "must not hold a % that no two hexadecimal digits follow")
		case err != nil:
			return malformed("query", "must not hold a % that no two hexadecimal digits follow")
		case isKnown && !isList && values[name] != nil:
			wrong.Add(name, codeRepeated, "must be given once")
		}
		again = again || isList && values[name] != nil
		values[name] = append(values[name], text)
	}
	if err := wrong.Err(); err != nil {
		return err
	}
	if again {
		r.URL = withLists(r.URL, known, values)
	}
	return nil
}

// withLists is an address with the values of each list in one parameter.
func withLists(u *url.URL, known queryParameters, values map[string][]string) *url.URL {
	query := url.Values{}
	for name, all := range values {
		if known[name] {
			// An empty value among others is none.
			all = slices.DeleteFunc(all, func(value string) bool { return value == "" })
			all = []string{strings.Join(all, ",")}
		}
		query[name] = all
	}
	changed := *u
	changed.RawQuery = query.Encode()
	return &changed
}
