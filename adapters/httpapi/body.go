package httpapi

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/perfectworks/backend/adapters/httpapi/jsonbody"
)

const defaultBodyTimeout = 10 * time.Second

// takeBody reads the body. The layers behind read it from memory.
func (a *API) takeBody(op *operation, next http.Handler) http.Handler {
	if op.body == streamedBody {
		return a.streamBody(op, next)
	}
	limit := op.bodyLimit()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := a.readBody(w, r, limit)
		if err != nil {
			a.refuse(w, r, err)
			return
		}
		x := exchangeOf(r.Context())
		if err := a.takeUnannounced(w, r, x, len(body)); err != nil {
			a.refuse(w, r, err)
			return
		}
		x.raw = body
		r.Body = &memoryBody{Reader: bytes.NewReader(body), bytes: body}
		next.ServeHTTP(w, r)
	})
}

// streamBody lets the operation read the body from the connection, piece by
// piece, while it may already answer.
func (a *API) streamBody(op *operation, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := checkRawBody(r, op)
		if err == nil && r.ContentLength > op.bodyLimit() {
			err = errBodyTooLarge(op.bodyLimit())
		}
		if err != nil {
			a.refuse(w, r, err)
			return
		}
		controller := http.NewResponseController(w)
		_ = controller.EnableFullDuplex() // HTTP/2 needs no permission.
		// Else net/http panics over what is left: https://go.dev/issue/68560.
		defer r.Body.Close()
		if !bodyless(r) {
			r.Body = &arrivingBody{
				ReadCloser: http.MaxBytesReader(w, r.Body, op.bodyLimit()),
				limit:      op.bodyLimit(), controller: controller, until: time.Now().Add(op.limit()),
			}
		}
		next.ServeHTTP(w, r)
	})
}

// arrivingBody is a body that is read as it arrives. The client may take its
// time, but each piece must come within stallTimeout. Its errors are answers.
type arrivingBody struct {
	io.ReadCloser
	limit      int64
	controller *http.ResponseController
	until      time.Time
}

// Read implements io.Reader.
func (b *arrivingBody) Read(p []byte) (int, error) {
	deadline := time.Now().Add(stallTimeout)
	if deadline.After(b.until) {
		deadline = b.until
	}
	_ = b.controller.SetReadDeadline(deadline)
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		// What comes next on the connection has deadlines of its own.
		_ = b.controller.SetReadDeadline(time.Time{})
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = brokenBody(err, b.limit)
	}
	return n, err
}

// limitBodyTime sets the deadline for the request's body, no matter which layer reads it: where
// a request is refused before, net/http reads what is left. It also lifts the
// deadline once all is read.
func (a *API) limitBodyTime(w http.ResponseWriter, r *http.Request) {
	if !bodyless(r) {
		// A writer without deadlines is a test's.
		_ = huma.SetReadDeadline(w, time.Now().Add(a.bodyTimeout))
	}
}

// memoryBody is a body that has been read whole.
type memoryBody struct {
	*bytes.Reader
	bytes []byte
}

// Close does nothing.
func (*memoryBody) Close() error { return nil }

// checkTaken checks the body that takeBody has read.
func (a *API) checkTaken(r *http.Request, op *operation) error {
	body := exchangeOf(r.Context()).raw
	if op.body == rawBody {
		return checkRawBody(r, op)
	}
	if len(body) > largeBody {
		select {
		case a.largeBodies <- struct{}{}:
			defer func() { <-a.largeBodies }()
		case <-r.Context().Done():
			return r.Context().Err()
		}
	}
	checked, err := a.checkBody(r, op, body)
	if err != nil {
		return err
	}
	if len(checked) != len(body) {
		r.Body = &memoryBody{Reader: bytes.NewReader(checked), bytes: checked}
	}
	if len(body) > 0 {
		// However it was spelt: huma reads it by this.
		r.Header["Content-Type"] = contentJSON
	}
	return nil
}

// checkBody returns the part of a body that the operation decodes.
func (a *API) checkBody(r *http.Request, op *operation, body []byte) ([]byte, error) {
	switch {
	case len(body) == 0 && op.bodyRequired:
		return nil, errBodyMissing
	case len(body) == 0:
		return nil, nil
	case hasEncoding(r):
		return nil, errContentEncoding
	case !isJSON(r.Header.Get("Content-Type")):
		return nil, errMediaType
	}
	if err := jsonbody.Check(body, op.fields); err != nil {
		return nil, err
	}
	body, carried, err := jsonbody.Split(body, op.fields)
	if err != nil {
		return nil, err
	}
	return body, a.checkCarried(r, op, carried)
}

// checkRawBody looks at what is said of a body that is not looked at itself.
func checkRawBody(r *http.Request, op *operation) error {
	if hasEncoding(r) {
		return errContentEncoding
	}
	if len(op.consumes) > 0 && !slices.Contains(op.consumes, mediaType(r.Header.Get("Content-Type"))) {
		return errMediaTypeOf(op.consumes)
	}
	return nil
}

func (a *API) readBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	if bodyless(r) {
		return nil, nil
	}
	if r.ContentLength > limit {
		return nil, errBodyTooLarge(limit)
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if err != nil {
		return nil, brokenBody(err, limit)
	}
	// The deadline was the body's: it must not end what takes longer.
	_ = huma.SetReadDeadline(w, time.Time{})
	return body, nil
}

// brokenBody is the answer to a body that could not be read to its end.
func brokenBody(err error, limit int64) error {
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return errBodyTooLarge(limit)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return errBodyTimeout
	}
	return errBodyUnreadable
}
