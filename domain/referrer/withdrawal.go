package referrer

import (
	"slices"
	"time"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/input"
	"github.com/perfectworks/backend/domain/personal"
)

// Request is a wish for money.
type Request struct {
	// Amount is in the minor unit of Currency.
	Amount   int64
	Currency string
	// Minimum is the smallest withdrawal.
	Minimum int64
	// Method is that of the referrer when empty.
	Method Method
}

// Withdraw reserves an amount for a withdrawal.
func (s State) Withdraw(r Request, at time.Time) ([]event.Event, error) {
	if s.ID == "" {
		return nil, ErrNotFound
	}
	var wrong failure.Fields
	if r.Amount <= 0 {
		wrong.Add("amount", input.CodeRange, "must be positive")
	}
	method := r.Method
	if method == "" {
		method = s.PayoutMethod
	} else if !slices.Contains(Methods(), method) {
		wrong.Add("payoutMethod", input.CodeUnknown, "must be paypal or bankTransfer")
	}
	if err := wrong.Err(); err != nil {
		return nil, err
	}
	switch {
	case s.Suspended:
		return nil, ErrSuspended
	case r.Amount < r.Minimum:
		return nil, ErrBelowMinimum
	case s.RequireNoWithdrawal() != nil:
		return nil, ErrInProgress
	case r.Amount > s.Balance(at).Available:
		return nil, ErrInsufficient
	case method == "" || s.PayoutEmail.Reveal() == "":
		return nil, ErrPayoutMissing
	}
	return []event.Event{WithdrawalRequested{
		ReferrerID: s.ID, UserID: s.UserID, Sequence: s.Sequence + 1, Amount: r.Amount, Currency: r.Currency,
		PayoutMethod: method, PayoutEmail: s.PayoutEmail, OccurredAt: at,
	}}, nil
}

// Approve approves a withdrawal on behalf of a person of finance. Above an amount
// it takes two of them.
func (s State) Approve(sequence int64, by string, secondAbove int64, at time.Time) ([]event.Event, error) {
	w, known := s.Withdrawal(sequence)
	switch {
	case !known:
		return nil, ErrWithdrawalNotFound
	case w.Status == StatusApproved, w.underway(), w.Status == StatusPaid:
		return nil, nil
	case w.Status != StatusRequested:
		return nil, ErrFinished
	case slices.Contains(w.ApprovedBy, by):
		return nil, ErrApprovedBySame
	}
	final := w.Amount <= secondAbove || len(w.ApprovedBy) > 0
	return []event.Event{WithdrawalApproved{ReferrerID: s.ID, Sequence: sequence, ApprovedBy: by, Final: final, OccurredAt: at}}, nil
}

// Reject refuses a withdrawal that was not sent, and gives the amount back.
func (s State) Reject(sequence int64, by string, reason personal.Text, at time.Time) ([]event.Event, error) {
	w, known := s.Withdrawal(sequence)
	if !known {
		return nil, ErrWithdrawalNotFound
	}
	reason, err := s.reasoned(reason)
	switch {
	case err != nil:
		return nil, err
	case w.Status == StatusRejected:
		return nil, nil
	case w.underway():
		return nil, ErrSent
	case !w.unsent():
		return nil, ErrFinished
	}
	return []event.Event{WithdrawalRejected{
		ReferrerID: s.ID, UserID: s.UserID, Sequence: sequence, RejectedBy: by, Reason: reason, OccurredAt: at,
	}}, nil
}

// Send orders the payment of an approved withdrawal, once.
func (s State) Send(sequence int64, reference string, at time.Time) ([]event.Event, error) {
	w, known := s.Withdrawal(sequence)
	switch {
	case !known:
		return nil, ErrWithdrawalNotFound
	case w.Status == StatusRequested:
		return nil, ErrNotApproved
	case w.Status != StatusApproved:
		return nil, ErrSent
	}
	return []event.Event{WithdrawalSent{ReferrerID: s.ID, Sequence: sequence, Reference: reference, OccurredAt: at}}, nil
}

// Outcome is what became of a payment of money.
type Outcome string

// The outcomes.
const (
	OutcomePaid     Outcome = "paid"
	OutcomeFailed   Outcome = "failed"
	OutcomeUnknown  Outcome = "unknown"
	OutcomeReturned Outcome = "returned"
)

// Valid reports whether o is one of the outcomes.
func (o Outcome) Valid() bool {
	return slices.Contains([]Outcome{OutcomePaid, OutcomeFailed, OutcomeUnknown, OutcomeReturned}, o)
}

// Finish notes what became of a withdrawal that was sent. What is known already,
// and an unknown end of one that is known, change nothing. Money that came back
// before it was known to be paid failed to be paid.
func (s State) Finish(sequence int64, o Outcome, at time.Time) ([]event.Event, error) {
	w, known := s.Withdrawal(sequence)
	switch {
	case !known:
		return nil, ErrWithdrawalNotFound
	case w.unsent():
		return nil, ErrNotSent
	case w.underway():
		switch o {
		case OutcomePaid:
			return []event.Event{WithdrawalPaid{ReferrerID: s.ID, Sequence: sequence, OccurredAt: at}}, nil
		case OutcomeFailed, OutcomeReturned:
			return []event.Event{WithdrawalFailed{ReferrerID: s.ID, Sequence: sequence, OccurredAt: at}}, nil
		case OutcomeUnknown:
		}
		if w.Status == StatusUncertain {
			return nil, nil
		}
		return []event.Event{WithdrawalUncertain{ReferrerID: s.ID, Sequence: sequence, OccurredAt: at}}, nil
	case w.Status == StatusPaid && o == OutcomeReturned:
		return []event.Event{WithdrawalReturned{
			ReferrerID: s.ID, Sequence: s.Sequence + 1, Withdrawal: sequence, Amount: w.Amount, Currency: w.Currency, OccurredAt: at,
		}}, nil
	case w.Status == StatusPaid && (o == OutcomePaid || o == OutcomeUnknown),
		w.Status == StatusFailed && o != OutcomePaid,
		w.Status == StatusReturned && o != OutcomeFailed:
		return nil, nil
	}
	return nil, ErrFinished
}
