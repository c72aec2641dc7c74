package httpapi

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/perfectworks/backend/adapters/httpapi/jsonbody"
)

func humaConfig(version string) huma.Config {
	c := huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{
				Title: "PerfectWorks API", Version: cmp.Or(version, "development"),
			},
			Servers: []*huma.Server{{URL: basePath}},
			Components: &huma.Components{
				SecuritySchemes: securitySchemes,
				Examples:        map[string]*huma.Example{},
				Parameters:      parameters,
				Headers:         headers,
			},
		},
		// "json" is for media types that end with +json.
		Formats:       map[string]huma.Format{mediaJSON: format, "json": format},
		DefaultFormat: mediaJSON,
	}
	return c
}

// addTag lists a tag in the document, in the order in which they first occur.
func (a *API) addTag(t tag) {
	document := a.huma.OpenAPI()
	if !slices.ContainsFunc(document.Tags, func(known *huma.Tag) bool { return known.Name == t.name }) {
		document.Tags = append(document.Tags, &huma.Tag{Name: t.name, Description: t.description})
	}
}

// placeTag lists a tag after those that were listed until now, although one of its
// operations came first.
func (a *API) placeTag(t tag) {
	document := a.huma.OpenAPI()
	document.Tags = slices.DeleteFunc(document.Tags, func(known *huma.Tag) bool { return known.Name == t.name })
	a.addTag(t)
}

// describe is what huma needs to know before it looks at the types.
func (a *API) describe(op *operation) huma.Operation {
	// takeBody has read the body already: a deadline that huma sets now would end
	// an operation that takes longer.
	examples := map[string]*huma.Example{}
	if !op.hidden {
		examples = a.huma.OpenAPI().Components.Examples
	}
	return huma.Operation{
		OperationID: op.id, Method: op.method, Path: op.path, DefaultStatus: op.status,
		Tags: []string{op.tag.name}, Summary: op.summary, Description: op.description,
		Security:     op.authorization.security(),
		Hidden:       op.hidden,
		MaxBodyBytes: op.bodyLimit() + 1, BodyReadTimeout: -1,
		Responses: a.errorResponses(op, examples),
	}
}

// document completes what huma found out about an operation, and learns from it
// which members its body knows.
func (a *API) document(op *operation, answerType reflect.Type) {
	oapi := a.huma.OpenAPI()
	registered := op.documented
	if op.list != nil {
		documentList(registered, op.list)
	}
	op.query = queryParametersOf(registered)
	for _, name := range op.parameterNames() {
		if name == headerKey && op.keyed {
			required := *parameters[headerKey]
			required.Required = true
			registered.Parameters = append(registered.Parameters, &required)
			continue
		}
		registered.Parameters = append(registered.Parameters, &huma.Param{Ref: "#/components/parameters/" + name})
	}
	if op.body != jsonBody {
		registered.RequestBody = op.bodyContent()
	} else if body := registered.RequestBody; body != nil {
		media := body.Content[mediaJSON]
		schema := media.Schema
		if schema.Ref != "" {
			schema = oapi.Components.Schemas.SchemaFromRef(schema.Ref)
		}
		op.fields = jsonbody.NewNames(slices.Sorted(maps.Keys(schema.Properties))...)
		if op.tolerant {
			op.fields.Tolerate()
			schema.AdditionalProperties = true
		}
		// Where every field may be left out, so may the whole.
		body.Required = len(schema.Required) > 0
		op.bodyRequired = body.Required
		media.Example = toCome(exampleOf(oapi.Components.Schemas, media.Schema))
	}
	answer := registered.Responses[strconv.Itoa(op.status)]
	answer.Description = strings.ToUpper(op.message[:1]) + op.message[1:] + "."
	answer.Headers = map[string]*huma.Param{}
	for _, name := range op.headerNames() {
		answer.Headers[name] = &huma.Param{Ref: "#/components/headers/" + name}
	}
	answer.Content = op.answerContent(oapi.Components.Schemas, answerType)
	for _, other := range op.others {
		described := *answer
		described.Description = strings.ToUpper(other.message[:1]) + other.message[1:] + "."
		if other.status >= http.StatusMultipleChoices {
			described.Headers = maps.Clone(described.Headers)
			described.Headers["Location"] = &huma.Param{Ref: "#/components/headers/Location"}
		}
		registered.Responses[strconv.Itoa(other.status)] = &described
	}
	if op.conditional {
		registered.Responses["304"] = &huma.Response{Description: "Not modified since the ETag in If-None-Match."}
	}
}

// answerContent describes the body of the answer when all goes well.
func (op *operation) answerContent(registry huma.Registry, envelope reflect.Type) map[string]*huma.MediaType {
	content := map[string]*huma.MediaType{}
	for _, media := range op.produces {
		content[media] = &huma.MediaType{Schema: contentSchema(media), Example: op.example}
	}
	field, _ := envelope.FieldByName("Data")
	if field.Type == typeOf[noEnvelope]() {
		return content
	}
	schema := registry.Schema(envelope, true, op.id+"Response")
	properties := registry.SchemaFromRef(schema.Ref).Properties
	data := properties["data"]
	op.members = membersOf(registry, data)
	if field.Type.Kind() == reflect.Pointer && len(data.AnyOf) == 0 { // Operations share schemas.
		properties["data"] = &huma.Schema{AnyOf: []*huma.Schema{data, {Type: "null"}}}
	}
	content[mediaJSON] = &huma.MediaType{
		Schema:  schema,
		Example: Envelope[any]{Success: true, Message: op.message, Data: exampleOf(registry, data)},
	}
	return content
}

// membersOf are the names of an object's members.
func membersOf(registry huma.Registry, s *huma.Schema) []string {
	for s.Ref != "" || len(s.AnyOf) > 0 {
		if s.Ref == "" {
			s = s.AnyOf[0]
			continue
		}
		s = registry.SchemaFromRef(s.Ref)
	}
	return slices.Sorted(maps.Keys(s.Properties))
}

// noEnvelope is the type of the data of operations that never answer with an
// envelope.
type noEnvelope struct{}

// contentSchema describes a body that is not ours to describe further.
func contentSchema(media string) *huma.Schema {
	switch {
	case media == mediaJSON:
		return &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true}
	case strings.HasPrefix(media, "text/"), media == mediaJSONLines:
		return &huma.Schema{Type: huma.TypeString}
	}
	return &huma.Schema{Type: huma.TypeString, Format: "binary"}
}

// bodyContent describes a body that is not decoded.
func (op *operation) bodyContent() *huma.RequestBody {
	content := map[string]*huma.MediaType{}
	for _, media := range op.consumes {
		content[media] = &huma.MediaType{Schema: contentSchema(media), Example: op.example}
	}
	if len(content) == 0 {
		content["*/*"] = &huma.MediaType{Schema: contentSchema("")}
	}
	return &huma.RequestBody{Required: true, Content: content}
}

// parameterNames are the headers that an operation reads beside its own input.
func (op *operation) parameterNames() []string {
	names := []string{headerRequestID}
	if op.authorization.actsInOrganization() {
		names = append(names, headerOrganization)
	}
	switch op.method {
	case http.MethodGet:
		if op.conditional {
			names = append(names, "If-None-Match")
		}
		if len(op.reads) > 0 {
			names = append(names, headerMinPosition)
		}
	case http.MethodPost:
		names = append(names, headerKey)
	default:
		names = append(names, "If-Match")
	}
	return names
}

// headerNames are the headers of the answer when all goes well.
func (op *operation) headerNames() []string {
	names := []string{headerRequestID}
	if !op.authorization.open() {
		names = append(names, "RateLimit", "RateLimit-Policy")
	}
	if op.method != http.MethodGet {
		names = append(names, headerPosition)
	}
	if op.method == http.MethodGet && len(op.reads) > 0 {
		names = append(names, headerAsOf)
	}
	if op.conditional || op.method != http.MethodGet {
		names = append(names, "ETag")
	}
	if op.method == http.MethodPost {
		names = append(names, headerReplayed)
	}
	if op.status == http.StatusCreated || op.status == http.StatusFound {
		names = append(names, "Location")
	}
	return names
}

// exampleOf makes an example of the examples of a schema's parts. A part whose
// example is empty, or that has none, is null.
func exampleOf(registry huma.Registry, s *huma.Schema) any {
	for s.Ref != "" {
		if len(s.Examples) > 0 {
			return s.Examples[0]
		}
		s = registry.SchemaFromRef(s.Ref)
	}
	switch {
	case len(s.Examples) > 0 && s.Examples[0] == "":
		return nil
	case len(s.Examples) > 0:
		return s.Examples[0]
	case len(s.Enum) > 0:
		return s.Enum[0]
	case s.Default != nil:
		return s.Default
	case len(s.AnyOf) > 0: // It may be null; the example is what it is otherwise.
		return exampleOf(registry, s.AnyOf[0])
	}
	switch s.Type {
	case huma.TypeObject:
		object := map[string]any{}
		for name, property := range s.Properties {
			object[name] = exampleOf(registry, property)
		}
		return object
	case huma.TypeArray:
		return []any{exampleOf(registry, s.Items)}
	}
	return nil
}

// specification returns the OpenAPI document as it is served, in version 3.1.
func (a *API) specification() ([]byte, error) { return a.served((*huma.OpenAPI).MarshalJSON) }

// specification30 returns it in version 3.0.3, for generators that need that.
func (a *API) specification30() ([]byte, error) {
	return a.served((*huma.OpenAPI).Downgrade, withoutNullTypes)
}

// served completes the OpenAPI document, has it written in a version, and brings
// it into the form in which it is read.
func (a *API) served(write func(*huma.OpenAPI) ([]byte, error), more ...func(map[string]any)) (written []byte, err error) {
	a.documenting.Lock()
	defer a.documenting.Unlock()
	document := a.huma.OpenAPI()
	if document.Info.Description, err = a.introduce(); err != nil {
		return nil, err
	}
	registry := document.Components.Schemas
	registry.Schema(typeOf[Problem](), true, "Problem")
	registry.Schema(typeOf[ErrorEnvelope](), true, "ErrorEnvelope")
	if written, err = write(document); err != nil {
		return nil, fmt.Errorf("write the OpenAPI document: %w", err)
	}
	changes := append([]func(map[string]any){withForms, withNullsInEnums, withoutEmptyExamples}, more...)
	for _, pass := range []func([]byte) ([]byte, error){
		func(b []byte) ([]byte, error) { return rewritten(b, changes...) }, withSharedResponses, withoutOrphans,
	} {
		if written, err = pass(written); err != nil {
			return nil, err
		}
	}
	return append(written, '\n'), nil
}
