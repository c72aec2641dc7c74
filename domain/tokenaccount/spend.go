package tokenaccount

import (
	"strings"
	"time"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/input"
)

// Reservation asks to hold tokens for an operation.
type Reservation struct {
	Reference Reference
	Amount    int64
	// Purpose is what the tokens are for; FileID and UserID say for which file
	// and on whose behalf, and may be empty.
	Purpose string
	FileID  string
	UserID  id.User
	// Hold is how long the tokens are held at most: up to MaxHold.
	Hold time.Duration
}

// Reserve holds tokens. Repeating it with the same content changes nothing. It
// fails with ErrInsufficient, ErrSuspended, ErrReferenceReused and
// ErrReferenceTooOld.
func (s State) Reserve(ctx Context, r Reservation) ([]event.Event, error) {
	if known, ok := s.operations.get(r.Reference); ok {
		if known.Kind != (TokensReserved{}).EventType() || known.Amount != r.Amount ||
			known.Purpose != r.Purpose || known.FileID != r.FileID || known.UserID != r.UserID {
			return nil, ErrReferenceReused
		}
		return nil, nil
	}
	d := s.decide(ctx)
	if err := d.checkReference(r.Reference, ReferenceWindow); err != nil {
		return nil, err
	}
	for field, text := range map[string]string{"purpose": r.Purpose, "fileId": r.FileID, "userId": string(r.UserID)} {
		if err := checkText(field, text); err != nil {
			return nil, err
		}
	}
	if r.Hold <= 0 || r.Hold > MaxHold {
		var wrong failure.Fields
		wrong.Add("hold", input.CodeRange, "must be above 0 and at most 24 hours")
		return nil, wrong.Err()
	}
	allocations, err := d.quote(r.Amount)
	if err != nil {
		return nil, err
	}
	deadline := d.at.Add(r.Hold).Truncate(time.Millisecond)
	d.post(d.at, []Movement{{Available, -r.Amount}, {Held, r.Amount}}, func(entry Entry) posting {
		return TokensReserved{
			OrganizationID: d.OrganizationID, Reference: r.Reference,
			Purpose: r.Purpose, FileID: r.FileID, UserID: r.UserID,
			Amount: r.Amount, Allocations: allocations, Deadline: deadline, Entry: entry,
		}
	})
	return d.done()
}

// Quote says which grants a reservation of this amount would hold tokens of. It
// fails as Reserve does, and changes nothing.
func (s State) Quote(ctx Context, amount int64) ([]Allocation, error) {
	return s.decide(ctx).quote(amount)
}

func (d *decision) quote(amount int64) ([]Allocation, error) {
	if err := checkAmount(amount); err != nil {
		return nil, err
	}
	if d.Suspended {
		return nil, ErrSuspended
	}
	if amount > d.Balance.Available {
		return nil, ErrInsufficient
	}
	return d.burn(amount, Reference{}), nil
}

// burn chooses available tokens in burn order, but none of one grant.
func (d *decision) burn(amount int64, but Reference) []Allocation {
	var chosen []Allocation
	for _, g := range d.grants.live {
		if n := min(amount, g.Available); n > 0 && !g.Reference.same(but) {
			chosen = append(chosen, Allocation{Grant: g.Reference, Amount: n})
			amount -= n
		}
	}
	return chosen
}

// Capture consumes part or all of what a reservation holds, and returns the
// rest. Repeating it with the same amount changes nothing. It fails with
// ErrReservationTimedOut from the deadline on, and with ErrReservationReleased,
// ErrReservationCaptured and ErrReservationNotFound.
func (s State) Capture(ctx Context, r Reference, amount int64) ([]event.Event, error) {
	if err := checkAmount(amount); err != nil {
		return nil, err
	}
	d := s.decide(ctx)
	o, err := d.reservation(r)
	switch {
	case err != nil:
		return nil, err
	case o.Status == StatusCaptured && total(o.Captured) == amount:
		return nil, nil
	case o.Status != StatusHeld:
		return nil, refusalOf(o.Status)
	case amount > o.Amount:
		var wrong failure.Fields
		wrong.Add("amount", input.CodeRange, "must not be more than was reserved")
		return nil, wrong.Err()
	}
	consumed, returned := divide(o.Allocations, amount)
	repaid, available, frozen := d.returning(returned)
	d.post(d.at, []Movement{
		{Held, -o.Amount},
		{Consumed, amount},
		{Available, available},
		{Frozen, frozen},
		{Debt, repaid},
	}, func(entry Entry) posting {
		return TokensCaptured{
			OrganizationID: d.OrganizationID, Reference: r, Amount: amount,
			Allocations: consumed, Returned: returned, Repaid: repaid, Work: o.work(), Entry: entry,
		}
	})
	d.expire(d.at)
	return d.done()
}

// Release ends a reservation and returns what it holds. For one that has ended
// without consuming anything it does nothing; it fails with
// ErrReservationCaptured and ErrReservationNotFound.
func (s State) Release(ctx Context, r Reference) ([]event.Event, error) {
	d := s.decide(ctx)
	o, err := d.reservation(r)
	switch {
	case err != nil:
		return nil, err
	case o.Status == StatusCaptured:
		return nil, ErrReservationCaptured
	case o.Status != StatusHeld:
		return nil, nil
	}
	d.release(r, ReasonReleased, d.at)
	d.expire(d.at)
	return d.done()
}

func (d *decision) release(r Reference, reason ReleaseReason, at time.Time) {
	o, _ := d.operations.get(r)
	repaid, available, frozen := d.returning(o.Allocations)
	d.post(at, []Movement{
		{Held, -o.Amount},
		{Available, available},
		{Frozen, frozen},
		{Debt, repaid},
	}, func(entry Entry) posting {
		return ReservationReleased{
			OrganizationID: d.OrganizationID, Reference: r, Reason: reason,
			Returned: o.Allocations, Repaid: repaid, Work: o.work(), Entry: entry,
		}
	})
}

func (d *decision) reservation(r Reference) (Operation, error) {
	o, ok := d.operations.get(r)
	if !ok || o.Kind != (TokensReserved{}).EventType() {
		return Operation{}, ErrReservationNotFound
	}
	return o, nil
}

func refusalOf(s OperationStatus) error {
	switch s {
	case StatusTimedOut:
		return ErrReservationTimedOut
	case StatusReleased:
		return ErrReservationReleased
	default:
		return ErrReservationCaptured
	}
}

// Refund gives consumed tokens back to the grants that they came from, those
// that were consumed last first. Repeating it with the same content changes
// nothing. It fails with ErrReservationNotFound, ErrReservationNotCaptured,
// ErrRefundExceeded, ErrReferenceReused and ErrReferenceTooOld.
func (s State) Refund(ctx Context, r, reservation Reference, amount int64) ([]event.Event, error) {
	if known, ok := s.operations.get(r); ok {
		if known.Kind != (TokensRefunded{}).EventType() || known.Amount != amount || !known.Of.same(reservation) {
			return nil, ErrReferenceReused
		}
		return nil, nil
	}
	if err := checkAmount(amount); err != nil {
		return nil, err
	}
	d := s.decide(ctx)
	if err := d.checkReference(r, ReferenceWindow); err != nil {
		return nil, err
	}
	o, err := d.reservation(reservation)
	switch {
	case err != nil:
		return nil, err
	case o.Status != StatusCaptured:
		return nil, ErrReservationNotCaptured
	case amount > total(o.Captured)-o.Refunded:
		return nil, ErrRefundExceeded
	}
	kept, _ := divide(o.Captured, total(o.Captured)-o.Refunded)
	_, returned := divide(kept, total(kept)-amount)
	repaid, available, frozen := d.returning(returned)
	d.post(d.at, []Movement{
		{Consumed, -amount},
		{Available, available},
		{Frozen, frozen},
		{Debt, repaid},
	}, func(entry Entry) posting {
		return TokensRefunded{
			OrganizationID: d.OrganizationID, Reference: r, Reservation: reservation,
			Amount: amount, Returned: returned, Repaid: repaid, Work: o.work(), Entry: entry,
		}
	})
	d.expire(d.at)
	return d.done()
}

// maxReleases bounds how many reservations one suspension releases, so that its
// append stays small.
const maxReleases = 200

// Suspend stops all spending and releases what is held, a bounded number of
// reservations at a time: the caller repeats it until it does nothing.
func (s State) Suspend(ctx Context) ([]event.Event, error) {
	d := s.decide(ctx)
	open := d.holds
	if d.Suspended && open.root == nil {
		return nil, nil
	}
	if !d.Suspended {
		d.record(AccountSuspended{OrganizationID: d.OrganizationID, OccurredAt: d.at})
	}
	n := 0
	for _, r := range open.all() {
		if n++; n > maxReleases {
			break
		}
		d.release(r, ReasonSuspended, d.at)
	}
	d.expire(d.at)
	return d.done()
}

// Resume allows spending again.
func (s State) Resume(ctx Context) ([]event.Event, error) {
	if !s.Suspended {
		return nil, nil
	}
	d := s.decide(ctx)
	d.record(AccountResumed{OrganizationID: d.OrganizationID, OccurredAt: d.at})
	return d.done()
}

// fields joins what a commitment consists of. None of them may hold a line feed
// or a tab.
func fields(parts ...string) string { return strings.Join(parts, "\t") }
