package eventstore_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/google/uuid"

	"github.com/perfectworks/backend/adapters/eventstore"
	"github.com/perfectworks/backend/adapters/eventstore/eventstoretest"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/personal"
	"github.com/perfectworks/backend/domain/user"
)

// put writes n events at the end of a stream and tells where the last one is.
func put(tb testing.TB, store *eventstoretest.Store, stream string, next event.Revision, n int) event.Place {
	tb.Helper()
	batch := make([]esdb.EventData, n)
	for i := range batch {
		batch[i] = esdb.EventData{EventID: uuid.New(), EventType: "X", ContentType: esdb.ContentTypeJson, Data: []byte(`{"a":"b"}`)}
	}
	revision, position, err := store.Client.Append(tb.Context(), stream, next-1, batch)
	if err != nil {
		tb.Fatal(err)
	}
	return event.Place{ID: event.ID(batch[n-1].EventID), Position: position, Stream: stream, Revision: revision}
}

func markOf(log string, last event.Place) event.Mark {
	return event.Mark{Log: log, Position: last.Position, Last: last}
}

// keptAndLost writes two events; a log that goes back to the first has lost the
// second.
func keptAndLost(tb testing.TB, store *eventstoretest.Store) (kept, lost event.Place) {
	tb.Helper()
	return put(tb, store, "user-1", 0, 1), put(tb, store, "user-1", 1, 1)
}

// recognises checks whether the log is recognised by a mark, or has lost what the
// mark tells of.
func recognises(ctx context.Context, tb testing.TB, store *eventstoretest.Store, mark event.Mark, lost bool) {
	tb.Helper()
	_, err := store.Client.Recognise(ctx, mark)
	if lost && !errors.Is(err, event.ErrLogWentBack) || !lost && err != nil {
		tb.Errorf("%+v: %v; lost: %t", mark, err, lost)
	}
}

func TestALogIsRecognised(t *testing.T) {
	t.Parallel()
	store := eventstoretest.New(t)
	ctx := within(t, time.Minute)
	log, err := store.Client.Identity(ctx)
	if err != nil || log == "" {
		t.Fatalf("%q, %v", log, err)
	}
	if again, err := store.Client.Identity(ctx); err != nil || again != log {
		t.Errorf("%q became %q, %v", log, again, err)
	}
	ours := put(t, store, "user-1", 0, 1)
	others := put(t, store, "other-1", 0, 3)
	for name, mark := range map[string]event.Mark{
		"at the beginning":  {},
		"at an event":       markOf(log, ours),
		"beyond it":         {Log: log, Position: others.Position, Last: ours},
		"of no known log":   markOf("", ours),
		"without any event": {Log: log, Position: others.Position},
	} {
		want := mark
		want.Log = log
		if got, err := store.Client.Recognise(ctx, mark); err != nil || got != want {
			t.Errorf("%s: %+v, %v; want %+v", name, got, err, want)
		}
	}
	// A position at which no event begins held nothing of ours: the event before counts.
	odd := event.Mark{Log: log, Position: others.Position, Last: ours}
	odd.Position.Commit, odd.Position.Prepare = odd.Position.Commit-1, odd.Position.Prepare-1
	if got, err := store.Client.Recognise(ctx, odd); err != nil || got != markOf(log, ours) {
		t.Errorf("an odd position: %+v, %v", got, err)
	}
}

func TestALogThatWentBackIsNotRecognised(t *testing.T) {
	t.Parallel()
	store := eventstoretest.New(t)
	metrics := &counts{}
	store.Client = eventstoretest.Connect(t, eventstore.Options{URL: store.Node.ConnectionString(), Metrics: metrics})
	ctx := within(t, time.Minute)
	log, err := store.Client.Identity(ctx)
	if err != nil {
		t.Fatal(err)
	}
	kept, lost := keptAndLost(t, store)
	others := put(t, store, "other-1", 0, 1)
	store.GoBack(t, kept.Position)
	wentBack := func(what string, mark event.Mark) {
		t.Helper()
		if _, err := store.Client.Recognise(ctx, mark); !errors.Is(err, event.ErrLogWentBack) {
			t.Errorf("%s: %v", what, err)
		}
	}
	wentBack("the event is gone", markOf(log, lost))
	metrics.mu.Lock()
	if metrics.wentBack == 0 {
		t.Error("a reader noticed it, and no metric tells")
	}
	metrics.mu.Unlock()
	wentBack("another log", markOf("another", kept))
	// From now on the log is in its second epoch.
	if got, err := store.Client.Recognise(ctx, event.Mark{Log: log, Position: others.Position, Last: kept}); err != nil || got != markOf(log+"#2", kept) {
		t.Errorf("what is lost was not ours: %+v, %v", got, err)
	}
	// The same events at the same places, but not the same, before anybody notices.
	store.GoBack(t, kept.Position)
	if again := put(t, store, "user-1", 1, 1); again.Position != lost.Position {
		t.Fatalf("%v is not at %v", again, lost)
	}
	wentBack("another event is there", markOf(log, lost))
	put(t, store, "user-1", 2, 10)
	wentBack("the log has grown since", markOf(log, lost))
	misplaced := lost
	misplaced.Position.Commit, misplaced.Position.Prepare = lost.Position.Commit+1, lost.Position.Prepare+1
	wentBack("no event is there", markOf(log, misplaced))
}

// Positions are given again after a loss. A reader that was further than its last
// event, by events that it passes over, does not miss what is ours there now.
func TestPositionsThatAreGivenAgainAreReadAgain(t *testing.T) {
	t.Parallel()
	for name, refill := range map[string]func(t *testing.T, store *eventstoretest.Store) (reached event.Place){
		"ours at the very position": func(t *testing.T, store *eventstoretest.Store) event.Place {
			t.Helper()
			return put(t, store, "user-2", 0, 1)
		},
		"ours before it": func(t *testing.T, store *eventstoretest.Store) event.Place {
			t.Helper()
			put(t, store, "user-2", 0, 1)
			return put(t, store, "some-2", 0, 1)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := eventstoretest.New(t)
			ctx := within(t, time.Minute)
			log, err := store.Client.Identity(ctx)
			if err != nil {
				t.Fatal(err)
			}
			last := put(t, store, "user-1", 0, 1)
			put(t, store, "some-1", 0, 1)
			passed := put(t, store, "some-1", 1, 1)
			mark := event.Mark{Log: log, Position: passed.Position, Last: last}
			if got, err := store.Client.Recognise(ctx, mark); err != nil || got != mark {
				t.Fatalf("before the loss: %+v, %v", got, err)
			}
			store.GoBack(t, last.Position)
			if err := store.Client.Ping(ctx); err != nil { // The client notices as it connects again.
				t.Fatal(err)
			}
			mark.Position = refill(t, store).Position
			if got, err := store.Client.Recognise(ctx, mark); err != nil || got != markOf(log, last) {
				t.Errorf("it goes on from %+v, %v; want the last event", got, err)
			}
		})
	}
}

// A log that went back begins a new epoch, once, however many notice; its number
// is never given again, even if the epoch's beginning is lost too.
func TestALogThatWentBackBeginsAnEpoch(t *testing.T) {
	t.Parallel()
	store := eventstoretest.New(t)
	ctx := within(t, time.Minute)
	log, err := store.Client.Identity(ctx)
	if err != nil {
		t.Fatal(err)
	}
	kept, lost := keptAndLost(t, store)
	// together has several readers look at a mark at once.
	together := func(mark event.Mark, wentBack bool) {
		t.Helper()
		var all sync.WaitGroup
		for range 5 {
			all.Go(func() { recognises(ctx, t, store, mark, wentBack) })
		}
		all.Wait()
	}
	epochs := func(want string, count int) {
		t.Helper()
		if got, err := store.Client.Identity(ctx); err != nil || got != want {
			t.Errorf("the log is %s, %v; want %s", got, err, want)
		}
		var n int
		if err := store.Pool.QueryRow(ctx, "SELECT count(*) FROM eventnode.events WHERE type = 'LogEpochBegan'").Scan(&n); err != nil || n != count {
			t.Errorf("%d epochs were begun, want %d, %v", n, count, err)
		}
	}
	store.GoBack(t, kept.Position)
	together(markOf(log, lost), true)
	epochs(log+"#2", 1)
	// What was read before the loss, and is still there, is good in the new epoch.
	if got, err := store.Client.Recognise(ctx, markOf(log, kept)); err != nil || got != markOf(log+"#2", kept) {
		t.Errorf("%+v, %v", got, err)
	}
	// The second loss takes the epoch's beginning along, but nothing that was read.
	store.GoBack(t, kept.Position)
	together(markOf(log+"#2", kept), false)
	epochs(log+"#3", 1)
	together(markOf(log, lost), true) // Those who come late begin none.
	epochs(log+"#3", 1)
}

// A client belongs to one log: a store that holds another is neither read nor
// written to, whether the client was told the log or has met it before.
func TestAnotherLogIsNotUsed(t *testing.T) {
	t.Parallel()
	store := eventstoretest.New(t)
	ctx := within(t, time.Minute)
	log, err := store.Client.Identity(ctx)
	if err != nil {
		t.Fatal(err)
	}
	last := put(t, store, "user-1", 0, 1)
	events := []esdb.EventData{{EventID: uuid.New(), EventType: "X", ContentType: esdb.ContentTypeJson, Data: []byte(`{}`)}}
	told := func(name string) *eventstore.Client {
		t.Helper()
		client, err := eventstore.Open(eventstore.Options{URL: store.Node.ConnectionString(), Log: name})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = client.Close(context.Background()) })
		return client
	}
	right := told(log + "#7") // Epochs make no other log of it.
	if err := right.Ping(ctx); err != nil {
		t.Fatal(err)
	}
	wrong := told("another")
	for what, err := range map[string]error{
		"append":   errorOf(wrong.Append(ctx, "user-2", event.NoStream, events)),
		"head":     errorOf(wrong.Head(ctx)),
		"identity": errorOf(wrong.Identity(ctx)),
	} {
		if !errors.Is(err, eventstore.ErrWrongLog) || !errors.Is(err, eventstore.ErrUnavailable) {
			t.Errorf("%s: %v", what, err)
		}
	}
	// The log is exchanged under a client, whose connection does not even break.
	if _, err := store.Pool.Exec(ctx, `UPDATE eventnode.events SET data = '{"logId":"another"}' WHERE type = 'LogIdentified'`); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Client.Recognise(ctx, markOf(log, last)); !errors.Is(err, eventstore.ErrWrongLog) {
		t.Errorf("an exchanged log: %v", err)
	}
	// A reader who is of another log than the client says so in words of its own.
	if _, err := told("another").Recognise(ctx, markOf(log, last)); !errors.Is(err, event.ErrAnotherLog) {
		t.Errorf("a mark of another log: %v", err)
	}
	if head, err := store.Client.Head(ctx); err != nil || head != last.Position {
		t.Errorf("something was written: the log ends at %v, not %v, %v", head, last.Position, err)
	}
}

// errorOf is the error, the last of several results.
func errorOf(results ...any) error {
	err, _ := results[len(results)-1].(error)
	return err
}

// What a scavenge removed is no loss: the stream's metadata tells.
func TestAScavengedEventIsNoLoss(t *testing.T) {
	t.Parallel()
	ctx := within(t, time.Minute)
	set := func(change func(*esdb.StreamMetadata)) func(*testing.T, *eventstoretest.Store, string) {
		return func(t *testing.T, store *eventstoretest.Store, stream string) {
			t.Helper()
			var metadata esdb.StreamMetadata
			change(&metadata)
			if _, err := store.Node.Client().SetStreamMetadata(ctx, stream, esdb.AppendToStreamOptions{}, metadata); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, test := range map[string]struct {
		remove func(t *testing.T, store *eventstoretest.Store, stream string)
		lost   bool
	}{
		"deleted": {remove: func(t *testing.T, store *eventstoretest.Store, stream string) {
			t.Helper()
			if _, err := store.Node.Client().DeleteStream(ctx, stream, esdb.DeleteStreamOptions{}); err != nil {
				t.Fatal(err)
			}
		}},
		"tombstoned": {remove: func(t *testing.T, store *eventstoretest.Store, stream string) {
			t.Helper()
			if _, err := store.Node.Client().TombstoneStream(ctx, stream, esdb.TombstoneStreamOptions{}); err != nil {
				t.Fatal(err)
			}
		}},
		"truncated":          {remove: set(func(m *esdb.StreamMetadata) { m.SetTruncateBefore(2) })},
		"truncated before":   {remove: set(func(m *esdb.StreamMetadata) { m.SetTruncateBefore(1) }), lost: true},
		"one of few":         {remove: set(func(m *esdb.StreamMetadata) { m.SetMaxCount(1) })},
		"one of many":        {remove: set(func(m *esdb.StreamMetadata) { m.SetMaxCount(100) }), lost: true},
		"aged":               {remove: set(func(m *esdb.StreamMetadata) { m.SetMaxAge(time.Hour) })},
		"metadata of no use": {remove: set(func(m *esdb.StreamMetadata) { m.AddCustomProperty("a", "b") }), lost: true},
		"without metadata":   {remove: func(*testing.T, *eventstoretest.Store, string) {}, lost: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := eventstoretest.New(t)
			log, err := store.Client.Identity(ctx)
			if err != nil {
				t.Fatal(err)
			}
			put(t, store, "user-1", 0, 1)
			removed := put(t, store, "user-1", 1, 1)
			put(t, store, "user-1", 2, 2)
			test.remove(t, store, "user-1")
			put(t, store, "user-2", 0, 1)
			// The node does not scavenge; this is what a scavenge does to the log.
			if _, err := store.Pool.Exec(ctx, "DELETE FROM eventnode.events WHERE position = $1", int64(removed.Position.Commit)); err != nil {
				t.Fatal(err)
			}
			recognises(ctx, t, store, markOf(log, removed), test.lost)
		})
	}
}

// A state that was folded from lost events is never written to, even where
// another process has brought the stream to the same revision.
func TestAStateOfALogThatWentBackIsNotWrittenTo(t *testing.T) {
	t.Parallel()
	store := eventstoretest.New(t)
	ctx := within(t, time.Minute)
	u, stream := newUser()
	loaded := func(streams commands.Streams, fresh bool) commands.Snapshot {
		t.Helper()
		s, err := streams.Load(ctx, stream, historyFold, fresh)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	first, err := store.Streams.Append(ctx, loaded(store.Streams, true), historyFold, drafts(user.Registered{UserID: u, Email: personal.New("ada@example.com")}))
	if err != nil {
		t.Fatal(err)
	}
	second, err := store.Streams.Append(ctx, first, historyFold, drafts(user.ActiveOrganizationSwitched{UserID: u, OrganizationID: "org_lost"}))
	if err != nil {
		t.Fatal(err)
	}
	var told atomic.Int32
	store.Client.OnWentBack(func() { told.Add(1) })
	store.GoBack(t, first.Position)
	others := eventstoretest.StreamsOf(t, store)
	if _, err := others.Append(ctx, loaded(others, true), historyFold, drafts(user.ActiveOrganizationSwitched{UserID: u, OrganizationID: "org_new"})); err != nil {
		t.Fatal(err)
	}
	deactivated := drafts(user.Deactivated{UserID: u})
	if _, err := store.Streams.Append(ctx, second, historyFold, deactivated); err == nil {
		t.Fatal("a state of lost events was written to")
	}
	now := loaded(store.Streams, false)
	if h := now.State.(history); now.Revision != 1 || h[1].(user.ActiveOrganizationSwitched).OrganizationID != "org_new" {
		t.Errorf("loads as %+v", now)
	}
	if _, err := store.Streams.Append(ctx, now, historyFold, deactivated); err != nil {
		t.Error(err)
	}
	if told.Load() != 1 {
		t.Errorf("it was told %d times", told.Load())
	}
}

// Watch notices what no broken connection tells of, and ends subscriptions, so
// that their readers look again.
func TestWatchEndsTheSubscriptionsOfALogThatWentBack(t *testing.T) {
	t.Parallel()
	for name, feed := range map[string]*eventstore.Feed{
		"of its own": nil, "shared": eventstore.NewFeed(eventstore.FeedOptions{}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := eventstoretest.New(t)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			m := &memory{}
			consume(t, store, m, eventstore.SubscriberOptions{Feed: feed})
			eventually(t, "live", func() (live bool) { m.look(func(m *memory) { live = m.live }); return live })
			write(t, store, "user-1", 0, 2)
			m.reached(t, 2)
			go store.Client.Watch(ctx)
			var resumes int
			m.look(func(m *memory) { resumes = m.resumes })
			began := time.Now()
			if _, err := store.Pool.Exec(ctx, "UPDATE eventnode.events SET event_id = gen_random_uuid() WHERE stream = 'user-1'"); err != nil {
				t.Fatal(err)
			}
			eventually(t, "the subscriber resumes", func() bool {
				var again int
				m.look(func(m *memory) { again = m.resumes })
				return again > resumes
			})
			t.Logf("noticed after %v", time.Since(began))
		})
	}
}

// A store that ends before what was read from it, as a member of a cluster does that
// has not caught up, is waited for; only then is the log said to have gone back. What
// differs is a loss at once.
func TestAStoreThatIsBehindIsWaitedFor(t *testing.T) {
	t.Parallel()
	store := eventstoretest.New(t)
	ctx := within(t, time.Minute)
	log, err := store.Client.Identity(ctx)
	if err != nil {
		t.Fatal(err)
	}
	kept, lost := keptAndLost(t, store)
	patient := eventstoretest.Connect(t, eventstore.Options{URL: store.Node.ConnectionString(), Patience: time.Hour})
	brief := eventstoretest.Connect(t, eventstore.Options{URL: store.Node.ConnectionString(), Patience: 300 * time.Millisecond})
	store.GoBack(t, kept.Position)
	for range 3 {
		if _, err := patient.Recognise(ctx, markOf(log, lost)); err == nil || errors.Is(err, event.ErrLogWentBack) || !errors.Is(err, eventstore.ErrUnavailable) {
			t.Errorf("while it may catch up: %v", err)
		}
		if _, err := patient.Recognise(ctx, markOf(log, kept)); err != nil {
			t.Errorf("what is there: %v", err)
		}
	}
	if _, err := patient.Recognise(ctx, markOf(log+"#2", kept)); err == nil || errors.Is(err, event.ErrLogWentBack) {
		t.Errorf("an epoch that has not begun there yet: %v", err)
	}
	eventually(t, "it is a loss in the end", func() bool {
		_, err := brief.Recognise(ctx, markOf(log, lost))
		return errors.Is(err, event.ErrLogWentBack)
	})
	if err := store.Client.Ping(ctx); err != nil { // The client notices as it connects again.
		t.Fatal(err)
	}
	put(t, store, "user-1", 1, 10)
	if _, err := patient.Recognise(ctx, markOf(log, lost)); !errors.Is(err, event.ErrLogWentBack) {
		t.Errorf("other events are there: %v", err)
	}
}
