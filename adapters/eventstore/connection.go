package eventstore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
)

// connection hands out clients of the module. A client that lost its server is
// replaced: by itself it would leak the old gRPC connection, and could die.
type connection struct {
	config  esdb.Configuration
	log     *slog.Logger
	metrics Metrics
	// greet is called with each client that has found its server, before anybody
	// else uses it.
	greet func(context.Context, *esdb.Client) error
	// guarded says that a session ends with its transport: the module would
	// connect again by itself, without a greeting.
	guarded bool

	mu        sync.Mutex
	current   *session
	closed    bool
	saidWrong time.Time
	// closing is closed with the connection.
	closing chan struct{}
	// open counts the sessions whose client is not closed yet.
	open sync.WaitGroup
}

// session is one client of the module and those who use it.
//
// The module's client looks for its server within the first call that needs it,
// for as long as that takes and without regard to any context, while all other
// calls queue up behind. Therefore nobody calls before ready is closed: one
// goroutine waits for the server, and callers wait for ready or their context.
type session struct {
	client *esdb.Client
	ready  chan struct{}
	// trouble is why the server has not been reached, as last heard.
	trouble atomic.Pointer[string]
	// refused is why nobody may use the session; to be read once ready is closed.
	refused error
	// ctx ends when the session is retired.
	ctx context.Context
	end context.CancelFunc

	// Guarded by connection.mu.
	users   int
	retired bool
}

// acquire gives a session that is connected. The caller releases it.
func (c *connection) acquire(ctx context.Context) (*session, error) {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return nil, ErrClosed
	}
	if c.current == nil {
		s, err := c.begin() //nolint:contextcheck // The connection outlives the caller.
		if err != nil {
			c.mu.Unlock()
			return nil, err
		}
		c.current = s
	}
	s := c.current
	s.users++
	c.mu.Unlock()

	select {
	case <-s.ready:
		return c.usable(s)
	default:
	}
	select {
	case <-s.ready:
		return c.usable(s)
	case <-ctx.Done():
		c.release(s)
		trouble := "no answer yet"
		if heard := s.trouble.Load(); heard != nil {
			trouble = *heard
		}
		return nil, fmt.Errorf("connect (%s): %w", trouble, context.Cause(ctx))
	case <-c.closing:
		c.release(s)
		return nil, ErrClosed
	}
}

// usable gives the session back if it must not be used.
func (c *connection) usable(s *session) (*session, error) {
	if s.refused != nil {
		c.release(s)
		return nil, s.refused
	}
	return s, nil
}

// begin makes a client and has it look for its server. Callers hold mu.
func (c *connection) begin() (*session, error) {
	s := &session{ready: make(chan struct{}), users: 1}
	s.ctx, s.end = context.WithCancel(context.Background())
	config := c.config
	config.Logger = c.moduleLogger(s)
	client, err := esdb.NewClient(&config)
	if err != nil {
		s.end()
		return nil, fmt.Errorf("event store client: %w", err)
	}
	s.client = client
	c.open.Add(1)
	go func() {
		defer c.release(s)
		// The one call of the module that does nothing but to wait for a
		// connection.
		if _, err := client.GetServerVersion(); err != nil {
			c.log.Warn("the event store client gave up its search for a server", slog.Any("error", err))
			c.retire(s)
		} else if err := c.introduce(client); err != nil {
			c.sayRefused(err)
			s.refused = err
			c.retire(s)
		} else if c.guarded {
			c.guard(s)
		}
		close(s.ready)
	}()
	return s, nil
}

// greetTimeout bounds the first question on a new connection.
const greetTimeout = 5 * time.Second

func (c *connection) introduce(client *esdb.Client) error {
	ctx, cancel := context.WithTimeout(context.Background(), greetTimeout)
	defer cancel()
	return c.greet(c.leaderOnly(ctx), client)
}

// refusalInterval is how often it is said that the log is a wrong one: each call
// tries a connection of its own.
const refusalInterval = 10 * time.Second

// sayRefused says why a new connection is not used.
func (c *connection) sayRefused(err error) {
	if !errors.Is(err, ErrWrongLog) {
		c.log.Warn("a new connection to the event store is of no use", slog.Any("error", err))
		return
	}
	c.mu.Lock()
	said := time.Since(c.saidWrong) < refusalInterval
	if !said {
		c.saidWrong = time.Now()
	}
	c.mu.Unlock()
	if !said {
		c.log.Error("the event store holds another log than before, and is not used: its setting may be wrong", slog.Any("reason", err))
	}
}

// guard retires a session as soon as its transport is lost, of which an idle
// connection would otherwise hear nothing: a subscription that brings nothing
// ends with it.
func (c *connection) guard(s *session) {
	sub := guarded(c.leaderOnly(s.ctx), s.client, func(ctx context.Context, client *esdb.Client) (*esdb.Subscription, error) {
		return client.SubscribeToStream(ctx, identityStream, esdb.SubscribeToStreamOptions{From: esdb.End{}})
	})
	if sub.err != nil {
		if broken(sub.err) {
			c.retire(s)
		}
		return
	}
	c.mu.Lock()
	s.users++
	c.mu.Unlock()
	go func() {
		defer c.release(s)
		guard := &subscription{inner: sub.value}
		for guard.receive().SubscriptionDropped == nil {
			continue // Whatever comes is of no interest.
		}
		_ = sub.value.Close() // It always returns nil.
		c.retire(s)
	}()
}

// release ends one use. The module panics when its client is closed while
// calls are under way, so the last one closes.
func (c *connection) release(s *session) {
	c.mu.Lock()
	s.users--
	last := s.retired && s.users == 0
	c.mu.Unlock()
	if last {
		_ = s.client.Close() // It always returns nil.
		c.open.Done()
	}
}

// retire takes a session out of use: the next caller gets a new one. The caller
// holds a use of it.
func (c *connection) retire(s *session) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s.retired {
		return
	}
	s.retired = true
	s.end()
	if c.current == s {
		c.current = nil
	}
	c.metrics.Reconnected()
}

// close takes the connection out of use and waits, within the context, until
// the calls that are under way have ended.
func (c *connection) close(ctx context.Context) error {
	c.mu.Lock()
	if !c.closed {
		c.closed = true
		close(c.closing)
	}
	s := c.current
	c.current = nil
	idle := false
	if s != nil {
		s.retired = true
		s.end()
		idle = s.users == 0
	}
	c.mu.Unlock()
	if idle {
		_ = s.client.Close() // It always returns nil.
		c.open.Done()
	}

	done := make(chan struct{})
	go func() {
		defer close(done)
		c.open.Wait()
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("close the event store client: calls are still under way: %w", context.Cause(ctx))
	}
}

// moduleLogger takes the module's messages. They tell why a server is not
// reached, which its calls do not.
func (c *connection) moduleLogger(s *session) esdb.LoggingFunc {
	return func(level esdb.LogLevel, format string, args ...any) {
		text := fmt.Sprintf(format, args...)
		if level == esdb.LogWarn || level == esdb.LogError {
			s.trouble.Store(&text)
		}
		// Each attempt to connect makes messages; what matters comes back to
		// the caller as an error.
		c.log.Debug("event store client module", slog.String("level", level), slog.String("text", text))
	}
}
