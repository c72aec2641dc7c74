package httpapi

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/gorilla/mux"

	"github.com/perfectworks/backend/adapters/httpapi/apidocs"
)

// routeDocumentation serves the OpenAPI document and the page made from it.
func (a *API) routeDocumentation(root *mux.Router) error {
	document, older, err := a.specification()
	if err != nil {
		return err
	}
	page, err := apidocs.Render(document)
	if err != nil {
		return fmt.Errorf("render the documentation: %w", err)
	}
	openapi, err := newPage(mediaJSON, document, "")
	if err != nil {
		return err
	}
	openapi30, err := newPage(mediaJSON, older, "")
	if err != nil {
		return err
	}
	docs, err := newPage("text/html; charset=utf-8", page.HTML, page.SecurityPolicy)
	if err != nil {
		return err
	}
	a.handlePage(root, basePath+"/openapi.json", openapi)
	a.handlePage(root, basePath+"/openapi-3.0.json", openapi30)
	a.handlePage(root, "/docs", docs)
	return nil
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
