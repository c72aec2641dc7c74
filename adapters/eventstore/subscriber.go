package eventstore

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/perfectworks/backend/domain/event"
)

// Progress keeps how far a consumer has come. The subscriber calls it from one
// goroutine per topic.
type Progress interface {
	// Resume says after which position to go on; the zero Position means from
	// the beginning. It is called at every (re)subscription; whatever was
	// delivered and not committed will be delivered again. It makes sure, by
	// Client.Recognise, that the log still holds what was committed.
	Resume(ctx context.Context) (event.Position, error)
	// Commit makes everything acknowledged so far durable, with the position
	// reached: of the last acknowledged event or filtered checkpoint. The mark
	// does not name the log; its last event is zero when there was none since
	// Resume or the last Commit. live says that the subscription has caught up
	// with the end of the log. When only that has changed, the position is where
	// Resume or the last Commit stood.
	Commit(ctx context.Context, upTo event.Mark, live bool) error
}

// SubscriberOptions tune a Subscriber. Only Progress is required.
type SubscriberOptions struct {
	// Progress gives the progress of a topic.
	Progress func(topic string) Progress
	// Prefixes gives the beginnings of the names of the streams that a topic
	// follows; those of the feed, or of all our streams, when nil.
	Prefixes func(topic string) []string
	// Feed, when set, holds the subscriptions that the topics share, with those of
	// other subscribers. Without it each has one of its own. Prefixes must then be
	// nil.
	Feed *Feed
	// Apart has the topics share passes over the log only, and not the end of it.
	Apart bool

	// BatchSize is how many acknowledged messages are committed at once, at
	// most; 500 when zero.
	BatchSize int
	// Bundle is how many events a message carries at most, until the subscription
	// has reached the end of the log: a message costs more than most events. With
	// more than 1, which is the default, consumers must look at Parts.
	Bundle int
	// BatchBytes is how many bytes of events make a commit due; 16 MiB when zero.
	BatchBytes int
	// BatchDelay is how long an acknowledged message waits for its commit, at
	// most, while further messages are on their way; 20 ms when zero. When none
	// is and the log's end is reached, it is committed at once.
	BatchDelay time.Duration
	// CheckpointDelay is how long a position that passed over events of others
	// waits for its commit; 1 s when zero.
	CheckpointDelay time.Duration
	// Buffer is how many events are received ahead of their delivery; 1024 when
	// zero.
	Buffer int
	// BufferBytes is how many bytes of events are received ahead by a subscription
	// of a topic's own, beside the one that is being delivered; 2 MiB when zero.
	// One event is always received.
	BufferBytes int
	// NackPause and LongestNackPause bound the pause, doubled each time, before
	// a message that was not acknowledged comes again; 10 ms and 1 s when zero.
	NackPause, LongestNackPause time.Duration

	Logger *slog.Logger
}

func (o *SubscriberOptions) withDefaults() SubscriberOptions {
	opts := *o
	if opts.Prefixes == nil || opts.Feed != nil {
		prefixes := StreamPrefixes()
		if opts.Feed != nil {
			prefixes = opts.Feed.prefixes
		}
		opts.Prefixes = func(string) []string { return prefixes }
	}
	setDefault(&opts.BatchSize, 500)
	setDefault(&opts.Bundle, 1)
	setDefault(&opts.BatchDelay, 20*time.Millisecond)
	setDefault(&opts.CheckpointDelay, time.Second)
	setDefault(&opts.Buffer, 1024)
	setDefault(&opts.BufferBytes, 2<<20)
	setDefault(&opts.BatchBytes, 16<<20)
	setDefault(&opts.NackPause, 10*time.Millisecond)
	setDefault(&opts.LongestNackPause, time.Second)
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	return opts
}

func setDefault[T int | time.Duration](field *T, value T) {
	if *field <= 0 {
		*field = value
	}
}

// Subscriber is a message.Subscriber over catch-up subscriptions to the whole
// log. Messages come one by one, in the order of the log, each after the one
// before it was acknowledged, and every one at least once. What drops the
// subscription, for however long, shows only as a pause.
//
// A message's payload, unless it is a bundle, is the event's stored data; Codec.Decode reads the whole
// event. Once the subscription is live, a message's context holds the span that
// the event was written in, as a remote parent.
type Subscriber struct {
	client *Client
	opts   SubscriberOptions

	ctx    context.Context // ends all topics
	cancel context.CancelFunc

	mu     sync.Mutex
	closed bool
	topics sync.WaitGroup
}

var _ message.Subscriber = (*Subscriber)(nil)

// NewSubscriber returns a subscriber. The caller closes it.
func NewSubscriber(client *Client, opts SubscriberOptions) *Subscriber {
	ctx, cancel := context.WithCancel(context.Background())
	return &Subscriber{client: client, opts: opts.withDefaults(), ctx: ctx, cancel: cancel}
}

// Subscribe delivers the messages of a topic until ctx ends or the subscriber
// is closed; only then the channel is closed. It does not wait for the store.
func (s *Subscriber) Subscribe(ctx context.Context, topic string) (<-chan *message.Message, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, ErrClosed
	}
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(s.ctx, cancel) //nolint:contextcheck // It ends with either.
	consumer := &consumer{
		client: s.client, opts: &s.opts, topic: topic,
		progress: s.opts.Progress(topic), prefixes: s.opts.Prefixes(topic),
		out: make(chan *message.Message),
		log: s.opts.Logger.With(slog.String("topic", topic)),
	}
	s.topics.Go(func() {
		defer close(consumer.out)
		defer cancel()
		defer stop()
		consumer.run(ctx)
	})
	return consumer.out, nil
}

// Close ends all subscriptions and waits until their channels are closed.
func (s *Subscriber) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.cancel()
	s.topics.Wait()
	return nil
}
