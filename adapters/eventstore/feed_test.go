package eventstore_test

import (
	"context"
	"crypto/cipher"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/google/uuid"

	"github.com/perfectworks/backend/adapters/eventstore"
	"github.com/perfectworks/backend/adapters/eventstore/eventstoretest"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/personal"
	"github.com/perfectworks/backend/domain/user"
)

// sharing are consumers of one feed.
type sharing struct {
	*eventstoretest.Store
	feed    *eventstore.Feed
	metrics *counts
}

func share(t *testing.T, opts eventstore.FeedOptions) *sharing {
	t.Helper()
	s := &sharing{Store: eventstoretest.New(t), feed: eventstore.NewFeed(opts), metrics: &counts{}}
	s.Client = eventstoretest.Connect(t, eventstore.Options{URL: s.Node.ConnectionString(), Metrics: s.metrics})
	t.Cleanup(func() { // After the consumers have been closed.
		if _, n := s.Client.Pooled(); n != 0 {
			t.Errorf("%d subscriptions are left behind", n)
		}
	})
	return s
}

// consumer takes messages when its gate lets it.
type consumer struct {
	memory
	gate chan struct{} // closed when it may go on; nil for always; guarded by memory.mu
}

// consumer starts another one.
func (s *sharing) consumer(t *testing.T, c *consumer, opts eventstore.SubscriberOptions) *consumer {
	t.Helper()
	opts.Feed, opts.Progress = s.feed, func(string) eventstore.Progress { return &c.memory }
	sub := eventstore.NewSubscriber(s.Client, opts)
	messages, err := sub.Subscribe(t.Context(), "test")
	if err != nil {
		t.Fatal(err)
	}
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		for msg := range messages {
			var gate chan struct{}
			c.look(func(*memory) { gate = c.gate })
			if gate != nil {
				select {
				case <-gate:
				case <-msg.Context().Done():
					continue
				}
			}
			recorded, err := s.Codec.Decode(msg.Context(), msg)
			if err != nil {
				msg.Nack()
				continue
			}
			c.look(func(m *memory) { m.acked = append(m.acked, recorded.Revision) })
			msg.Ack()
		}
	}()
	t.Cleanup(func() {
		if err := sub.Close(); err != nil {
			t.Error(err)
		}
		<-finished
	})
	return c
}

// subscriptions waits until there are so many.
func (s *sharing) subscriptions(t *testing.T, n int) {
	t.Helper()
	eventually(t, fmt.Sprintf("%d subscriptions", n), func() bool {
		_, subscriptions := s.Client.Pooled()
		return subscriptions == n
	})
}

func (s *sharing) fellOut() (n int) {
	s.metrics.mu.Lock()
	defer s.metrics.mu.Unlock()
	return s.metrics.fellOut
}

// countedKeys counts the events whose personal texts were decoded.
type countedKeys struct {
	eventstore.Keys
	asked atomic.Int64
}

func (k *countedKeys) Key(ctx context.Context, subject string) (cipher.AEAD, bool, error) {
	k.asked.Add(1)
	return k.Keys.Key(ctx, subject)
}

func TestConsumersShareASubscription(t *testing.T) {
	t.Parallel()
	s := share(t, eventstore.FeedOptions{})
	keys := &countedKeys{Keys: s.Keyring}
	var err error
	if s.Codec, err = eventstore.NewCodec(eventstore.Schemas(), keys); err != nil {
		t.Fatal(err)
	}
	u, stream := newUser()
	register := func(from, n int) {
		for i := from; i < from+n; i++ {
			d := draft(user.Registered{UserID: u, Email: personal.New("ada@example.com")})
			if _, _, err := s.Client.Append(within(t, 10*time.Second), stream, event.Revision(i)-1, encoded(t, s.Store, d)); err != nil {
				t.Fatal(err)
			}
		}
	}
	register(0, 20)
	all := make([]*consumer, 4)
	for i := range all {
		all[i] = s.consumer(t, &consumer{}, eventstore.SubscriberOptions{})
	}
	for _, c := range all {
		inOrder(t, c.reached(t, 20), 20)
	}
	register(20, 1) // It moves those of different checkpoints to the same.
	for _, c := range all {
		c.reached(t, 21)
	}
	s.subscriptions(t, 1)
	before := keys.asked.Load()
	register(21, 100)
	for _, c := range all {
		inOrder(t, c.reached(t, 121), 121)
	}
	if n := keys.asked.Load() - before; n != 100 {
		t.Errorf("100 events were decoded %d times for 4 consumers", n)
	}
	for _, c := range all {
		c.look(func(m *memory) {
			if m.resumes != 1 || !m.live {
				t.Errorf("%d subscriptions, live is %t", m.resumes, m.live)
			}
		})
	}
	s.subscriptions(t, 1)

	// One that comes later finds what it needs in the feed.
	late := &consumer{}
	all[0].look(func(m *memory) { late.position = m.commits[len(m.commits)-20] })
	s.consumer(t, late, eventstore.SubscriberOptions{})
	eventually(t, "live", func() (live bool) { late.look(func(m *memory) { live = m.live }); return live })
	if _, n := s.Client.Pooled(); n != 1 {
		t.Errorf("%d subscriptions", n)
	}
	if got := late.reached(t, 10); got[len(got)-1] != 120 {
		t.Errorf("the late consumer ends with %d", got[len(got)-1])
	}
}

// passed are four consumers that begin with a long log, the last of them gated.
func passed(t *testing.T, patience time.Duration) (s *sharing, keys *countedKeys, all []*consumer, n int) {
	t.Helper()
	s = share(t, eventstore.FeedOptions{Bytes: 50_000, Gathering: time.Second, Patience: patience})
	keys = &countedKeys{Keys: s.Keyring}
	var err error
	if s.Codec, err = eventstore.NewCodec(eventstore.Schemas(), keys); err != nil {
		t.Fatal(err)
	}
	u, stream := newUser()
	var batch []esdb.EventData
	for range 1000 {
		batch = append(batch, encoded(t, s.Store, draft(user.Registered{UserID: u, Email: personal.New("ada@example.com")}))...)
	}
	if _, _, err := s.Client.Append(within(t, 20*time.Second), stream, event.NoStream, batch); err != nil {
		t.Fatal(err)
	}
	keys.asked.Store(0)
	for i := range 4 {
		c := &consumer{}
		if i == 3 {
			c.gate = make(chan struct{})
		}
		all = append(all, s.consumer(t, c, eventstore.SubscriberOptions{BatchSize: 100}))
	}
	return s, keys, all, len(batch)
}

// Consumers that begin at the same position read the log once, and each event is
// decoded once, though they are not equally fast.
func TestConsumersShareAPass(t *testing.T) {
	t.Parallel()
	s, keys, all, n := passed(t, time.Minute)
	eventually(t, "the first events", func() (some bool) {
		all[0].look(func(m *memory) { some = len(m.done) > 0 })
		return some
	})
	all[0].look(func(m *memory) {
		if len(m.done) > n/2 {
			t.Errorf("the pass has not waited: %d events are done", len(m.done))
		}
	})
	close(all[3].gate)
	for _, c := range all {
		inOrder(t, c.reached(t, n), n)
	}
	if asked := int(keys.asked.Load()); asked != n {
		t.Errorf("%d events were decoded %d times for 4 consumers", n, asked)
	}
	if s.fellOut() > 0 {
		t.Error("a consumer left")
	}
	s.subscriptions(t, 1)
}

// One that takes nothing does not hold up the others for long.
func TestAPassLeavesAStuckConsumer(t *testing.T) {
	t.Parallel()
	s, _, all, n := passed(t, 50*time.Millisecond)
	for _, c := range all[:3] {
		inOrder(t, c.reached(t, n), n)
	}
	all[3].look(func(m *memory) {
		if len(m.done) > 0 {
			t.Error("the stuck consumer was not stuck")
		}
	})
	close(all[3].gate)
	inOrder(t, all[3].reached(t, n), n)
	s.subscriptions(t, 1)
	if s.fellOut() != 1 {
		t.Errorf("%d consumers left", s.fellOut())
	}
}

func TestASlowConsumerLeavesAndComesBack(t *testing.T) {
	t.Parallel()
	s := share(t, eventstore.FeedOptions{Bytes: 20_000})
	_, stream := newUser()
	write(t, s.Store, stream, 0, 1)
	slow := s.consumer(t, &consumer{}, eventstore.SubscriberOptions{Buffer: 10})
	others := []*consumer{s.consumer(t, &consumer{}, eventstore.SubscriberOptions{}), s.consumer(t, &consumer{}, eventstore.SubscriberOptions{})}
	for _, c := range append(others, slow) {
		c.reached(t, 1)
	}
	s.subscriptions(t, 1)
	next := 1
	for round := range 3 {
		gate := make(chan struct{})
		slow.look(func(*memory) { slow.gate = gate })
		write(t, s.Store, stream, next, 600)
		next += 600
		for _, c := range others {
			inOrder(t, c.reached(t, next), next) // They do not wait.
		}
		slow.look(func(m *memory) {
			if len(m.done) > next-600 {
				t.Error("the slow consumer was not slow")
			}
		})
		close(gate)
		inOrder(t, slow.reached(t, next), next)
		if n := s.fellOut(); n < round+1 {
			t.Errorf("it left %d times in %d rounds", n, round+1)
		}
		write(t, s.Store, stream, next, 1)
		next++
		slow.reached(t, next)
		s.subscriptions(t, 1)
	}
	for _, c := range append(others, slow) {
		inOrder(t, c.reached(t, next), next)
		c.look(func(m *memory) {
			if m.resumes != 1 {
				t.Errorf("%d subscriptions: to leave needs no checkpoint", m.resumes)
			}
		})
	}
}

func TestAFailedCommitDisturbsNoOtherConsumer(t *testing.T) {
	t.Parallel()
	s := share(t, eventstore.FeedOptions{})
	_, stream := newUser()
	calls := 0
	failing := s.consumer(t, &consumer{memory: memory{fail: func(what string) error {
		if calls++; calls%4 == 0 {
			return fmt.Errorf("no %s", what)
		}
		return nil
	}}}, eventstore.SubscriberOptions{BatchSize: 10})
	other := s.consumer(t, &consumer{}, eventstore.SubscriberOptions{})
	const n = 300
	for i := range 30 {
		write(t, s.Store, stream, i*10, 10)
	}
	inOrder(t, failing.reached(t, n), n)
	inOrder(t, other.reached(t, n), n)
	failing.look(func(m *memory) {
		if m.resumes < 2 {
			t.Error("no commit failed")
		}
	})
	other.look(func(m *memory) {
		if m.resumes != 1 {
			t.Errorf("%d subscriptions of the other", m.resumes)
		}
	})
}

func TestAFeedSurvivesRestartsOfTheServer(t *testing.T) {
	t.Parallel()
	s := share(t, eventstore.FeedOptions{Bytes: 50_000})
	_, stream := newUser()
	all := make([]*consumer, 3)
	for i := range all {
		all[i] = s.consumer(t, &consumer{}, eventstore.SubscriberOptions{BatchSize: 20 + i*30})
	}
	for round := range 3 {
		write(t, s.Store, stream, round*200, 200)
		for _, c := range all {
			c.reached(t, round*200+1) // Somewhere in the midst.
		}
		s.Node.Restart()
	}
	write(t, s.Store, stream, 600, 1)
	for _, c := range all {
		inOrder(t, c.reached(t, 601), 601)
	}
	s.subscriptions(t, 1)
}

// What was decoded before a key was destroyed is not given to those who come
// later.
func TestAFeedForgetsWhatWasDecoded(t *testing.T) {
	t.Parallel()
	s := share(t, eventstore.FeedOptions{})
	s.Keyring.OnDestroy(s.feed.Forget)
	m := &memory{}
	sub := eventstore.NewSubscriber(s.Client, eventstore.SubscriberOptions{
		Feed: s.feed, Progress: func(string) eventstore.Progress { return m },
	})
	defer sub.Close()
	messages, err := sub.Subscribe(t.Context(), "test")
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "live", func() (live bool) { m.look(func(m *memory) { live = m.live }); return live })
	u, stream := newUser()
	d := draft(user.Registered{UserID: u, Email: personal.New("ada@example.com")})
	if _, _, err := s.Client.Append(within(t, 10*time.Second), stream, event.NoStream, encoded(t, s.Store, d)); err != nil {
		t.Fatal(err)
	}
	msg := receive(t, messages)
	email := func() personal.Text {
		recorded, err := s.Codec.Decode(t.Context(), msg)
		if err != nil {
			t.Fatal(err)
		}
		return recorded.Event.(user.Registered).Email
	}
	if got := email(); got.Reveal() != "ada@example.com" {
		t.Fatalf("read as %v", got)
	}
	if err := s.Keyring.Destroy(t.Context(), string(u)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the text is gone", func() bool { return email().IsErased() })
	msg.Ack()
}

// However long a consumer is held up, and however large the events are, the
// process holds the budget of the feed and of the consumer's own subscription.
// PERFECTWORKS_LARGE_EVENTS is the number of events, 160 by default.
func TestAHeldUpConsumerHoldsFewBytes(t *testing.T) {
	events := 160
	if n := os.Getenv("PERFECTWORKS_LARGE_EVENTS"); n != "" {
		if _, err := fmt.Sscan(n, &events); err != nil {
			t.Fatal(err)
		}
	}
	const size = 700 << 10
	s := share(t, eventstore.FeedOptions{Bytes: 4 << 20})
	held := s.consumer(t, &consumer{gate: make(chan struct{})}, eventstore.SubscriberOptions{})
	others := []*consumer{s.consumer(t, &consumer{}, eventstore.SubscriberOptions{}), s.consumer(t, &consumer{}, eventstore.SubscriberOptions{})}
	eventually(t, "live", func() (live bool) { held.look(func(m *memory) { live = m.live }); return live })
	write(t, s.Store, "user-first", 0, 1)
	for _, c := range others {
		c.reached(t, 1)
	}
	s.subscriptions(t, 1)
	heap := func() int {
		runtime.GC()
		runtime.GC() // Pools are emptied by the second.
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int(m.HeapAlloc)
	}
	before := heap()
	d := draft(user.Registered{UserID: "user_1", SubjectHash: strings.Repeat("x", size)})
	most := 0
	for i := range events {
		d.ID = event.ID(uuid.New())
		if _, _, err := s.Client.Append(t.Context(), "user-large", event.Revision(i)-1, encoded(t, s.Store, d)); err != nil {
			t.Fatal(err)
		}
		if i%20 == 19 {
			most = max(most, heap()-before)
		}
	}
	for _, c := range others {
		c.reached(t, events+1)
	}
	most = max(most, heap()-before)
	// The node, in the same process, holds up to 64 MiB of its log.
	t.Logf("%d events of %d KiB: at most %d KiB are held", events, size>>10, most>>10)
	if most > (64+4+2+16)<<20 {
		t.Errorf("%d bytes are held", most)
	}
	close(held.gate)
	done := held.reached(t, events+1)
	if !slices.Equal(done[1:], others[0].reached(t, events+1)[1:]) {
		t.Error("the held-up consumer got something else")
	}
}
