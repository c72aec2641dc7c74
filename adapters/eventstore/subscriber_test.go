package eventstore_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/google/uuid"
	"go.opentelemetry.io/otel/trace"

	"github.com/perfectworks/backend/adapters/eventstore"
	"github.com/perfectworks/backend/adapters/eventstore/eventstoretest"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/user"
)

// memory is a progress that remembers what happened to it.
type memory struct {
	mu       sync.Mutex
	position event.Position
	live     bool
	commits  []event.Position
	resumes  int
	acked    []event.Revision // acknowledged since the last commit or resume
	done     []event.Revision // made durable, in order
	// fail, when set, is asked before each commit and resume.
	fail func(what string) error
}

func (m *memory) Resume(context.Context) (event.Position, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.resumes++
	m.acked = nil
	if m.fail != nil {
		if err := m.fail("resume"); err != nil {
			return event.Position{}, err
		}
	}
	return m.position, nil
}

func (m *memory) Commit(_ context.Context, upTo event.Mark, live bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		if err := m.fail("commit"); err != nil {
			return err
		}
	}
	m.position, m.live = upTo.Position, live
	m.commits = append(m.commits, upTo.Position)
	m.done = append(m.done, m.acked...)
	m.acked = nil
	return nil
}

// look gives a consistent view.
func (m *memory) look(at func(*memory)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	at(m)
}

func (m *memory) reached(tb testing.TB, n int) []event.Revision {
	tb.Helper()
	var done []event.Revision
	eventually(tb, fmt.Sprintf("%d events committed", n), func() bool {
		m.look(func(m *memory) { done = slices.Clone(m.done) })
		return len(done) >= n
	})
	return done
}

func eventually(tb testing.TB, what string, condition func() bool) {
	tb.Helper()
	deadline := time.Now().Add(time.Minute)
	for !condition() {
		if time.Now().After(deadline) {
			tb.Fatalf("never: %s", what)
		}
		time.Sleep(time.Millisecond)
	}
}

// consume acknowledges all messages of a subscription and notes the revisions.
func consume(tb testing.TB, store *eventstoretest.Store, m *memory, opts eventstore.SubscriberOptions) {
	tb.Helper()
	opts.Progress = func(string) eventstore.Progress { return m }
	sub := eventstore.NewSubscriber(store.Client, opts)
	messages, err := sub.Subscribe(tb.Context(), "test")
	if err != nil {
		tb.Fatal(err)
	}
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		for msg := range messages {
			recorded, err := store.Codec.Decode(msg.Context(), msg)
			if err != nil {
				tb.Errorf("decode: %v", err)
			}
			m.look(func(m *memory) { m.acked = append(m.acked, recorded.Revision) })
			msg.Ack()
		}
	}()
	tb.Cleanup(func() {
		if err := sub.Close(); err != nil {
			tb.Errorf("close: %v", err)
		}
		<-finished
	})
}

// write appends n events to a stream that has next events already.
func write(tb testing.TB, store *eventstoretest.Store, stream string, next, n int) {
	tb.Helper()
	for begin := 0; begin < n; begin += 500 {
		var batch []esdb.EventData
		for range min(500, n-begin) {
			d, err := store.Codec.Encode(tb.Context(), draft(user.Restored{UserID: "user_1"}))
			if err != nil {
				tb.Fatal(err)
			}
			batch = append(batch, d)
		}
		ctx := within(tb, 30*time.Second)
		if _, _, err := store.Client.Append(ctx, stream, event.Revision(next+begin)-1, batch); err != nil {
			tb.Fatal(err)
		}
	}
}

func inOrder(tb testing.TB, got []event.Revision, n int) {
	tb.Helper()
	if len(got) != n {
		tb.Errorf("%d events, want %d", len(got), n)
	}
	for i, r := range got {
		if r != event.Revision(i) {
			tb.Fatalf("event %d stands at place %d", r, i)
		}
	}
}

func TestSubscriberDeliversAllInOrder(t *testing.T) {
	t.Parallel()
	store := eventstoretest.New(t)
	_, stream := newUser()
	write(t, store, stream, 0, 2000)
	m := &memory{}
	consume(t, store, m, eventstore.SubscriberOptions{BatchDelay: time.Hour})
	inOrder(t, m.reached(t, 2000), 2000)
	eventually(t, "live", func() (live bool) { m.look(func(m *memory) { live = m.live }); return live })
	write(t, store, stream, 2000, 300)
	inOrder(t, m.reached(t, 2300), 2300)
	m.look(func(m *memory) {
		if len(m.commits) < 4 {
			t.Errorf("%d commits for 2000 events in batches of 500", len(m.commits))
		}
		if !slices.IsSortedFunc(m.commits, event.Position.Compare) {
			t.Errorf("positions go back: %v", m.commits)
		}
		if m.resumes != 1 {
			t.Errorf("%d subscriptions", m.resumes)
		}
	})
}

func TestSubscriberResumesAfterThePosition(t *testing.T) {
	t.Parallel()
	store := eventstoretest.New(t)
	_, stream := newUser()
	write(t, store, stream, 0, 1)
	head, err := store.Client.Head(within(t, 10*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	write(t, store, stream, 1, 2)
	m := &memory{position: head}
	consume(t, store, m, eventstore.SubscriberOptions{})
	if got := m.reached(t, 2); !slices.Equal(got, []event.Revision{1, 2}) {
		t.Errorf("after %v came %v", head, got)
	}
}

func TestSubscriberSurvivesRestartsOfTheServer(t *testing.T) {
	t.Parallel()
	store := eventstoretest.New(t)
	_, stream := newUser()
	m := &memory{}
	consume(t, store, m, eventstore.SubscriberOptions{BatchSize: 50})
	for round := range 3 {
		write(t, store, stream, round*400, 400)
		m.reached(t, round*400+1) // Somewhere in the midst.
		store.Node.Restart()
	}
	inOrder(t, m.reached(t, 1200), 1200)
	m.look(func(m *memory) {
		if m.resumes < 2 {
			t.Error("the subscription was never dropped")
		}
	})
}

func TestFailedCommitDeliversAgain(t *testing.T) {
	t.Parallel()
	store := eventstoretest.New(t)
	_, stream := newUser()
	write(t, store, stream, 0, 1000)
	commits, failures := 0, 0
	m := &memory{fail: func(what string) error {
		if commits++; commits%3 == 0 && failures < 4 {
			failures++
			return errors.New("no " + what)
		}
		return nil
	}}
	consume(t, store, m, eventstore.SubscriberOptions{BatchSize: 100})
	inOrder(t, m.reached(t, 1000), 1000)
	m.look(func(m *memory) {
		if m.resumes < 3 {
			t.Errorf("%d subscriptions after failures to commit and resume", m.resumes)
		}
	})
}

func TestNackedMessageComesAgain(t *testing.T) {
	t.Parallel()
	store := eventstoretest.New(t)
	_, stream := newUser()
	write(t, store, stream, 0, 3)
	m := &memory{}
	sub := eventstore.NewSubscriber(store.Client, eventstore.SubscriberOptions{
		Progress:  func(string) eventstore.Progress { return m },
		NackPause: time.Millisecond, BatchDelay: time.Hour,
	})
	defer sub.Close()
	messages, err := sub.Subscribe(t.Context(), "test")
	if err != nil {
		t.Fatal(err)
	}
	var got []event.Revision
	var first event.Position
	for i := range 6 {
		msg := receive(t, messages)
		recorded, err := store.Codec.Decode(t.Context(), msg)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, recorded.Revision)
		if i == 0 {
			first = recorded.Position
		}
		if i >= 1 && i <= 3 {
			msg.Nack()
			continue
		}
		m.look(func(m *memory) { m.acked = append(m.acked, recorded.Revision) })
		msg.Ack()
	}
	if want := []event.Revision{0, 1, 1, 1, 1, 2}; !slices.Equal(got, want) {
		t.Errorf("delivered %v, want %v", got, want)
	}
	inOrder(t, m.reached(t, 3), 3)
	m.look(func(m *memory) {
		if m.commits[0] != first {
			t.Errorf("during the trouble %v was committed, want what was acknowledged before it: %v", m.commits[0], first)
		}
	})
}

// Far from the end of the log, a message carries several events. When it is
// refused, each comes by itself, so that none waits for those after it.
func TestBundles(t *testing.T) {
	t.Parallel()
	store := eventstoretest.New(t)
	_, stream := newUser()
	const n, bundle, batch = 1000, 64, 100
	write(t, store, stream, 0, n)
	m := &memory{}
	sub := eventstore.NewSubscriber(store.Client, eventstore.SubscriberOptions{
		Progress: func(string) eventstore.Progress { return m },
		Bundle:   bundle, BatchSize: batch, BatchDelay: time.Hour, NackPause: time.Millisecond,
	})
	defer sub.Close()
	messages, err := sub.Subscribe(t.Context(), "test")
	if err != nil {
		t.Fatal(err)
	}
	var largest, refused, alone int
	take := func(msg *message.Message) {
		parts := eventstore.Parts(msg)
		if parts == nil {
			parts = []*message.Message{msg}
		}
		if largest = max(largest, len(parts)); len(parts) > 1 && refused == 0 {
			refused = len(parts)
			msg.Nack()
			return
		}
		if refused > 0 && alone < refused {
			if alone++; len(parts) > 1 {
				t.Errorf("the %d. message after a refusal carries %d events", alone, len(parts))
			}
		}
		for _, part := range parts {
			recorded, err := store.Codec.Decode(part.Context(), part)
			if err != nil {
				t.Error(err)
			}
			if part.Metadata.Get(eventstore.MetadataType) != recorded.Event.EventType() || part.UUID != uuid.UUID(recorded.ID).String() {
				t.Errorf("%v is in a message with %v", recorded, part.Metadata)
			}
			m.look(func(m *memory) { m.acked = append(m.acked, recorded.Revision) })
		}
		msg.Ack()
	}
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		for msg := range messages {
			take(msg)
		}
	}()
	inOrder(t, m.reached(t, n), n)
	eventually(t, "the end of the log", func() (live bool) {
		m.look(func(m *memory) { live = m.live })
		return live
	})
	write(t, store, stream, n, 3)
	inOrder(t, m.reached(t, n+3), n+3)
	if err := sub.Close(); err != nil {
		t.Error(err)
	}
	<-finished
	if largest < 2 || largest > bundle || refused == 0 {
		t.Errorf("a message carries up to %d events, and %d were refused", largest, refused)
	}
	m.look(func(m *memory) {
		if least := n/batch - 1; len(m.commits) < least {
			t.Errorf("%d commits, want at least %d", len(m.commits), least)
		}
	})
}

func receive(tb testing.TB, messages <-chan *message.Message) *message.Message {
	tb.Helper()
	select {
	case msg, ok := <-messages:
		if !ok {
			tb.Fatal("the channel is closed")
		}
		return msg
	case <-time.After(20 * time.Second):
		tb.Fatal("no message")
	}
	return nil
}

// TestOthersEventsAreProgress has a log in which long stretches are not ours.
func TestOthersEventsAreProgress(t *testing.T) {
	t.Parallel()
	store := eventstoretest.New(t)
	m := &memory{}
	consume(t, store, m, eventstore.SubscriberOptions{CheckpointDelay: 100 * time.Millisecond})
	eventually(t, "live", func() (live bool) { m.look(func(m *memory) { live = m.live }); return live })
	const others = 8000
	write(t, store, "foreign-1", 0, others)
	head, err := store.Client.Head(within(t, 10*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "most of the foreign events are passed over", func() (passed bool) {
		m.look(func(m *memory) { passed = m.position.Commit > head.Commit/2 })
		return passed
	})
	m.look(func(m *memory) {
		if len(m.done) != 0 {
			t.Errorf("%d foreign events were delivered", len(m.done))
		}
		if len(m.commits) > 50 {
			t.Errorf("%d commits while nothing of ours happened", len(m.commits))
		}
	})
}

func TestIdleSubscriberDoesNotCommit(t *testing.T) {
	t.Parallel()
	store := eventstoretest.New(t)
	_, stream := newUser()
	write(t, store, stream, 0, 1)
	m := &memory{}
	consume(t, store, m, eventstore.SubscriberOptions{CheckpointDelay: time.Millisecond})
	m.reached(t, 1)
	eventually(t, "live", func() (live bool) { m.look(func(m *memory) { live = m.live }); return live })
	var before, after int
	m.look(func(m *memory) { before = len(m.commits) })
	// Nothing happens: there is no condition to wait for.
	time.Sleep(300 * time.Millisecond)
	m.look(func(m *memory) { after = len(m.commits) })
	if after > before+1 { // One may have been under way.
		t.Errorf("%d commits without anything new", after-before)
	}
}

func TestWrittenIsCommittedAtOnce(t *testing.T) {
	t.Parallel()
	store := eventstoretest.New(t)
	_, stream := newUser()
	m := &memory{}
	consume(t, store, m, eventstore.SubscriberOptions{BatchDelay: time.Hour, CheckpointDelay: time.Hour})
	fastest := time.Duration(math.MaxInt64)
	for i := range 20 {
		begun := time.Now()
		write(t, store, stream, i, 1)
		m.reached(t, i+1)
		fastest = min(fastest, time.Since(begun))
	}
	if fastest > 500*time.Millisecond { // Milliseconds, on a machine that does nothing else.
		t.Errorf("from write to commit in %v at best", fastest)
	}
}

func TestStoresOwnEventsAreSkipped(t *testing.T) {
	t.Parallel()
	store := eventstoretest.New(t)
	_, stream := newUser()
	write(t, store, stream, 0, 1)
	raw := store.Node.Client()
	if _, err := raw.TombstoneStream(t.Context(), stream, esdb.TombstoneStreamOptions{ExpectedRevision: esdb.Any{}}); err != nil {
		t.Fatal(err)
	}
	m := &memory{}
	consume(t, store, m, eventstore.SubscriberOptions{})
	inOrder(t, m.reached(t, 1), 1)
	_, other := newUser()
	write(t, store, other, 0, 1)
	if got := m.reached(t, 2); len(got) != 2 {
		t.Errorf("got %v", got)
	}
}

func TestLiveMessageCarriesTheTrace(t *testing.T) {
	t.Parallel()
	store := eventstoretest.New(t)
	_, stream := newUser()
	m := &memory{}
	sub := eventstore.NewSubscriber(store.Client, eventstore.SubscriberOptions{
		Progress: func(string) eventstore.Progress { return m },
	})
	defer sub.Close()
	messages, err := sub.Subscribe(t.Context(), "test")
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "live", func() (live bool) { m.look(func(m *memory) { live = m.live }); return live })
	for i, test := range []struct {
		traceParent    string
		valid, sampled bool
	}{
		{"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", true, true},
		{"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00", true, false},
		{"00-00000000000000000000000000000000-00f067aa0ba902b7-01", false, false},
		{"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba90-00000", false, false},
		{"nonsense", false, false},
		{"", false, false},
	} {
		d := draft(user.Restored{UserID: "user_1"})
		d.Metadata.TraceParent = test.traceParent
		if _, _, err := store.Client.Append(within(t, 10*time.Second), stream, event.Revision(i-1), encoded(t, store, d)); err != nil {
			t.Fatal(err)
		}
		msg := receive(t, messages)
		span := trace.SpanContextFromContext(msg.Context())
		if span.IsValid() != test.valid || span.IsRemote() != test.valid || span.IsSampled() != test.sampled {
			t.Errorf("%q gives the span context %+v", test.traceParent, span)
		}
		if test.valid && span.TraceID().String() != "4bf92f3577b34da6a3ce929d0e0e4736" {
			t.Errorf("trace %v", span.TraceID())
		}
		if msg.Metadata[eventstore.MetadataType] != "UserRestored" || msg.Metadata[eventstore.MetadataStream] != stream ||
			msg.UUID != uuid.UUID(d.ID).String() {
			t.Errorf("message %+v", msg)
		}
		msg.Ack()
		<-msg.Context().Done()
	}
}

func TestSubscriberCloses(t *testing.T) {
	t.Parallel()
	store := eventstoretest.New(t)
	_, stream := newUser()
	write(t, store, stream, 0, 10)
	sub := eventstore.NewSubscriber(store.Client, eventstore.SubscriberOptions{
		Progress: func(string) eventstore.Progress { return &memory{} },
	})
	var all []<-chan *message.Message
	for i := range 3 {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		messages, err := sub.Subscribe(ctx, fmt.Sprint(i))
		if err != nil {
			t.Fatal(err)
		}
		receive(t, messages) // Never acknowledged.
		if i == 0 {
			cancel()
			eventually(t, "a subscription ends with its context", func() bool { _, ok := <-messages; return !ok })
		}
		all = append(all, messages)
	}
	if err := sub.Close(); err != nil {
		t.Error(err)
	}
	for _, messages := range all {
		if _, ok := <-messages; ok {
			t.Error("a message after Close")
		}
	}
	if _, err := sub.Subscribe(t.Context(), "late"); !errors.Is(err, eventstore.ErrClosed) {
		t.Errorf("subscribe after Close: %v", err)
	}
}

// A consumer that is held up does not fill the memory with large events.
func TestASlowConsumerHoldsFewBytes(t *testing.T) {
	t.Parallel()
	store := eventstoretest.New(t)
	payload := []byte(`"` + strings.Repeat("x", 700<<10) + `"`)
	const events = 60
	for i := range events {
		_, _, err := store.Client.Append(t.Context(), "user-large", event.Revision(i)-1, []esdb.EventData{{
			EventID: uuid.New(), EventType: "X", ContentType: esdb.ContentTypeJson, Data: payload,
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
	received := eventstore.ReceivedAhead(t, store.Client, 2<<20)
	if received < 2 || received > 4 {
		t.Errorf("%d events of 700 KiB are received ahead within 2 MiB", received)
	}
}

// A batch ends early when its events are large, for the consumer may keep what
// follows from them until the commit.
func TestABatchHoldsFewBytes(t *testing.T) {
	t.Parallel()
	store := eventstoretest.New(t)
	const events, size, limit = 40, 50 << 10, 200 << 10
	d := draft(user.Registered{UserID: "user_1", SubjectHash: strings.Repeat("x", size)})
	for i := range events {
		d.ID = event.ID(uuid.New())
		if _, _, err := store.Client.Append(within(t, 10*time.Second), "user-1", event.Revision(i)-1, encoded(t, store, d)); err != nil {
			t.Fatal(err)
		}
	}
	m := &memory{}
	consume(t, store, m, eventstore.SubscriberOptions{BatchBytes: limit, BatchDelay: time.Hour})
	inOrder(t, m.reached(t, events), events)
	m.look(func(m *memory) {
		if n := len(m.commits); n < events*size/limit*3/4 {
			t.Errorf("%d commits of %d events", n, events)
		}
	})
}
