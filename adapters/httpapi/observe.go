package httpapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"runtime/debug"
	"time"
)

// observe is the outermost layer: it names the request, logs it, and turns a
// panic into an answer.
func (a *API) observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		started := time.Now()
		x := a.newExchange(r)
		h := w.Header()
		h[headerRequestID] = []string{x.requestID}
		h["X-Content-Type-Options"] = nosniff
		h["Referrer-Policy"] = noReferrer
		h["Content-Security-Policy"] = nothingAllowed

		a.limitBodyTime(w, r)
		rec := &recorder{ResponseWriter: w}
		method := knownMethod(r.Method)
		r = r.WithContext(context.WithValue(r.Context(), exchangeKey{}, x))
		if x.head {
			// A HEAD is a GET without its body, which net/http leaves out.
			r.Method = http.MethodGet
		}
		defer func() { a.logAccess(r, x, method, rec, time.Since(started)) }()
		defer func() {
			if v := recover(); v != nil {
				a.recovered(rec, r, x, v)
			}
		}()
		next.ServeHTTP(rec, r)
		rest(rec, r, x)
	})
}

// boundHeaders refuses requests with an address and header fields beyond what any
// needs. Far beyond, the server itself gives up before there is a request.
func (a *API) boundHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		size := len(r.RequestURI)
		for name, values := range r.Header {
			for _, value := range values {
				size += len(name) + len(value)
			}
		}
		if size > maxHeaders {
			err := a.takeAddress(w, r, 1)
			if err == nil {
				err = errHeadersTooLarge
			}
			a.refuse(w, r, err)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// knownMethod is a method as it is logged: invented ones have no end.
func knownMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
		http.MethodOptions, http.MethodConnect, http.MethodTrace:
		return method
	}
	return "OTHER"
}

// Shared values of header fields, which nobody appends to.
var (
	nosniff        = []string{"nosniff"}
	noReferrer     = []string{"no-referrer"}
	nothingAllowed = []string{"default-src 'none'; frame-ancestors 'none'"}
)

// recovered answers after a panic. What panicked is not logged, for it may hold
// anything; its type and place are.
func (a *API) recovered(rec *recorder, r *http.Request, x *exchange, v any) {
	if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(v)
	}
	attrs := []any{"requestId", x.requestID, "stack", string(debug.Stack())}
	switch v := v.(type) {
	case runtime.Error:
		attrs = append(attrs, "panic", v.Error())
	default:
		attrs = append(attrs, "panicType", fmt.Sprintf("%T", v))
	}
	a.logger.ErrorContext(r.Context(), "panic while serving a request", attrs...)
	if rec.status != 0 {
		// The answer has begun: all that is left is to break it off.
		panic(http.ErrAbortHandler)
	}
	e := errInternal
	e.writeHeader(rec.Header(), x)
	rec.WriteHeader(e.status)
	_ = writeJSON(rec, e.body(x))
}

func (a *API) logAccess(r *http.Request, x *exchange, method string, rec *recorder, took time.Duration) {
	ctx := r.Context()
	if !a.logger.Enabled(ctx, slog.LevelInfo) {
		return
	}
	attrs := [...]slog.Attr{
		slog.String("method", method),
		slog.String("route", x.route()),
		slog.Int("status", rec.status),
		slog.Duration("took", took),
		slog.Int64("bytes", rec.bytes),
		slog.String("requestId", x.requestID),
		slog.String("principal", x.principal.ID()),
	}
	a.logger.LogAttrs(ctx, slog.LevelInfo, "request", attrs[:]...)
}

// route is the template of the route, never a path, which may hold anything.
func (x *exchange) route() string {
	switch {
	case x.op != nil:
		return x.op.template
	case x.page != "":
		return x.page
	default:
		return "unmatched"
	}
}

// recorder remembers what was written.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
}

// WriteHeader implements http.ResponseWriter.
func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	n, err := r.ResponseWriter.Write(b)
	r.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
