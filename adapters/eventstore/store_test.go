package eventstore_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/perfectworks/backend/adapters/eventstore/eventstoretest"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/personal"
	"github.com/perfectworks/backend/domain/user"
)

// history is a state that keeps all events: it shows what was folded.
type history []event.Event

var historyFold = commands.Fold{
	Zero: history(nil),
	Apply: func(state any, e event.Event) any {
		h := state.(history)
		return append(h[:len(h):len(h)], e)
	},
}

func newUser() (id.User, string) {
	u := "user_" + uuid.NewString()
	return id.User(u), user.Aggregate.Stream(id.User(u))
}

func draft(e event.Event) event.Draft {
	return event.Draft{ID: event.ID(uuid.New()), Event: e, Metadata: event.Metadata{CorrelationID: "c"}}
}

func drafts(events ...event.Event) []event.Draft {
	out := make([]event.Draft, len(events))
	for i, e := range events {
		out[i] = draft(e)
	}
	return out
}

func within(tb testing.TB, d time.Duration) context.Context {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), d)
	tb.Cleanup(cancel)
	return ctx
}

func TestStreamsLoadWhatWasAppended(t *testing.T) {
	t.Parallel()
	store := eventstoretest.New(t)
	ctx := within(t, 30*time.Second)
	u, stream := newUser()

	empty, err := store.Streams.Load(ctx, stream, historyFold, false)
	if err != nil || empty.Revision != event.NoStream || !empty.Position.IsZero() || !empty.Fresh || empty.State.(history) != nil {
		t.Fatalf("a stream that does not exist loads as %+v, %v", empty, err)
	}
	registered := user.Registered{UserID: u, Email: personal.New("ada@example.com"), OccurredAt: time.Date(2025, 1, 2, 3, 4, 5, 6e6, time.UTC)}
	switched := user.ActiveOrganizationSwitched{UserID: u, OrganizationID: "org_1"}
	first, err := store.Streams.Append(ctx, empty, historyFold, drafts(registered, switched))
	if err != nil || first.Revision != 1 || first.Position.IsZero() || !first.Fresh {
		t.Fatalf("append: %+v, %v", first, err)
	}
	if diff := cmp.Diff(history{registered, switched}, first.State); diff != "" {
		t.Errorf("state after append (-want +got):\n%s", diff)
	}
	cached, err := store.Streams.Load(ctx, stream, historyFold, false)
	if err != nil || cached.Fresh || cached.Revision != 1 || cached.Position != first.Position {
		t.Errorf("loads from the cache as %+v, %v", cached, err)
	}

	// Another process writes: only a fresh load sees it.
	others := eventstoretest.StreamsOf(t, store)
	seen, err := others.Load(ctx, stream, historyFold, true)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first, seen); diff != "" {
		t.Errorf("another process loads something else (-here +there):\n%s", diff)
	}
	second, err := others.Append(ctx, seen, historyFold, drafts(user.Erased{UserID: u}))
	if err != nil {
		t.Fatal(err)
	}
	if stale, err := store.Streams.Load(ctx, stream, historyFold, false); err != nil || stale.Revision != 1 {
		t.Errorf("the cache was asked and answered %+v, %v", stale, err)
	}
	fresh, err := store.Streams.Load(ctx, stream, historyFold, true)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(second, fresh); diff != "" {
		t.Errorf("a fresh load gives (-want +got):\n%s", diff)
	}
}

func TestAppendAtTheWrongRevision(t *testing.T) {
	t.Parallel()
	store := eventstoretest.New(t)
	ctx := within(t, 30*time.Second)
	u, stream := newUser()
	empty, err := store.Streams.Load(ctx, stream, historyFold, false)
	if err != nil {
		t.Fatal(err)
	}
	won, err := store.Streams.Append(ctx, empty, historyFold, drafts(user.Registered{UserID: u}))
	if err != nil {
		t.Fatal(err)
	}
	_, err = store.Streams.Append(ctx, empty, historyFold, drafts(user.Registered{UserID: u}))
	if !errors.Is(err, commands.ErrWrongRevision) {
		t.Fatalf("a second NoStream append: %v", err)
	}
	// The loser's next load is not from the cache.
	after, err := store.Streams.Load(ctx, stream, historyFold, false)
	if err != nil || !after.Fresh || after.Revision != won.Revision {
		t.Errorf("load after the loss: %+v, %v", after, err)
	}
}

func TestAppendAgainIsTheSameAppend(t *testing.T) {
	t.Parallel()
	store := eventstoretest.New(t)
	ctx := within(t, 30*time.Second)
	u, stream := newUser()
	empty, err := store.Streams.Load(ctx, stream, historyFold, false)
	if err != nil {
		t.Fatal(err)
	}
	once := drafts(user.Registered{UserID: u, Email: personal.New("ada@example.com")}, user.Restored{UserID: u})
	first, err := store.Streams.Append(ctx, empty, historyFold, once)
	if err != nil {
		t.Fatal(err)
	}
	later, err := store.Streams.Append(ctx, first, historyFold, drafts(user.Erased{UserID: u}))
	if err != nil {
		t.Fatal(err)
	}
	again, err := store.Streams.Append(ctx, empty, historyFold, once)
	if err != nil {
		t.Fatalf("the same append again: %v", err)
	}
	if diff := cmp.Diff(first, again); diff != "" {
		t.Errorf("it answers differently (-first +again):\n%s", diff)
	}
	if now, err := store.Streams.Load(ctx, stream, historyFold, true); err != nil || now.Revision != later.Revision {
		t.Errorf("the stream is at %d, %v", now.Revision, err)
	}
	found, ok, err := store.Streams.Find(ctx, stream, event.NoStream, once[0].ID)
	if err != nil || !ok || found.Revision != 0 || found.Event != once[0].Event || found.Time.IsZero() {
		t.Errorf("find: %+v, %v, %v", found, ok, err)
	}
	if _, ok, err := store.Streams.Find(ctx, stream, event.NoStream, event.ID(uuid.New())); ok || err != nil {
		t.Errorf("found an event that is not there: %v, %v", ok, err)
	}
	if _, ok, err := store.Streams.Find(ctx, "user-nobody", event.NoStream, once[0].ID); ok || err != nil {
		t.Errorf("found an event in a stream that is not there: %v, %v", ok, err)
	}
}

func TestErasureReachesCachedStates(t *testing.T) {
	t.Parallel()
	store := eventstoretest.New(t)
	ctx := within(t, 30*time.Second)
	u, stream := newUser()
	empty, err := store.Streams.Load(ctx, stream, historyFold, false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Streams.Append(ctx, empty, historyFold, drafts(user.Registered{UserID: u, Email: personal.New("ada@example.com")})); err != nil {
		t.Fatal(err)
	}
	if err := store.Keyring.Destroy(ctx, string(u)); err != nil {
		t.Fatal(err)
	}
	loaded, err := store.Streams.Load(ctx, stream, historyFold, false)
	if err != nil || !loaded.State.(history)[0].(user.Registered).Email.IsErased() {
		t.Errorf("after the erasure it loads as %+v, %v", loaded, err)
	}
}

func TestTheLogHoldsNothingPersonal(t *testing.T) {
	t.Parallel()
	store := eventstoretest.New(t)
	ctx := within(t, 30*time.Second)
	u, stream := newUser()
	d := draft(user.Registered{UserID: u, Email: personal.New("ada@example.com"), FirstName: personal.New("Adeline")})
	d.Metadata.ActorUserID = string(u)
	d.Metadata.ClientAddress = personal.New("192.0.2.77")
	empty, err := store.Streams.Load(ctx, stream, historyFold, false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Streams.Append(ctx, empty, historyFold, []event.Draft{d}); err != nil {
		t.Fatal(err)
	}
	var rows, inClear int
	if err := store.Pool.QueryRow(ctx, `
		SELECT count(*), count(*) FILTER (WHERE
			position('ada@'::bytea in data || metadata) > 0 OR position('Adeline'::bytea in data || metadata) > 0
			OR position('192.0.2.77'::bytea in data || metadata) > 0)
		FROM eventnode.events WHERE stream = $1`, stream).Scan(&rows, &inClear); err != nil {
		t.Fatal(err)
	}
	if rows != 1 || inClear != 0 {
		t.Errorf("%d of %d stored events show a personal text", inClear, rows)
	}
}
