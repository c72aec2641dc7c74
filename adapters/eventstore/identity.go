package eventstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/google/uuid"

	"github.com/perfectworks/backend/domain/event"
)

// The identity of a log is an event that this system writes once, before others
// if it can. The events after it each begin an epoch. Their stream belongs to no
// aggregate, so that no projection sees it.
const (
	identityStream = "perfectworks-log"
	identityType   = "LogIdentified"
	epochType      = "LogEpochBegan"
)

// identified is the stored shape of the identity.
type identified struct {
	LogID     string    `json:"logId"`
	CreatedAt time.Time `json:"createdAt"`
}

// epochBegan is the stored shape of the beginning of an epoch: what came before
// it is what was left of the log after a loss.
type epochBegan struct {
	LogID string `json:"logId"`
	Epoch int    `json:"epoch"`
	// Reason says what was missed.
	Reason  string    `json:"reason"`
	BeganAt time.Time `json:"beganAt"`
}

// identity is what the log says of itself.
type identity struct {
	id string
	// epoch is 1 for a log that has lost nothing that somebody noticed.
	epoch int
	// last is the revision of the last event that says so.
	last event.Revision
}

// name is what marks call the log.
func (i identity) name() string {
	if i.epoch <= 1 {
		return i.id
	}
	return i.id + "#" + strconv.Itoa(i.epoch)
}

// parseLogName is the inverse of identity.name.
func parseLogName(name string) (id string, epoch int) {
	id, number, found := strings.Cut(name, "#")
	if !found {
		return id, 1
	}
	epoch, err := strconv.Atoi(number)
	if err != nil {
		return name, 1 // It is not one of ours.
	}
	return id, epoch
}

// ErrWrongLog says that the store at the address holds another log than the one
// that this client belongs to. Nothing is read from it, and nothing written to it.
var ErrWrongLog = fmt.Errorf("%w: this is another event log than before", ErrUnavailable)

// Identity names the log and its epoch, as marks do. A copy restored from a backup
// has the same identity. It is written when the log has none.
func (c *Client) Identity(ctx context.Context) (string, error) {
	log, err := c.identify(ctx)
	return log.name(), err
}

func (c *Client) identify(ctx context.Context) (identity, error) {
	for {
		log, err := c.readIdentity(ctx)
		if err == nil {
			err = c.witness.belongsTo(log.id)
		}
		if err != nil {
			return identity{}, fmt.Errorf("identify the log: %w", err)
		}
		if log.id != "" {
			return log, nil
		}
		now := time.Now().UTC().Truncate(time.Millisecond)
		err = c.writeIdentity(ctx, esdb.NoStream{}, identityType, identified{LogID: uuid.NewString(), CreatedAt: now})
		if err != nil && !hasCode(err, esdb.ErrorCodeWrongExpectedVersion) { // Then another process was faster.
			return identity{}, fmt.Errorf("identify the log: %w", err)
		}
	}
}

func (c *Client) readIdentity(ctx context.Context) (identity, error) {
	var log identity
	_, err := c.readForwards(ctx, identityStream, 0, func(e *esdb.RecordedEvent) error { return log.take(e) })
	if err != nil { // Reading may still be under way: leave what it touches alone.
		return identity{}, err
	}
	return log, nil
}

// identityOf reads the identity over one connection.
func identityOf(ctx context.Context, client *esdb.Client) (identity, error) {
	var log identity
	_, err := readOnce(ctx, client, identityStream, esdb.ReadStreamOptions{}, func(e *esdb.RecordedEvent) error { return log.take(e) })
	return log, err
}

// take folds an event of the identity's stream.
func (i *identity) take(e *esdb.RecordedEvent) error {
	i.last = event.Revision(e.EventNumber) //nolint:gosec // The store counts in int64.
	switch e.EventType {
	case identityType:
		var stored identified
		if err := json.Unmarshal(e.Data, &stored); err != nil {
			return fmt.Errorf("read the log's identity: %w", err)
		}
		if i.id == "" {
			i.id, i.epoch = stored.LogID, 1
		}
	case epochType:
		var stored epochBegan
		if err := json.Unmarshal(e.Data, &stored); err != nil {
			return fmt.Errorf("read the log's epoch: %w", err)
		}
		i.epoch = max(i.epoch, stored.Epoch)
	}
	return nil
}

// beginEpoch writes down that the log went back, once for each time: the append
// fails for all but the first who noticed, and who notices later finds the epoch
// begun. The number is greater than any that was seen, also where the beginning of
// an earlier epoch was lost.
func (c *Client) beginEpoch(ctx context.Context, log identity, mark event.Mark, reason error) {
	_, read := parseLogName(mark.Log)
	if read < log.epoch {
		return
	}
	began := epochBegan{LogID: log.id, Epoch: read + 1, Reason: reason.Error(), BeganAt: time.Now().UTC().Truncate(time.Millisecond)}
	err := c.writeIdentity(ctx, esdb.Revision(uint64(log.last)), epochType, began) //nolint:gosec // It is not negative.
	switch {
	case hasCode(err, esdb.ErrorCodeWrongExpectedVersion):
	case err != nil: // The next one who notices tries again.
		c.log.WarnContext(ctx, "the log's new epoch cannot be written down", slog.Int("epoch", began.Epoch), slog.Any("error", err))
	default:
		c.log.WarnContext(ctx, "a new epoch of the event log begins: the log went back",
			slog.Int("epoch", began.Epoch), slog.String("reason", began.Reason))
	}
}

// writeIdentity appends to the identity's stream. What it writes is nothing that
// this process keeps: it does not show that the log is the one of before.
func (c *Client) writeIdentity(ctx context.Context, at esdb.ExpectedRevision, eventType string, what any) error {
	data, err := json.Marshal(what)
	if err != nil {
		return err
	}
	stored := esdb.EventData{
		EventID: uuid.New(), EventType: eventType, ContentType: esdb.ContentTypeJson, Data: data,
		Metadata: []byte(`{"schemaVersion":1}`),
	}
	opts := esdb.AppendToStreamOptions{ExpectedRevision: at, Deadline: &c.opts.AttemptTimeout}
	a := retry(ctx, c, func(ctx context.Context, client *esdb.Client) (*esdb.WriteResult, error) {
		return client.AppendToStream(ctx, identityStream, opts, stored)
	})
	if a.err != nil && !errors.Is(a.err, ErrUnavailable) && judge(a.err) != permanent {
		return fmt.Errorf("%w: %w", ErrUnavailable, a.err)
	}
	return a.err
}
