package event

import "time"

// ID identifies an event. Two appends of the same event carry the same ID,
// which is how a retry is recognised.
type ID [16]byte

// Recorded is an event as the log holds it.
type Recorded struct {
	ID       ID
	Stream   string
	Revision Revision
	Position Position
	// Time is when the store recorded the event, in UTC.
	Time     time.Time
	Event    Event
	Metadata Metadata
}

// Draft is an event on its way into the log.
type Draft struct {
	ID       ID
	Event    Event
	Metadata Metadata
}
