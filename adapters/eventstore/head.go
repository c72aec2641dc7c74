package eventstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"

	"github.com/perfectworks/backend/domain/event"
)

// maxLookBack is how many events of others are passed over in search for one of
// ours: more than a subscription passes over without a checkpoint.
const maxLookBack = searchWindow*checkpointInterval + searchWindow

// HeadOf returns a function that tells where a subscription to the streams with
// these prefixes has caught up: the position of their last event, or, after very
// many events of others, a later one. So whoever follows that subscription gets
// there, also in a log that other programs write to all the time, where Head
// moves on without it.
//
// The function looks back only to where it looked before, and may be called
// concurrently.
func (c *Client) HeadOf(prefixes []string) func(context.Context) (event.Position, error) {
	h := &headOf{client: c, prefixes: prefixes}
	c.OnWentBack(h.reset)
	return h.position
}

type headOf struct {
	client   *Client
	prefixes []string

	mu sync.Mutex
	// last is the answer for the log up to examined.
	last, examined event.Position
}

func (h *headOf) position(ctx context.Context) (event.Position, error) {
	last, found, err := h.look(ctx, 1) // Mostly the last event is ours.
	if err == nil && !found {
		last, _, err = h.look(ctx, maxLookBack)
	}
	if err != nil {
		return event.Position{}, fmt.Errorf("read the end of the log: %w", err)
	}
	return last, nil
}

// look reads back from the end of the log, count events at most. With
// maxLookBack it always finds something.
func (h *headOf) look(ctx context.Context, count uint64) (event.Position, bool, error) {
	h.mu.Lock()
	last, examined := h.last, h.examined
	h.mu.Unlock()
	seen, err := read(ctx, h.client, func(ctx context.Context, client *esdb.Client) (lookedBack, error) {
		return lookBack(ctx, client, esdb.End{}, count, func(e *esdb.RecordedEvent) bool {
			return event.Position(e.Position).Compare(examined) <= 0 || h.ours(e.StreamID)
		})
	})
	switch {
	case err != nil:
		return event.Position{}, false, err
	case seen.newest.Compare(examined) < 0: // The log went back.
		h.reset()
		return h.look(ctx, count)
	case seen.stopped && seen.oldest.Compare(examined) <= 0: // Nothing of ours since then.
	case seen.stopped, seen.count == maxLookBack:
		last = seen.oldest
	case seen.count == count:
		return event.Position{}, false, nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.examined == examined && seen.newest.Compare(examined) > 0 {
		h.last, h.examined = last, seen.newest
	}
	return last, true, nil
}

// reset forgets a log that went back.
func (h *headOf) reset() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last, h.examined = event.Position{}, event.Position{}
}

func (h *headOf) ours(stream string) bool { return followed(h.prefixes, stream) }

// followed tells whether a stream's name begins with one of the prefixes.
func followed(prefixes []string, stream string) bool {
	return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(stream, p) })
}

// lookedBack is what was read from the end of the log. stopped says that the
// oldest event is the one that was looked for.
type lookedBack struct {
	newest, oldest event.Position
	count          uint64
	stopped        bool
}

// lookBack reads back from a position, without the event there.
func lookBack(ctx context.Context, client *esdb.Client, from esdb.AllPosition, count uint64, stop func(*esdb.RecordedEvent) bool) (seen lookedBack, err error) {
	events, err := client.ReadAll(ctx, esdb.ReadAllOptions{Direction: esdb.Backwards, From: from}, count)
	if err != nil {
		return lookedBack{}, err
	}
	defer events.Close()
	for !seen.stopped {
		e, err := events.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return lookedBack{}, err
		}
		at := event.Position(e.OriginalEvent().Position)
		if seen.count == 0 {
			seen.newest = at
		}
		seen.oldest, seen.count = at, seen.count+1
		seen.stopped = stop(e.OriginalEvent())
	}
	return seen, nil
}
