package httpapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// withSharedResponses moves the refusals of an OpenAPI document into its
// components. Operations refuse alike: a set of codes stands once, and the
// document stays small enough to read.
func withSharedResponses(document []byte) ([]byte, error) {
	var d servedDocument
	if err := json.Unmarshal(document, &d); err != nil {
		return nil, fmt.Errorf("read the OpenAPI document: %w", err)
	}
	var paths map[string]map[string]map[string]json.RawMessage
	if err := json.Unmarshal(d.Paths, &paths); err != nil {
		return nil, fmt.Errorf("read the paths of the OpenAPI document: %w", err)
	}
	shared := map[string]json.RawMessage{}
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		for _, method := range slices.Sorted(maps.Keys(paths[path])) {
			if err := shareResponses(paths[path][method], shared); err != nil {
				return nil, err
			}
		}
	}
	var err error
	if d.Paths, err = json.Marshal(paths); err != nil {
		return nil, fmt.Errorf("write the paths of the OpenAPI document: %w", err)
	}
	if d.Components == nil {
		d.Components = map[string]map[string]json.RawMessage{}
	}
	d.Components["responses"] = shared
	written, err := json.Marshal(d)
	if err != nil {
		return nil, fmt.Errorf("write the OpenAPI document: %w", err)
	}
	return written, nil
}

// shareResponses replaces the refusals of an operation by references.
func shareResponses(operation map[string]json.RawMessage, shared map[string]json.RawMessage) error {
	var responses map[string]json.RawMessage
	if err := json.Unmarshal(operation["responses"], &responses); err != nil {
		return fmt.Errorf("read the responses of an operation: %w", err)
	}
	for status, response := range responses {
		if code, err := strconv.Atoi(status); err != nil || code < http.StatusBadRequest {
			continue
		}
		name, err := responseName(status, response, shared)
		if err != nil {
			return err
		}
		shared[name] = response
		responses[status], _ = json.Marshal(map[string]string{"$ref": componentPrefix + "responses/" + name}) // It cannot fail.
	}
	var err error
	operation["responses"], err = json.Marshal(responses)
	return err
}

// responseName names a response by its status and the codes that it lists, as in
// "NotFound-API_KEY_NOT_FOUND". A long list is named by its first code and its
// length. Two responses that differ never share a name.
func responseName(status string, response json.RawMessage, shared map[string]json.RawMessage) (string, error) {
	var r struct {
		Content map[string]struct {
			Examples map[string]json.RawMessage `json:"examples"`
		} `json:"content"`
	}
	if err := json.Unmarshal(response, &r); err != nil {
		return "", fmt.Errorf("read a response of the OpenAPI document: %w", err)
	}
	code, _ := strconv.Atoi(status) // The caller has checked it.
	base := strings.ReplaceAll(http.StatusText(code), " ", "")
	switch codes := slices.Sorted(maps.Keys(r.Content[mediaJSON].Examples)); {
	case len(codes) > 3:
		base += "-" + codes[0] + "-and-" + strconv.Itoa(len(codes)-1) + "-more"
	case len(codes) > 0:
		base += "-" + strings.Join(codes, "-")
	}
	name := base
	for n := 2; shared[name] != nil && !bytes.Equal(shared[name], response); n++ {
		name = base + "-" + strconv.Itoa(n)
	}
	return name, nil
}
