package telemetry

import (
	"net/http"
	"strconv"
	"time"

	"github.com/gorilla/mux"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// HTTP watches requests: a span, which continues the caller's trace, and a
// measurement by route.
type HTTP struct {
	tracing  *Tracing
	duration *prometheus.HistogramVec
	inFlight prometheus.Gauge
	refusals *prometheus.CounterVec
	outages  *prometheus.CounterVec
}

// NewHTTP registers its metrics with the registry.
func NewHTTP(tracing *Tracing, registry prometheus.Registerer) *HTTP {
	h := &HTTP{
		tracing: tracing,
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: namespace, Name: "http_request_duration_seconds", Buckets: latencyBuckets,
			Help: "How long requests took, by method, route and status.",
		}, []string{"method", "route", "status"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Namespace: namespace, Name: "http_requests_in_flight",
			Help: "Requests being answered.",
		}),
		refusals: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Name: "http_refusals_total",
			Help: "Requests that were refused, by the code of the answer: the client can do something about it.",
		}, []string{"code"}),
		outages: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Name: "http_outages_total",
			Help: "Requests that could not be served, by the code of the answer: the operator can do something about it.",
		}, []string{"code"}),
	}
	registry.MustRegister(h.duration, h.inFlight, h.refusals, h.outages)
	return h
}

// Middleware is for the router's Use: it runs once the route is known, so that
// spans and metrics bear its template and never an id.
func (h *HTTP) Middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		started := time.Now()
		h.inFlight.Inc()
		defer h.inFlight.Dec()

		route, method := routeOf(r), Method(r.Method)
		ctx, span := h.tracing.tracer.Start(
			ContinueFrom(r.Context(), r.Header.Get(traceParentHeader)),
			method+" "+route,
			trace.WithSpanKind(trace.SpanKindServer),
		)
		defer span.End()

		recorder := &statusRecorder{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(recorder, r.WithContext(ctx))

		h.duration.WithLabelValues(method, route, strconv.Itoa(recorder.status)).Observe(time.Since(started).Seconds())
		if span.IsRecording() {
			span.SetAttributes(
				attribute.String("http.request.method", method),
				attribute.String("http.route", route),
				attribute.Int("http.response.status_code", recorder.status))
			if recorder.status >= http.StatusInternalServerError {
				span.SetStatus(codes.Error, "")
			}
		}
	})
}

// Expect begins the counters of outages at zero, by the codes of their answers, so
// that their first increase is seen as one.
func (h *HTTP) Expect(codes ...string) {
	for _, code := range codes {
		h.outages.WithLabelValues(code)
	}
}

// Failed counts a request that was answered with an error. Its code is one of
// those of the contract.
func (h *HTTP) Failed(status int, code string) {
	if status < http.StatusInternalServerError {
		h.refusals.WithLabelValues(code).Inc()
		return
	}
	h.outages.WithLabelValues(code).Inc()
}

// Method is a request's method as metrics, traces and logs name it. A client can
// invent methods without end; all that HTTP does not know have one name.
func Method(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
		http.MethodDelete, http.MethodConnect, http.MethodOptions, http.MethodTrace:
		return method
	}
	return "OTHER"
}

func routeOf(r *http.Request) string {
	if route := mux.CurrentRoute(r); route != nil {
		if template, err := route.GetPathTemplate(); err == nil {
			return template
		}
	}
	return "unmatched"
}

// statusRecorder remembers the status that a handler wrote.
type statusRecorder struct {
	http.ResponseWriter
	status int
}

func (r *statusRecorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach the connection.
func (r *statusRecorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
