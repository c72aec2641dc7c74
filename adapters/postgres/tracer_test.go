package postgres_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/perfectworks/backend/adapters/postgres"
	"github.com/perfectworks/backend/adapters/postgres/postgrestest"
)

func TestTracer(t *testing.T) {
	t.Parallel()
	recorder := tracetest.NewSpanRecorder()
	provider := trace.NewTracerProvider(trace.WithSpanProcessor(recorder))
	pool, err := postgres.Open(t.Context(), postgrestest.URL(t), postgres.Options{TracerProvider: provider})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()

	execute := func(ctx context.Context, sql string, args ...any) {
		_, err := pool.Exec(ctx, sql, args...)
		if failed := err != nil; failed != strings.Contains(sql, "missing") {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	execute(t.Context(), "CREATE TABLE things (email text)")
	if spans := recorder.Ended(); len(spans) != 0 {
		t.Errorf("%d spans outside of a trace", len(spans))
	}

	ctx, parent := provider.Tracer("test").Start(t.Context(), "request")
	execute(ctx, "INSERT INTO things VALUES ($1)", "secret@example.org")
	execute(ctx, "SELECT missing($1)", "secret@example.org")
	var batch pgx.Batch
	batch.Queue("SELECT 1")
	batch.Queue("SELECT 2")
	if err := pool.SendBatch(ctx, &batch).Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := pool.CopyFrom(ctx, pgx.Identifier{"things"}, []string{"email"}, pgx.CopyFromRows([][]any{{"x"}})); err != nil {
		t.Fatal(err)
	}
	parent.End()

	var got []string
	for _, span := range recorder.Ended() {
		if span.Name() == "request" {
			continue
		}
		if span.Parent().SpanID() != parent.SpanContext().SpanID() {
			t.Errorf("%s is not below the request", span.Name())
		}
		line := span.Name()
		if span.Status().Code == codes.Error {
			line += " " + span.Status().Description
		}
		got = append(got, line)
		if text := fmt.Sprint(span.Attributes(), span.Status(), span.Events()); strings.Contains(text, "secret@") {
			t.Errorf("%s shows a value: %s", span.Name(), text)
		}
	}
	want := []string{"postgresql query", "postgresql query 42883", "postgresql batch", "postgresql copy"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("spans (-want +got):\n%s", diff)
	}
}
