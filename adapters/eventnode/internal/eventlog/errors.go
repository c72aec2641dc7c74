package eventlog

import (
	"errors"
	"fmt"
)

var (
	// ErrStreamDeleted says that a stream was tombstoned, or that StreamExists
	// was expected of a stream that was soft deleted.
	ErrStreamDeleted = errors.New("the stream is deleted")
	// ErrStreamNotFound says that a stream has no events, or was soft deleted.
	ErrStreamNotFound = errors.New("the stream is not found")
	// ErrInvalidPosition says that a position names no event of this log.
	ErrInvalidPosition = errors.New("the position is not in the log")
	// ErrUnavailable says that Postgres could not be asked. Nothing was written,
	// unless ErrOutcomeUnknown is wrapped too.
	ErrUnavailable = errors.New("the log is unavailable")
	// ErrOutcomeUnknown says that the connection broke during a commit. The same
	// append may be repeated: it is idempotent.
	ErrOutcomeUnknown = errors.New("the outcome of the write is unknown")
	// ErrNoSpace says that the database has no space left for events. It wraps
	// ErrUnavailable; nothing was written.
	ErrNoSpace = fmt.Errorf("%w: the database has no space left", ErrUnavailable)
	// ErrReadOnly says that the database takes no writes: it is a standby, or was
	// made read-only. It wraps ErrUnavailable; nothing was written.
	ErrReadOnly = fmt.Errorf("%w: the database is read-only", ErrUnavailable)
	// ErrBusy says that too many appends wait already. Nothing was written.
	ErrBusy = errors.New("too many appends are waiting")
	// ErrClosed says that the log was closed before the append was taken up.
	ErrClosed = errors.New("the log is closed")
)

// WrongRevisionError says that a stream is not where its writer expected it.
type WrongRevisionError struct {
	// Current is the revision of the last event, -1 without one.
	Current int64
}

func (e *WrongRevisionError) Error() string {
	return fmt.Sprintf("the stream is at revision %d", e.Current)
}
