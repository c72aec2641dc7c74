package tokenaccount

import (
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/input"
)

// Alignment is what the state of a payment asks of the grant that it paid for.
// It is a whole, not a change, so that it does not matter in which order the
// facts about the payment became known.
type Alignment struct {
	Grant Reference
	// Version is the revision of the payment's stream that this follows from.
	// The account keeps what the highest version asked for.
	Version int64
	// ClawedBack is how many tokens of the grant are taken back in all.
	ClawedBack int64
	// Disputed says that what is left of the grant is frozen.
	Disputed bool
}

// Align brings a grant to where its payment wants it. An alignment that is not
// newer than the last one changes nothing. It fails with ErrGrantNotFound.
func (s State) Align(ctx Context, a Alignment) ([]event.Event, error) {
	d := s.decide(ctx)
	g, ok := d.grants.find(a.Grant)
	switch {
	case !ok:
		return nil, ErrGrantNotFound
	case a.Version <= g.Version:
		return nil, nil
	case a.ClawedBack < 0 || a.ClawedBack > g.Amount:
		var wrong failure.Fields
		wrong.Add("clawedBack", input.CodeRange, "must be between 0 and the amount of the grant")
		return nil, wrong.Err()
	}
	switch delta := a.ClawedBack - g.ClawedBack; {
	case delta > 0:
		d.clawBack(a, delta)
	case delta < 0:
		d.reverseClawback(a, -delta)
	}
	switch g, _ = d.grants.find(a.Grant); {
	case a.Disputed && !g.Disputed:
		d.freeze(a)
	case !a.Disputed && g.Disputed:
		d.thaw(a)
	}
	if g, _ = d.grants.find(a.Grant); g.Version != a.Version {
		d.record(GrantAligned{OrganizationID: d.OrganizationID, Grant: a.Grant, Version: a.Version, OccurredAt: d.at})
	}
	d.expire(d.at)
	return d.done()
}

func (d *decision) clawBack(a Alignment, amount int64) {
	g, _ := d.grants.find(a.Grant)
	rest := amount
	take := func(of int64) int64 {
		n := min(of, rest)
		rest -= n
		return n
	}
	taken := Taken{Available: take(g.Available), Frozen: take(g.Frozen), Expired: take(g.Expired)}
	taken.Others = d.burn(rest, a.Grant)
	taken.Debt = rest - total(taken.Others)
	d.post(d.at, []Movement{
		{Available, -taken.Available - total(taken.Others)},
		{Frozen, -taken.Frozen},
		{Expired, -taken.Expired},
		{Debt, -taken.Debt},
		{ClawedBack, amount},
	}, func(entry Entry) posting {
		return TokensClawedBack{
			OrganizationID: d.OrganizationID, Grant: a.Grant, Version: a.Version,
			Amount: amount, Taken: taken, Total: a.ClawedBack, Entry: entry,
		}
	})
}

func (d *decision) reverseClawback(a Alignment, amount int64) {
	g, _ := d.grants.find(a.Grant)
	undone := g.Taken.last(amount)
	// The part that became debt is first to repay what is still owed.
	var returned []Allocation
	add := func(to Reference, n int64) {
		if n > 0 {
			returned = append(returned, Allocation{Grant: to, Amount: n})
		}
	}
	add(a.Grant, undone.Debt)
	for i := len(undone.Others) - 1; i >= 0; i-- {
		add(undone.Others[i].Grant, undone.Others[i].Amount)
	}
	add(a.Grant, undone.Frozen+undone.Available)
	repaid, available, frozen := d.returning(returned)
	d.post(d.at, []Movement{
		{ClawedBack, -amount},
		{Available, available},
		{Frozen, frozen},
		{Expired, undone.Expired},
		{Debt, repaid},
	}, func(entry Entry) posting {
		return ClawbackReversed{
			OrganizationID: d.OrganizationID, Grant: a.Grant, Version: a.Version, Amount: amount,
			Undone: undone, Returned: returned, Repaid: repaid, Lapsed: undone.Expired, Total: a.ClawedBack, Entry: entry,
		}
	})
}

func (d *decision) freeze(a Alignment) {
	g, _ := d.grants.find(a.Grant)
	d.post(d.at, []Movement{{Available, -g.Available}, {Frozen, g.Available}}, func(entry Entry) posting {
		return TokensFrozen{
			OrganizationID: d.OrganizationID, Grant: a.Grant, Version: a.Version, Amount: g.Available, Entry: entry,
		}
	})
}

func (d *decision) thaw(a Alignment) {
	g, _ := d.grants.find(a.Grant)
	repaid := min(g.Frozen, d.owed())
	d.post(d.at, []Movement{
		{Frozen, -g.Frozen},
		{Available, g.Frozen - repaid},
		{Debt, repaid},
	}, func(entry Entry) posting {
		return TokensThawed{
			OrganizationID: d.OrganizationID, Grant: a.Grant, Version: a.Version,
			Amount: g.Frozen, Repaid: repaid, Entry: entry,
		}
	})
}
