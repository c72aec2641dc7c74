package telemetry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/mux"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/perfectworks/backend/adapters/telemetry"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/failure"
)

func recording(share float64) (*telemetry.Tracing, *tracetest.SpanRecorder) {
	spans := tracetest.NewSpanRecorder()
	return telemetry.NewTracingTo(spans, "test", share), spans
}

const callersParent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

// one trace reaches from the caller's request through the command and the
// event's metadata to the projection.
func TestTraceReachesFromRequestToProjection(t *testing.T) {
	t.Parallel()
	tracing, spans := recording(0)
	observer := telemetry.NewCommands(tracing, quiet(t), prometheus.NewRegistry())
	router := mux.NewRouter()
	router.Use(telemetry.NewHTTP(tracing, prometheus.NewRegistry()).Middleware)
	var stored string
	router.HandleFunc("/things/{id}", func(_ http.ResponseWriter, r *http.Request) {
		ctx, end := observer.Begin(r.Context(), "ChangeThing", commands.Request{})
		stored = telemetry.TraceParent(ctx)
		end(nil)
	})
	request := httptest.NewRequest(http.MethodPost, "/things/7", nil)
	request.Header.Set("traceparent", callersParent)
	router.ServeHTTP(httptest.NewRecorder(), request)

	_, end := tracing.Projecting(context.Background(), "things",
		event.Recorded{Event: happened{}, Metadata: event.Metadata{TraceParent: stored}})
	end()

	want := []string{"command ChangeThing", "POST /things/{id}", "project things"}
	ended := spans.Ended()
	if len(ended) != len(want) {
		t.Fatalf("got %d spans, want %d", len(ended), len(want))
	}
	for i, span := range ended {
		if span.Name() != want[i] {
			t.Errorf("span %d is %q, want %q", i, span.Name(), want[i])
		}
		if got := span.SpanContext().TraceID().String(); got != "4bf92f3577b34da6a3ce929d0e0e4736" {
			t.Errorf("span %q belongs to trace %s, not to the caller's", span.Name(), got)
		}
	}
}

// without an exporter the caller's context still travels to the log.
func TestTraceParentTravelsWithoutExporter(t *testing.T) {
	t.Parallel()
	tracing, err := telemetry.NewTracing(t.Context(), "", "test", 1)
	if err != nil {
		t.Fatal(err)
	}
	observer := telemetry.NewCommands(tracing, quiet(t), prometheus.NewRegistry())
	ctx, end := observer.Begin(telemetry.ContinueFrom(t.Context(), callersParent), "ChangeThing", commands.Request{})
	defer end(nil)
	if got := telemetry.TraceParent(ctx); !strings.HasPrefix(got, "00-4bf92f3577b34da6a3ce929d0e0e4736-") {
		t.Errorf("the trace parent became %q", got)
	}
}

func TestMalformedTraceParentIsIgnored(t *testing.T) {
	t.Parallel()
	for _, parent := range []string{"", "x", "00-0-0-0", "ff-" + callersParent[3:]} {
		if got := telemetry.TraceParent(telemetry.ContinueFrom(t.Context(), parent)); got != "" {
			t.Errorf("%q was taken as %q", parent, got)
		}
	}
}

func TestCommandsAreMeasuredByOutcome(t *testing.T) {
	t.Parallel()
	tracing, _ := recording(1)
	registry := prometheus.NewRegistry()
	observer := telemetry.NewCommands(tracing, quiet(t), registry)
	for outcome, err := range map[string]error{
		"done":        nil,
		"refused":     failure.New(failure.Conflict, "TAKEN", "taken"),
		"unavailable": failure.New(failure.Unavailable, "AWAY", "away"),
		"cancelled":   context.Canceled,
		"failed":      errors.New("the store is away"),
	} {
		_, end := observer.Begin(t.Context(), "ChangeThing", commands.Request{})
		end(err)
		if n := count(t, registry, outcome); n != 1 {
			t.Errorf("outcome %s was counted %d times", outcome, n)
		}
	}
}

// The work on a file is part of the trace of the request that asked for it, down to the
// child process.
func TestTraceReachesFromRequestToChildProcess(t *testing.T) {
	t.Parallel()
	tracing, spans := recording(0)
	registry := prometheus.NewRegistry()
	documents := telemetry.NewDocuments(tracing, registry)
	ctx, end := tracing.Working(t.Context(), callersParent, "job_1", "file_1", 2, time.Second)
	for _, err := range []error{nil, errors.New("damaged"), context.Canceled, context.DeadlineExceeded} {
		_, ended := documents.Begin(ctx, "process")
		ended(2*time.Second, err)
	}
	below := telemetry.TraceParent(ctx)
	end(errors.New("an outage"))
	ended := spans.Ended()
	if len(ended) != 5 || ended[4].Name() != "work on file" || ended[4].Status().Code != codes.Error ||
		ended[4].Parent().SpanID().String() != "00f067aa0ba902b7" {
		t.Fatalf("the spans are %v", ended)
	}
	for i, span := range ended[:4] {
		if span.Name() != "document process" || span.Parent().SpanID() != ended[4].SpanContext().SpanID() {
			t.Errorf("span %d is %q below %s", i, span.Name(), span.Parent().SpanID())
		}
	}
	if !strings.Contains(below, ended[4].SpanContext().SpanID().String()) {
		t.Errorf("what follows has the parent %s", below)
	}
	for outcome, want := range map[string]uint64{"done": 1, "failed": 1, "cancelled": 2} {
		if n := count(t, registry, outcome); n != want {
			t.Errorf("outcome %s was counted %d times, want %d", outcome, n, want)
		}
	}
	if err := testutil.GatherAndCompare(registry, strings.NewReader(`
# HELP perfectworks_document_process_cpu_seconds_total Processor time of child processes that worked on documents, by operation.
# TYPE perfectworks_document_process_cpu_seconds_total counter
perfectworks_document_process_cpu_seconds_total{operation="analyze"} 0
perfectworks_document_process_cpu_seconds_total{operation="convert"} 0
perfectworks_document_process_cpu_seconds_total{operation="count"} 0
perfectworks_document_process_cpu_seconds_total{operation="process"} 8
# HELP perfectworks_document_processes Child processes of this process that work on documents at the moment.
# TYPE perfectworks_document_processes gauge
perfectworks_document_processes 0
`), "perfectworks_document_process_cpu_seconds_total", "perfectworks_document_processes"); err != nil {
		t.Error(err)
	}
}

func count(t *testing.T, registry *prometheus.Registry, outcome string) (n uint64) {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if l.GetName() == "outcome" && l.GetValue() == outcome {
					n += m.GetHistogram().GetSampleCount()
				}
			}
		}
	}
	return n
}

// ids in paths would make a time series each.
func TestRequestsAreMeasuredByRouteTemplate(t *testing.T) {
	t.Parallel()
	tracing, _ := recording(1)
	registry := prometheus.NewRegistry()
	router := mux.NewRouter()
	router.Use(telemetry.NewHTTP(tracing, registry).Middleware)
	router.HandleFunc("/things/{id}", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	for _, path := range []string{"/things/1", "/things/2"} {
		router.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, path, nil))
	}
	if n, err := testutil.GatherAndCount(registry, "perfectworks_http_request_duration_seconds"); err != nil || n != 1 {
		t.Errorf("two requests of one route made %d series (%v), want 1", n, err)
	}
}

// So would methods, which anybody can invent.
func TestInventedMethodsAreOneSeries(t *testing.T) {
	t.Parallel()
	tracing, spans := recording(1)
	registry := prometheus.NewRegistry()
	watch := telemetry.NewHTTP(tracing, registry)
	router := mux.NewRouter()
	router.MethodNotAllowedHandler = watch.Middleware(http.NotFoundHandler())
	router.HandleFunc("/things", func(http.ResponseWriter, *http.Request) {}).Methods(http.MethodGet)
	for i := range 1000 {
		router.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(fmt.Sprintf("BREW%d", i), "/things", nil))
	}
	if n, err := testutil.GatherAndCount(registry, "perfectworks_http_request_duration_seconds"); err != nil || n != 1 {
		t.Errorf("a thousand methods made %d series (%v), want 1", n, err)
	}
	for _, span := range spans.Ended() {
		if span.Name() != "OTHER unmatched" {
			t.Fatalf("a span is named %q", span.Name())
		}
	}
}

func TestRefusalsAndOutagesAreCountedApart(t *testing.T) {
	t.Parallel()
	tracing, _ := recording(1)
	registry := prometheus.NewRegistry()
	watch := telemetry.NewHTTP(tracing, registry)
	watch.Failed(http.StatusConflict, "SLUG_TAKEN")
	watch.Failed(http.StatusServiceUnavailable, "SERVICE_UNAVAILABLE")
	watch.Failed(http.StatusServiceUnavailable, "SERVICE_UNAVAILABLE")
	if err := testutil.GatherAndCompare(registry, strings.NewReader(`
# HELP perfectworks_http_outages_total Requests that could not be served, by the code of the answer: the operator can do something about it.
# TYPE perfectworks_http_outages_total counter
perfectworks_http_outages_total{code="SERVICE_UNAVAILABLE"} 2
# HELP perfectworks_http_refusals_total Requests that were refused, by the code of the answer: the client can do something about it.
# TYPE perfectworks_http_refusals_total counter
perfectworks_http_refusals_total{code="SLUG_TAKEN"} 1
`), "perfectworks_http_refusals_total", "perfectworks_http_outages_total"); err != nil {
		t.Error(err)
	}
}

func TestLogLinesCarryTheTrace(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	logger, err := telemetry.NewLogger(&out, telemetry.LogJSON, "info")
	if err != nil {
		t.Fatal(err)
	}
	logger.With("part", "test").InfoContext(telemetry.ContinueFrom(t.Context(), callersParent), "hello")
	var line map[string]any
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatal(err)
	}
	if line["traceId"] != "4bf92f3577b34da6a3ce929d0e0e4736" || line["part"] != "test" {
		t.Errorf("the line is %v", line)
	}
}

func TestLoggerRefusesWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	if _, err := telemetry.NewLogger(&bytes.Buffer{}, telemetry.LogJSON, "loud"); err == nil {
		t.Error("the level loud was accepted")
	}
	if _, err := telemetry.NewLogger(&bytes.Buffer{}, "xml", "info"); err == nil {
		t.Error("the format xml was accepted")
	}
}

type happened struct{}

func (happened) EventType() string { return "ThingHappened" }

func quiet(t *testing.T) *slog.Logger {
	t.Helper()
	return slog.New(slog.DiscardHandler)
}

func TestDurationsInLogsHaveAUnit(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	logger, err := telemetry.NewLogger(&out, telemetry.LogJSON, "info")
	if err != nil {
		t.Fatal(err)
	}
	logger.With("in", time.Minute).Info("x", "took", 1500*time.Millisecond, slog.Group("g", slog.Duration("pause", time.Second)))
	for _, want := range []string{`"took":"1.5s"`, `"in":"1m0s"`, `"pause":"1s"`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%s lacks %s", &out, want)
		}
	}
}
