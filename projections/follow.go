package projections

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
)

// projector makes what takes events into a generation.
func (e *Engine) projector(d Definition, g Generation, t *tracker) *projector {
	return &projector{
		pool: e.config.Pool, recognise: e.config.Recognise, decode: e.config.Decode, parts: e.config.Parts, observe: e.config.Observe,
		definition: d, generation: g, tracker: t, log: e.config.Logger,
		drain: e.config.Drain, pause: newPauses(longestPause), stop: func(error) {},
	}
}

// follow runs a projector on a subscription of its own, through a router of its
// own, until ctx ends or the projector stops itself. It returns the reason.
func (e *Engine) follow(ctx context.Context, p *projector, options SubscribeOptions) error {
	if err := p.open(ctx); err != nil {
		return err
	}
	subscriber, err := e.config.Subscribe(p, options)
	if err != nil {
		return fmt.Errorf("subscribe projection %s: %w", p.definition.Name, err)
	}
	router, err := message.NewRouter(message.RouterConfig{CloseTimeout: 2 * e.config.Drain}, routerLogger{log: e.config.Logger, projection: p.definition.Name})
	if err != nil {
		return errors.Join(err, subscriber.Close())
	}
	var handlers gate
	router.AddConsumerHandler(p.definition.Name, p.definition.Name, subscriber, handlers.guard(p.handle))
	ctx, p.stop = context.WithCancelCause(ctx)
	defer p.stop(nil)
	closed := make(chan struct{})
	// The router waits for its subscribers, and only Close bounds that.
	context.AfterFunc(ctx, func() {
		defer close(closed)
		if err := router.Close(); err != nil {
			e.config.Logger.WarnContext(ctx, "a projection did not stop in time",
				slog.String("projection", p.definition.Name), slog.Any("error", err))
		}
	})
	err = router.Run(ctx)
	p.stop(errors.Join(errStopped, err)) // Unless something else did.
	<-closed
	err = errors.Join(context.Cause(ctx), subscriber.Close())
	handlers.shut()
	_ = p.settle() // What became of it, the checkpoint says.
	return err
}

// gate lets handlers in until it is shut, which waits for those inside. A closing
// router can still start one after it has waited for all, and the next subscription
// of a build must not meet it.
type gate struct {
	inside sync.RWMutex
	closed bool
}

func (g *gate) guard(handle message.NoPublishHandlerFunc) message.NoPublishHandlerFunc {
	return func(m *message.Message) error {
		g.inside.RLock()
		defer g.inside.RUnlock()
		if g.closed {
			return errStopped
		}
		return handle(m)
	}
}

func (g *gate) shut() {
	g.inside.Lock()
	defer g.inside.Unlock()
	g.closed = true
}

// errStopped says that the subscription ended by itself.
var errStopped = errors.New("the subscription has ended")

// routerLogger passes on what the router has to say of errors. The rest, of each
// message too, is not even looked at.
type routerLogger struct {
	watermill.NopLogger
	log        *slog.Logger
	projection string
}

// Error logs an error of the router.
func (l routerLogger) Error(msg string, err error, _ watermill.LogFields) {
	l.log.Warn("a projection's router reports an error",
		slog.String("projection", l.projection), slog.String("what", msg), slog.Any("error", err))
}

// With keeps the logger, whose records name the projection in any case.
func (l routerLogger) With(watermill.LogFields) watermill.LoggerAdapter { return l }
