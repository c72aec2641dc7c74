package eventstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/google/uuid"
	"google.golang.org/grpc/codes"

	"github.com/perfectworks/backend/domain/event"
)

// The identity of a log is an event that this system writes once, before others
// if it can. Its stream belongs to no aggregate, so that no projection sees it.
const (
	identityStream = "perfectworks-log"
	identityType   = "LogIdentified"
)

// identified is the stored shape of the identity.
type identified struct {
	LogID     string    `json:"logId"`
	CreatedAt time.Time `json:"createdAt"`
}

// Identity names the log, for as long as it exists: a copy restored from a
// backup has the same identity. It is written when the log has none.
func (c *Client) Identity(ctx context.Context) (string, error) {
	for {
		id, found, err := c.readIdentity(ctx)
		if err != nil || found {
			return id, err
		}
		data, err := json.Marshal(identified{LogID: uuid.NewString(), CreatedAt: time.Now().UTC().Truncate(time.Millisecond)})
		if err != nil {
			return "", fmt.Errorf("identify the log: %w", err)
		}
		_, err = c.append(ctx, identityStream, esdb.NoStream{}, []esdb.EventData{{
			EventID: uuid.New(), EventType: identityType, ContentType: esdb.ContentTypeJson, Data: data,
			Metadata: []byte(`{"schemaVersion":1}`),
		}})
		if err != nil && !hasCode(err, esdb.ErrorCodeWrongExpectedVersion) { // Then another process was faster.
			return "", fmt.Errorf("identify the log: %w", err)
		}
	}
}

func (c *Client) readIdentity(ctx context.Context) (string, bool, error) {
	var id identified
	found, err := c.readForwards(ctx, identityStream, 0, func(e *esdb.RecordedEvent) error {
		if id.LogID != "" {
			return nil // What may follow one day is of no interest here.
		}
		if err := json.Unmarshal(e.Data, &id); err != nil {
			return fmt.Errorf("identify the log: %w", err)
		}
		return nil
	})
	if err != nil { // Reading may still be under way: leave what it touches alone.
		return "", false, err
	}
	return id.LogID, found && id.LogID != "", nil
}

// Recognise makes sure that the log still holds what a mark says was read from
// it, and returns the mark to go on from. Readers call it before each
// subscription. The error wraps event.ErrLogWentBack if the log is another or
// ends, or goes on differently, before the mark's last event. That this event is
// missing because its stream was deleted or truncated is no loss.
//
// The returned mark names the log. Its position is that of the last event where
// the log between there and the mark's position, which held nothing of ours,
// cannot be recognised: going on from there misses and repeats nothing.
func (c *Client) Recognise(ctx context.Context, mark event.Mark) (event.Mark, error) {
	id, err := c.Identity(ctx)
	if err != nil {
		return event.Mark{}, fmt.Errorf("recognise the log: %w", err)
	}
	if mark.Log != "" && mark.Log != id {
		return event.Mark{}, fmt.Errorf("%w: it is another log: %s, not %s", event.ErrLogWentBack, id, mark.Log)
	}
	mark.Log = id
	if mark.Position.IsZero() && mark.Last.IsZero() {
		return mark, nil
	}
	if err := c.recogniseLast(ctx, mark); err != nil {
		return event.Mark{}, err
	}
	if mark.Position == mark.Last.Position {
		return mark, nil
	}
	_, found, err := c.eventAt(ctx, mark.Position)
	if err != nil {
		return event.Mark{}, fmt.Errorf("recognise the log: %w", err)
	}
	if !found {
		mark.Position = mark.Last.Position
	}
	return mark, nil
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
		if event.ID(stored.EventID) == last.ID {
			return nil
		}
		return fmt.Errorf("%w: another event is at %s", event.ErrLogWentBack, last.Position)
	}
	head, err := c.Head(ctx)
	if err != nil {
		return fmt.Errorf("recognise the log: %w", err)
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
