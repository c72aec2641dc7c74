package httpapi

import (
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"github.com/perfectworks/backend/adapters/httpapi/idempotency"
	"github.com/perfectworks/backend/adapters/httpapi/jsonbody"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/failure"
)

// refusalsOf returns all refusals of an operation, for its documentation: its
// own, and those that follow from what it declares.
func (a *API) refusalsOf(op *operation) []error {
	all := []error{
		errValidation, errNotAcceptable, errHeadersTooLarge,
		errRateLimited(0), errConcurrencyLimited, errBusy,
		errUnavailable, failure.ErrStorageFull, failure.ErrStorageReadOnly, errTimeout, errInternal,
	}
	if !op.authorization.open() {
		all = append(all, errBehind)
		all = append(all, a.authenticator.Refusals()...)
		all = append(all, op.authorization.refusals()...)
	}
	if op.method == http.MethodGet {
		all = append(all, errBehind)
	} else {
		all = append(all,
			errBodyMissing, errBodyUnreadable, errBodyTimeout, errBodyTooLarge(op.bodyLimit()),
			errMediaType, errContentEncoding, errMalformed, commands.ErrContended)
		all = append(all, a.storeRefusals...)
	}
	switch op.method {
	case http.MethodPost:
		all = append(all, idempotency.ErrReused, idempotency.ErrRunning)
	case http.MethodPut, http.MethodDelete:
		all = append(all, commands.ErrStale)
	}
	if len(op.produces) > 0 {
		all = append(all, errRange, errPrecondition)
	}
	return append(all, op.fails...)
}

// Refusals that have many forms, as the documentation shows them.
var (
	errMalformed = &failure.Failure{
		Kind: failure.Invalid, Code: jsonbody.CodeMalformed, Message: "the body is not valid JSON, at byte 17",
	}
	errValidation = &failure.Failure{
		Kind: failure.Invalid, Code: failure.CodeValidation, Message: "the input breaks a rule",
		Details: []failure.Detail{{Field: "name", Code: "REQUIRED", Message: "must be given"}},
	}
)

// errorResponses describe the refusals by status, each code with an example,
// which it adds to the document's.
func (a *API) errorResponses(op *operation, examples map[string]*huma.Example) map[string]*huma.Response {
	responses := map[string]*huma.Response{}
	x := &exchange{requestID: "01JD9Z3Q5W8X0V6M2K4T7R1B9C"}
	for _, err := range a.refusalsOf(op) {
		e := answerTo(nil, err) //nolint:staticcheck // The context matters for the context's errors alone.
		status := strconv.Itoa(e.status)
		r := responses[status]
		if r == nil {
			r = &huma.Response{
				Description: http.StatusText(e.status) + ".",
				Headers:     e.documentedHeaders(),
				Content: map[string]*huma.MediaType{
					mediaJSON: {
						Schema: &huma.Schema{Ref: schemaPrefix + "ErrorEnvelope"}, Examples: map[string]*huma.Example{},
					},
					mediaProblem: {Schema: &huma.Schema{Ref: schemaPrefix + "Problem"}},
				},
			}
			responses[status] = r
		}
		// A code can come with more than one status.
		name := e.code + "." + status
		r.Content[mediaJSON].Examples[e.code] = &huma.Example{Ref: "#/components/examples/" + name}
		examples[name] = &huma.Example{Summary: e.message, Value: e.body(x)}
	}
	return responses
}

const schemaPrefix = componentPrefix + "schemas/"

func (e *apiError) documentedHeaders() map[string]*huma.Param {
	names := []string{headerRequestID}
	if e.retryAfter > 0 {
		names = append(names, "Retry-After")
	}
	if e.status == http.StatusUnauthorized {
		names = append(names, "WWW-Authenticate")
	}
	described := map[string]*huma.Param{}
	for _, name := range names {
		described[name] = &huma.Param{Ref: "#/components/headers/" + name}
	}
	return described
}
