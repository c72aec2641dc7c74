package httpapi

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"
)

const (
	// stallTimeout bounds how long a client may take to receive a piece of a
	// streamed answer, or to send a piece of a streamed body.
	stallTimeout = 30 * time.Second
	// writeMargin is how much longer than the operation the writing of its
	// answer may take.
	writeMargin = 10 * time.Second
)

// rawAnswer is an answer without an envelope: a file, a redirect, a stream. The
// rest of the reply, such as status and location, holds for it as well.
type rawAnswer struct {
	cookies []*http.Cookie
	// write writes the body; nil when there is none. It may set header fields
	// before its first write. A failure before that is answered as any other;
	// after it the answer is broken off, so that the client cannot take the part
	// for the whole. The context is the operation's.
	write func(ctx context.Context, w *rawWriter, r *http.Request) error
}

// redirect is an answer that sends the client to another address. It is not to
// be stored, nor is the address that it was asked for to be passed on.
func redirect[T any](status int, to string, cookies ...*http.Cookie) reply[T] {
	return reply[T]{status: status, location: to, raw: &rawAnswer{cookies: cookies}}
}

func (a *API) sendRaw(w http.ResponseWriter, x *exchange, status int, answer *rawAnswer) {
	for _, cookie := range answer.cookies {
		http.SetCookie(w, cookie)
	}
	if answer.write == nil {
		w.WriteHeader(status)
		return
	}
	ctx := x.http.Context()
	out := &rawWriter{ResponseWriter: w, ctx: ctx, status: status}
	r := x.http
	if x.head {
		r = r.Clone(ctx)
		r.Method = http.MethodHead
	}
	err := answer.write(ctx, out, r)
	if out.refused != 0 {
		err = refusedContent(out.refused)
	}
	switch {
	case err == nil && out.begun:
	case err == nil:
		out.WriteHeader(status)
	case !out.begun:
		for _, name := range []string{"Content-Disposition", "Content-Encoding", "Content-Length", "Etag", "Last-Modified", "Location", "Set-Cookie"} {
			w.Header().Del(name)
		}
		a.refuse(w, x.http, err)
	default:
		a.note(ctx, x, answerTo(ctx, err), err)
		panic(http.ErrAbortHandler)
	}
}

// refusedContent is the refusal for a status that http.ServeContent chose.
func refusedContent(status int) error {
	switch status {
	case http.StatusRequestedRangeNotSatisfiable:
		return errRange
	case http.StatusPreconditionFailed:
		return errPrecondition
	}
	return errors.New("refused with status " + strconv.Itoa(status))
}

// rawWriter writes the body of an answer. Each write has its own deadline, and
// fails once the operation's context has ended.
type rawWriter struct {
	http.ResponseWriter
	ctx    context.Context
	status int
	begun  bool
	// refused is the status of a refusal that was tried to write: those have a
	// form of their own.
	refused int
}

// WriteHeader implements http.ResponseWriter.
func (w *rawWriter) WriteHeader(status int) {
	switch {
	case w.begun || w.refused != 0:
	case status >= http.StatusBadRequest:
		w.refused = status
	default:
		w.begun = status >= http.StatusOK
		w.ResponseWriter.WriteHeader(status)
	}
}

// Write implements http.ResponseWriter.
func (w *rawWriter) Write(b []byte) (int, error) {
	if w.refused != 0 {
		return len(b), nil
	}
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	w.WriteHeader(w.status)
	w.renew()
	return w.ResponseWriter.Write(b)
}

// Flush sends what was written.
func (w *rawWriter) Flush() error {
	w.WriteHeader(w.status)
	w.renew()
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// renew moves the deadline on. A writer without deadlines is a test's.
func (w *rawWriter) renew() {
	_ = http.NewResponseController(w.ResponseWriter).SetWriteDeadline(time.Now().Add(stallTimeout))
}

// Unwrap lets http.ResponseController reach the connection.
func (w *rawWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
