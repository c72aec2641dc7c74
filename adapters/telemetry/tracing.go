package telemetry

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.37.0"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

const scope = "github.com/perfectworks/backend"

// Tracing makes spans and carries their context as W3C trace parents.
type Tracing struct {
	provider trace.TracerProvider
	tracer   trace.Tracer
	shutdown func(context.Context) error
}

// NewTracing sends spans to an OTLP/HTTP endpoint, for example
// "http://localhost:4318". With an empty endpoint no span is recorded, but a
// caller's trace parent still travels through the log to the projections. The
// share of new traces that are sampled lies between 0 and 1.
func NewTracing(ctx context.Context, endpoint, version string, share float64) (*Tracing, error) {
	if endpoint == "" {
		return Untraced(), nil
	}
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(endpoint))
	if err != nil {
		return nil, fmt.Errorf("open the trace exporter: %w", err)
	}
	return NewTracingTo(sdktrace.NewBatchSpanProcessor(exporter), version, share), nil
}

// Untraced records no span.
func Untraced() *Tracing {
	return &Tracing{
		tracer:   noop.NewTracerProvider().Tracer(scope),
		shutdown: func(context.Context) error { return nil },
	}
}

// NewTracingTo hands spans to a processor.
func NewTracingTo(processor sdktrace.SpanProcessor, version string, share float64) *Tracing {
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithSpanProcessor(processor),
		sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(share))),
		sdktrace.WithResource(resource.NewSchemaless(
			semconv.ServiceName("perfectworks"), semconv.ServiceVersion(version))),
	)
	return &Tracing{provider: provider, tracer: provider.Tracer(scope), shutdown: provider.Shutdown}
}

// Provider is for those who make spans of their own below recorded ones; nil when no
// span is recorded.
func (t *Tracing) Provider() trace.TracerProvider { return t.provider }

// Shutdown sends what is left.
func (t *Tracing) Shutdown(ctx context.Context) error { return t.shutdown(ctx) }

var w3c = propagation.TraceContext{}

// traceParentHeader is the name of the W3C header, which is also the key under
// which the propagator reads and writes.
const traceParentHeader = "traceparent"

// TraceParent is the current span's context in its W3C form; "" without one.
func TraceParent(ctx context.Context) string {
	carrier := propagation.MapCarrier{}
	w3c.Inject(ctx, carrier)
	return carrier[traceParentHeader]
}

// ContinueFrom makes the span that a trace parent names the parent of what
// follows. A malformed trace parent is ignored, as the W3C asks.
func ContinueFrom(ctx context.Context, traceParent string) context.Context {
	if traceParent == "" {
		return ctx
	}
	return w3c.Extract(ctx, propagation.MapCarrier{traceParentHeader: traceParent})
}
