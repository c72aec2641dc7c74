package event

import (
	"errors"
	"fmt"
)

// Mark is how far a reader of the log has got, with what it takes to recognise
// the log later: an event store can be restored from a backup, lose its tail in
// a failover, or be exchanged for another. The zero Mark is that of a reader who
// has read nothing.
type Mark struct {
	// Log names the log and its epoch; empty when it is not known.
	Log string
	// Position is up to where the log was read. It may be beyond Last, where the
	// log holds only what the reader passes over.
	Position Position
	// Last is the last event of this system that was read; zero when none was or
	// it is not known.
	Last Place
}

// Place is where an event stands in the log.
type Place struct {
	ID       ID
	Position Position
	Stream   string
	Revision Revision
}

// IsZero tells whether the place is of no event.
func (p Place) IsZero() bool { return p == Place{} }

// Place is where a recorded event stands.
func (r Recorded) Place() Place {
	return Place{ID: r.ID, Position: r.Position, Stream: r.Stream, Revision: r.Revision}
}

// ErrLogWentBack says that the log no longer holds what was read from it: it
// was restored from a backup, lost its tail, or is another log. Whatever was made
// of what was read must be made again.
var ErrLogWentBack = errors.New("the event log went back: it no longer holds events that were read from it")

// ErrAnotherLog is the ErrLogWentBack of a log with another identity. A wrong
// setting is the likely reason, so nothing is made again before an operator says
// so.
var ErrAnotherLog = fmt.Errorf("%w: it is another log", ErrLogWentBack)
