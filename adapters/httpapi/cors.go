package httpapi

import (
	"net/http"

	"github.com/rs/cors"

	"github.com/perfectworks/backend/adapters/httpapi/etag"
)

// preflightAge is for how many seconds a browser may keep what it was allowed.
const preflightAge = 600

// crossOrigin lets the pages of some origins call the API: CORS, as the Fetch
// standard has it. Credentials are in headers that a page must set itself, and
// never in cookies.
func (a *API) crossOrigin(origins []string, next http.Handler) http.Handler {
	if len(origins) == 0 {
		return next
	}
	policy := cors.New(cors.Options{
		AllowedOrigins: origins,
		AllowedMethods: []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete},
		AllowedHeaders: []string{
			"Authorization", "X-API-Key", "Content-Type", headerOrganization, headerKey, headerMinPosition,
			headerRequestID, headerCorrelationID, headerPrefer, headerLastEventID, etag.IfMatch, etag.IfNoneMatch,
		},
		ExposedHeaders: []string{
			"ETag", "Location", "Retry-After", "RateLimit", "RateLimit-Policy", "WWW-Authenticate", "Allow",
			headerRequestID, headerPosition, headerReplayed, headerPreferenceApplied,
		},
		MaxAge: preflightAge,
	}).Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodOptions && r.Header.Get("Origin") != "" {
			if err := a.takeAddress(w, r, 1); err != nil {
				a.refuse(w, r, err)
				return
			}
		}
		policy.ServeHTTP(w, r)
	})
}

// addVary adds to the fields that an answer depends on.
func addVary(h http.Header, fields string) { h["Vary"] = append(h["Vary"], fields) }
