package eventstore_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/perfectworks/backend/adapters/eventstore"
	"github.com/perfectworks/backend/adapters/eventstore/eventstoretest"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/user"
)

// slack is what a caller may take beyond its context, on a busy machine.
const slack = 3 * time.Second

func encoded(tb testing.TB, store *eventstoretest.Store, d event.Draft) []esdb.EventData {
	tb.Helper()
	data, err := store.Codec.Encode(tb.Context(), d)
	if err != nil {
		tb.Fatal(err)
	}
	return []esdb.EventData{data}
}

// writer appends one event after the other to a stream of its own, and knows
// what was acknowledged.
type writer struct {
	stream string
	next   event.Revision
	acked  []uuid.UUID
	// unsure is the event whose fate is not known: it is sent again first.
	unsure []esdb.EventData
}

func (w *writer) write(ctx context.Context, client *eventstore.Client, data []esdb.EventData) error {
	if w.unsure != nil {
		data = w.unsure
	}
	w.unsure = data
	last, _, err := client.Append(ctx, w.stream, w.next-1, data)
	if err != nil {
		return err
	}
	w.unsure = nil
	w.next = last + 1
	w.acked = append(w.acked, data[0].EventID)
	return nil
}

func TestServerGoneUnderLoad(t *testing.T) {
	t.Parallel()
	store := eventstoretest.New(t)
	client := eventstoretest.Connect(t, eventstore.Options{URL: store.Node.ConnectionString()})
	const writers, patience = 16, 200 * time.Millisecond
	var gone atomic.Bool
	var failed, slow atomic.Int64
	stop := make(chan struct{})
	all := make([]*writer, writers)
	var group sync.WaitGroup
	for i := range all {
		all[i] = &writer{stream: fmt.Sprintf("user-%d", i)}
		group.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				ctx, cancel := context.WithTimeout(context.Background(), patience)
				begun := time.Now()
				err := all[i].write(ctx, client, encoded(t, store, draft(user.Restored{UserID: "user_1"})))
				cancel()
				if time.Since(begun) > patience+slack {
					slow.Add(1)
				}
				if err == nil {
					continue
				}
				if gone.Load() {
					failed.Add(1)
				}
				f := failure.Of(err)
				if f == nil || f.Kind != failure.Unavailable || !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("a caller got %v", err)
					return
				}
			}
		})
	}
	eventually(t, "writers write", func() bool { return client.Waiting() > 0 })
	gone.Store(true)
	store.Node.Stop()
	// The outage is the test: its length is no condition to wait for.
	time.Sleep(5 * time.Second)
	if waiting := client.Waiting(); waiting > writers+1 {
		t.Errorf("%d callers of %d hang on the connection", waiting, writers)
	}
	store.Node.Restart()
	gone.Store(false)
	if err := client.Ping(within(t, 20*time.Second)); err != nil {
		t.Errorf("the same client after the outage: %v", err)
	}
	close(stop)
	group.Wait()
	if failed.Load() == 0 {
		t.Error("nobody noticed the outage")
	}
	if n := slow.Load(); n > 0 {
		t.Errorf("%d calls outlived their context", n)
	}
	for _, w := range all {
		if err := w.write(within(t, 20*time.Second), client, encoded(t, store, draft(user.Restored{UserID: "user_1"}))); err != nil {
			t.Fatalf("%s after the outage: %v", w.stream, err)
		}
		if diff := cmp.Diff(w.acked, idsOf(t, store, w.stream)); diff != "" {
			t.Errorf("%s holds something else than was acknowledged (-acknowledged +stored):\n%s", w.stream, diff)
		}
	}
}

// idsOf reads a stream past our own client.
func idsOf(tb testing.TB, store *eventstoretest.Store, stream string) []uuid.UUID {
	tb.Helper()
	rows, err := store.Pool.Query(tb.Context(), "SELECT event_id FROM eventnode.events WHERE stream = $1 ORDER BY revision", stream)
	if err != nil {
		tb.Fatal(err)
	}
	defer rows.Close()
	var ids []uuid.UUID
	for rows.Next() {
		var id [16]byte
		if err := rows.Scan(&id); err != nil {
			tb.Fatal(err)
		}
		ids = append(ids, id)
	}
	if err := rows.Err(); err != nil {
		tb.Fatal(err)
	}
	return ids
}

func TestLostAnswerIsAskedForAgain(t *testing.T) {
	t.Parallel()
	store := eventstoretest.New(t)
	between := eventstoretest.StartProxy(t, store.Node.Address)
	client := eventstoretest.Connect(t, eventstore.Options{URL: between.URL(), AttemptTimeout: 300 * time.Millisecond})
	ctx := within(t, 30*time.Second)
	if err := client.Ping(ctx); err != nil {
		t.Fatal(err)
	}
	between.Swallowing.Store(true)
	d := encoded(t, store, draft(user.Restored{UserID: "user_1"}))
	answered := make(chan error, 1)
	var last event.Revision
	var position event.Position
	go func() {
		var err error
		last, position, err = client.Append(ctx, "user-1", event.NoStream, d)
		answered <- err
	}()
	eventually(t, "the event is stored", func() bool { return len(idsOf(t, store, "user-1")) == 1 })
	between.Swallowing.Store(false)
	between.Cut() // A connection that lost bytes is of no use.
	if err := <-answered; err != nil {
		t.Fatal(err)
	}
	head, err := client.Head(ctx)
	if err != nil || last != 0 || position != head {
		t.Errorf("the answer is %d at %v, the log ends at %v, %v", last, position, head, err)
	}
	if ids := idsOf(t, store, "user-1"); len(ids) != 1 {
		t.Errorf("stored %d times", len(ids))
	}
}

func TestOutcomeUnknownIsTold(t *testing.T) {
	t.Parallel()
	store := eventstoretest.New(t)
	between := eventstoretest.StartProxy(t, store.Node.Address)
	client := eventstoretest.Connect(t, eventstore.Options{URL: between.URL()})
	if err := client.Ping(within(t, 20*time.Second)); err != nil {
		t.Fatal(err)
	}
	streams, err := eventstore.NewStreams(client, store.Codec, 0)
	if err != nil {
		t.Fatal(err)
	}
	u, stream := newUser()
	empty := commands.Snapshot{Stream: stream, Revision: event.NoStream, State: historyFold.Zero}
	events := drafts(user.Registered{UserID: u})

	between.Swallowing.Store(true)
	_, err = streams.Append(within(t, 300*time.Millisecond), empty, historyFold, events)
	if !errors.Is(err, eventstore.ErrOutcomeUnknown) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("without an answer: %v", err)
	}
	eventually(t, "the event is stored", func() bool { return len(idsOf(t, store, stream)) == 1 })
	between.Swallowing.Store(false)
	between.Cut()
	// The caller tries again: it was us.
	after, err := streams.Append(within(t, 20*time.Second), empty, historyFold, events)
	if err != nil || after.Revision != 0 || len(idsOf(t, store, stream)) != 1 {
		t.Errorf("the same append again: %+v, %v", after, err)
	}
}

func TestReadSurvivesALostConnection(t *testing.T) {
	t.Parallel()
	store := eventstoretest.New(t)
	between := eventstoretest.StartProxy(t, store.Node.Address)
	client := eventstoretest.Connect(t, eventstore.Options{URL: between.URL()})
	streams, err := eventstore.NewStreams(client, store.Codec, -1)
	if err != nil {
		t.Fatal(err)
	}
	const n = 20_000
	write(t, store, "user-1", 0, n)
	cuts := 0
	counting := commands.Fold{Zero: 0, Apply: func(state any, _ event.Event) any {
		if seen := state.(int); seen%5000 == 2500 { // Each time, in the midst of a page.
			cuts++
			between.Cut()
		}
		return state.(int) + 1
	}}
	loaded, err := streams.Load(within(t, 30*time.Second), "user-1", counting, true)
	if err != nil || loaded.State != n || loaded.Revision != n-1 {
		t.Errorf("loads as %+v, %v", loaded, err)
	}
	if cuts < 4 {
		t.Errorf("the connection was cut %d times", cuts)
	}
}

func TestNobodyThere(t *testing.T) {
	t.Parallel()
	store := eventstoretest.New(t)
	store.Node.Stop()
	client, err := eventstore.Open(eventstore.Options{URL: store.Node.ConnectionString()})
	if err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	err = client.Ping(within(t, 300*time.Millisecond))
	if !errors.Is(err, eventstore.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "refused") {
		t.Errorf("ping: %v", err)
	}
	_, _, err = client.Append(within(t, 100*time.Millisecond), "user-1", event.NoStream, encoded(t, store, draft(user.Erased{})))
	if !errors.Is(err, eventstore.ErrUnavailable) || errors.Is(err, eventstore.ErrOutcomeUnknown) {
		t.Errorf("append: %v", err)
	}
	if took := time.Since(begun); took > slack {
		t.Errorf("took %v", took)
	}
	// A caller without a deadline is let go by Close. Close itself cannot end
	// the module's search for a server.
	left := make(chan error, 1)
	go func() { left <- client.Ping(context.Background()) }()
	eventually(t, "someone waits", func() bool { return client.Waiting() > 1 })
	if err := client.Close(within(t, 100*time.Millisecond)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("close: %v", err)
	}
	if err := <-left; !errors.Is(err, eventstore.ErrClosed) {
		t.Errorf("a waiting caller got %v", err)
	}
	store.Node.Restart()
	if err := client.Close(within(t, 20*time.Second)); err != nil {
		t.Errorf("close once the server is there: %v", err)
	}
	if err := client.Ping(t.Context()); !errors.Is(err, eventstore.ErrClosed) {
		t.Errorf("ping after Close: %v", err)
	}
}

func TestAppendOverTheLimit(t *testing.T) {
	t.Parallel()
	store := eventstoretest.New(t)
	ctx := within(t, 30*time.Second)
	event := func(size int) esdb.EventData {
		const typ = "Größe" // five characters, ten bytes in UTF-16
		return esdb.EventData{EventID: uuid.New(), EventType: typ, ContentType: esdb.ContentTypeJson, Data: make([]byte, size-10-2), Metadata: []byte("{}")}
	}
	if _, _, err := store.Client.Append(ctx, "user-1", -1, []esdb.EventData{event(eventstore.MaxAppendSize)}); err != nil {
		t.Errorf("just within the limit: %v", err)
	}
	for name, events := range map[string][]esdb.EventData{
		"one":     {event(eventstore.MaxAppendSize + 1)},
		"several": {event(eventstore.MaxAppendSize / 2), event(eventstore.MaxAppendSize / 2), event(100)},
	} {
		_, _, err := store.Client.Append(ctx, "user-2", -1, events)
		if !errors.Is(err, eventstore.ErrTooLarge) || failure.Of(err) == nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := store.Client.Append(ctx, "user-2", -1, nil); err == nil {
		t.Error("an append of nothing")
	}
	if _, _, err := store.Client.Append(ctx, "user-2", -1, []esdb.EventData{{EventType: "X"}}); err == nil {
		t.Error("an event without an id")
	}
}

// TestServerRefusesTheSize has a server with a lower limit than ours.
func TestServerRefusesTheSize(t *testing.T) {
	t.Parallel()
	store := eventstoretest.New(t, eventstoretest.WithMaxAppendSize(10_000))
	_, _, err := store.Client.Append(within(t, 30*time.Second), "user-1", -1, []esdb.EventData{
		{EventID: uuid.New(), EventType: "X", ContentType: esdb.ContentTypeJson, Data: make([]byte, 20_000)},
	})
	if !errors.Is(err, eventstore.ErrTooLarge) {
		t.Errorf("append: %v", err)
	}
}

func TestTombstonedStream(t *testing.T) {
	t.Parallel()
	store := eventstoretest.New(t)
	ctx := within(t, 30*time.Second)
	write(t, store, "user-1", 0, 1)
	if _, err := store.Streams.Load(ctx, "user-1", historyFold, false); err != nil {
		t.Fatal(err)
	}
	raw := store.Node.Client()
	if _, err := raw.TombstoneStream(ctx, "user-1", esdb.TombstoneStreamOptions{ExpectedRevision: esdb.Any{}}); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Streams.Load(ctx, "user-1", historyFold, true); !errors.Is(err, eventstore.ErrStreamDeleted) {
		t.Errorf("load: %v", err)
	}
	if _, _, err := store.Streams.Find(ctx, "user-1", event.NoStream, event.ID{1}); !errors.Is(err, eventstore.ErrStreamDeleted) {
		t.Errorf("find: %v", err)
	}
	_, _, err := store.Client.Append(ctx, "user-1", 0, encoded(t, store, draft(user.Erased{})))
	if !errors.Is(err, eventstore.ErrStreamDeleted) {
		t.Errorf("append: %v", err)
	}
}

func TestTruncatedStreamIsNotFolded(t *testing.T) {
	t.Parallel()
	store := eventstoretest.New(t)
	ctx := within(t, 30*time.Second)
	write(t, store, "user-1", 0, 5)
	var metadata esdb.StreamMetadata
	metadata.SetTruncateBefore(3)
	if _, err := store.Node.Client().SetStreamMetadata(ctx, "user-1", esdb.AppendToStreamOptions{}, metadata); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Streams.Load(ctx, "user-1", historyFold, true); err == nil || !strings.Contains(err.Error(), "gap") {
		t.Errorf("a stream without its first events loads: %v", err)
	}
}

func TestUnknownEventDoesNotLoad(t *testing.T) {
	t.Parallel()
	store := eventstoretest.New(t)
	ctx := within(t, 30*time.Second)
	if _, _, err := store.Client.Append(ctx, "user-1", -1, []esdb.EventData{{
		EventID: uuid.New(), EventType: "UserPromoted", ContentType: esdb.ContentTypeJson, Data: []byte("{}"), Metadata: []byte(`{"schemaVersion":1}`),
	}}); err != nil {
		t.Fatal(err)
	}
	_, err := store.Streams.Load(ctx, "user-1", historyFold, true)
	var unknown *eventstore.UnknownShapeError
	if !errors.As(err, &unknown) || unknown.Type != "UserPromoted" {
		t.Errorf("load: %v", err)
	}
}
