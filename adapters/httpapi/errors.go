package httpapi

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/perfectworks/backend/adapters/httpapi/idempotency"
	"github.com/perfectworks/backend/adapters/httpapi/jsonbody"
	"github.com/perfectworks/backend/adapters/httpapi/ratelimit"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/input"
	"github.com/perfectworks/backend/domain/refusal"
)

// statusOf is the one place where failures become statuses.
var statusOf = map[failure.Kind]int{
	failure.Invalid:         http.StatusBadRequest,
	failure.Unauthenticated: http.StatusUnauthorized,
	failure.Forbidden:       http.StatusForbidden,
	failure.NotFound:        http.StatusNotFound,
	failure.Conflict:        http.StatusConflict,
	failure.Gone:            http.StatusGone,
	failure.Stale:           http.StatusPreconditionFailed,
	failure.Unprocessable:   http.StatusUnprocessableEntity,
	failure.PaymentRequired: http.StatusPaymentRequired,
	failure.Unavailable:     http.StatusServiceUnavailable,

	failure.TooLarge:         http.StatusRequestEntityTooLarge,
	failure.UnsupportedMedia: http.StatusUnsupportedMediaType,
}

// statusClientGone is logged when the client no longer waits for the answer. It is
// not a status of HTTP, and is never sent.
const statusClientGone = 499

// retrySoon is when to come back after a fault that usually passes by itself.
const retrySoon = time.Second

// apiError is an answer that says no. Its texts are fit to be shown.
type apiError struct {
	status  int
	code    string
	message string
	details []failure.Detail
	// retryAfter, when not zero, says when to come back.
	retryAfter time.Duration
	header     http.Header
}

// Error is the code and the sentence.
func (e *apiError) Error() string { return e.code + ": " + e.message }

// Refusals of HTTP's own.
var (
	errRouteNotFound = &apiError{
		status: http.StatusNotFound, code: "ROUTE_NOT_FOUND",
		message: "there is nothing at this address: see /docs",
	}
	errMethodNotAllowed = &apiError{
		status: http.StatusMethodNotAllowed, code: "METHOD_NOT_ALLOWED",
		message: "this address does not take this method: see the Allow header",
	}
	errNotAcceptable = &apiError{
		status: http.StatusNotAcceptable, code: "MEDIA_TYPE_NOT_ACCEPTABLE",
		message: "answers are application/json, which the Accept header leaves out",
	}
	errMediaType = &apiError{
		status: http.StatusUnsupportedMediaType, code: "MEDIA_TYPE_UNSUPPORTED",
		message: "send the body as application/json in UTF-8",
		header:  http.Header{"Accept": {mediaJSON}},
	}
	errContentEncoding = &apiError{
		status: http.StatusUnsupportedMediaType, code: "CONTENT_ENCODING_UNSUPPORTED",
		message: "send the body without a content encoding",
		header:  http.Header{"Accept-Encoding": {"identity"}},
	}
	errRange = &apiError{
		status: http.StatusRequestedRangeNotSatisfiable, code: "RANGE_NOT_SATISFIABLE",
		message: "the range lies outside the content: see the Content-Range header",
	}
	errPrecondition = &apiError{
		status: http.StatusPreconditionFailed, code: "PRECONDITION_FAILED",
		message: "the content is another one than the request names",
	}
	errBodyMissing = &apiError{
		status: http.StatusBadRequest, code: "BODY_MISSING",
		message: "this request needs a JSON body",
	}
	errHeadersTooLarge = &apiError{
		status: http.StatusRequestHeaderFieldsTooLarge, code: "HEADERS_TOO_LARGE",
		message: "the address and the header fields must have at most " + strconv.Itoa(maxHeaders) + " bytes together",
		header:  http.Header{"Connection": {"close"}},
	}
	errBodyUnreadable = &apiError{
		status: http.StatusBadRequest, code: "BODY_UNREADABLE",
		message: "the body did not arrive whole",
	}
	errBodyTimeout = &apiError{
		status: http.StatusRequestTimeout, code: "BODY_TIMED_OUT",
		message: "the body did not arrive in time", header: http.Header{"Connection": {"close"}},
	}
	errInternal = &apiError{
		status: http.StatusInternalServerError, code: "REQUEST_FAILED",
		message: "something went wrong on our side: the request id names it",
	}
	errUnavailable = &apiError{
		status: http.StatusServiceUnavailable, code: "SERVICE_UNAVAILABLE",
		message: "a part of the system does not answer: try again", retryAfter: retrySoon,
	}
	errTimeout = &apiError{
		status: http.StatusServiceUnavailable, code: "REQUEST_TIMED_OUT",
		message: "this took too long: repeat the request as it was", retryAfter: retrySoon,
	}
	errBehind = &apiError{
		status: http.StatusServiceUnavailable, code: "READ_MODEL_BEHIND",
		message: "what was written is not readable yet: try again", retryAfter: retrySoon,
	}
	errClientGone = &apiError{status: statusClientGone, code: "CLIENT_GONE", message: "the client went away"}
)

func errBodyTooLarge(limit int64) *apiError {
	return &apiError{
		status: http.StatusRequestEntityTooLarge, code: "BODY_TOO_LARGE",
		message: "the body must have at most " + strconv.FormatInt(limit, 10) + " bytes",
	}
}

func errMediaTypeOf(accepted []string) *apiError {
	types := strings.Join(accepted, ", ")
	return &apiError{
		status: errMediaType.status, code: errMediaType.code,
		message: "send the body as " + types, header: http.Header{"Accept": {types}},
	}
}

func errNotAcceptableOf(produced []string) *apiError {
	return &apiError{
		status: errNotAcceptable.status, code: errNotAcceptable.code,
		message: "answers are " + strings.Join(produced, " or ") + ", which the Accept header leaves out",
	}
}

func errRateLimited(wait time.Duration) *apiError {
	return &apiError{
		status: http.StatusTooManyRequests, code: "RATE_LIMIT_EXCEEDED",
		message: "too many requests: slow down", retryAfter: max(wait, time.Second),
	}
}

// Refusals because there are too many requests.
var (
	errConcurrencyLimited = &apiError{
		status: http.StatusTooManyRequests, code: "CONCURRENCY_LIMIT_EXCEEDED",
		message: "too many requests of yours are under way: wait for their answers", retryAfter: retrySoon,
	}
	errBusy = &apiError{
		status: http.StatusServiceUnavailable, code: "SERVER_BUSY",
		message: "too many requests are under way: try again", retryAfter: retrySoon,
	}
)

// Outages are the codes of answers for which this package finds the server at fault.
// Other packages have codes of their own.
func Outages() []string {
	var codes []string
	for _, e := range []*apiError{errInternal, errUnavailable, errTimeout, errBehind, errBusy} {
		codes = append(codes, e.code)
	}
	return codes
}

// malformed is the refusal of one field that does not have its form.
func malformed(field, message string) error {
	var wrong failure.Fields
	wrong.Add(field, input.CodeFormat, message)
	return wrong.Err()
}

// answerTo turns any error into the answer to give. What is not meant to be
// shown becomes one of the general answers.
func answerTo(ctx context.Context, err error) *apiError {
	var e *apiError
	if errors.As(err, &e) {
		return e
	}
	if f := cmp.Or(failure.Of(err), storageFailure(err)); f != nil {
		e := &apiError{status: statusOf[f.Kind], code: f.Code, message: f.Message, details: f.Details}
		if f.Kind == failure.Unavailable {
			e.retryAfter = retrySoon
		}
		var running *idempotency.RunningError
		if errors.As(err, &running) {
			e.retryAfter = running.RetryAfter
		}
		return e
	}
	switch {
	case errors.Is(err, context.Canceled) && errors.Is(context.Cause(ctx), context.Canceled):
		return errClientGone
	case errors.Is(err, context.DeadlineExceeded):
		return errTimeout
	case isUnavailable(err):
		return errUnavailable
	}
	return errInternal
}

// body is what is sent of the error.
func (e *apiError) body(x *exchange) any {
	details := make([]ErrorDetail, min(len(e.details), jsonbody.MaxDetails))
	for i, d := range e.details[:len(details)] {
		details[i] = ErrorDetail(d)
	}
	if x.problem {
		return Problem{
			Type: "about:blank", Title: http.StatusText(e.status), Status: e.status,
			Detail: e.message, Code: e.code, Details: details, RequestID: x.requestID,
		}
	}
	return ErrorEnvelope{Message: e.message, Body: ErrorBody{
		Code: e.code, Message: e.message, Status: e.status, Details: details, RequestID: x.requestID,
	}}
}

// writeHeader sets the header fields of the error.
func (e *apiError) writeHeader(h http.Header, x *exchange) {
	for name, values := range e.header {
		h[name] = values
	}
	if e.retryAfter > 0 {
		h.Set("Retry-After", strconv.FormatInt(ratelimit.Seconds(e.retryAfter), 10))
	}
	if e.status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", e.challenge(x))
	}
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Type", e.contentType(x))
}

// challenge says which credential is needed, and what is wrong with the one that
// was sent: RFC 6750, section 3.
func (e *apiError) challenge(x *exchange) string {
	const scheme = `Bearer realm="perfectworks"`
	if !x.credentials {
		return scheme
	}
	// Within quotes, and ASCII without quotes and backslashes.
	described := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || r == '"' || r == '\\' {
			return -1
		}
		return r
	}, e.message)
	return scheme + `, error="invalid_token", error_description="` + described + `"`
}

func (e *apiError) contentType(x *exchange) string {
	if x.problem {
		return mediaProblem
	}
	return mediaJSON
}

// refuse answers a request with an error, and has it logged when it is ours.
func (a *API) refuse(w http.ResponseWriter, r *http.Request, err error) {
	x := exchangeOf(r.Context())
	e := answerTo(r.Context(), err)
	a.note(r.Context(), x, e, err)
	var body bytes.Buffer
	_ = writeJSON(&body, e.body(x)) // It can be encoded, and a buffer takes all.
	e.writeHeader(w.Header(), x)
	w.Header().Set("Content-Length", strconv.Itoa(body.Len()))
	w.WriteHeader(e.status)
	// An error here means that the client is gone; the access log shows the rest.
	_, _ = w.Write(body.Bytes())
}

// note logs an error that is ours to mend. Those of clients are in the access
// log.
func (a *API) note(ctx context.Context, x *exchange, e *apiError, err error) {
	x.tooMany = e.status == http.StatusTooManyRequests || e.code == errBusy.code
	a.failed(e.status, e.code)
	if e.status < http.StatusInternalServerError {
		a.auditRefusal(ctx, x, e)
		return
	}
	attrs := []any{"requestId", x.requestID, "code", e.code, "error", describe(err)}
	if x.op != nil {
		attrs = append(attrs, "operation", x.op.id)
	}
	if e.status == http.StatusServiceUnavailable {
		a.logger.WarnContext(ctx, "request not served", attrs...)
		return
	}
	a.logger.ErrorContext(ctx, "request failed", attrs...)
}

// auditRefusal tells of a command that somebody tried in an organization and that
// was refused. What has no principal, reads, and what was merely too much at once
// are in the metrics only.
func (a *API) auditRefusal(ctx context.Context, x *exchange, e *apiError) {
	if x.op == nil || x.op.method == http.MethodGet || x.principal.ID() == "" || x.principal.OrganizationID == "" || x.tooMany {
		return
	}
	a.refused(a.command(ctx, x), refusal.Kind{
		Principal: x.principal.ID(), OrganizationID: x.principal.OrganizationID,
		Operation: x.op.id, Code: e.code, Status: e.status,
	})
}
