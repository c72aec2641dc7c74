package projections

import (
	"context"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/perfectworks/backend/domain/event"
)

// Subscribe makes a subscriber over the whole log of this system. It sends one
// message at a time, in the order of the log, and waits for its
// acknowledgement; a message that is refused comes again, after a pause.
// Progress says where it begins and when a batch is durable. It reconnects by
// itself. Its topic is the projection's name, and carries no meaning.
type Subscribe func(Progress, SubscribeOptions) (message.Subscriber, error)

// MetadataType is the metadata of a message that names the type of its event.
const MetadataType = "type"

// Progress is how a subscriber learns and tells where it is. Its methods are
// never called at the same time.
type Progress interface {
	// Resume says after which position to go on; zero is the beginning. It is
	// called at every subscription: what was delivered and not committed will
	// be delivered again.
	Resume(ctx context.Context) (event.Position, error)

	// Commit makes everything acknowledged so far durable, together with the
	// position reached, which may be beyond the last event where the log holds
	// what is not for us. The mark does not name the log; its last event is zero
	// when there was none since Resume or the last Commit. live says that the subscription has caught up with
	// the end of the log. After an error the subscriber subscribes again.
	Commit(ctx context.Context, upTo event.Mark, live bool) error
}

// SubscribeOptions say when a subscriber ends a batch, beside doing so when it
// has caught up with the log.
type SubscribeOptions struct {
	// MaxEvents is how many acknowledged events a batch holds at most.
	MaxEvents int
	// MaxDelay is how long an acknowledged event waits for Commit at most.
	MaxDelay time.Duration
	// Bundle is how many events a message may carry while the end of the log is
	// not reached; 1 when zero. Parts takes such a message apart.
	Bundle int
	// Shared says that the subscriber may share a subscription, and decoded
	// events, with others that are near the end of the log.
	Shared bool
	// Passes says that it may read the log together with others that have as far to
	// go, and wait for them.
	Passes bool
}

// Parts returns the messages that a message carries, one for each event, in the
// order of the log, or nil for a message of one event. A bundle that is refused
// comes again as one message for each event.
type Parts func(*message.Message) []*message.Message

// Decode reads the event in a message. An error that wraps ErrUndecodable is
// final: the event is parked, by what the returned Recorded still says of its
// stream, revision, position and id. Any other error may pass, for example that
// of a key store that does not answer, and Decode is asked again.
//
// The errors hold nothing of the event's content: they are shown to operators.
type Decode func(context.Context, *message.Message) (event.Recorded, error)
