// Package telemetry lets operators see what the system does: structured logs,
// traces from the request to the projection, and Prometheus metrics. Nothing
// secret or personal is written to any of them.
package telemetry

import (
	"context"
	"fmt"
	"io"
	"log/slog"

	"go.opentelemetry.io/otel/trace"
)

// LogFormat is how log lines are written.
type LogFormat string

// The log formats: JSON for machines, text for a terminal.
const (
	LogJSON LogFormat = "json"
	LogText LogFormat = "text"
)

// NewLogger writes lines of at least the given level ("debug", "info", "warn"
// or "error") to w. Its errors name the variables LOG_LEVEL and LOG_FORMAT, from
// which the program takes the two. Lines logged within a sampled trace carry its ids.
func NewLogger(w io.Writer, format LogFormat, level string) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("LOG_LEVEL: log level %q is none of debug, info, warn, error", level)
	}
	options := &slog.HandlerOptions{Level: l, ReplaceAttr: withUnits}
	switch format {
	case LogJSON:
		return slog.New(traced{slog.NewJSONHandler(w, options)}), nil
	case LogText:
		return slog.New(traced{slog.NewTextHandler(w, options)}), nil
	default:
		return nil, fmt.Errorf("LOG_FORMAT: log format %q is neither json nor text", format)
	}
}

// withUnits writes durations with their unit, as in 1.5s: the JSON handler alone
// would write bare nanoseconds.
func withUnits(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindDuration {
		a.Value = slog.StringValue(a.Value.Duration().String())
	}
	return a
}

// traced adds the ids of the current trace to each line.
type traced struct{ slog.Handler }

func (h traced) Handle(ctx context.Context, r slog.Record) error {
	if span := trace.SpanContextFromContext(ctx); span.IsSampled() {
		r.AddAttrs(slog.String("traceId", span.TraceID().String()), slog.String("spanId", span.SpanID().String()))
	}
	return h.Handler.Handle(ctx, r)
}

func (h traced) WithAttrs(attrs []slog.Attr) slog.Handler { return traced{h.Handler.WithAttrs(attrs)} }

func (h traced) WithGroup(name string) slog.Handler { return traced{h.Handler.WithGroup(name)} }
