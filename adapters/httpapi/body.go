package httpapi

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/perfectworks/backend/adapters/httpapi/jsonbody"
)

const defaultBodyTimeout = 10 * time.Second

// takeBody reads the body, checks it, and hands it on. The layers behind read
// it from memory.
func (a *API) takeBody(op *operation, next http.Handler) http.Handler {
	limit := op.maxBody
	if limit == 0 {
		limit = defaultMaxBody
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := a.readBody(w, r, limit)
		if err == nil {
			err = checkBody(r, op, body)
		}
		if err != nil {
			a.refuse(w, r, err)
			return
		}
		r.Body = &memoryBody{Reader: bytes.NewReader(body), bytes: body}
		next.ServeHTTP(w, r)
	})
}

// limitBodyTime sets the deadline for the request's body, whoever reads it: where
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

func checkBody(r *http.Request, op *operation, body []byte) error {
	switch {
	case len(body) == 0 && op.bodyRequired:
		return errBodyMissing
	case len(body) == 0:
		return nil
	case hasEncoding(r):
		return errContentEncoding
	case !isJSON(r.Header.Get("Content-Type")):
		return errMediaType
	}
	return jsonbody.Check(body, op.fields)
}

func (a *API) readBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	if bodyless(r) {
		return nil, nil
	}
	if r.ContentLength > limit {
		return nil, errBodyTooLarge(limit)
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, errBodyTooLarge(limit)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, errBodyTimeout
	case err != nil:
		return nil, errBodyUnreadable
	}
	return body, nil
}
