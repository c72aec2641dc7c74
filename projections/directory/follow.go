package directory

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/perfectworks/backend/projections"
)

// topic names the directory's subscription in logs and metrics.
const topic = "directory"

var errEnded = errors.New("the directory's subscription has ended")

// A batch's end costs the directory nothing: it has nothing to write.
var subscribeOptions = projections.SubscribeOptions{MaxEvents: 1000, MaxDelay: 10 * time.Millisecond, Bundle: 256}

// Run follows the log until ctx ends, which is no error.
func (d *Directory) Run(running context.Context) (err error) {
	ctx, cancel := context.WithCancel(running)
	defer cancel()
	d.loadSnapshot(ctx)
	subscriber, err := d.config.Subscribe(d, d.subscribe)
	if err != nil {
		return fmt.Errorf("directory: %w", err)
	}
	defer func() {
		err = errors.Join(err, subscriber.Close())
		d.saveSnapshot(context.WithoutCancel(running))
	}()
	messages, err := subscriber.Subscribe(ctx, topic)
	if err != nil {
		return fmt.Errorf("directory: %w", err)
	}
	beating := make(chan struct{})
	go func() {
		defer close(beating)
		d.vouch(ctx)
	}()
	defer func() { <-beating }()
	defer cancel()
	for m := range messages {
		if err := d.handle(ctx, m); err != nil {
			d.config.Logger.WarnContext(ctx, "the directory cannot take in an event yet", "error", err)
			m.Nack()
			continue
		}
		m.Ack()
	}
	if running.Err() == nil {
		return errEnded
	}
	return nil
}

// handle takes in a message. Its error may pass: what was taken in before is passed
// over when it comes again.
func (d *Directory) handle(ctx context.Context, m *message.Message) error {
	parts := d.config.Parts(m)
	if parts == nil {
		return d.take(ctx, m)
	}
	for _, part := range parts {
		if err := d.take(ctx, part); err != nil {
			return err
		}
	}
	return nil
}

// take takes in an event.
func (d *Directory) take(ctx context.Context, m *message.Message) error {
	if name := m.Metadata.Get(projections.MetadataType); name != "" && !relevant[name] {
		return nil // Commit will say how far this was.
	}
	r, err := d.config.Decode(ctx, m)
	if errors.Is(err, projections.ErrUndecodable) {
		d.config.Logger.ErrorContext(ctx, "the directory turns away whoever an unreadable event is about",
			"stream", r.Stream, "revision", r.Revision, "error", err)
		d.Block(r)
		return nil
	}
	if err != nil {
		return err
	}
	d.Apply(r)
	return nil
}
