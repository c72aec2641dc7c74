package httpapi

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/validation"

	"github.com/perfectworks/backend/adapters/httpapi/jsonbody"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/input"
)

// huma is configured by variables of its package. These values hold for every
// API of the process.
func init() {
	huma.ValidateStrictCasing = true
	huma.DefaultArrayNullable = false
	useOurRules()
	huma.NewErrorWithContext = func(ctx huma.Context, status int, _ string, errs ...error) huma.StatusError {
		return &answeredRefusal{apiError: fromHuma(status, errs), x: exchangeOf(ctx.Context())}
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
		return errors.New(rule(d.Code, d.Message) + "\n" + d.Field)
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

// rule is a message that carries its code: what huma and format say of an input
// reaches readDetail as text alone.
func rule(code, message string) string { return code + "\n" + message }

// useOurRules puts our codes and sentences in the place of huma's. They must not
// quote values, so texts of errors are left out. The schemas of a process are
// made after it.
func useOurRules() {
	huma.ErrorFormatter = func(format string, args ...any) string { //nolint:reassign // It is how huma is told.
		shown := slices.DeleteFunc(slices.Clone(args), func(arg any) bool { _, isError := arg.(error); return isError })
		return fmt.Sprintf(format, shown...)
	}
	form := rule(input.CodeFormat, "does not have the expected form")
	for message, ours := range map[*string]string{
		&validation.MsgExpectedRFC3339DateTime: rule(input.CodeFormat, "must be an RFC 3339 time, such as 2025-12-31T23:59:59.000Z"),
		&validation.MsgExpectedRFC1123DateTime: rule(input.CodeFormat, "must be an RFC 1123 time"),
		&validation.MsgExpectedRFC3339Date:     rule(input.CodeFormat, "must be a date, such as 2025-12-31"),
		&validation.MsgExpectedRFC3339Time:     rule(input.CodeFormat, "must be a time of day, such as 23:59:59Z"),
		&validation.MsgExpectedDuration:        rule(input.CodeFormat, "must be a duration, such as 90s"),
		&validation.MsgExpectedRFC5322Email:    rule(input.CodeFormat, "must be an e-mail address"),
		&validation.MsgExpectedRFC5890Hostname: rule(input.CodeFormat, "must be a host name"),
		&validation.MsgExpectedRFC2673IPv4:     rule(input.CodeFormat, "must be an IPv4 address"),
		&validation.MsgExpectedRFC2373IPv6:     rule(input.CodeFormat, "must be an IPv6 address"),
		&validation.MsgExpectedRFCIPAddr:       rule(input.CodeFormat, "must be an IP address"),
		&validation.MsgExpectedRFC3986URI:      rule(input.CodeFormat, "must be a URI"),
		&validation.MsgExpectedRFC4122UUID:     rule(input.CodeFormat, "must be a UUID"),
		&validation.MsgExpectedBase64String:    rule(input.CodeFormat, "must be base64"),
		&validation.MsgExpectedRegexp:          rule(input.CodeFormat, "must be a regular expression"),
		&validation.MsgExpectedMatchPattern:    rule(input.CodeFormat, "must match %s"),
		&validation.MsgExpectedBePattern:       rule(input.CodeFormat, "must be %s"),

		&validation.MsgExpectedRFC6570URITemplate:         form,
		&validation.MsgExpectedRFC6901JSONPointer:         form,
		&validation.MsgExpectedRFC6901RelativeJSONPointer: form,
		&validation.MsgExpectedMatchAtLeastOneSchema:      form,
		&validation.MsgExpectedMatchExactlyOneSchema:      form,
		&validation.MsgExpectedNotMatchSchema:             form,

		&validation.MsgExpectedBoolean: rule(jsonbody.CodeType, "must be true or false"),
		&validation.MsgExpectedNumber:  rule(jsonbody.CodeType, "must be a number"),
		&validation.MsgExpectedInteger: rule(jsonbody.CodeType, "must be a whole number"),
		&validation.MsgExpectedString:  rule(jsonbody.CodeType, "must be a string"),
		&validation.MsgExpectedArray:   rule(jsonbody.CodeType, "must be a list"),
		&validation.MsgExpectedObject:  rule(jsonbody.CodeType, "must be an object"),

		&validation.MsgExpectedOneOf: rule(input.CodeUnknown, "must be one of \"%s\""),
		&validation.MsgExpectedConst: rule(input.CodeUnknown, "must be %v"),

		&validation.MsgExpectedMinimumNumber:          rule(input.CodeRange, "must be at least %v"),
		&validation.MsgExpectedExclusiveMinimumNumber: rule(input.CodeRange, "must be greater than %v"),
		&validation.MsgExpectedMaximumNumber:          rule(input.CodeRange, "must be at most %v"),
		&validation.MsgExpectedExclusiveMaximumNumber: rule(input.CodeRange, "must be less than %v"),
		&validation.MsgExpectedNumberBeMultipleOf:     rule(input.CodeRange, "must be a multiple of %v"),

		&validation.MsgExpectedMinLength:        rule(input.CodeTooShort, "must have at least %d characters"),
		&validation.MsgExpectedMaxLength:        rule(input.CodeTooLong, "must have at most %d characters"),
		&validation.MsgExpectedMinItems:         rule(input.CodeTooShort, "must have at least %d items"),
		&validation.MsgExpectedMaxItems:         rule(input.CodeTooLong, "must have at most %d items"),
		&validation.MsgExpectedMinProperties:    rule(input.CodeTooShort, "must have at least %d members"),
		&validation.MsgExpectedMaxProperties:    rule(input.CodeTooLong, "must have at most %d members"),
		&validation.MsgExpectedArrayItemsUnique: rule(input.CodeFormat, "must not hold a value twice"),

		&validation.MsgUnexpectedProperty:           rule(jsonbody.CodeUnknown, "is not known here"),
		&validation.MsgExpectedPropertyNameInObject: form,
		// The field is below the place that huma names.
		&validation.MsgExpectedRequiredProperty:          rule(input.CodeRequired, "must be given\n%s"),
		&validation.MsgExpectedDependentRequiredProperty: rule(input.CodeRequired, "must be given\n%[1]s"),
	} {
		*message = ours
	}
}

// fixedSentences are those that huma has no variables for.
var fixedSentences = map[string]string{
	"invalid integer": rule(jsonbody.CodeType, "must be a whole number"),
	"invalid float":   rule(jsonbody.CodeType, "must be a number"),
	"invalid boolean": rule(jsonbody.CodeType, "must be true or false"),

	"required query parameter is missing":  rule(input.CodeRequired, "must be given"),
	"required path parameter is missing":   rule(input.CodeRequired, "must be given"),
	"required header parameter is missing": rule(input.CodeRequired, "must be given"),
	"required cookie parameter is missing": rule(input.CodeRequired, "must be given"),
}

// readDetail names the field and the rule that huma speaks of: a message of ours
// holds the code, the sentence and, if it is not the place that huma names, the
// field.
func readDetail(d *huma.ErrorDetail) (field, code, message string) {
	text := d.Message
	if ours, ok := fixedSentences[text]; ok {
		text = ours
	}
	// "body.scopes[0]", "query.limit", "header.X-Min-Position"
	_, field, below := strings.Cut(d.Location, ".")
	parts := strings.SplitN(text, "\n", 3)
	if len(parts) < 2 {
		return cmp.Or(field, d.Location), input.CodeFormat, "does not have the expected form"
	}
	switch {
	case len(parts) == 3 && below:
		field += "." + parts[2]
	case len(parts) == 3:
		field = parts[2]
	case !below:
		field = d.Location
	}
	return field, parts[0], parts[1]
}

// documentedError has the shape of ErrorEnvelope, as an error.
type documentedError ErrorEnvelope

// Error implements huma.StatusError.
func (e documentedError) Error() string { return e.Message }

// GetStatus implements huma.StatusError.
func (e documentedError) GetStatus() int { return e.Body.Status }
