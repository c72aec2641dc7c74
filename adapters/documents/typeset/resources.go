package typeset

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"golang.org/x/net/html"

	"github.com/perfectworks/backend/adapters/documents/typeset/style"
)

// printed tells whether a media attribute includes paper.
func printed(media string) bool {
	media = strings.ToLower(media)
	return media == "" || strings.Contains(media, "all") || strings.Contains(media, "print")
}

func (d *document) linked(n *html.Node, limits Limits) *style.Sheet {
	rel, _ := attr(n, "rel")
	media, _ := attr(n, "media")
	href, ok := attr(n, "href")
	if !ok || !strings.Contains(strings.ToLower(rel), "stylesheet") || strings.Contains(strings.ToLower(rel), "alternate") || !printed(media) {
		return nil
	}
	data, err := d.resource(href, limits.ImageBytes)
	if err != nil {
		d.notes.warn("A style sheet that the document refers to was not loaded.")
		return nil
	}
	return style.Parse(string(data))
}

var errNotLoaded = errors.New("it was not loaded")

// resource loads what a URL names: data: URLs by itself, others through the options.
func (d *document) resource(reference string, limit int) ([]byte, error) {
	reference = strings.TrimSpace(reference)
	if len(reference) >= 5 && strings.EqualFold(reference[:5], "data:") {
		if len(reference) > 2*limit {
			return nil, errNotLoaded
		}
		head, body, ok := strings.Cut(reference[5:], ",")
		if !ok {
			return nil, errNotLoaded
		}
		text, err := url.PathUnescape(body)
		if err != nil {
			return nil, errNotLoaded
		}
		if !strings.HasSuffix(head, ";base64") {
			return []byte(text), nil
		}
		text = strings.TrimRight(strings.Join(strings.Fields(text), ""), "=")
		return base64.RawStdEncoding.DecodeString(text)
	}
	if d.load == nil {
		return nil, errNotLoaded
	}
	data, err := d.load(reference)
	if err != nil {
		return nil, fmt.Errorf("load a resource: %w", err)
	}
	if len(data) > limit {
		return nil, errNotLoaded
	}
	return data, nil
}
