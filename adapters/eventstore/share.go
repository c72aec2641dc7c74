package eventstore

import (
	"context"
	"log/slog"
)

// begin takes a place in the feed or a pass, if one holds what comes next, or
// begins a pass.
func (b *batch) begin(ctx context.Context) error {
	if b.opts.Feed == nil {
		return b.subscribe(ctx)
	}
	select {
	case b.opts.Feed.turn <- struct{}{}:
		defer func() { <-b.opts.Feed.turn }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if reader, ok := b.opts.Feed.attach(b.life, b.reached); ok {
		b.source = reader
		return nil
	}
	own, err := b.open(ctx, b.life, b.reached)
	if err != nil {
		return err
	}
	b.source = own
	if reader, ok := b.opts.Feed.begin(own, b.reached); ok {
		b.source = reader
	}
	return nil
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
	if !b.live || b.opts.Feed == nil || b.opts.Apart {
		return
	}
	var joined *reader
	var adopted, ok bool
	switch source := b.source.(type) {
	case *received:
		joined, adopted, ok = b.opts.Feed.join(source, b.reached)
	case *reader:
		if !source.ring.isPass() {
			return
		}
		joined, adopted, ok = b.opts.Feed.joinFrom(source, b.reached)
	}
	if !ok {
		return
	}
	if !adopted {
		b.source.close()
	}
	b.source = joined
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
