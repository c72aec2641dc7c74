package eventstore_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/perfectworks/backend/adapters/eventstore"
	"github.com/perfectworks/backend/adapters/eventstore/eventstoretest"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/user"
)

// TestStreamsOfTwoProcessesAgree has two processes append to one stream, each
// from what it believes, and holds them against a plain list.
func TestStreamsOfTwoProcessesAgree(t *testing.T) {
	t.Parallel()
	store := eventstoretest.New(t)
	ctx := within(t, 2*time.Minute)
	processes := []*eventstore.Streams{store.Streams, eventstoretest.StreamsOf(t, store)}
	written := 0
	rapid.Check(t, func(t *rapid.T) {
		_, stream := newUser()
		var model history
		for range rapid.IntRange(2, 6).Draw(t, "steps") {
			streams := processes[rapid.IntRange(0, 1).Draw(t, "process")]
			fresh := rapid.Bool().Draw(t, "fresh")
			seen, err := streams.Load(ctx, stream, historyFold, fresh)
			if err != nil {
				t.Fatal(err)
			}
			state := seen.State.(history)
			if int(seen.Revision) != len(state)-1 || len(state) > len(model) || fresh && len(state) != len(model) {
				t.Fatalf("loaded %d events at revision %d (fresh: %v), there are %d", len(state), seen.Revision, fresh, len(model))
			}
			if diff := cmp.Diff(model[:len(state)], state[:len(state):len(state)]); diff != "" {
				t.Fatalf("loaded something else (-written +loaded):\n%s", diff)
			}
			var events history
			for range rapid.IntRange(0, 3).Draw(t, "events") {
				written++
				events = append(events, user.ProfileUpdated{UserID: "user_1", Locale: fmt.Sprint(written)})
			}
			after, err := streams.Append(ctx, seen, historyFold, drafts(events...))
			switch {
			case len(events) > 0 && len(state) < len(model):
				if !errors.Is(err, commands.ErrWrongRevision) {
					t.Fatalf("append after %d of %d events: %v", len(state), len(model), err)
				}
				continue
			case err != nil:
				t.Fatal(err)
			}
			if len(events) > 0 {
				model = append(model, events...)
			}
			if int(after.Revision) != len(state)+len(events)-1 {
				t.Fatalf("append of %d events to %d ends at revision %d", len(events), len(state), after.Revision)
			}
		}
	})
}

// counts is a Metrics that remembers.
type counts struct {
	mu                                 sync.Mutex
	loaded                             []int
	hits, appended, failed             int
	reconnections, droppedOut, fellOut int
	wentBack                           int
}

func (c *counts) Appended(events int, _ time.Duration, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		c.failed++
	}
	c.appended += events
}

func (c *counts) Loaded(events int, cached bool, _ time.Duration, _ error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if cached {
		c.hits++
		return
	}
	c.loaded = append(c.loaded, events)
}

func (c *counts) WentBack() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wentBack++
}

func (c *counts) FellOut(string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fellOut++
}

func (c *counts) Reconnected() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reconnections++
}

func (*counts) Subscribed(string) {}

func (c *counts) Dropped(string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.droppedOut++
}

func TestMetricsTellWhatHappens(t *testing.T) {
	t.Parallel()
	store := eventstoretest.New(t)
	ctx := within(t, 30*time.Second)
	metrics := &counts{}
	client := eventstoretest.Connect(t, eventstore.Options{URL: store.Node.ConnectionString(), Metrics: metrics})
	streams, err := eventstore.NewStreams(client, store.Codec, 0)
	if err != nil {
		t.Fatal(err)
	}
	write(t, store, "user-1", 0, 3)
	for _, fresh := range []bool{false, false, true} { // 3 events, the cache, none
		if _, err := streams.Load(ctx, "user-1", historyFold, fresh); err != nil {
			t.Fatal(err)
		}
	}
	write(t, store, "user-1", 3, 2)
	seen, err := streams.Load(ctx, "user-1", historyFold, true) // only what is new
	if err != nil {
		t.Fatal(err)
	}
	if _, err := streams.Append(ctx, seen, historyFold, drafts(user.Erased{}, user.Erased{})); err != nil {
		t.Fatal(err)
	}
	if _, err := streams.Append(ctx, seen, historyFold, drafts(user.Erased{})); err == nil {
		t.Fatal("appended at a revision that is past")
	}
	sub := eventstore.NewSubscriber(client, eventstore.SubscriberOptions{
		Progress: func(string) eventstore.Progress { return &memory{} },
	})
	defer sub.Close()
	messages, err := sub.Subscribe(ctx, "test")
	if err != nil {
		t.Fatal(err)
	}
	for range 7 {
		receive(t, messages).Ack()
	}
	store.Node.Restart()
	eventually(t, "the drop is told", func() bool {
		metrics.mu.Lock()
		defer metrics.mu.Unlock()
		return metrics.droppedOut > 0 && metrics.reconnections > 0
	})
	metrics.mu.Lock()
	defer metrics.mu.Unlock()
	if diff := cmp.Diff([]int{3, 0, 2}, metrics.loaded); diff != "" {
		t.Errorf("events read by each load (-want +got):\n%s", diff)
	}
	if metrics.hits != 1 || metrics.appended != 3 || metrics.failed != 1 {
		t.Errorf("counted %+v", metrics)
	}
}

func TestSubscriptionsShareConnections(t *testing.T) {
	t.Parallel()
	store := eventstoretest.New(t)
	client := eventstoretest.Connect(t, eventstore.Options{URL: store.Node.ConnectionString(), SubscriptionsPerConnection: 2})
	write(t, store, "user-1", 0, 1)
	for range 2 { // The second time they are used again.
		sub := eventstore.NewSubscriber(client, eventstore.SubscriberOptions{
			Progress: func(string) eventstore.Progress { return &memory{position: event.Position{}} },
		})
		for i := range 5 {
			messages, err := sub.Subscribe(t.Context(), fmt.Sprint(i))
			if err != nil {
				t.Fatal(err)
			}
			receive(t, messages)
		}
		if connections, subscriptions := client.Pooled(); connections != 3 || subscriptions != 5 {
			t.Errorf("%d connections for %d subscriptions, want 3 for 5", connections, subscriptions)
		}
		if err := sub.Close(); err != nil {
			t.Fatal(err)
		}
		if _, subscriptions := client.Pooled(); subscriptions != 0 {
			t.Errorf("%d subscriptions are left", subscriptions)
		}
	}
}
