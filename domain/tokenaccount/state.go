package tokenaccount

import (
	"time"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
)

// State is an account, folded from its stream. It is a value: folding another
// event leaves it as it was. Its size is bounded by the grants of GrantWindow
// and the operations of ReferenceWindow.
type State struct {
	OrganizationID id.Organization
	// Balance is that after the last entry; what came due since then is not in
	// it: see State.At.
	Balance Balance
	// Sequence, LastHash and LastAt are those of the last entry.
	Sequence int64
	LastHash string
	LastAt   time.Time
	// Suspended says that nothing can be spent.
	Suspended bool

	grants     grants
	operations tree[Operation]
	// holds are the open reservations by deadline.
	holds tree[Reference]
}

// Grants are those that can still be spent, in burn order, with those that a
// reservation or a dispute holds back.
func (s State) Grants() []Grant { return append([]Grant(nil), s.grants.live...) }

// Grant finds a grant that the account remembers.
func (s State) Grant(r Reference) (Grant, bool) { return s.grants.find(r) }

// Operation finds what a reference did, if the account remembers it.
func (s State) Operation(r Reference) (Operation, bool) { return s.operations.get(r) }

// Apply folds an event into the state. Events of other kinds change nothing.
func Apply(s State, e event.Event) State {
	switch e := e.(type) {
	case TokensGranted:
		s = s.posted(e.OrganizationID, e.Entry)
		s.grants = s.grants.with(Grant{
			Reference: e.Grant, Source: e.Source, Priority: e.Priority, Amount: e.Amount, ExpireAt: e.ExpireAt,
			Sequence: e.Entry.Sequence, Available: e.Amount - e.Repaid,
		})
	case TokensReserved:
		s = s.posted(e.OrganizationID, e.Entry)
		s = s.moved(e.Allocations, func(g Grant, n int64) Grant { g.Available -= n; g.Held += n; return g })
		s.operations = s.operations.put(e.Reference, Operation{
			Status: StatusHeld, Kind: e.EventType(), Amount: e.Amount,
			Purpose: e.Purpose, FileID: e.FileID, UserID: e.UserID,
			Allocations: e.Allocations, Deadline: e.Deadline,
		})
		s.holds = s.holds.put(holdKey(e.Reference, e.Deadline), e.Reference)
	case TokensCaptured:
		s = s.posted(e.OrganizationID, e.Entry)
		s = s.moved(e.Allocations, func(g Grant, n int64) Grant { g.Held -= n; return g })
		s = s.unheld(e.Returned, e.Repaid)
		s = s.closed(e.Reference, func(o Operation) Operation {
			o.Status, o.Captured = StatusCaptured, e.Allocations
			return o
		})
	case ReservationReleased:
		s = s.posted(e.OrganizationID, e.Entry)
		s = s.unheld(e.Returned, e.Repaid)
		s = s.closed(e.Reference, func(o Operation) Operation {
			o.Status = StatusReleased
			if e.Reason == ReasonTimedOut {
				o.Status = StatusTimedOut
			}
			return o
		})
	case TokensRefunded:
		s = s.posted(e.OrganizationID, e.Entry)
		s = s.credited(e.Returned, e.Repaid)
		s.operations = s.operations.put(e.Reference, Operation{
			Status: StatusDone, Kind: e.EventType(), Amount: e.Amount, Of: e.Reservation,
		})
		if o, ok := s.operations.get(e.Reservation); ok {
			o.Refunded += e.Amount
			s.operations = s.operations.put(e.Reservation, o)
		}
	case TokensExpired:
		s = s.posted(e.OrganizationID, e.Entry)
		s.grants = s.grants.change(e.Grant, func(g Grant) Grant {
			g.Available -= e.Amount
			g.Expired += e.Amount
			return g
		})
	case TokensClawedBack:
		s = s.posted(e.OrganizationID, e.Entry).clawedBack(e)
	case ClawbackReversed:
		s = s.posted(e.OrganizationID, e.Entry).clawbackReversed(e)
	case TokensFrozen:
		s = s.posted(e.OrganizationID, e.Entry)
		s.grants = s.grants.change(e.Grant, func(g Grant) Grant {
			g.Disputed, g.Version = true, e.Version
			g.Available -= e.Amount
			g.Frozen += e.Amount
			return g
		})
	case TokensThawed:
		s = s.posted(e.OrganizationID, e.Entry)
		s.grants = s.grants.change(e.Grant, func(g Grant) Grant {
			g.Disputed, g.Version = false, e.Version
			g.Frozen -= e.Amount
			g.Available += e.Amount - e.Repaid
			return g
		})
	case GrantAligned:
		s.grants = s.grants.change(e.Grant, func(g Grant) Grant { g.Version = e.Version; return g })
	case TokensAdjusted:
		s = s.posted(e.OrganizationID, e.Entry)
		s = s.moved(e.Allocations, func(g Grant, n int64) Grant { g.Available -= n; return g })
		s.operations = s.operations.put(e.Reference, Operation{Status: StatusDone, Kind: e.EventType(), Amount: e.Amount})
	case AccountSuspended:
		s.OrganizationID, s.Suspended = e.OrganizationID, true
	case AccountResumed:
		s.OrganizationID, s.Suspended = e.OrganizationID, false
	}
	return s
}

// posted takes over an entry, and forgets what has become too old.
func (s State) posted(organization id.Organization, e Entry) State {
	s.OrganizationID = organization
	s.Balance, s.Sequence, s.LastHash, s.LastAt = e.Balance, e.Sequence, e.Hash, e.OccurredAt
	s.operations = s.operations.after(Reference{At: e.OccurredAt.Add(-operationRetention)})
	s.grants.closed = s.grants.closed.after(Reference{At: e.OccurredAt.Add(-GrantWindow)})
	return s
}

func (s State) moved(allocations []Allocation, how func(Grant, int64) Grant) State {
	for _, a := range allocations {
		s.grants = s.grants.change(a.Grant, func(g Grant) Grant { return how(g, a.Amount) })
	}
	return s
}

// unheld returns held tokens to their grants, the first of them to the debt.
func (s State) unheld(returned []Allocation, repaid int64) State {
	s = s.moved(returned, func(g Grant, n int64) Grant { g.Held -= n; return g })
	return s.credited(returned, repaid)
}

// credited gives tokens to their grants, but for the first of them, which
// repay the debt.
func (s State) credited(returned []Allocation, repaid int64) State {
	_, rest := divide(returned, repaid)
	return s.moved(rest, Grant.credit)
}

func (s State) closed(r Reference, how func(Operation) Operation) State {
	if o, ok := s.operations.get(r); ok {
		s.holds = s.holds.remove(holdKey(r, o.Deadline))
		s.operations = s.operations.put(r, how(o))
	}
	return s
}

func (s State) clawedBack(e TokensClawedBack) State {
	s = s.moved(e.Taken.Others, func(g Grant, n int64) Grant { g.Available -= n; return g })
	s.grants = s.grants.change(e.Grant, func(g Grant) Grant {
		g.Available -= e.Taken.Available
		g.Frozen -= e.Taken.Frozen
		g.Expired -= e.Taken.Expired
		g.ClawedBack, g.Version, g.Taken = e.Total, e.Version, g.Taken.plus(e.Taken)
		return g
	})
	return s
}

func (s State) clawbackReversed(e ClawbackReversed) State {
	s.grants = s.grants.change(e.Grant, func(g Grant) Grant {
		g.Expired += e.Lapsed
		g.ClawedBack, g.Version, g.Taken = e.Total, e.Version, g.Taken.minus(e.Undone)
		return g
	})
	return s.credited(e.Returned, e.Repaid)
}
