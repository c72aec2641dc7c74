package httpapi

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/perfectworks/backend/adapters/httpapi/jsonbody"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/input"
)

// huma is configured by variables of its package. These values hold for every
// API of the process.
func init() {
	huma.ValidateStrictCasing = true
	huma.DefaultArrayNullable = false
	huma.NewErrorWithContext = func(ctx huma.Context, status int, _ string, errs ...error) huma.StatusError {
		return &refusal{apiError: fromHuma(status, errs), x: exchangeOf(ctx.Context())}
	}
	// By the type of this, huma documents the errors of operations.
	huma.NewError = func(status int, message string, _ ...error) huma.StatusError {
		return documentedError{Message: message, Body: ErrorBody{Message: message, Status: status}}
	}
}

// format is how huma reads and writes bodies.
var format = huma.Format{
	Marshal: writeJSON,
	Unmarshal: func(body []byte, v any) error {
		f := failure.Of(jsonbody.Decode(body, v))
		if f == nil {
			return nil
		}
		if len(f.Details) == 0 {
			return f
		}
		// huma keeps the text of an error and not the error: readDetail takes
		// the text apart again.
		d := f.Details[0]
		return errors.New(strings.Join([]string{d.Field, d.Code, d.Message}, "\n"))
	},
}

// writeJSON writes with the standard library, which is the faster one at that.
func writeJSON(w io.Writer, v any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(v)
}

// fromHuma turns what huma found wrong with an input into our refusal. Its own
// errors quote values; those stay here.
func fromHuma(status int, errs []error) *apiError {
	if status >= http.StatusInternalServerError {
		return errInternal
	}
	var wrong failure.Fields
	for _, err := range errs {
		var detail *huma.ErrorDetail
		if errors.As(err, &detail) {
			wrong.Add(readDetail(detail))
		}
	}
	f := failure.Of(wrong.Err())
	if f == nil {
		return errBodyUnreadable
	}
	return &apiError{status: http.StatusBadRequest, code: f.Code, message: f.Message, details: f.Details}
}

// readDetail names the field and the rule that huma speaks of.
func readDetail(d *huma.ErrorDetail) (field, code, message string) {
	if parts := strings.Split(d.Message, "\n"); len(parts) == 3 {
		return parts[0], parts[1], parts[2]
	}
	// "body.scopes[0]", "query.limit", "header.X-Min-Position"
	_, field, below := strings.Cut(d.Location, ".")
	if rest, ok := strings.CutPrefix(d.Message, "expected required property "); ok {
		name := strings.TrimSuffix(rest, " to be present")
		if below {
			name = field + "." + name
		}
		return name, input.CodeRequired, "must be given"
	}
	if !below {
		field = d.Location
	}
	for _, s := range sentences {
		if rest, ok := strings.CutPrefix(d.Message, s.huma); ok {
			if strings.HasSuffix(s.ours, " ") {
				return field, s.code, s.ours + rest
			}
			return field, s.code, s.ours
		}
	}
	return field, input.CodeFormat, "does not have the expected form"
}

// sentences are huma's, by how they begin, and ours in their place. Where ours
// ends with a space, the end of huma's follows, which names bounds or values.
var sentences = []struct{ huma, code, ours string }{
	{"expected string to be RFC 3339 date-time", input.CodeFormat, "must be an RFC 3339 time, such as 2025-12-31T23:59:59.000Z"},
	{"expected string to ", input.CodeFormat, "does not have the expected form"},
	{"expected string", jsonbody.CodeType, "must be a string"},
	{"expected boolean", jsonbody.CodeType, "must be true or false"},
	{"expected integer", jsonbody.CodeType, "must be a whole number"},
	{"invalid integer", jsonbody.CodeType, "must be a whole number"},
	{"expected number >= ", input.CodeRange, "must be at least "},
	{"expected number <= ", input.CodeRange, "must be at most "},
	{"expected number", jsonbody.CodeType, "must be a number"},
	{"expected array items", input.CodeFormat, "must not hold a value twice"},
	{"expected array length >= ", input.CodeTooShort, "must have at least this many items: "},
	{"expected array length <= ", input.CodeTooLong, "must have at most this many items: "},
	{"expected array", jsonbody.CodeType, "must be a list"},
	{"expected object", jsonbody.CodeType, "must be an object"},
	{"expected length >= ", input.CodeTooShort, "must have at least this many characters: "},
	{"expected length <= ", input.CodeTooLong, "must have at most this many characters: "},
	{"expected value to be one of ", input.CodeUnknown, "must be one of "},
	{"required ", input.CodeRequired, "must be given"},
}

// documentedError has the shape of ErrorEnvelope, as an error.
type documentedError ErrorEnvelope

// Error implements huma.StatusError.
func (e documentedError) Error() string { return e.Message }

// GetStatus implements huma.StatusError.
func (e documentedError) GetStatus() int { return e.Body.Status }
