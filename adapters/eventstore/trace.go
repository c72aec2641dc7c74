package eventstore

import (
	"context"
	"errors"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/perfectworks/backend/commands"
)

// span begins a span of one operation on a stream, below a recorded one: what
// runs in the background would otherwise make traces without end. The names of
// its attributes are those of OpenTelemetry's conventions for databases.
func (c *Client) span(ctx context.Context, operation, stream string) (_ context.Context, end func(error)) {
	if c.tracer == nil || !trace.SpanFromContext(ctx).IsRecording() {
		return ctx, func(error) {}
	}
	ctx, span := c.tracer.Start(ctx, "eventstore "+operation, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
		attribute.String("db.system.name", "eventstoredb"),
		attribute.String("db.operation.name", operation),
		attribute.String("db.collection.name", stream),
	))
	return ctx, func(err error) {
		// To lose a race is no fault.
		if err != nil && !errors.Is(err, commands.ErrWrongRevision) {
			span.SetStatus(codes.Error, err.Error())
		}
		span.End()
	}
}
