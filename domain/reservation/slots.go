package reservation

import (
	"fmt"
	"time"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/failure"
)

// Slots are numbered, from 1 on, and an owner has a limited number of them. They
// are reserved a page at a time: the slots of a page share a stream, so that those
// who take slots at the same time can share an append, and the first free slot is
// known without a look at all of them.

// SlotsOnPage is how many slots share a stream. It never changes.
const SlotsOnPage = 128

// PageOf returns the page of a slot, from 0 on.
func PageOf(slot int) int { return (slot - 1) / SlotsOnPage }

// SlotsAggregate describes a page of slots. Its events are those of the other
// reservations.
var SlotsAggregate = event.Aggregate[ID, Slots]{
	Category:   Aggregate.Category,
	Schemas:    Aggregate.Schemas,
	Apply:      ApplySlots,
	Unfollowed: Aggregate.Unfollowed,
}

// Slots is the state of a page, folded from its stream: its slots up to the last
// one that was ever taken.
type Slots []Slot

// Slot is who holds a slot, zero when it was never taken.
type Slot struct {
	OwnerID string
	// TakenAt is when the holder last took the slot.
	TakenAt time.Time
	// Taken counts how often it was taken: it tells each time from the next.
	Taken int
}

// ApplySlots folds an event into the state. Events of other kinds change nothing.
func ApplySlots(s Slots, e event.Event) Slots {
	r, ok := e.(Reserved)
	if !ok || r.Slot < 1 {
		return s
	}
	at := (r.Slot - 1) % SlotsOnPage
	slots := make(Slots, max(len(s), at+1))
	copy(slots, s)
	slots[at] = Slot{OwnerID: r.OwnerID, TakenAt: r.OccurredAt, Taken: slots[at].Taken + 1}
	return slots
}

// Slot tells who holds a slot of this page.
func (s Slots) Slot(n int) Slot {
	if at := (n - 1) % SlotsOnPage; at < len(s) {
		return s[at]
	}
	return Slot{}
}

// ErrSlotsTaken is the refusal of a page all of whose slots were taken by others.
// Their holders may have given some up.
var ErrSlotsTaken = failure.New(failure.Conflict, "SLOTS_TAKEN", "all slots are taken")

// ErrSlotChanged is the refusal of a slot that was taken since it was looked at.
var ErrSlotChanged = failure.New(failure.Conflict, "SLOT_CHANGED", "this slot has changed hands")

// TakeAny takes a slot from first to last, which are on this page: the one that
// the claimant has, or the first that was never taken. Like State.Claim it gives
// an event also for what the claimant has.
func (s Slots) TakeAny(c Claim, first, last int, at time.Time) (slot int, _ []event.Event, _ error) {
	for n := first; n <= last; n++ {
		switch held := s.Slot(n).OwnerID; {
		case held == c.OwnerID:
			return n, []event.Event{c.reservedSlot(n, at)}, nil
		case held == "" && slot == 0:
			slot = n
		}
	}
	if slot == 0 {
		return 0, nil, ErrSlotsTaken
	}
	return slot, []event.Event{c.reservedSlot(slot, at)}, nil
}

// Take takes a slot as it was seen: free, the claimant's own, or held by somebody
// of whom it is known that they do not use it and cannot begin to.
func (s Slots) Take(c Claim, slot int, seen Slot, at time.Time) ([]event.Event, error) {
	if s.Slot(slot) != seen {
		return nil, ErrSlotChanged
	}
	return []event.Event{c.reservedSlot(slot, at)}, nil
}

// Contestable tells whether the slot may change hands, if its holder turns out not
// to use it.
func (s Slot) Contestable(at time.Time, grace time.Duration) bool {
	return !at.Before(s.TakenAt.Add(grace))
}

func (c Claim) reservedSlot(slot int, at time.Time) Reserved {
	r := c.reserved(at)
	r.Slot = slot
	return r
}

// SlotsHash is the hash under which a page of an owner's slots is reserved.
func SlotsHash(page int, owner ...string) string {
	return Hash(fmt.Sprintf("page %d of %q", page, owner))
}
