package eventstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"

	"github.com/perfectworks/backend/domain/event"
)

// errGap says that events of a stream are missing before one that was read.
var errGap = errors.New("the stream has a gap")

// readResult is how a stream was read. stop is what each returned.
type readResult struct {
	found bool
	stop  error
}

// readForwards calls each with the events of a stream from a revision on, one
// after another, and tells whether there is such a stream. A connection that is
// lost meanwhile is replaced, and the reading goes on where it was. It ends
// early when each returns an error, which it then returns.
//
// each runs beside the caller, who may leave it behind when ctx ends.
func (c *Client) readForwards(ctx context.Context, stream string, from event.Revision, each func(*esdb.RecordedEvent) error) (_ bool, err error) {
	ctx, end := c.span(ctx, "read", stream)
	defer func() { end(err) }()
	next := uint64(from) //nolint:gosec // A revision to read from is not negative.
	r, err := read(ctx, c, func(ctx context.Context, client *esdb.Client) (readResult, error) {
		opts := esdb.ReadStreamOptions{Direction: esdb.Forwards, From: esdb.Revision(next)}
		return readOnce(ctx, client, stream, opts, func(e *esdb.RecordedEvent) error {
			if e.EventNumber != next {
				return fmt.Errorf("%w: event %d follows where %d should", errGap, e.EventNumber, next)
			}
			if err := each(e); err != nil {
				return err
			}
			next++
			return nil
		})
	})
	if err == nil {
		err = r.stop
	}
	if err != nil {
		return false, fmt.Errorf("read %s: %w", stream, err)
	}
	return r.found, nil
}

// readBackwards calls each with the events of a stream from its last one back,
// until each says stop.
func (c *Client) readBackwards(ctx context.Context, stream string, each func(*esdb.RecordedEvent) (stop bool)) (err error) {
	ctx, end := c.span(ctx, "read backwards", stream)
	defer func() { end(err) }()
	var from esdb.StreamPosition = esdb.End{}
	_, err = read(ctx, c, func(ctx context.Context, client *esdb.Client) (readResult, error) {
		opts := esdb.ReadStreamOptions{Direction: esdb.Backwards, From: from}
		return readOnce(ctx, client, stream, opts, func(e *esdb.RecordedEvent) error {
			if each(e) {
				return io.EOF
			}
			if e.EventNumber > 0 {
				from = esdb.Revision(e.EventNumber - 1)
			}
			return nil
		})
	})
	if err != nil {
		return fmt.Errorf("read %s: %w", stream, err)
	}
	return nil
}

// readOnce reads a stream over one connection.
func readOnce(ctx context.Context, client *esdb.Client, stream string, opts esdb.ReadStreamOptions, each func(*esdb.RecordedEvent) error) (readResult, error) {
	events, err := client.ReadStream(ctx, stream, opts, math.MaxInt64)
	if err != nil {
		return readResult{}, err
	}
	defer events.Close()
	for {
		e, err := events.Recv()
		switch {
		case errors.Is(err, io.EOF):
			return readResult{found: true}, nil
		case hasCode(err, esdb.ErrorCodeResourceNotFound):
			return readResult{}, nil
		case hasCode(err, esdb.ErrorCodeStreamDeleted):
			return readResult{}, fmt.Errorf("%w: %w", ErrStreamDeleted, err)
		case err != nil:
			return readResult{}, err
		}
		if err := each(e.OriginalEvent()); err != nil {
			return readResult{found: true, stop: err}, nil
		}
	}
}

// ReadLog calls each with the events between two positions of the log, both
// included, whose streams begin with one of the prefixes, in their order. It
// ends early when each returns an error, which it then returns.
//
// each runs beside the caller, who may leave it behind when ctx ends.
func (c *Client) ReadLog(ctx context.Context, from, upTo event.Position, prefixes []string, each func(*esdb.RecordedEvent) error) error {
	next, begun := from, false
	r, err := read(ctx, c, func(ctx context.Context, client *esdb.Client) (readResult, error) {
		opts := esdb.ReadAllOptions{Direction: esdb.Forwards, From: startAt(next)}
		return readLogOnce(ctx, client, opts, func(e *esdb.RecordedEvent) error {
			at := event.Position(e.Position)
			if at.Compare(upTo) > 0 {
				return io.EOF
			}
			if begun && at.Compare(next) <= 0 {
				return nil // It was read before the connection was lost.
			}
			next, begun = at, true
			if !slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(e.StreamID, p) }) {
				return nil
			}
			return each(e)
		})
	})
	if err == nil && !errors.Is(r.stop, io.EOF) {
		err = r.stop
	}
	if err != nil {
		return fmt.Errorf("read the log from %s: %w", from, err)
	}
	return nil
}

// startAt: the module has no position before the first event.
func startAt(p event.Position) esdb.AllPosition {
	if p.IsZero() {
		return esdb.Start{}
	}
	return esdb.Position(p)
}

func readLogOnce(ctx context.Context, client *esdb.Client, opts esdb.ReadAllOptions, each func(*esdb.RecordedEvent) error) (readResult, error) {
	events, err := client.ReadAll(ctx, opts, math.MaxInt64)
	if err != nil {
		return readResult{}, err
	}
	defer events.Close()
	for {
		e, err := events.Recv()
		if errors.Is(err, io.EOF) {
			return readResult{found: true}, nil
		}
		if err != nil {
			return readResult{}, err
		}
		if err := each(e.OriginalEvent()); err != nil {
			return readResult{found: true, stop: err}, nil
		}
	}
}
