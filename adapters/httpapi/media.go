package httpapi

import (
	"mime"
	"net/http"
	"strconv"
	"strings"
)

const (
	mediaJSON    = "application/json"
	mediaProblem = "application/problem+json"
)

// acceptOf is the whole Accept field of a request.
func acceptOf(r *http.Request) string {
	if lines := r.Header["Accept"]; len(lines) > 1 {
		return strings.Join(lines, ",")
	}
	return r.Header.Get("Accept")
}

// accepts tells whether an Accept field has room for one of the media types that
// are offered: RFC 9110, section 12.5.1. For each the most specific range that
// fits decides. Errors may be asked for as problem documents; that does not
// leave the answers out.
func accepts(accept string, offered ...string) bool {
	if accept == "" || accept == "*/*" {
		return true
	}
	for _, media := range offered {
		if accept == media || quality(accept, media) > 0 {
			return true
		}
	}
	return false
}

// quality is how welcome a media type is, from 0 to 1.
func quality(accept, media string) float64 {
	kind, _, _ := strings.Cut(media, "/")
	found, quality := 0, 0.0
	for mediaRange := range strings.SplitSeq(accept, ",") {
		name, params, _ := strings.Cut(mediaRange, ";")
		specific := 0
		switch strings.ToLower(strings.TrimSpace(name)) {
		case media:
			specific = 4
		case mediaProblem:
			specific = 3
		case kind + "/*":
			specific = 2
		case "*/*":
			specific = 1
		}
		if specific > found {
			found, quality = specific, qualityOf(params)
		}
	}
	return quality
}

// wantsProblem tells whether errors are asked for as problem documents.
func wantsProblem(accept string) bool {
	if len(accept) < len(mediaProblem) {
		return false
	}
	for mediaRange := range strings.SplitSeq(accept, ",") {
		name, params, _ := strings.Cut(mediaRange, ";")
		if strings.EqualFold(strings.TrimSpace(name), mediaProblem) && qualityOf(params) > 0 {
			return true
		}
	}
	return false
}

// qualityOf is the weight among the parameters of a media range; 1 without one.
func qualityOf(params string) float64 {
	for param := range strings.SplitSeq(params, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(param), "=")
		if strings.EqualFold(name, "q") {
			q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil {
				return 1
			}
			return q
		}
	}
	return 1
}

// isJSON tells whether a Content-Type says JSON in UTF-8. A body without the
// field is taken for it: there is nothing else that it could be.
func isJSON(contentType string) bool {
	if contentType == "" || contentType == mediaJSON {
		return true
	}
	media, params, err := mime.ParseMediaType(contentType)
	if err != nil || media != mediaJSON {
		return false
	}
	charset, set := params["charset"]
	return !set || strings.EqualFold(charset, "utf-8")
}

// mediaType is the type of a Content-Type field in lower case, without its
// parameters; empty when it cannot be read.
func mediaType(contentType string) string {
	media, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return ""
	}
	return media
}
