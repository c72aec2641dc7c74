package eventnode

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/perfectworks/backend/adapters/eventnode/internal/eventlog"
)

// callError is a gRPC error with trailers. Clients tell errors apart by the
// trailer "exception" and take details from the others.
type callError struct {
	code     codes.Code
	message  string
	trailers []string // keys and values in turn
}

func (e *callError) Error() string { return e.message }

// trailer returns the value of a trailer, empty when there is none.
func (e *callError) trailer(key string) string {
	for i := 0; i < len(e.trailers); i += 2 {
		if e.trailers[i] == key {
			return e.trailers[i+1]
		}
	}
	return ""
}

// exceptionAppendSize is the exception of an append that is too large.
const exceptionAppendSize = "maximum-append-size-exceeded"

// Reasons for which nothing can be written at present: the reason of the
// google.rpc.ErrorInfo in the status, and its domain.
const (
	ReasonNoSpace  = "no-space"
	ReasonReadOnly = "read-only"
	ReasonDomain   = "eventnode"
)

var (
	errAccessDenied = &callError{codes.PermissionDenied, "Access Denied", []string{"exception", "access-denied"}}
	errNotReady     = &callError{codes.Unavailable, "Server Is Not Ready", nil}
	errTooBusy      = &callError{codes.Unavailable, "Server Is Too Busy", nil}
	errTimeout      = &callError{codes.Aborted, "Operation timed out", nil}
	errShuttingDown = &callError{codes.Unavailable, "Server Is Shutting Down", nil}
	// A client that asks again gets the same answer until somebody has acted, so
	// these are not Unavailable. Clients of ours tell them by their reason.
	errNoSpace  = &callError{codes.ResourceExhausted, "The database of the log has no space left", []string{"exception", ReasonNoSpace}}
	errReadOnly = &callError{codes.FailedPrecondition, "The database of the log is read-only", []string{"exception", ReasonReadOnly}}
	errReplaced = &callError{codes.Aborted, "The log was replaced by another", nil}
	errPosition = &callError{codes.InvalidArgument, "Trying to read from an invalid position.", nil}
)

func invalid(format string, args ...any) error {
	return &callError{code: codes.InvalidArgument, message: fmt.Sprintf(format, args...)}
}

func streamDeleted(stream string) error {
	return &callError{
		codes.FailedPrecondition, fmt.Sprintf("Event stream '%s' is deleted.", stream),
		[]string{"exception", "stream-deleted", "stream-name", stream},
	}
}

func wrongExpectedVersion(operation, stream string, expected eventlog.Expected, actual int64) error {
	return &callError{
		codes.FailedPrecondition,
		fmt.Sprintf("%s failed due to WrongExpectedVersion. Stream: %s, Expected version: %d, Actual version: %d",
			operation, stream, expected, actual),
		[]string{
			"exception", "wrong-expected-version", "stream-name", stream,
			"expected-version", strconv.FormatInt(int64(expected), 10),
			"actual-version", strconv.FormatInt(actual, 10),
		},
	}
}

func maxAppendSizeExceeded(limit int) error {
	return &callError{
		codes.InvalidArgument, fmt.Sprintf("Maximum Append Size of %d Exceeded.", limit),
		[]string{"exception", exceptionAppendSize, "maximum-append-size", strconv.Itoa(limit)},
	}
}

func maxEventSizeExceeded(eventID string, size, limit int) error {
	return &callError{
		codes.InvalidArgument,
		fmt.Sprintf("Event with Id: %s, Size: %d, exceeds Maximum Append Event Size of %d.", eventID, size, limit),
		[]string{
			"exception", "maximum-append-event-size-exceeded", "event-id", eventID,
			"proposed-append-event-size", strconv.Itoa(size), "maximum-append-event-size", strconv.Itoa(limit),
		},
	}
}

func missingMetadata(property string) error {
	return &callError{
		codes.InvalidArgument, fmt.Sprintf("Required Metadata Property '%s' is missing", property),
		[]string{"exception", "missing-required-metadata-property", "required-metadata-properties", "type,content-type"},
	}
}

// fail turns an error into what goes to the client, and sets its trailers.
func fail(ctx context.Context, err error) error {
	var call *callError
	if !errors.As(err, &call) {
		call = fromLog(err)
	}
	if call == nil {
		if _, ok := status.FromError(err); ok {
			return err
		}
		return status.FromContextError(err).Err()
	}
	trailers := metadata.MD{}
	for i := 0; i < len(call.trailers); i += 2 {
		trailers.Set(call.trailers[i], printable(call.trailers[i+1]))
	}
	// It fails only outside of a call, or when the call is over.
	_ = grpc.SetTrailer(ctx, trailers)
	return call.status().Err()
}

// status holds what trailers cannot carry: the client module does not pass them
// on.
func (e *callError) status() *status.Status {
	s := status.New(e.code, e.message)
	if e != errNoSpace && e != errReadOnly {
		return s
	}
	detailed, err := s.WithDetails(&errdetails.ErrorInfo{Reason: e.trailer("exception"), Domain: ReasonDomain})
	if err != nil { // Its details cannot be encoded, which those can.
		return s
	}
	return detailed
}

// fromLog translates the errors of the log that say nothing about a stream.
func fromLog(err error) *callError {
	switch {
	case errors.Is(err, eventlog.ErrOutcomeUnknown) && errors.Is(err, context.DeadlineExceeded):
		return errTimeout
	case errors.Is(err, eventlog.ErrNoSpace):
		return errNoSpace
	case errors.Is(err, eventlog.ErrReadOnly):
		return errReadOnly
	case errors.Is(err, eventlog.ErrUnavailable):
		return errNotReady
	case errors.Is(err, eventlog.ErrBusy):
		return errTooBusy
	case errors.Is(err, eventlog.ErrClosed):
		return errShuttingDown
	case errors.Is(err, eventlog.ErrInvalidPosition):
		return errPosition
	}
	return nil
}

// printable percent-encodes what must not stand in a trailer.
func printable(value string) string {
	var b strings.Builder
	for i := range len(value) {
		if c := value[i]; c >= ' ' && c <= '~' && c != '%' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
