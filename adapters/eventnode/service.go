package eventnode

import (
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"

	"github.com/perfectworks/backend/adapters/eventnode/internal/eventlog"
)

// streamsService is the Streams service of the protocol.
type streamsService struct {
	streams.UnimplementedStreamsServer

	log           *eventlog.Log
	metrics       *metrics
	maxAppendSize int
	maxEventSize  int
	ending        <-chan struct{}
}

// maxNameLength bounds names of streams and types of events: the index over the
// streams holds no more than about 2,700 bytes.
const maxNameLength = 1000

func streamName(id *shared.StreamIdentifier) (string, error) {
	name := string(id.GetStreamName())
	if name == "" || name == "$$" {
		return "", invalid("The stream name is missing.")
	}
	if err := checkName("stream name", name); err != nil {
		return "", err
	}
	return name, nil
}

func checkName(what, name string) error {
	switch {
	case len(name) > maxNameLength:
		return invalid("The %s is longer than %d bytes.", what, maxNameLength)
	case !utf8.ValidString(name):
		return invalid("The %s is not valid UTF-8.", what)
	case strings.ContainsRune(name, 0):
		return invalid("The %s contains a zero byte.", what)
	}
	return nil
}

// writable is streamName for calls that write.
func writable(id *shared.StreamIdentifier) (string, error) {
	name, err := streamName(id)
	if err == nil && name == "$all" {
		return "", invalid("The stream $all cannot be written.")
	}
	return name, err
}

// expectation is the oneof that Append, Delete and Tombstone share.
type expectation interface {
	GetRevision() uint64
	GetNoStream() *shared.Empty
	GetAny() *shared.Empty
	GetStreamExists() *shared.Empty
}

func expected(e expectation, isRevision bool) (eventlog.Expected, error) {
	switch {
	case isRevision:
		if e.GetRevision() > eventlog.TombstoneRevision {
			return 0, invalid("The expected revision is out of range.")
		}
		return eventlog.Expected(e.GetRevision()), nil //nolint:gosec // checked above
	case e.GetNoStream() != nil:
		return eventlog.NoStream, nil
	case e.GetAny() != nil:
		return eventlog.Any, nil
	case e.GetStreamExists() != nil:
		return eventlog.StreamExists, nil
	}
	return 0, invalid("The expected revision is missing.")
}

func wrongRevision(err error) (current int64, ok bool) {
	var wrong *eventlog.WrongRevisionError
	if errors.As(err, &wrong) {
		return wrong.Current, true
	}
	return 0, false
}
