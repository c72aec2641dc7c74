package eventstore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
)

// consumer follows the log for one topic.
type consumer struct {
	client   *Client
	opts     *SubscriberOptions
	topic    string
	progress Progress
	prefixes []string
	out      chan *message.Message
	log      *slog.Logger
}

// Pauses before subscribing again.
const (
	firstResubscribePause   = 50 * time.Millisecond
	longestResubscribePause = 2 * time.Second
)

// run subscribes again and again until ctx ends or the client is closed.
func (c *consumer) run(ctx context.Context) {
	c.client.opts.Metrics.Subscribed(c.topic)
	backOff := pauses(firstResubscribePause, longestResubscribePause)
	for ctx.Err() == nil {
		committed, err := c.follow(ctx)
		if ctx.Err() != nil || errors.Is(err, ErrClosed) {
			return
		}
		if committed {
			backOff.Reset()
		}
		c.client.opts.Metrics.Dropped(c.topic, err)
		c.log.WarnContext(ctx, "a subscription was dropped and begins again", slog.Any("error", err))
		if !pause(ctx, backOff.NextBackOff()) {
			return
		}
	}
}

// follow delivers what comes after the checkpoint, until it fails. It tells
// whether something was committed.
func (c *consumer) follow(ctx context.Context) (committed bool, err error) {
	life := c.client.witness.current() // Should it end from now on, Resume may have said too little.
	position, err := c.progress.Resume(ctx)
	if err != nil {
		return false, fmt.Errorf("resume: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	batch := &batch{consumer: c, life: life, reached: position, committed: position}
	defer batch.detach()
	if err := batch.begin(ctx); err != nil {
		return false, err
	}
	err = batch.deliver(ctx)
	return batch.commits > 0, err
}
