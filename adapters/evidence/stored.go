package evidence

import (
	"context"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"

	"github.com/perfectworks/backend/adapters/eventstore"
	"github.com/perfectworks/backend/domain/event"
)

// jsonContent is the content type of JSON, as the client names it.
const jsonContent = "application/json"

// Stored is a recorded event as it is stored.
func Stored(e *esdb.RecordedEvent) Event {
	return Event{
		Position: event.Position(e.Position), Stream: e.StreamID, Revision: event.Revision(e.EventNumber), //nolint:gosec // The store counts in int64.
		ID: event.ID(e.EventID), Type: e.EventType, JSON: e.ContentType == jsonContent, Time: e.CreatedDate,
		Data: e.Data, Metadata: e.UserMetadata,
	}
}

// ReadFrom returns how a ledger reads the log of a client: see Config.Read.
func ReadFrom(client *eventstore.Client) func(ctx context.Context, from, upTo event.Position, prefixes []string, each func(Event) error) error {
	return func(ctx context.Context, from, upTo event.Position, prefixes []string, each func(Event) error) error {
		return client.ReadLog(ctx, from, upTo, prefixes, func(e *esdb.RecordedEvent) error { return each(Stored(e)) })
	}
}
