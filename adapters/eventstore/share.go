package eventstore

import (
	"context"
	"log/slog"
)

// begin takes a place in the feed, if that holds what comes next, or subscribes.
func (b *batch) begin(ctx context.Context) error {
	if b.opts.Feed != nil {
		if reader, ok := b.opts.Feed.attach(b.life, b.reached, false); ok {
			b.source = reader
			return nil
		}
	}
	return b.subscribe(ctx)
}

func (b *batch) subscribe(ctx context.Context) error {
	own, err := b.open(ctx, b.life, b.reached)
	if err != nil {
		return err
	}
	b.source = own
	return nil
}

// join moves to the feed once the end of the log is reached.
func (b *batch) join() {
	own, alone := b.source.(*received)
	if !alone || !b.live || b.opts.Feed == nil {
		return
	}
	reader, adopted, ok := b.opts.Feed.join(own, b.reached)
	if !ok {
		return
	}
	if !adopted {
		own.close()
	}
	b.source = reader
	b.log.Debug("a subscription joins the shared one", slog.Bool("first", adopted))
}

// leave subscribes after what was delivered last: the feed has not waited.
func (b *batch) leave(ctx context.Context) error {
	b.client.opts.Metrics.FellOut(b.topic)
	b.log.DebugContext(ctx, "a subscription leaves the shared one, which it is too slow for")
	b.detach()
	b.live, b.told = false, false
	return b.subscribe(ctx)
}

// detach ends the use of the source.
func (b *batch) detach() {
	if b.source != nil {
		b.source.close()
		b.source = nil
	}
}
