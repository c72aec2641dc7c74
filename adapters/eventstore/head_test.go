package eventstore_test

import (
	"fmt"
	"testing"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/google/uuid"

	"github.com/perfectworks/backend/adapters/eventstore/eventstoretest"
	"github.com/perfectworks/backend/domain/event"
)

func TestHeadOfPassesOverTheEventsOfOthers(t *testing.T) {
	t.Parallel()
	store := eventstoretest.New(t)
	head := store.Client.HeadOf([]string{"user-", "apiKey-"})
	streams := 0
	write := func(prefix string, events int) event.Position {
		t.Helper()
		streams++
		batch := make([]esdb.EventData, events)
		for i := range batch {
			batch[i] = esdb.EventData{EventID: uuid.New(), EventType: "X", ContentType: esdb.ContentTypeJson, Data: []byte("{}")}
		}
		_, at, err := store.Client.Append(t.Context(), fmt.Sprint(prefix, streams), event.NoStream, batch)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	expect := func(what string, want event.Position) {
		t.Helper()
		for range 2 {
			if got, err := head(t.Context()); err != nil || got != want {
				t.Fatalf("%s: got %v %v, want %v", what, got, err, want)
			}
		}
	}
	expect("an empty log", event.Position{})
	write("other-", 1)
	expect("only another's", event.Position{})
	write("other-", 10)
	expect("only others'", event.Position{})
	ours := write("apiKey-", 1)
	expect("ours", ours)
	write("other-", 1)
	expect("ours before another's", ours)
	write("user", 100)
	expect("ours before many others'", ours)
	ours = write("user-", 3)
	write("other-", 50)
	expect("ours between others'", ours)

	write("other-", 5000)
	got, err := head(t.Context())
	end, _ := store.Client.Head(t.Context())
	if err != nil || got.Compare(ours) <= 0 || got.Compare(end) >= 0 {
		t.Errorf("ours before very many others': got %v %v, ours %v, end %v", got, err, ours, end)
	}
	ours = write("user-", 1)
	expect("ours again", ours)
}
