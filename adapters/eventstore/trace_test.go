package eventstore_test

import (
	"slices"
	"testing"
	"time"

	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/perfectworks/backend/adapters/eventstore"
	"github.com/perfectworks/backend/adapters/eventstore/eventstoretest"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/user"
)

func TestCallsAreTraced(t *testing.T) {
	t.Parallel()
	store := eventstoretest.New(t)
	recorder := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder))
	client := eventstoretest.Connect(t, eventstore.Options{URL: store.Node.ConnectionString(), TracerProvider: provider})
	streams, err := eventstore.NewStreams(client, store.Codec, -1)
	if err != nil {
		t.Fatal(err)
	}
	ctx := within(t, 20*time.Second)
	untraced, err := streams.Load(ctx, "user-1", historyFold, true)
	if err != nil {
		t.Fatal(err)
	}
	ctx, parent := provider.Tracer("test").Start(ctx, "parent")
	if _, err := streams.Append(ctx, untraced, historyFold, drafts(user.Erased{})); err != nil {
		t.Fatal(err)
	}
	if _, err := streams.Append(ctx, untraced, historyFold, drafts(user.Erased{})); err == nil {
		t.Fatal("appended twice at one revision")
	}
	if _, err := streams.Load(ctx, "user-1", historyFold, true); err != nil {
		t.Fatal(err)
	}
	if _, _, err := streams.Find(ctx, "user-1", event.NoStream, event.ID{1}); err != nil {
		t.Fatal(err)
	}
	parent.End()
	var names []string
	for _, span := range recorder.Ended() {
		names = append(names, span.Name())
		if span.Status().Code == codes.Error {
			t.Errorf("%s: %v", span.Name(), span.Status())
		}
	}
	want := []string{"eventstore append", "eventstore append", "eventstore read", "eventstore read backwards", "parent"}
	if !slices.Equal(names, want) {
		t.Errorf("spans %q, want %q", names, want)
	}
}
