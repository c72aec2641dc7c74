package eventstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"go.opentelemetry.io/otel/trace"

	"github.com/perfectworks/backend/domain/event"
)

// Client talks to the event store. It connects at first use, and again by
// itself whenever the server was gone. It is safe for concurrent use.
//
// Every method returns when its context ends, whatever the connection does. A
// call that was cut off so may live on in the background until the server is
// back; it can then no longer write.
type Client struct {
	opts   Options
	config esdb.Configuration
	log    *slog.Logger
	tracer trace.Tracer // nil without tracing

	calls    *connection // appends and reads
	witness  *witness
	patience patience

	mu            sync.Mutex
	closed        bool
	subscriptions []*pooledConnection
	// closing ends with Close, and subscriptions with it.
	closing context.Context
	close   context.CancelFunc
}

// pooledConnection is a connection for subscriptions.
type pooledConnection struct {
	*connection
	subscriptions int
}

// Open checks the options. It does not connect: see Ping.
func Open(opts Options) (*Client, error) {
	opts = opts.withDefaults()
	config, err := opts.configuration()
	if err != nil {
		return nil, err
	}
	c := &Client{opts: opts, config: *config, log: opts.Logger, witness: newWitness(opts.logID()), patience: patience{lasts: opts.Patience}}
	if opts.TracerProvider != nil {
		c.tracer = opts.TracerProvider.Tracer("github.com/perfectworks/backend/adapters/eventstore")
	}
	c.closing, c.close = context.WithCancel(context.Background())
	c.calls = c.newConnection()
	c.calls.guarded = true
	return c, nil
}

func (c *Client) newConnection() *connection {
	return &connection{config: c.config, log: c.log, metrics: c.opts.Metrics, greet: c.greet, closing: make(chan struct{})}
}

// Close ends subscriptions and connections. It waits for calls that are under
// way; only while the server cannot be reached may some outlive ctx, which is
// then an error.
func (c *Client) Close(ctx context.Context) error {
	c.mu.Lock()
	c.closed = true
	pool := slices.Clone(c.subscriptions)
	c.mu.Unlock()
	c.close()
	err := c.calls.close(ctx)
	for _, p := range pool {
		err = errors.Join(err, p.close(ctx))
	}
	return err
}

// Ping answers nil once the store answers.
func (c *Client) Ping(ctx context.Context) error {
	_, err := c.Head(ctx)
	return err
}

// Head is the position of the last event of the whole log; zero when the log is
// empty.
func (c *Client) Head(ctx context.Context) (event.Position, error) {
	position, err := read(ctx, c, func(ctx context.Context, client *esdb.Client) (event.Position, error) {
		stream, err := client.ReadAll(ctx, esdb.ReadAllOptions{Direction: esdb.Backwards, From: esdb.End{}}, 1)
		if err != nil {
			return event.Position{}, err
		}
		defer stream.Close()
		last, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return event.Position{}, nil
		}
		if err != nil {
			return event.Position{}, err
		}
		return event.Position(last.OriginalEvent().Position), nil
	})
	if err != nil {
		return event.Position{}, fmt.Errorf("read the end of the log: %w", err)
	}
	return position, nil
}
