package eventstore_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/pubsub/tests"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/perfectworks/backend/adapters/eventstore"
	"github.com/perfectworks/backend/adapters/eventstore/eventstoretest"
	"github.com/perfectworks/backend/domain/event"
)

// TestWatermillSuite is Watermill's own suite for all subscribers and
// publishers. With the race detector it runs with the suite's smaller numbers.
func TestWatermillSuite(t *testing.T) {
	t.Parallel()
	store := eventstoretest.New(t)
	groups := newGroups(t, store.Pool)
	inGroup := func(t *testing.T, group string) (message.Publisher, message.Subscriber) {
		t.Helper()
		return eventstore.NewPublisher(store.Client), eventstore.NewSubscriber(store.Client, eventstore.SubscriberOptions{
			Prefixes: eventstore.MessagePrefix,
			Progress: func(topic string) eventstore.Progress { return groups.member(group, topic) },
			// The suite refuses one message a hundred times.
			LongestNackPause: 10 * time.Millisecond,
		})
	}
	tests.TestPubSub(t,
		tests.Features{
			ConsumerGroups:  true,
			GuaranteedOrder: true,
			Persistent:      true,
			ForceShort:      testing.Short() || raceDetector,
		},
		func(t *testing.T) (message.Publisher, message.Subscriber) {
			t.Helper()
			return inGroup(t, "everybody")
		},
		inGroup,
	)
}

// groups keeps the progress of consumer groups in Postgres, moved by
// compare-and-set. One member of a group at a time consumes a topic.
type groups struct {
	pool   *pgxpool.Pool
	mu     sync.Mutex
	owners map[string]chan struct{}
}

func newGroups(tb testing.TB, pool *pgxpool.Pool) *groups {
	tb.Helper()
	if _, err := pool.Exec(tb.Context(),
		"CREATE TABLE group_progress (name text PRIMARY KEY, position text NOT NULL)"); err != nil {
		tb.Fatal(err)
	}
	return &groups{pool: pool, owners: map[string]chan struct{}{}}
}

func (g *groups) member(group, topic string) *member {
	name := group + "/" + topic
	g.mu.Lock()
	defer g.mu.Unlock()
	owner, ok := g.owners[name]
	if !ok {
		owner = make(chan struct{}, 1)
		g.owners[name] = owner
	}
	return &member{pool: g.pool, name: name, owner: owner}
}

// member is the progress of one subscriber. It owns the topic from its first
// Resume until the subscription's context ends.
type member struct {
	pool  *pgxpool.Pool
	name  string
	owner chan struct{}
	owns  bool
	last  event.Position
}

func (m *member) Resume(ctx context.Context) (event.Position, error) {
	if !m.owns {
		select {
		case m.owner <- struct{}{}:
		case <-ctx.Done():
			return event.Position{}, ctx.Err()
		}
		m.owns = true
		context.AfterFunc(ctx, func() { <-m.owner })
	}
	var position string
	err := m.pool.QueryRow(ctx, "SELECT position FROM group_progress WHERE name = $1", m.name).Scan(&position)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		m.last = event.Position{}
	case err != nil:
		return event.Position{}, err
	default:
		if m.last, err = event.ParsePosition(position); err != nil {
			return event.Position{}, err
		}
	}
	return m.last, nil
}

func (m *member) Commit(ctx context.Context, upTo event.Mark, _ bool) error {
	tag, err := m.pool.Exec(ctx, `
		INSERT INTO group_progress (name, position) VALUES ($1, $3)
		ON CONFLICT (name) DO UPDATE SET position = $3 WHERE group_progress.position = $2`,
		m.name, m.last.String(), upTo.Position.String())
	if err != nil {
		return err
	}
	if tag.RowsAffected() == 0 {
		return fmt.Errorf("%s is not at %v any more", m.name, m.last)
	}
	m.last = upTo.Position
	return nil
}

func TestPublisherSplitsBySize(t *testing.T) {
	t.Parallel()
	store := eventstoretest.New(t)
	groups := newGroups(t, store.Pool)
	pub := eventstore.NewPublisher(store.Client)
	var sent []*message.Message
	for i := range 5 {
		sent = append(sent, message.NewMessage(fmt.Sprintf("not a UUID %d", i), make([]byte, 400_000)))
	}
	if err := pub.Publish("large", sent...); err != nil {
		t.Fatal(err)
	}
	if err := pub.Publish("large", message.NewMessage("", make([]byte, eventstore.MaxAppendSize))); !errors.Is(err, eventstore.ErrTooLarge) {
		t.Errorf("a message over the limit: %v", err)
	}
	if err := pub.Publish("large"); err != nil {
		t.Errorf("no message at all: %v", err)
	}
	sub := eventstore.NewSubscriber(store.Client, eventstore.SubscriberOptions{
		Prefixes: eventstore.MessagePrefix,
		Progress: func(topic string) eventstore.Progress { return groups.member("g", topic) },
	})
	defer sub.Close()
	messages, err := sub.Subscribe(t.Context(), "large")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range sent {
		got := receive(t, messages)
		if got.UUID != want.UUID || len(got.Payload) != len(want.Payload) {
			t.Errorf("got %q of %d bytes, want %q", got.UUID, len(got.Payload), want.UUID)
		}
		got.Ack()
	}
	if err := pub.Close(); err != nil {
		t.Error(err)
	}
	if err := pub.Publish("large", message.NewMessage(watermill.NewUUID(), nil)); !errors.Is(err, eventstore.ErrClosed) {
		t.Errorf("publish after Close: %v", err)
	}
}
