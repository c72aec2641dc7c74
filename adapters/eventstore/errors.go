package eventstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/perfectworks/backend/adapters/eventnode"
	"github.com/perfectworks/backend/domain/failure"
)

var (
	// ErrUnavailable says that the store did not answer, and that nothing was
	// written.
	ErrUnavailable = failure.New(failure.Unavailable, "EVENT_STORE_UNAVAILABLE",
		"the event store does not answer: try again")
	// ErrOutcomeUnknown says that an append was sent and its answer did not come
	// in time: it may have been written. Repeating it with the same event ids at
	// the same revision is safe.
	ErrOutcomeUnknown = failure.New(failure.Unavailable, "OUTCOME_UNKNOWN",
		"the event store did not answer in time: the change may have been made; repeat the request as it was")
	// ErrTooLarge says that an append exceeds MaxAppendSize.
	ErrTooLarge = failure.New(failure.Unprocessable, "CHANGE_TOO_LARGE",
		"the change is too large to be stored at once")
	// ErrStreamDeleted says that a stream has been deleted for good.
	ErrStreamDeleted = errors.New("the stream has been deleted for good")
	// ErrClosed says that the client has been closed.
	ErrClosed = errors.New("the event store client is closed")
)

// Refusals returns the failures with which the store can refuse any append.
func Refusals() []error {
	return []error{ErrUnavailable, ErrOutcomeUnknown, failure.ErrStorageFull, failure.ErrStorageReadOnly, ErrTooLarge}
}

// errPanic says that the client module panicked: it does so on answers that it
// does not know.
var errPanic = errors.New("the event store client failed on an unexpected answer")

// verdict is what an error of the client module means for the caller.
type verdict int

const (
	permanent  verdict = iota // Asking again gives the same answer.
	transient                 // It may pass: ask again.
	suspicious                // It may pass, or not: ask again a few times.
)

// judge classifies an error of the client module. The module wraps its errors,
// and its own esdb.FromError does not unwrap them.
func judge(err error) verdict {
	if unwritable(err) != nil {
		return permanent
	}
	var e *esdb.Error
	if errors.As(err, &e) {
		switch e.Code() {
		case esdb.ErrorUnavailable, esdb.ErrorCodeConnectionClosed, esdb.ErrorCodeDeadlineExceeded,
			esdb.ErrorCodeNotLeader, esdb.ErrorAborted:
			return transient
		case esdb.ErrorCodeUnknown:
		default:
			return permanent
		}
	}
	if errors.Is(err, io.EOF) {
		// The stream ended while sending: a connection lost, or an answer that
		// came before the last event was sent.
		return suspicious
	}
	switch grpcCode(err) {
	case codes.Unavailable, codes.DeadlineExceeded, codes.Aborted:
		return transient
	case codes.Canceled, codes.Internal, codes.ResourceExhausted:
		return suspicious
	default:
		return permanent
	}
}

// unwritable returns the failure for an answer of the embedded store by which it
// takes no writes at present; nil for any other.
func unwritable(err error) *failure.Failure {
	var s interface{ GRPCStatus() *status.Status }
	if !errors.As(err, &s) {
		return nil
	}
	for _, detail := range s.GRPCStatus().Details() {
		info, ok := detail.(*errdetails.ErrorInfo)
		switch {
		case !ok || info.GetDomain() != eventnode.ReasonDomain:
		case info.GetReason() == eventnode.ReasonNoSpace:
			return failure.ErrStorageFull
		case info.GetReason() == eventnode.ReasonReadOnly:
			return failure.ErrStorageReadOnly
		}
	}
	return nil
}

func grpcCode(err error) codes.Code {
	var s interface{ GRPCStatus() *status.Status }
	if errors.As(err, &s) {
		return s.GRPCStatus().Code()
	}
	return codes.Unknown
}

// tooLarge tells whether the server refused an append for its size: its limit
// may be lower than ours. The module does not pass on the exception's name.
func tooLarge(err error) bool {
	return grpcCode(err) == codes.InvalidArgument && strings.Contains(err.Error(), "Maximum Append")
}

// broken tells whether an error says that the connection is of no more use.
func broken(err error) bool {
	var e *esdb.Error
	if errors.As(err, &e) {
		return e.Code() == esdb.ErrorUnavailable || e.Code() == esdb.ErrorCodeConnectionClosed
	}
	return grpcCode(err) == codes.Unavailable
}

func hasCode(err error, code esdb.ErrorCode) bool {
	var e *esdb.Error
	return errors.As(err, &e) && e.Code() == code
}

// gaveUp is the error of an operation that was not done within the caller's
// context: which failure it is, the context's error, and what was last heard.
func gaveUp(ctx context.Context, what *failure.Failure, last error) error {
	cause := context.Cause(ctx)
	switch {
	case last == nil:
		return fmt.Errorf("%w: %w", what, cause)
	case errors.Is(last, cause):
		return fmt.Errorf("%w: %w", what, last)
	default:
		return fmt.Errorf("%w: %w: last heard: %w", what, cause, last)
	}
}
