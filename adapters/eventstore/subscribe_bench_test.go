package eventstore_test

import (
	"context"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/google/uuid"

	"github.com/perfectworks/backend/adapters/eventstore"
	"github.com/perfectworks/backend/adapters/eventstore/eventstoretest"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/user"
)

// BenchmarkSubscribe reads a log of 50,000 events through node, client and
// subscriber, and decodes each.
func BenchmarkSubscribe(b *testing.B) {
	store := eventstoretest.New(b)
	const n = 50_000
	encodedOnce, err := store.Codec.Encode(b.Context(), draft(user.Restored{UserID: "user_01h455vb4pex5vsknk084sn02q", OccurredAt: time.Now()}))
	if err != nil {
		b.Fatal(err)
	}
	for begin := 0; begin < n; begin += 1000 {
		batch := make([]esdb.EventData, 1000)
		for i := range batch {
			batch[i] = encodedOnce
			batch[i].EventID = uuid.New()
		}
		if _, _, err := store.Client.Append(b.Context(), "user-1", event.Revision(begin)-1, batch); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		var committed atomic.Int64
		m := &memory{}
		sub := eventstore.NewSubscriber(store.Client, eventstore.SubscriberOptions{
			Progress: func(string) eventstore.Progress { return m }, BatchSize: 20_000, BatchDelay: time.Minute,
		})
		ctx, cancel := context.WithCancel(b.Context())
		messages, err := sub.Subscribe(ctx, "benchmark")
		if err != nil {
			b.Fatal(err)
		}
		for msg := range messages {
			if _, err := store.Codec.Decode(msg.Context(), msg); err != nil {
				b.Fatal(err)
			}
			msg.Ack()
			if committed.Add(1) == n {
				cancel()
			}
		}
		cancel()
		if err := sub.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*n/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkConsumers has four consumers at the end of the log, each of which
// decodes every event. The processor time includes that of the node and of the
// writer, which "none" shows alone.
func BenchmarkConsumers(b *testing.B) {
	const consumers, batch = 4, 500
	for _, shape := range []struct {
		name      string
		consumers int
		feed      *eventstore.Feed
	}{
		{"none", 0, nil},
		{"own", consumers, nil},
		{"shared", consumers, eventstore.NewFeed(eventstore.FeedOptions{})},
	} {
		b.Run(shape.name, func(b *testing.B) {
			store := eventstoretest.New(b)
			all := make([]*memory, shape.consumers)
			for i := range all {
				all[i] = &memory{}
				consume(b, store, all[i], eventstore.SubscriberOptions{Feed: shape.feed})
			}
			next := 0
			round := func() {
				write(b, store, "user-1", next, batch)
				next += batch
				for _, m := range all {
					m.reached(b, next)
				}
			}
			round()
			began := processorTime(b)
			for b.Loop() {
				round()
			}
			b.ReportMetric(float64((processorTime(b)-began).Nanoseconds())/float64(b.N*batch), "cpu-ns/event")
		})
	}
}

// processorTime is how long this process has used a processor.
func processorTime(tb testing.TB) time.Duration {
	tb.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
