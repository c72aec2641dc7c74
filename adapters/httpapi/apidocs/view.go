package apidocs

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"html/template"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// What the template shows.
type (
	view struct {
		Title, Version, Base string
		Introduction         template.HTML
		Style                template.CSS
		Credentials          []credentialView
		Groups               []groupView
		Shared               []sharedView
	}
	credentialView struct {
		Name        string
		Description template.HTML
	}
	groupView struct {
		Name, ID    string
		Description template.HTML
		Operations  []operationView
	}
	operationView struct {
		ID, Method, Path, Summary string
		Description               template.HTML
		Callers                   string
		Parameters                []fieldView
		BodyFields                []fieldView
		BodyRequired              bool
		Requests                  []snippetView
		Status                    string
		StatusText                template.HTML
		AnswerFields              []fieldView
		AnswerHeaders             []fieldView
		Answer                    string
		Failures                  []failureView
		Shared                    []sharedView
	}
	fieldView struct {
		Name, Place, Type string
		Required          bool
		Description       template.HTML
	}
	failureView struct {
		Status, Code, Message string
	}
)

// methods in the order in which a resource's operations are shown.
var methods = []string{"post", "get", "put", "patch", "delete"}

func (d *document) view() view {
	v := view{Title: d.Info.Title, Version: d.Info.Version, Introduction: markdown(d.Info.Description)}
	if len(d.Servers) > 0 {
		v.Base = d.Servers[0].URL
	}
	for _, name := range slices.Sorted(maps.Keys(d.Components.SecuritySchemes)) {
		v.Credentials = append(v.Credentials, credentialView{name, markdown(d.Components.SecuritySchemes[name].Description)})
	}
	for _, tag := range d.Tags {
		group := groupView{Name: tag.Name, ID: identifier(tag.Name), Description: markdown(tag.Description)}
		for _, path := range slices.Sorted(maps.Keys(d.Paths)) {
			for _, method := range methods {
				if op, ok := d.Paths[path][method]; ok && slices.Contains(op.Tags, tag.Name) {
					group.Operations = append(group.Operations, d.operation(v.Base, path, method, op))
				}
			}
		}
		v.Groups = append(v.Groups, group)
	}
	v.shareFailures()
	return v
}

func identifier(s string) string { return strings.ToLower(strings.ReplaceAll(s, " ", "-")) }

func (d *document) operation(base, path, method string, op operation) operationView {
	v := operationView{
		ID: op.OperationID, Method: strings.ToUpper(method), Path: path,
		Summary: op.Summary, Description: markdown(op.Description), Callers: d.callers(op),
	}
	for _, p := range op.Parameters {
		p = d.parameter(p)
		v.Parameters = append(v.Parameters, fieldView{
			Name: p.Name, Place: p.In, Type: d.typeOf(p.Schema), Required: p.Required,
			Description: markdown(cmp.Or(p.Description, p.Schema.Description)),
		})
	}
	var example json.RawMessage
	if op.RequestBody != nil {
		body := op.RequestBody.Content["application/json"]
		v.BodyRequired, v.BodyFields, example = op.RequestBody.Required, d.fields(body.Schema, "", 0), body.Example
	}
	for _, status := range slices.Sorted(maps.Keys(op.Responses)) {
		d.showResponse(&v, status, d.response(op.Responses[status]))
	}
	v.Requests = d.request(v.Method, base, path, op, v.Callers != public, v.Answer != "", example).snippets()
	return v
}

const public = "Anybody, without a credential."

func (d *document) callers(op operation) string {
	key := slices.ContainsFunc(op.Security, func(s map[string][]string) bool { return s["apiKey"] != nil })
	switch {
	case len(op.Security) == 0:
		return public
	case key:
		return "A signed-in person, or an API key."
	default:
		return "A signed-in person."
	}
}

func (d *document) showResponse(v *operationView, status string, r response) {
	answer := r.Content["application/json"]
	if status < "300" {
		v.Status, v.StatusText, v.Answer = status, markdown(r.Description), indented(answer.Example)
		v.AnswerFields = d.fields(d.resolve(answer.Schema).Properties["data"], "", 0)
		for _, name := range slices.Sorted(maps.Keys(r.Headers)) {
			h := d.parameter(r.Headers[name])
			v.AnswerHeaders = append(v.AnswerHeaders, fieldView{Name: name, Description: markdown(h.Description)})
		}
		return
	}
	for _, code := range slices.Sorted(maps.Keys(answer.Examples)) {
		v.Failures = append(v.Failures, failureView{status, code, d.example(answer.Examples[code]).Summary})
	}
	if len(answer.Examples) == 0 {
		v.Failures = append(v.Failures, failureView{status, "", r.Description})
	}
}

// maxNesting bounds how deep fields within fields are shown.
const maxNesting = 3

// fields are the members of an object, those within members after them.
func (d *document) fields(s schema, prefix string, depth int) []fieldView {
	s = d.resolve(s)
	if s.Items != nil {
		return d.fields(*s.Items, prefix, depth)
	}
	names := slices.Sorted(maps.Keys(s.Properties))
	slices.SortStableFunc(names, func(a, b string) int {
		return cmp.Compare(rank(a, s.Required), rank(b, s.Required))
	})
	var all []fieldView
	for _, name := range names {
		field := d.resolve(s.Properties[name])
		all = append(all, fieldView{
			Name: prefix + name, Type: d.typeOf(field), Required: slices.Contains(s.Required, name),
			Description: markdown(field.Description),
		})
		if depth < maxNesting {
			all = append(all, d.fields(field, prefix+name+".", depth+1)...)
		}
	}
	return all
}

// rank brings what must be given, and ids, to the front.
func rank(name string, required []string) int {
	switch {
	case name == "id" || name == "key":
		return 0
	case slices.Contains(required, name):
		return 1
	default:
		return 2
	}
}

// typeOf says in words what a value must be.
func (d *document) typeOf(s schema) string {
	s = d.resolve(s)
	var parts []string
	kind := strings.Join(slices.DeleteFunc(slices.Clone(s.Type), func(t string) bool { return t == "null" }), " or ")
	if kind == "array" && s.Items != nil {
		kind = "list of " + d.typeOf(*s.Items)
	}
	if s.Format == "date-time" {
		kind = "time"
	}
	parts = append(parts, kind)
	if len(s.Enum) > 0 {
		values := make([]string, len(s.Enum))
		for i, v := range s.Enum {
			values[i] = fmt.Sprint(v)
		}
		parts = append(parts, "one of "+strings.Join(values, ", "))
	}
	parts = append(parts, bounds(s)...)
	if s.Default != nil {
		parts = append(parts, fmt.Sprintf("%v if left out", s.Default))
	}
	if slices.Contains(s.Type, "null") {
		parts = append(parts, "or null")
	}
	return strings.Join(parts, ", ")
}

func bounds(s schema) []string {
	number := func(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }
	var parts []string
	switch {
	case s.Minimum != nil && s.Maximum != nil:
		parts = append(parts, number(*s.Minimum)+" to "+number(*s.Maximum))
	case s.Minimum != nil:
		parts = append(parts, "at least "+number(*s.Minimum))
	case s.Maximum != nil:
		parts = append(parts, "at most "+number(*s.Maximum))
	}
	switch {
	case s.MinLength != nil && s.MaxLength != nil:
		parts = append(parts, fmt.Sprintf("%d to %d characters", *s.MinLength, *s.MaxLength))
	case s.MaxLength != nil:
		parts = append(parts, fmt.Sprintf("at most %d characters", *s.MaxLength))
	}
	return parts
}

func indented(raw json.RawMessage) string {
	var b bytes.Buffer
	if len(raw) == 0 || json.Indent(&b, raw, "", "  ") != nil {
		return ""
	}
	return b.String()
}
