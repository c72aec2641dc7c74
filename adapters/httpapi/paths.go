package httpapi

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/gorilla/mux"
)

// normalPaths brings the paths of requests into the one form that the router
// compares: of all that can be written as a percent sign and two digits, only
// what means something else when it is written plainly stays so. A slash that
// was encoded is a part of a segment, and never a separator.
func normalPaths(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.RawPath != "" {
			normal := *r.URL
			normal.RawPath = normalPath(r.URL.EscapedPath())
			r.URL = &normal
		}
		next.ServeHTTP(w, r)
	})
}

func normalPath(escaped string) string {
	segments := strings.Split(escaped, "/")
	for i, segment := range segments {
		// It was decoded before, so it can be.
		if plain, err := url.PathUnescape(segment); err == nil {
			segments[i] = url.PathEscape(plain)
		}
	}
	return strings.Join(segments, "/")
}

// decodeVariables decodes the variables of the request's route.
func decodeVariables(r *http.Request) {
	vars := mux.Vars(r)
	for name, value := range vars {
		if strings.Contains(value, "%") {
			if plain, err := url.PathUnescape(value); err == nil {
				vars[name] = plain
			}
		}
	}
}
