package auditlog

import (
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/personal"
)

// EntryOf returns an event as operators see it. With reveal, data about people is
// shown as it is; the caller records that: see Revealed. The error says why the event
// could not be read.
func EntryOf(r event.Recorded, err error, reveal bool) Entry {
	e := entryOf(r, err)
	if reveal {
		if err == nil {
			e.Data = Revealed(r.Event)
		}
		e.ClientAddress, e.UserAgent = revealed(r.Metadata.ClientAddress), revealed(r.Metadata.UserAgent)
	}
	return e
}

// revealed is a text as it is, or that it was erased.
func revealed(t personal.Text) string {
	if t.IsErased() {
		return t.String()
	}
	return t.Reveal()
}
