package httpapi

import (
	"encoding/json"
	"fmt"
	"strings"
)

const componentPrefix = "#/components/"

// servedDocument is an OpenAPI document in the order in which it is read.
type servedDocument struct {
	OpenAPI    json.RawMessage                       `json:"openapi"`
	Info       json.RawMessage                       `json:"info"`
	Servers    json.RawMessage                       `json:"servers,omitempty"`
	Tags       json.RawMessage                       `json:"tags,omitempty"`
	Paths      json.RawMessage                       `json:"paths"`
	Components map[string]map[string]json.RawMessage `json:"components"`
}

// withoutOrphans is an OpenAPI document without the components that nothing in
// it refers to: those of hidden operations must not show.
func withoutOrphans(document []byte) ([]byte, error) {
	var d servedDocument
	if err := json.Unmarshal(document, &d); err != nil {
		return nil, fmt.Errorf("read the OpenAPI document: %w", err)
	}
	used := map[string]bool{}
	if err := d.follow(d.Paths, used); err != nil {
		return nil, err
	}
	for kind, all := range d.Components {
		if kind == "securitySchemes" {
			continue // They are named, not referred to.
		}
		for name := range all {
			if !used[componentPrefix+kind+"/"+name] {
				delete(all, name)
			}
		}
	}
	pruned, err := json.Marshal(d)
	if err != nil {
		return nil, fmt.Errorf("write the OpenAPI document: %w", err)
	}
	return pruned, nil
}

// follow notes what a part of the document refers to, and what that refers to.
func (d *servedDocument) follow(part json.RawMessage, used map[string]bool) error {
	var tree any
	if err := json.Unmarshal(part, &tree); err != nil {
		return fmt.Errorf("read the OpenAPI document: %w", err)
	}
	for _, ref := range references(nil, tree) {
		if used[ref] {
			continue
		}
		used[ref] = true
		kind, name, _ := strings.Cut(strings.TrimPrefix(ref, componentPrefix), "/")
		if component, ok := d.Components[kind][name]; ok {
			if err := d.follow(component, used); err != nil {
				return err
			}
		}
	}
	return nil
}

// references adds the references in a tree to those that there are.
func references(refs []string, tree any) []string {
	switch tree := tree.(type) {
	case []any:
		for _, item := range tree {
			refs = references(refs, item)
		}
	case map[string]any:
		for name, value := range tree {
			if ref, ok := value.(string); ok && name == "$ref" {
				refs = append(refs, ref)
				continue
			}
			refs = references(refs, value)
		}
	}
	return refs
}
