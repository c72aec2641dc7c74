package httpapi

import (
	"bytes"
	"context"
	"maps"
	"net/http"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/perfectworks/backend/adapters/httpapi/etag"
	"github.com/perfectworks/backend/adapters/httpapi/jsonbody"
	"github.com/perfectworks/backend/domain/failure"
)

// codeImmutable is the code of a member of the resource that a PUT cannot change.
const codeImmutable = "FIELD_IMMUTABLE"

// volatile are the members that change without an edit: a client that sends back
// what it read must not be refused because of them.
var volatile = map[string]bool{"lastUsedAt": true}

// checkCarried compares what a PUT carries along with the resource as it is.
// Clients read a resource, edit it, and send it back whole: what cannot be
// changed is accepted as it was, and refused when it differs. The resource is
// what a GET of the same path answers.
func (a *API) checkCarried(r *http.Request, op *operation, carried map[string]jsontext.Value) error {
	if len(carried) == 0 {
		return nil
	}
	current, err := a.current(r, op.resource)
	if err != nil || current == nil {
		return err
	}
	var wrong failure.Fields
	for _, name := range slices.Sorted(maps.Keys(carried)) {
		if is, known := current[name]; !volatile[name] && (!known || !jsonbody.Same(carried[name], is)) {
			wrong.Add(name, codeImmutable, "cannot be changed: leave it out, or send it as it is")
		}
	}
	return wrong.Err()
}

// current reads a resource by its own operation, for the caller of another one.
// It is nil where there is none: then the other operation says so.
func (a *API) current(r *http.Request, get *operation) (map[string]jsontext.Value, error) {
	x := *exchangeOf(r.Context())
	if err := get.authorization.admit(x.principal); err != nil {
		return nil, err
	}
	own := a.fresh.of(x.caller).later(a.fresh.of(string(x.principal.UserID)))
	if _, err := a.fresh.await(r.Context(), get.reads, own.written); err != nil {
		return nil, err
	}
	read := r.Clone(context.WithValue(r.Context(), exchangeKey{}, &x))
	read.Method, read.Body, read.ContentLength = http.MethodGet, http.NoBody, 0
	x.op, x.http, x.condition = get, read, etag.Condition{}
	answer := &keptAnswer{header: http.Header{}}
	get.handler.ServeHTTP(answer, read)
	switch {
	case answer.status == http.StatusNotFound:
		return nil, nil
	case answer.status != 0 && answer.status != http.StatusOK:
		return nil, errUnavailable
	}
	var e struct {
		Data map[string]jsontext.Value `json:"data"`
	}
	if err := json.Unmarshal(answer.body.Bytes(), &e); err != nil {
		return nil, err
	}
	return e.Data, nil
}

// keptAnswer keeps an answer that is not sent.
type keptAnswer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header implements http.ResponseWriter.
func (k *keptAnswer) Header() http.Header { return k.header }

// WriteHeader implements http.ResponseWriter.
func (k *keptAnswer) WriteHeader(status int) { k.status = status }

// Write implements http.ResponseWriter.
func (k *keptAnswer) Write(p []byte) (int, error) { return k.body.Write(p) }

// linkResources finds the resource of each PUT, and lets its members be carried
// along.
func (a *API) linkResources() {
	for _, op := range a.operations {
		if op.method != http.MethodPut || op.fields == nil {
			continue
		}
		for _, get := range a.operations {
			if get.method == http.MethodGet && get.path == op.path {
				op.resource = get
				op.fields.Carry(get.members...)
			}
		}
	}
}
