package eventstore

import (
	"fmt"

	"github.com/perfectworks/backend/domain/event"
)

// UnknownShapeError says that the log holds an event in a shape that this
// program does not know: of another program, or of a newer release of this one.
type UnknownShapeError struct {
	Type    string
	Version int
	// Known is the newest version of Type that this program knows; 0 when it
	// does not know the type at all.
	Known int
}

// Error names the type and the version.
func (e *UnknownShapeError) Error() string {
	if e.Known == 0 {
		return fmt.Sprintf("event type %q (version %d) is unknown", e.Type, e.Version)
	}
	return fmt.Sprintf("event type %q is known up to version %d, not version %d", e.Type, e.Known, e.Version)
}

// DecodeError says which stored event could not be read, and wraps the reason.
type DecodeError struct {
	Stream   string
	Revision event.Revision
	Type     string
	Err      error
}

// Error names the event. It holds nothing of its content.
func (e *DecodeError) Error() string {
	return fmt.Sprintf("decode %s, event %d of %s: %v", e.Type, e.Revision, e.Stream, e.Err)
}

// Unwrap gives the reason.
func (e *DecodeError) Unwrap() error { return e.Err }
