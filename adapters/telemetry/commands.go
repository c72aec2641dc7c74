package telemetry

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/failure"
)

// Commands watches commands: a span, a measurement and a log line for each.
type Commands struct {
	tracing  *Tracing
	logger   *slog.Logger
	duration *prometheus.HistogramVec
}

var _ commands.Observer = (*Commands)(nil)

// NewCommands registers its metric with the registry.
func NewCommands(tracing *Tracing, logger *slog.Logger, registry prometheus.Registerer) *Commands {
	c := &Commands{tracing: tracing, logger: logger, duration: prometheus.NewHistogramVec(
		prometheus.HistogramOpts{
			Namespace: namespace, Name: "command_duration_seconds", Buckets: latencyBuckets,
			Help: "How long commands took, by command and outcome.",
		}, []string{"command", "outcome"})}
	registry.MustRegister(c.duration)
	return c
}

// Begin starts watching one command.
func (c *Commands) Begin(ctx context.Context, command string, req commands.Request) (context.Context, func(error)) {
	started := time.Now()
	ctx, span := c.tracing.tracer.Start(ctx, "command "+command, trace.WithAttributes(
		attribute.String("command.id", req.ID.String())))
	return ctx, func(err error) {
		outcome := outcomeOf(err)
		c.duration.WithLabelValues(command, outcomeFailed) // From zero on, so that the first failure is an increase.
		c.duration.WithLabelValues(command, outcome).Observe(time.Since(started).Seconds())
		if outcome == outcomeFailed || outcome == outcomeUnavailable {
			span.SetStatus(codes.Error, command)
		}
		span.SetAttributes(attribute.String("command.outcome", outcome))
		span.End()
		c.log(ctx, command, req, outcome, err, time.Since(started))
	}
}

func (c *Commands) log(ctx context.Context, command string, req commands.Request, outcome string, err error, took time.Duration) {
	level := slog.LevelDebug
	switch outcome {
	case outcomeFailed:
		level = slog.LevelError
	case outcomeUnavailable:
		level = slog.LevelWarn
	}
	if !c.logger.Enabled(ctx, level) {
		return
	}
	attrs := []slog.Attr{
		slog.String("command", command),
		slog.String("commandId", req.ID.String()),
		slog.String("requestId", req.RequestID),
		slog.String("outcome", outcome),
		slog.Duration("took", took),
	}
	if err != nil {
		attrs = append(attrs, slog.String("error", err.Error()))
	}
	c.logger.LogAttrs(ctx, level, "command", attrs...)
}

// The outcomes of a command: done, refused by a rule, given up by the caller, not
// carried out because a part of the system does not answer, or failed for
// another reason that is ours.
const (
	outcomeDone        = "done"
	outcomeRefused     = "refused"
	outcomeCancelled   = "cancelled"
	outcomeUnavailable = "unavailable"
	outcomeFailed      = "failed"
)

// outcomes are all of them.
var outcomes = []string{outcomeDone, outcomeRefused, outcomeCancelled, outcomeUnavailable, outcomeFailed}

func outcomeOf(err error) string {
	f := failure.Of(err)
	switch {
	case err == nil:
		return outcomeDone
	case f != nil && f.Kind == failure.Unavailable, errors.Is(err, context.DeadlineExceeded):
		return outcomeUnavailable
	case f != nil:
		return outcomeRefused
	case errors.Is(err, context.Canceled):
		return outcomeCancelled
	default:
		return outcomeFailed
	}
}
