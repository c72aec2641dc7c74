package tokenaccount

import "github.com/perfectworks/backend/domain/event"

// GrantChange is what an event adds to what is known of a grant. The sums of all
// changes up to an entry are the grant at that entry.
type GrantChange struct {
	Grant Reference `json:"grant"`
	// Free is what is neither held nor gone: it is frozen while Disputed is 1, and
	// available while it is 0.
	Free       int64 `json:"free,omitempty"`
	Held       int64 `json:"held,omitempty"`
	Expired    int64 `json:"expired,omitempty"`
	ClawedBack int64 `json:"clawedBack,omitempty"`
	Disputed   int64 `json:"disputed,omitempty"`
}

func (c GrantChange) plus(o GrantChange) GrantChange {
	c.Free += o.Free
	c.Held += o.Held
	c.Expired += o.Expired
	c.ClawedBack += o.ClawedBack
	c.Disputed += o.Disputed
	return c
}

// ChangesOf returns what an event changes in grants, one change for each grant.
// It needs no state, so that a read model can follow.
func ChangesOf(e event.Event) []GrantChange {
	var all grantChanges
	switch e := e.(type) {
	case TokensGranted:
		all.add(GrantChange{Grant: e.Grant, Free: e.Amount - e.Repaid})
	case TokensReserved:
		all.each(e.Allocations, GrantChange{Free: -1, Held: 1})
	case TokensCaptured:
		all.each(e.Allocations, GrantChange{Held: -1})
		all.each(e.Returned, GrantChange{Held: -1})
		all.credited(e.Returned, e.Repaid)
	case ReservationReleased:
		all.each(e.Returned, GrantChange{Held: -1})
		all.credited(e.Returned, e.Repaid)
	case TokensRefunded:
		all.credited(e.Returned, e.Repaid)
	case TokensExpired:
		all.add(GrantChange{Grant: e.Grant, Free: -e.Amount, Expired: e.Amount})
	case TokensClawedBack:
		all.add(GrantChange{
			Grant: e.Grant, Free: -e.Taken.Available - e.Taken.Frozen, Expired: -e.Taken.Expired, ClawedBack: e.Amount,
		})
		all.each(e.Taken.Others, GrantChange{Free: -1})
	case ClawbackReversed:
		all.add(GrantChange{Grant: e.Grant, Expired: e.Lapsed, ClawedBack: -e.Amount})
		all.credited(e.Returned, e.Repaid)
	case TokensFrozen:
		all.add(GrantChange{Grant: e.Grant, Disputed: 1})
	case TokensThawed:
		all.add(GrantChange{Grant: e.Grant, Free: -e.Repaid, Disputed: -1})
	case TokensAdjusted:
		all.each(e.Allocations, GrantChange{Free: -1})
	}
	return all
}

// grantChanges are changes with distinct grants.
type grantChanges []GrantChange

func (all *grantChanges) add(c GrantChange) {
	for i, known := range *all {
		if known.Grant.same(c.Grant) {
			(*all)[i] = known.plus(c)
			return
		}
	}
	*all = append(*all, c)
}

// each adds the change of one token as often as was allocated.
func (all *grantChanges) each(allocations []Allocation, token GrantChange) {
	for _, a := range allocations {
		all.add(GrantChange{Grant: a.Grant, Free: token.Free * a.Amount, Held: token.Held * a.Amount})
	}
}

// credited is State.credited.
func (all *grantChanges) credited(returned []Allocation, repaid int64) {
	_, rest := divide(returned, repaid)
	all.each(rest, GrantChange{Free: 1})
}
