package eventstore

import (
	"context"
	"errors"
	"fmt"
	"time"
	"unicode/utf16"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/google/uuid"

	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/event"
)

// MaxAppendSize bounds one append, in bytes: what an EventStoreDB accepts by
// default. A larger one would come back as a bare end of file.
const MaxAppendSize = 1 << 20

// Append writes events after the revision expected, event.NoStream for a new
// stream, and returns the revision and position of the last one. All are
// written or none.
//
// When an answer is lost, the append is repeated with the same ids at the same
// revision, by which the store recognises it, for as long as ctx allows. Then
// the error wraps ErrOutcomeUnknown, or ErrUnavailable if nothing was sent. It
// wraps commands.ErrWrongRevision when the stream is at another revision,
// ErrStreamDeleted, ErrTooLarge, failure.ErrStorageFull or
// failure.ErrStorageReadOnly.
func (c *Client) Append(ctx context.Context, stream string, expected event.Revision, events []esdb.EventData) (event.Revision, event.Position, error) {
	var at esdb.ExpectedRevision = esdb.NoStream{}
	if expected != event.NoStream {
		at = esdb.Revision(uint64(expected)) //nolint:gosec // A revision that is not NoStream is not negative.
	}
	result, err := c.append(ctx, stream, at, events)
	if err != nil {
		return 0, event.Position{}, err
	}
	last := event.Revision(result.NextExpectedVersion) //nolint:gosec // The store counts in int64.
	if last != expected+event.Revision(len(events)) {
		return 0, event.Position{}, fmt.Errorf("append to %s: %d events after revision %d are said to end at %d",
			stream, len(events), expected, last)
	}
	return last, event.Position{Commit: result.CommitPosition, Prepare: result.PreparePosition}, nil
}

func (c *Client) append(ctx context.Context, stream string, at esdb.ExpectedRevision, events []esdb.EventData) (*esdb.WriteResult, error) {
	if err := checkAppend(events); err != nil {
		return nil, fmt.Errorf("append to %s: %w", stream, err)
	}
	begun := time.Now()
	ctx, end := c.span(ctx, "append", stream)
	opts := esdb.AppendToStreamOptions{ExpectedRevision: at, Deadline: &c.opts.AttemptTimeout}
	life := c.witness.current()
	a := retry(ctx, c, func(ctx context.Context, client *esdb.Client) (*esdb.WriteResult, error) {
		if err := life.err(); err != nil { // What the caller decided from may be gone.
			return nil, err
		}
		return client.AppendToStream(ctx, stream, opts, events...)
	})
	err := appendError(ctx, a)
	c.opts.Metrics.Appended(len(events), time.Since(begun), err)
	end(err)
	if err != nil {
		return nil, fmt.Errorf("append to %s: %w", stream, err)
	}
	c.witness.saw(event.Place{
		ID: event.ID(events[len(events)-1].EventID), Stream: stream,
		Revision: event.Revision(a.value.NextExpectedVersion), //nolint:gosec // The store counts in int64.
		Position: event.Position{Commit: a.value.CommitPosition, Prepare: a.value.PreparePosition},
	})
	return a.value, nil
}

func appendError(ctx context.Context, a answer[*esdb.WriteResult]) error {
	what := ErrUnavailable
	if a.sent {
		what = ErrOutcomeUnknown
	}
	switch {
	case a.err == nil:
		return nil
	case hasCode(a.err, esdb.ErrorCodeWrongExpectedVersion):
		return fmt.Errorf("%w: %w", commands.ErrWrongRevision, a.err)
	case hasCode(a.err, esdb.ErrorCodeStreamDeleted):
		return fmt.Errorf("%w: %w", ErrStreamDeleted, a.err)
	case unwritable(a.err) != nil:
		return fmt.Errorf("%w: %w", unwritable(a.err), a.err)
	case tooLarge(a.err):
		return fmt.Errorf("%w: %w", ErrTooLarge, a.err)
	case ctx.Err() != nil:
		return gaveUp(ctx, what, a.err)
	case errors.Is(a.err, event.ErrLogWentBack), errors.Is(a.err, errPanic), judge(a.err) != permanent:
		return fmt.Errorf("%w: %w", what, a.err)
	default:
		return a.err
	}
}

func checkAppend(events []esdb.EventData) error {
	if len(events) == 0 {
		return errors.New("there is no event")
	}
	size := 0
	for i := range events {
		e := &events[i]
		if e.EventID == uuid.Nil {
			return errors.New("an event has no id")
		}
		size += storedSize(e)
	}
	if size > MaxAppendSize {
		return fmt.Errorf("%w: %d events of together %d bytes, limit %d", ErrTooLarge, len(events), size, MaxAppendSize)
	}
	return nil
}

// storedSize is how the server counts: it keeps the type's name in UTF-16.
func storedSize(e *esdb.EventData) int {
	return len(e.Data) + len(e.Metadata) + 2*len(utf16.Encode([]rune(e.EventType)))
}
