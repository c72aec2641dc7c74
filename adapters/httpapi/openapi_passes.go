package httpapi

import (
	"encoding/json"
	"fmt"
	"slices"
)

// withNullsInEnums adds null to the values of an enum that may be null: JSON
// Schema asks for it in both places.
func withNullsInEnums(schema map[string]any) {
	enum, ok := schema["enum"].([]any)
	if ok && nullable(schema) && !slices.Contains(enum, nil) {
		schema["enum"] = append(enum, nil)
	}
}

func nullable(schema map[string]any) bool {
	types, _ := schema["type"].([]any)
	return slices.Contains(types, any("null")) || schema["nullable"] == true
}

// withoutNullTypes says in the way of version 3.0 that a reference may be null.
func withoutNullTypes(schema map[string]any) {
	choices, ok := schema["anyOf"].([]any)
	if !ok {
		return
	}
	kept := slices.DeleteFunc(choices, func(choice any) bool {
		c, _ := choice.(map[string]any)
		return c["type"] == "null"
	})
	if len(kept) == len(choices) {
		return
	}
	delete(schema, "anyOf")
	schema["type"], schema["allOf"], schema["nullable"] = "object", kept, true
}

// withoutEmptyExamples leaves out the empty text that stands for null where
// examples are made: it is no value of most schemas.
func withoutEmptyExamples(schema map[string]any) {
	if _, described := schema["type"]; !described {
		return
	}
	if examples, ok := schema["examples"].([]any); ok && len(examples) == 1 && examples[0] == "" {
		delete(schema, "examples")
	}
	if schema["example"] == "" {
		delete(schema, "example")
	}
}

// rewritten applies the changes one after the other, each to all objects of a
// document, those within an object first.
func rewritten(document []byte, changes ...func(map[string]any)) ([]byte, error) {
	var tree any
	if err := json.Unmarshal(document, &tree); err != nil {
		return nil, fmt.Errorf("read the OpenAPI document: %w", err)
	}
	for _, change := range changes {
		rewrite(tree, change)
	}
	written, err := json.Marshal(tree)
	if err != nil {
		return nil, fmt.Errorf("write the OpenAPI document: %w", err)
	}
	return written, nil
}

func rewrite(tree any, change func(map[string]any)) {
	switch tree := tree.(type) {
	case []any:
		for _, item := range tree {
			rewrite(item, change)
		}
	case map[string]any:
		for _, value := range tree {
			rewrite(value, change)
		}
		change(tree)
	}
}
