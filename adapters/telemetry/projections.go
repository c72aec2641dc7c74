package telemetry

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/perfectworks/backend/domain/event"
)

// Projecting makes a span for one event in one projection, as a child of the
// request that caused the event. End it when the event has been reduced.
func (t *Tracing) Projecting(ctx context.Context, projection string, r event.Recorded) (context.Context, func()) {
	ctx, span := t.tracer.Start(ContinueFrom(ctx, r.Metadata.TraceParent), "project "+projection,
		trace.WithSpanKind(trace.SpanKindConsumer))
	if span.IsRecording() {
		span.SetAttributes(
			attribute.String("event.type", r.Event.EventType()),
			attribute.String("event.id", r.ID.String()))
	}
	return ctx, func() { span.End() }
}

// Reacting makes a span for the reaction of a policy to an event, as a child of
// the request that caused the event. End it with the reaction's error.
func (t *Tracing) Reacting(ctx context.Context, policy string, r event.Recorded) (context.Context, func(error)) {
	ctx, span := t.tracer.Start(ContinueFrom(ctx, r.Metadata.TraceParent), "policy "+policy,
		trace.WithSpanKind(trace.SpanKindConsumer))
	if span.IsRecording() {
		span.SetAttributes(
			attribute.String("event.type", r.Event.EventType()),
			attribute.String("event.id", r.ID.String()))
	}
	return ctx, func(err error) {
		if err != nil {
			span.SetStatus(codes.Error, policy)
		}
		span.End()
	}
}
