package eventstore

import (
	"context"
	"fmt"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/cenkalti/backoff/v5"
	"google.golang.org/grpc/metadata"
)

// Bounds of the pauses between attempts, and of the attempts after errors that
// need not pass.
const (
	firstPause            = 20 * time.Millisecond
	longestPause          = time.Second
	maxSuspiciousAttempts = 5
)

func pauses(first, longest time.Duration) *backoff.ExponentialBackOff {
	return &backoff.ExponentialBackOff{
		InitialInterval: first, MaxInterval: longest,
		Multiplier: 2, RandomizationFactor: 0.5,
	}
}

// pause waits, and tells whether ctx goes on.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// answer is what came of one attempt.
type answer[T any] struct {
	value T
	err   error
	// sent says that the server may have got the request.
	sent bool
}

// attempt makes one call of the client module. The call runs beside the caller,
// who goes as soon as ctx ends: the module itself may wait without regard to
// it. So call must leave alone whatever the caller touches afterwards.
func attempt[T any](ctx context.Context, conn *connection, call func(context.Context, *esdb.Client) (T, error)) answer[T] {
	s, err := conn.acquire(ctx)
	if err != nil {
		return answer[T]{err: err}
	}
	done := make(chan answer[T], 1)
	go func() {
		defer conn.release(s)
		a := guarded(conn.leaderOnly(ctx), s.client, call)
		if a.err != nil && broken(a.err) {
			conn.retire(s)
		}
		done <- a
	}()
	select {
	case a := <-done:
		return a
	case <-ctx.Done():
	}
	select { // The answer may have come at the same moment.
	case a := <-done:
		return a
	default:
		return answer[T]{err: context.Cause(ctx), sent: true}
	}
}

// guarded makes the module's panics errors.
func guarded[T any](ctx context.Context, client *esdb.Client, call func(context.Context, *esdb.Client) (T, error)) (a answer[T]) {
	a.sent = true
	defer func() {
		if p := recover(); p != nil {
			a.err = fmt.Errorf("%w: %v", errPanic, p)
		}
	}()
	a.value, a.err = call(ctx, client)
	return a
}

// leaderOnly has followers of a cluster refuse: the module looks for the leader
// but would not notice that it has changed, and a follower answers from the
// past. The module means to send this header itself, but does not.
func (c *connection) leaderOnly(ctx context.Context) context.Context {
	if c.config.NodePreference != esdb.NodePreferenceLeader {
		return ctx
	}
	return metadata.AppendToOutgoingContext(ctx, "requires-leader", "true")
}

// retry repeats a call, which must be safe to repeat, until it succeeds, fails
// for good, or ctx ends. The last answer tells which.
func retry[T any](ctx context.Context, c *Client, call func(context.Context, *esdb.Client) (T, error)) answer[T] {
	backOff := pauses(firstPause, longestPause)
	suspicions, sent := 0, false
	for {
		a := attempt(ctx, c.calls, call)
		sent = sent || a.sent
		a.sent = sent
		if a.err == nil || ctx.Err() != nil {
			return a
		}
		switch judge(a.err) {
		case permanent:
			return a
		case suspicious:
			if suspicions++; suspicions == maxSuspiciousAttempts {
				return a
			}
		case transient:
		}
		if !pause(ctx, backOff.NextBackOff()) {
			return a
		}
	}
}

// read is retry for calls that change nothing.
func read[T any](ctx context.Context, c *Client, call func(context.Context, *esdb.Client) (T, error)) (T, error) {
	a := retry(ctx, c, call)
	switch {
	case a.err == nil:
		return a.value, nil
	case ctx.Err() != nil:
		return a.value, gaveUp(ctx, ErrUnavailable, a.err)
	case judge(a.err) != permanent:
		return a.value, fmt.Errorf("%w: %w", ErrUnavailable, a.err)
	default:
		return a.value, a.err
	}
}
