package reservation_test

import (
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/perfectworks/backend/domain/domaintest"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/reservation"
)

func slotClaim(owner string) reservation.Claim {
	return reservation.Claim{Kind: reservation.APIKeySlot, ValueHash: "page", OwnerID: owner}
}

func taken(owner string, slot int, at time.Time) reservation.Reserved {
	return reservation.Reserved{Kind: reservation.APIKeySlot, ValueHash: "page", OwnerID: owner, Slot: slot, OccurredAt: at}
}

func TestTakeAnySlot(t *testing.T) {
	t.Parallel()
	from := func(first, last int) func(reservation.Slots) ([]event.Event, error) {
		return func(s reservation.Slots) ([]event.Event, error) {
			_, events, err := s.TakeAny(slotClaim("a"), first, last, now)
			return events, err
		}
	}
	domaintest.Run(t, reservation.ApplySlots, []domaintest.Case[reservation.Slots]{
		{Name: "takes the first", When: from(1, 3), Then: then{taken("a", 1, now)}},
		{
			Name:  "takes the first that was never taken",
			Given: given{taken("b", 1, start), taken("c", 3, start)}, When: from(1, 3), Then: then{taken("a", 2, now)},
		},
		{
			Name:  "takes again what the claimant has, though there are free ones",
			Given: given{taken("b", 2, start), taken("a", 3, start)}, When: from(1, 3), Then: then{taken("a", 3, now)},
		},
		{
			Name:  "refuses when all were taken",
			Given: given{taken("b", 1, start), taken("c", 2, start)}, When: from(1, 2), Fails: reservation.ErrSlotsTaken,
		},
		{
			Name:  "looks at no slot beyond the quota",
			Given: given{taken("b", 1, start), taken("a", 2, start)}, When: from(1, 1), Fails: reservation.ErrSlotsTaken,
		},
		{
			Name:  "numbers the slots of later pages on",
			Given: given{taken("b", 129, start)}, When: from(129, 256), Then: then{taken("a", 130, now)},
		},
	})
}

func TestTakeSlot(t *testing.T) {
	t.Parallel()
	heldByB := domaintest.Fold(reservation.ApplySlots, taken("b", 2, start)).Slot(2)
	take := func(seen reservation.Slot) func(reservation.Slots) ([]event.Event, error) {
		return func(s reservation.Slots) ([]event.Event, error) { return s.Take(slotClaim("a"), 2, seen, now) }
	}
	domaintest.Run(t, reservation.ApplySlots, []domaintest.Case[reservation.Slots]{
		{Name: "takes a free one", When: take(reservation.Slot{}), Then: then{taken("a", 2, now)}},
		{Name: "takes over", Given: given{taken("b", 2, start)}, When: take(heldByB), Then: then{taken("a", 2, now)}},
		{
			Name:  "refuses what seemed free",
			Given: given{taken("b", 2, start)}, When: take(reservation.Slot{}), Fails: reservation.ErrSlotChanged,
		},
		{
			Name:  "refuses to take over from a holder who came back at the same instant",
			Given: given{taken("b", 2, start), taken("b", 2, start)}, When: take(heldByB), Fails: reservation.ErrSlotChanged,
		},
	})
	if heldByB.Contestable(start.Add(time.Minute-1), time.Minute) || !heldByB.Contestable(start.Add(time.Minute), time.Minute) {
		t.Error("the grace does not end when it should")
	}
	// What a value's reservation says is about no slot.
	if s := domaintest.Fold(reservation.ApplySlots, reserved("a", start)); s.Slot(1) != (reservation.Slot{}) {
		t.Errorf("got %+v", s)
	}
}

// Whoever takes slots, each is given to one claimant, and none is lost.
func TestSlotsAreGivenOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		page := rapid.IntRange(0, 3).Draw(t, "page")
		first := page*reservation.SlotsOnPage + 1
		last := first + rapid.IntRange(1, reservation.SlotsOnPage).Draw(t, "slots") - 1
		var s reservation.Slots
		has := map[string]int{}
		for range rapid.IntRange(0, 300).Draw(t, "claims") {
			claimant := rapid.StringMatching("[a-z]{1,2}").Draw(t, "claimant")
			slot, events, err := s.TakeAny(slotClaim(claimant), first, last, now)
			before := s
			for _, e := range events {
				s = reservation.ApplySlots(s, e)
			}
			switch had, ok := has[claimant]; {
			case ok && (err != nil || slot != had):
				t.Fatalf("%s has slot %d and got %d, %v", claimant, had, slot, err)
			case !ok && len(has) < last-first+1 && err != nil:
				t.Fatalf("refused with %d of %d taken: %v", len(has), last-first+1, err)
			case !ok && len(has) == last-first+1 && !errors.Is(err, reservation.ErrSlotsTaken):
				t.Fatalf("got slot %d of a full page", slot)
			case err == nil:
				has[claimant] = slot
				if !ok && before.Slot(slot) != (reservation.Slot{}) {
					t.Fatalf("slot %d has two holders", slot)
				}
			}
		}
		for claimant, slot := range has {
			if s.Slot(slot).OwnerID != claimant || reservation.PageOf(slot) != page {
				t.Fatalf("slot %d of page %d is %+v, not %s's", slot, page, s.Slot(slot), claimant)
			}
		}
	})
}
