package eventnode

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

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

var (
	errAccessDenied = &callError{codes.PermissionDenied, "Access Denied", []string{"exception", "access-denied"}}
	errNotReady     = &callError{codes.Unavailable, "Server Is Not Ready", nil}
	errTooBusy      = &callError{codes.Unavailable, "Server Is Too Busy", nil}
	errTimeout      = &callError{codes.Aborted, "Operation timed out", nil}
	errShuttingDown = &callError{codes.Unavailable, "Server Is Shutting Down", nil}
	errPosition     = &callError{codes.InvalidArgument, "Trying to read from an invalid position.", nil}
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
		[]string{"exception", "maximum-append-size-exceeded", "maximum-append-size", strconv.Itoa(limit)},
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
	return status.Error(call.code, call.message)
}

// fromLog translates the errors of the log that say nothing about a stream.
func fromLog(err error) *callError {
	switch {
	case errors.Is(err, eventlog.ErrOutcomeUnknown) && errors.Is(err, context.DeadlineExceeded):
		return errTimeout
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
