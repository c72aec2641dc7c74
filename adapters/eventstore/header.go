package eventstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/perfectworks/backend/domain/event"
)

// Header returns what is known of the event in a Subscriber's message without
// reading it: where it stands, its id and its time.
func Header(m *message.Message) (event.Recorded, error) {
	d, err := deliveryOf(m)
	if err != nil {
		return event.Recorded{}, err
	}
	return header(d.stored), nil
}

func header(stored *esdb.RecordedEvent) event.Recorded {
	return event.Recorded{
		ID:       event.ID(stored.EventID),
		Stream:   stored.StreamID,
		Revision: event.Revision(stored.EventNumber), //nolint:gosec // The store counts in int64.
		Position: event.Position(stored.Position),
		Time:     stored.CreatedDate,
	}
}

// ErrNoEvent says that the log does not hold the event that is asked for.
var ErrNoEvent = errors.New("the log does not hold this event")

// Stored reads the one event at a revision of a stream. Its error wraps ErrNoEvent
// when there is none.
func (c *Client) Stored(ctx context.Context, stream string, revision event.Revision) (*esdb.RecordedEvent, error) {
	var found *esdb.RecordedEvent
	enough := errors.New("enough")
	_, err := c.readForwards(ctx, stream, revision, func(stored *esdb.RecordedEvent) error {
		found = stored
		return enough
	})
	if err != nil && !errors.Is(err, enough) {
		return nil, err
	}
	if found == nil {
		return nil, fmt.Errorf("%w: %s@%d", ErrNoEvent, stream, revision)
	}
	return found, nil
}

// Recorded reads the one event that a reference names. Its error wraps
// ErrNoEvent when there is another event, or none, where it should be, and is
// that of Codec.DecodeRecorded when it cannot be read.
func (s *Streams) Recorded(ctx context.Context, ref event.Ref) (event.Recorded, error) {
	found, err := s.client.Stored(ctx, string(ref.Stream), ref.Revision)
	if err != nil {
		return event.Recorded{}, err
	}
	if event.ID(found.EventID) != ref.ID {
		return event.Recorded{}, fmt.Errorf("%w: %s", ErrNoEvent, ref)
	}
	return s.codec.DecodeRecorded(ctx, found)
}
