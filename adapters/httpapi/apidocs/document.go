// Package apidocs makes one readable page of an OpenAPI 3.1 document. The page
// needs no script and nothing from anywhere else, so that it works everywhere
// and for everybody: with a keyboard, a screen reader, without a network.
package apidocs

import (
	"encoding/json"
	"fmt"
	"strings"
)

// The parts of an OpenAPI document that the page shows.
type (
	document struct {
		Info struct {
			Title, Version, Description string
		}
		Servers []struct{ URL string }
		Tags    []struct{ Name, Description string }
		Paths   map[string]map[string]operation

		Components struct {
			Schemas         map[string]schema
			Parameters      map[string]parameter
			Headers         map[string]parameter
			Examples        map[string]example
			Responses       map[string]response
			SecuritySchemes map[string]struct{ Type, Scheme, Name, BearerFormat, Description string }
		}
	}
	operation struct {
		OperationID string
		Tags        []string
		Summary     string
		Description string
		Parameters  []parameter
		RequestBody *struct {
			Required bool
			Content  map[string]media
		}
		Responses map[string]response
		Security  []map[string][]string
	}
	parameter struct {
		Ref         string `json:"$ref"`
		Name        string
		In          string
		Description string
		Required    bool
		Example     any
		Schema      schema
	}
	response struct {
		Ref         string `json:"$ref"`
		Description string
		Headers     map[string]parameter
		Content     map[string]media
	}
	media struct {
		Schema   schema
		Example  json.RawMessage
		Examples map[string]example
	}
	example struct {
		Ref     string `json:"$ref"`
		Summary string
	}
	schema struct {
		Ref         string `json:"$ref"`
		Type        types
		Format      string
		Description string
		Properties  map[string]schema
		Required    []string
		Items       *schema
		Enum        []any
		Default     any
		Minimum     *float64
		Maximum     *float64
		MinLength   *int
		MaxLength   *int
		Examples    []any
	}
)

// types are a type, or several: "null" says that the value may be absent.
type types []string

// UnmarshalJSON reads both forms.
func (t *types) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*t = types{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(t))
}

func parse(raw []byte) (*document, error) {
	var d document
	if err := json.Unmarshal(raw, &d); err != nil {
		return nil, fmt.Errorf("read the OpenAPI document: %w", err)
	}
	return &d, nil
}

// resolve follows a reference within the document. What stands beside the
// reference has precedence.
func (d *document) resolve(s schema) schema {
	for s.Ref != "" {
		target := d.Components.Schemas[lastPart(s.Ref)]
		if s.Description != "" {
			target.Description = s.Description
		}
		s = target
	}
	return s
}

func (d *document) parameter(p parameter) parameter {
	if p.Ref == "" {
		return p
	}
	if strings.HasPrefix(p.Ref, "#/components/headers/") {
		h := d.Components.Headers[lastPart(p.Ref)]
		h.Name = lastPart(p.Ref)
		return h
	}
	return d.Components.Parameters[lastPart(p.Ref)]
}

func (d *document) response(r response) response {
	if r.Ref == "" {
		return r
	}
	return d.Components.Responses[lastPart(r.Ref)]
}

func (d *document) example(e example) example {
	if e.Ref == "" {
		return e
	}
	return d.Components.Examples[lastPart(e.Ref)]
}

func lastPart(ref string) string { return ref[strings.LastIndex(ref, "/")+1:] }
