package httpapi

import (
	"context"
	"net/http"
	"net/http/pprof"

	"github.com/gorilla/mux"
)

// AdminHandler serves what is for operators alone: metrics, profiles, and
// readiness with its details. It must not be reachable for anybody else.
func AdminHandler(metrics http.Handler, ready func(context.Context) []Check) http.Handler {
	root := mux.NewRouter()
	get := func(path string, h http.Handler) { root.Path(path).Methods(http.MethodGet).Handler(h) }
	get("/metrics", metrics)
	get("/healthz", healthz())
	get("/readyz", readyz(ready, true))
	get("/debug/pprof/cmdline", http.HandlerFunc(pprof.Cmdline))
	get("/debug/pprof/profile", http.HandlerFunc(pprof.Profile))
	get("/debug/pprof/symbol", http.HandlerFunc(pprof.Symbol))
	get("/debug/pprof/trace", http.HandlerFunc(pprof.Trace))
	root.PathPrefix("/debug/pprof/").Methods(http.MethodGet).HandlerFunc(pprof.Index)
	return root
}
