package eventstore

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"google.golang.org/grpc/codes"

	"github.com/perfectworks/backend/domain/event"
)

// Recognise makes sure that the log still holds what a mark says was read from
// it, and returns the mark to go on from. Readers call it before each
// subscription. The error wraps event.ErrLogWentBack if the log ends, or goes on
// differently, before the mark's last event, and event.ErrAnotherLog if it is
// another one. That the event is missing because its stream was deleted or
// truncated is no loss.
//
// The returned mark names the log. Its position is that of the last event where
// the log between there and the mark's position cannot be recognised, or holds
// events of ours by now: going on from there misses and repeats nothing.
//
// A log that went back begins a new epoch, unless it has begun one since the mark
// was read. The epoch tells operators and readers that something was lost before
// it; what of it a reader had read, only the reader's last event tells.
func (c *Client) Recognise(ctx context.Context, mark event.Mark) (event.Mark, error) {
	log, err := c.identify(ctx)
	if err != nil {
		return event.Mark{}, fmt.Errorf("recognise the log: %w", err)
	}
	if id, epoch := parseLogName(mark.Log); id == log.id && epoch > log.epoch {
		if !c.patience.over(mark.Last.Position) {
			return event.Mark{}, fmt.Errorf("recognise the log: %w: epoch %d has not begun there yet", errBehind, epoch)
		}
		// The beginning of an epoch is lost; the mark's last event need not be.
		c.beginEpoch(ctx, log, mark, fmt.Errorf("%w: the beginning of epoch %d", event.ErrLogWentBack, epoch))
		if log, err = c.identify(ctx); err != nil {
			return event.Mark{}, fmt.Errorf("recognise the log: %w", err)
		}
	}
	recognised, err := c.recognise(ctx, log, mark)
	if errors.Is(err, event.ErrLogWentBack) && !errors.Is(err, event.ErrAnotherLog) {
		c.opts.Metrics.WentBack()
		c.beginEpoch(ctx, log, mark, err)
	}
	return recognised, err
}

func (c *Client) recognise(ctx context.Context, log identity, mark event.Mark) (event.Mark, error) {
	if id, _ := parseLogName(mark.Log); mark.Log != "" && id != log.id {
		return event.Mark{}, fmt.Errorf("%w: %s, not %s", event.ErrAnotherLog, log.id, id)
	}
	mark.Log = log.name()
	if mark.Position.IsZero() && mark.Last.IsZero() {
		return mark, nil
	}
	if err := c.recogniseLast(ctx, mark); err != nil {
		return event.Mark{}, err
	}
	if mark.Position == mark.Last.Position {
		return mark, nil
	}
	at, found, err := c.eventAt(ctx, mark.Position)
	if err == nil && found && !mark.Last.IsZero() {
		found, err = c.passesOver(ctx, mark.Last.Position, at)
	}
	if err != nil {
		return event.Mark{}, fmt.Errorf("recognise the log: %w", err)
	}
	if !found {
		mark.Position = mark.Last.Position
	}
	return mark, nil
}

// passesOver tells whether readers pass over all that the log now holds after a
// position, up to an event and with it. Where that is much, it does not look.
func (c *Client) passesOver(ctx context.Context, after event.Position, upTo *esdb.RecordedEvent) (bool, error) {
	prefixes := StreamPrefixes()
	if followed(prefixes, upTo.StreamID) {
		return false, nil
	}
	back, err := read(ctx, c, func(ctx context.Context, client *esdb.Client) (lookedBack, error) {
		return lookBack(ctx, client, upTo.Position, maxLookBack, func(e *esdb.RecordedEvent) bool {
			return event.Position(e.Position).Compare(after) <= 0 || followed(prefixes, e.StreamID)
		})
	})
	return back.stopped && back.oldest.Compare(after) <= 0, err
}

// recogniseLast looks for the last event of a mark. A mark of an earlier release
// does not name it, but has a position: then the log must reach as far.
func (c *Client) recogniseLast(ctx context.Context, mark event.Mark) error {
	last := mark.Last
	if last.IsZero() {
		return nil
	}
	stored, found, err := c.eventAt(ctx, last.Position)
	if err != nil {
		return fmt.Errorf("recognise the log: %w", err)
	}
	if found {
		c.patience.reached(last.Position)
		if event.ID(stored.EventID) == last.ID {
			return nil
		}
		return fmt.Errorf("%w: another event is at %s", event.ErrLogWentBack, last.Position)
	}
	head, err := c.Head(ctx)
	if err != nil {
		return fmt.Errorf("recognise the log: %w", err)
	}
	if head.Compare(last.Position) < 0 && !c.patience.over(last.Position) {
		return fmt.Errorf("recognise the log: %w: it ends at %s, before %s", errBehind, head, last.Position)
	}
	if head.Compare(last.Position) < 0 {
		return fmt.Errorf("%w: it ends at %s, before %s", event.ErrLogWentBack, head, last.Position)
	}
	scavenged, err := c.mayBeScavenged(ctx, last)
	if err != nil {
		return fmt.Errorf("recognise the log: %w", err)
	}
	if !scavenged {
		return fmt.Errorf("%w: no event is at %s any more, and its stream was neither deleted nor truncated",
			event.ErrLogWentBack, last.Position)
	}
	return nil
}

// errBehind says that the log ends before what was read from it, which may be for a
// moment only.
var errBehind = fmt.Errorf("%w: the event store has not caught up", ErrUnavailable)

// eventAt reads the event at a position of the log, if there is one.
func (c *Client) eventAt(ctx context.Context, at event.Position) (*esdb.RecordedEvent, bool, error) {
	found, err := read(ctx, c, func(ctx context.Context, client *esdb.Client) (*esdb.RecordedEvent, error) {
		return eventAt(ctx, client, at)
	})
	return found, found != nil, err
}

// eventAt reads over one connection; nil says that no event is there. A server
// refuses a position at which no event begins, and has nothing to say of one
// beyond its end or of an event that it scavenged.
func eventAt(ctx context.Context, client *esdb.Client, at event.Position) (*esdb.RecordedEvent, error) {
	events, err := client.ReadAll(ctx, esdb.ReadAllOptions{Direction: esdb.Forwards, From: esdb.Position(at)}, 1)
	if err != nil {
		return nil, err
	}
	defer events.Close()
	e, err := events.Recv()
	switch {
	case errors.Is(err, io.EOF), grpcCode(err) == codes.InvalidArgument:
		return nil, nil //nolint:nilnil // See above.
	case err != nil:
		return nil, err
	case event.Position(e.OriginalEvent().Position) != at:
		return nil, nil //nolint:nilnil // It is the one after.
	}
	return e.OriginalEvent(), nil
}

// mayBeScavenged tells whether an event may have been removed on purpose: its
// stream is deleted, or its metadata hides the event's revision. The metadata of
// a stream outlives its events.
func (c *Client) mayBeScavenged(ctx context.Context, at event.Place) (bool, error) {
	if at.Stream == "" {
		return false, nil // It is not known.
	}
	type answer struct {
		metadata *esdb.StreamMetadata
		deleted  bool
	}
	got, err := read(ctx, c, func(ctx context.Context, client *esdb.Client) (answer, error) {
		metadata, err := client.GetStreamMetadata(ctx, at.Stream, esdb.ReadStreamOptions{})
		switch {
		case hasCode(err, esdb.ErrorCodeResourceNotFound):
			return answer{}, nil
		case hasCode(err, esdb.ErrorCodeStreamDeleted):
			return answer{deleted: true}, nil
		}
		return answer{metadata: metadata}, err
	})
	switch {
	case err != nil:
		return false, err
	case got.deleted:
		return true, nil
	case got.metadata == nil:
		return false, nil
	}
	if got.metadata.MaxAge() != nil {
		return true, nil
	}
	revision := uint64(at.Revision) //nolint:gosec // The revision of an event is not negative.
	if before := got.metadata.TruncateBefore(); before != nil && *before > revision {
		return true, nil
	}
	if kept := got.metadata.MaxCount(); kept != nil {
		var last uint64
		err := c.readBackwards(ctx, at.Stream, func(e *esdb.RecordedEvent) bool {
			last = e.EventNumber
			return true
		})
		return err == nil && last >= revision+*kept, err
	}
	return false, nil
}
