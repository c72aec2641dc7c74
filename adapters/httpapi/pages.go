package httpapi

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/mux"

	"github.com/perfectworks/backend/adapters/httpapi/apidocs"
)

// routeDocumentation serves the OpenAPI document and the page made from it. They
// take longer to write than all the rest of a start, and few processes are asked
// for them: the first request for one writes it.
func (a *API) routeDocumentation(root *mux.Router) {
	document := sync.OnceValues(a.specification)
	for path, write := range map[string]func() (*page, error){
		basePath + "/openapi.json":     func() (*page, error) { return documentPage(document()) },
		basePath + "/openapi-3.0.json": func() (*page, error) { return documentPage(a.specification30()) },
		"/docs":                        func() (*page, error) { return peoplesPage(document()) },
	} {
		written := sync.OnceValues(write)
		a.handlePage(root, path, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			p, err := written()
			if err != nil {
				a.refuse(w, r, err)
				return
			}
			p.ServeHTTP(w, r)
		}))
	}
}

// documentPage is the OpenAPI document for programs.
func documentPage(document []byte, err error) (*page, error) {
	if err != nil {
		return nil, err
	}
	return newPage(mediaJSON, document, "")
}

// peoplesPage is the OpenAPI document for people.
func peoplesPage(document []byte, err error) (*page, error) {
	if err != nil {
		return nil, err
	}
	rendered, err := apidocs.Render(document)
	if err != nil {
		return nil, fmt.Errorf("render the documentation: %w", err)
	}
	return newPage("text/html; charset=utf-8", rendered.HTML, rendered.SecurityPolicy)
}

// page is a body that stays as it is.
type page struct {
	contentType string
	policy      string
	etag        string
	plain       []byte
	compressed  []byte
}

func newPage(contentType string, body []byte, policy string) (*page, error) {
	var compressed bytes.Buffer
	w := gzip.NewWriter(&compressed)
	if _, err := w.Write(body); err != nil {
		return nil, fmt.Errorf("compress a page: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("compress a page: %w", err)
	}
	sum := sha256.Sum256(body)
	return &page{
		contentType: contentType, policy: policy, etag: `W/"` + hex.EncodeToString(sum[:8]) + `"`,
		plain: body, compressed: compressed.Bytes(),
	}, nil
}

// ServeHTTP implements http.Handler.
func (p *page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("ETag", p.etag)
	h.Set("Cache-Control", "public, no-cache")
	addVary(h, "Accept-Encoding")
	if p.policy != "" {
		h.Set("Content-Security-Policy", p.policy)
	}
	if strings.Contains(r.Header.Get("If-None-Match"), p.etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Type", p.contentType)
	body := p.plain
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		body = p.compressed
	}
	_, _ = w.Write(body) //nolint:gosec // Nothing in it comes from a request.
}

// routeOperations serves what those ask for who watch the process.
func (a *API) routeOperations(root *mux.Router, d Deps) {
	a.handleProbe(root, "/healthz", healthz())
	a.handleProbe(root, "/readyz", readyz(shared(d.Ready), false))
}

// handlePage serves something that is no operation of the contract.
func (a *API) handlePage(router *mux.Router, path string, h http.Handler) {
	a.handleProbe(router, path, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := a.takeAddress(w, r, 1); err != nil {
			a.refuse(w, r, err)
			return
		}
		h.ServeHTTP(w, r)
	}))
}

// handleProbe serves a page that is never refused: who watches the process would
// take a refusal for its end.
func (a *API) handleProbe(router *mux.Router, path string, h http.Handler) {
	var template string
	route := router.Path(path).Methods(http.MethodGet).HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x := exchangeOf(r.Context())
		x.page = template
		a.limits.tellAddress(w.Header(), x.client, time.Now())
		h.ServeHTTP(w, r)
	})
	template, _ = route.GetPathTemplate() // Only routes without a path have none.
}
