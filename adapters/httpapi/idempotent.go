package httpapi

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/perfectworks/backend/adapters/httpapi/idempotency"
	"github.com/perfectworks/backend/adapters/httpapi/jsonbody"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/input"
)

const (
	headerKey      = "Idempotency-Key"
	headerReplayed = "Idempotency-Replayed"
	// longestKey bounds an Idempotency-Key, in bytes.
	longestKey = 255
	// leaseMargin is how much longer than a request may take nobody else may
	// take it over.
	leaseMargin = 5 * time.Second
	// settleTimeout bounds the end of an attempt, which the client's leaving
	// does not cut short.
	settleTimeout = 5 * time.Second
)

// Idempotency keeps the answers to requests with an Idempotency-Key.
type Idempotency interface {
	Begin(ctx context.Context, r idempotency.Request, lease time.Duration) (idempotency.Attempt, *idempotency.Answer, error)
	Finish(ctx context.Context, a idempotency.Attempt, answer idempotency.Answer) error
	Release(ctx context.Context, a idempotency.Attempt) error
	Forget(ctx context.Context, a idempotency.Attempt) error
}

// repeatable lets a POST be repeated under an Idempotency-Key. Without the
// header it costs nothing, unless the operation needs one.
func (a *API) repeatable(op *operation, next http.Handler) http.Handler {
	lease := op.limit() + leaseMargin
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		keys := r.Header[headerKey]
		if len(keys) == 0 && op.keyed {
			var wrong failure.Fields
			wrong.Add(headerKey, input.CodeRequired, "must be given, so that repeating the request does nothing more")
			a.refuse(w, r, wrong.Err())
			return
		}
		if len(keys) == 0 || op.authorization.open() {
			next.ServeHTTP(w, r)
			return
		}
		x := exchangeOf(r.Context())
		if len(keys) > 1 || !isKey(keys[0]) {
			a.refuse(w, r, malformed(headerKey, "must be one text of 1 to 255 visible ASCII characters"))
			return
		}
		attempt, answer, err := a.idempotency.Begin(r.Context(), idempotency.Request{
			Caller: x.caller, Route: r.Method + " " + r.URL.EscapedPath(), Key: keys[0],
			Organization: x.principal.OrganizationID, Person: cmp.Or(string(x.principal.UserID), x.caller),
			Content: [][]byte{[]byte(r.URL.RawQuery), []byte(r.Header.Get(headerOrganization)), contentOf(r)},
		}, lease)
		if op.joins && errors.Is(err, idempotency.ErrRunning) {
			next.ServeHTTP(w, r)
			return
		}
		if err != nil {
			a.refuse(w, r, err)
			return
		}
		x.attempt = attempt
		err = a.returnTo(r, x, attempt.Organization)
		switch {
		case err != nil && answer == nil:
			a.attempt(w, r, x, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { a.refuse(w, r, err) }))
		case err != nil:
			a.refuse(w, r, err)
		case answer == nil:
			a.attempt(w, r, x, next)
		case answer.Derived || op.secret:
			a.derive(w, r, next)
		default:
			a.replay(w, x, answer)
		}
	})
}

// returnTo makes a repeated request act in the organization that it was first
// carried out in, if the caller may still act there: they may have moved, or may
// have been removed.
func (a *API) returnTo(r *http.Request, x *exchange, organization id.Organization) error {
	if organization == "" || organization == x.principal.OrganizationID {
		return nil
	}
	h := r.Header.Clone()
	h.Set(headerOrganization, string(organization))
	p, err := a.authenticator.Authenticate(r.Context(), h, nil)
	if err == nil {
		err = x.op.authorization.admit(p)
	}
	if err != nil {
		return err
	}
	x.principal = p
	return nil
}

// derive gives an answer again that was not stored. The command decides again
// whether the caller may have it, and finds what it has written.
func (a *API) derive(w http.ResponseWriter, r *http.Request, next http.Handler) {
	buffered := &buffer{ResponseWriter: w}
	next.ServeHTTP(buffered, r)
	if buffered.status < http.StatusMultipleChoices {
		buffered.Header().Set(headerReplayed, "true")
	}
	buffered.flush()
}

// contentOf is the body in the form that all bodies of the same meaning share.
func contentOf(r *http.Request) []byte {
	body, ok := r.Body.(*memoryBody)
	if !ok || len(body.bytes) == 0 {
		return nil
	}
	return jsonbody.Canonical(body.bytes)
}

func isKey(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return s != "" && len(s) <= longestKey
}

// attempt carries the request out, and settles what becomes of its key before
// the client learns the answer.
func (a *API) attempt(w http.ResponseWriter, r *http.Request, x *exchange, next http.Handler) {
	buffered := &buffer{ResponseWriter: w}
	settled := false
	ctx := context.WithoutCancel(r.Context())
	defer func() {
		if !settled { // A panic is on its way up.
			a.settle(ctx, x, &buffer{status: http.StatusInternalServerError})
		}
	}()
	next.ServeHTTP(buffered, r)
	settled = true
	a.settle(ctx, x, buffered)
	buffered.flush()
}

// settle keeps an answer of success. A refusal changed nothing and frees the key:
// the next attempt is decided again. An answer that leaves open what happened
// keeps the command for the next attempt, which then finds what this one wrote;
// so does a refusal after such an answer.
func (a *API) settle(ctx context.Context, x *exchange, b *buffer) {
	ctx, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	var err error
	switch {
	case b.status < http.StatusBadRequest && x.op.secret:
		err = a.idempotency.Finish(ctx, x.attempt, idempotency.Answer{Status: b.status, Derived: true})
	case b.status < http.StatusBadRequest:
		err = a.idempotency.Finish(ctx, x.attempt, idempotency.Answer{
			Status: b.status, Header: kept(b.Header()), Body: b.body.Bytes(),
		})
	case b.status >= http.StatusInternalServerError, b.status == statusClientGone, x.attempt.Retry:
		err = a.idempotency.Release(ctx, x.attempt)
	default:
		err = a.idempotency.Forget(ctx, x.attempt)
	}
	if err != nil {
		// The answer stands. Who repeats the request runs the same command.
		a.logger.WarnContext(ctx, "the answer to a request with an idempotency key was not kept",
			"requestId", x.requestID, "error", describe(err))
	}
}

// keptHeaders are those of an answer that belong to it, not to the exchange.
var keptHeaders = []string{"Content-Type", "Cache-Control", "Etag", "Location", headerPosition}

func kept(h http.Header) http.Header {
	out := http.Header{}
	for _, name := range keptHeaders {
		if v := h[name]; len(v) > 0 {
			out[name] = v
		}
	}
	return out
}

func (a *API) replay(w http.ResponseWriter, x *exchange, answer *idempotency.Answer) {
	h := w.Header()
	for name, values := range answer.Header {
		h[name] = values
	}
	h.Set(headerReplayed, "true")
	if position, err := event.ParsePosition(h.Get(headerPosition)); err == nil {
		// The first attempt may have been made elsewhere.
		a.remember(x, position)
	}
	w.WriteHeader(answer.Status)
	_, _ = w.Write(answer.Body)
}

// buffer holds an answer back.
type buffer struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

// WriteHeader implements http.ResponseWriter.
func (b *buffer) WriteHeader(status int) {
	if b.status == 0 {
		b.status = status
	}
}

// Write implements http.ResponseWriter.
func (b *buffer) Write(p []byte) (int, error) {
	b.WriteHeader(http.StatusOK)
	return b.body.Write(p)
}

// Header implements http.ResponseWriter.
func (b *buffer) Header() http.Header {
	if b.ResponseWriter == nil {
		return http.Header{}
	}
	return b.ResponseWriter.Header()
}

func (b *buffer) flush() {
	b.WriteHeader(http.StatusOK)
	b.ResponseWriter.WriteHeader(b.status)
	_, _ = b.ResponseWriter.Write(b.body.Bytes())
}
