package auditlog

import "github.com/perfectworks/backend/domain/event"

// EntryOf returns an event as operators see it. With reveal, data about people is
// shown as it is; the caller records that: see Revealed. The error says why the event
// could not be read.
func EntryOf(r event.Recorded, err error, reveal bool) Entry {
	e := entryOf(r, err)
	if reveal && err == nil {
		e.Data = Revealed(r.Event)
	}
	return e
}
