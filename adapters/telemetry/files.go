package telemetry

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/perfectworks/backend/domain/id"
)

// Working makes a span for an attempt at an operation on a file, as a child of the
// request that asked for it. End it with the attempt's error.
func (t *Tracing) Working(
	ctx context.Context, traceParent string, job id.Job, file id.File, attempt int, waited time.Duration,
) (context.Context, func(error)) {
	ctx, span := t.tracer.Start(ContinueFrom(ctx, traceParent), "work on file", trace.WithSpanKind(trace.SpanKindConsumer))
	if span.IsRecording() {
		span.SetAttributes(
			attribute.String("job.id", string(job)), attribute.String("file.id", string(file)),
			attribute.Int("job.attempt", attempt), attribute.Float64("job.waited_seconds", waited.Seconds()))
	}
	return ctx, func(err error) {
		if err != nil {
			span.SetStatus(codes.Error, "the attempt failed")
		}
		span.End()
	}
}

// Documents watches the child processes that work on documents: a span and a
// measurement for each.
type Documents struct {
	tracing  *Tracing
	running  prometheus.Gauge
	duration *prometheus.HistogramVec
	cpu      *prometheus.CounterVec
}

// NewDocuments registers its metrics with the registry.
func NewDocuments(tracing *Tracing, registry prometheus.Registerer) *Documents {
	d := &Documents{
		tracing: tracing,
		running: prometheus.NewGauge(prometheus.GaugeOpts{
			Namespace: namespace, Name: "document_processes",
			Help: "Child processes of this process that work on documents at the moment.",
		}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: namespace, Name: "document_process_seconds",
			Help:    "How long child processes worked on documents, by operation and outcome.",
			Buckets: []float64{.025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 180},
		}, []string{"operation", "outcome"}),
		cpu: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Name: "document_process_cpu_seconds_total",
			Help: "Processor time of child processes that worked on documents, by operation.",
		}, []string{"operation"}),
	}
	for _, operation := range []string{"analyze", "convert", "count", "process"} { // So that rates begin at zero.
		d.duration.WithLabelValues(operation, outcomeDone)
		d.cpu.WithLabelValues(operation)
	}
	registry.MustRegister(d.running, d.duration, d.cpu)
	return d
}

// Begin starts watching a child process. What it returns ends that, with the processor
// time that the process took, and its error.
func (d *Documents) Begin(ctx context.Context, operation string) (context.Context, func(time.Duration, error)) {
	started := time.Now()
	d.running.Inc()
	ctx, span := d.tracing.tracer.Start(ctx, "document "+operation)
	return ctx, func(cpu time.Duration, err error) {
		d.running.Dec()
		outcome := outcomeDone
		switch {
		case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
			outcome = outcomeCancelled
		case err != nil:
			outcome = outcomeFailed
			span.SetStatus(codes.Error, "the work failed")
		}
		d.duration.WithLabelValues(operation, outcome).Observe(time.Since(started).Seconds())
		d.cpu.WithLabelValues(operation).Add(cpu.Seconds())
		span.SetAttributes(attribute.Float64("process.cpu_seconds", cpu.Seconds()), attribute.String("document.outcome", outcome))
		span.End()
	}
}
