package commands

import (
	"context"

	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/personal"
	"github.com/perfectworks/backend/domain/referrer"
)

// PayoutProvider pays withdrawals.
type PayoutProvider interface {
	// Pay orders a payment, and returns how it ended, if that is known already; else
	// empty. It is called once for each reference. After an error nobody knows
	// whether the payment was ordered.
	Pay(context.Context, Payout) (referrer.Outcome, error)
	// Ask returns what became of the payment of a reference: OutcomeFailed if it was
	// never ordered, empty while it is under way.
	Ask(ctx context.Context, reference string) (referrer.Outcome, error)
	// Forget deletes what is kept of a payment whose end is noted.
	Forget(ctx context.Context, reference string) error
}

// Payout is money to be paid. Amount is in the minor unit of Currency.
type Payout struct {
	// Reference names the payment.
	Reference string
	Amount    int64
	Currency  string
	Method    referrer.Method
	Email     personal.Text
}

// RequestWithdrawal reserves an amount of the caller's earnings, to be paid out.
type RequestWithdrawal struct {
	// Amount is in the minor unit of the programme's currency.
	Amount int64
	// Method is that of the referrer when empty.
	Method referrer.Method
}

// ChangedWithdrawal is a withdrawal with its referrer.
type ChangedWithdrawal struct {
	Referrer   referrer.State
	Withdrawal referrer.Withdrawal
}

// ApproveWithdrawal approves a withdrawal, by the id of the transaction, on behalf
// of the caller.
type ApproveWithdrawal struct{ TransactionID string }

// RejectWithdrawal refuses a withdrawal that was not sent.
type RejectWithdrawal struct {
	TransactionID string
	Reason        personal.Text
}

// SendWithdrawal orders the payment of an approved withdrawal, once: when it is not
// known whether that happened, the withdrawal is uncertain, and asked about.
type SendWithdrawal struct{ TransactionID string }

// FinishWithdrawal notes what became of a withdrawal that was sent.
type FinishWithdrawal struct {
	TransactionID string
	Outcome       referrer.Outcome
}

// AskWithdrawal asks the provider what became of a withdrawal that was sent.
type AskWithdrawal struct{ TransactionID string }

func (x *executor) requestWithdrawal(ctx context.Context, req Request, c RequestWithdrawal) (Result[ChangedWithdrawal], error) {
	if err := x.requireActiveUser(ctx, req); err != nil {
		return Result[ChangedWithdrawal]{}, err
	}
	programme := x.referrals.Programme
	o, err := execute(ctx, x, req, change[referrer.State]{
		of: ref(referrer.Aggregate, id.ReferrerOf(req.Principal.UserID)), contended: true,
		decide: func(s referrer.State) ([]event.Event, error) {
			return s.Withdraw(referrer.Request{
				Amount: c.Amount, Currency: programme.Current().Currency, Minimum: programme.MinimumPayout, Method: c.Method,
			}, req.at())
		},
	})
	if err != nil {
		return Result[ChangedWithdrawal]{}, err
	}
	var latest int64
	for _, w := range o.State.Withdrawals {
		if w.RequestedAt.Equal(req.at()) {
			latest = w.Sequence
		}
	}
	return changedWithdrawal(o, latest, nil)
}

func changedWithdrawal(o outcome[referrer.State], sequence int64, err error) (Result[ChangedWithdrawal], error) {
	if err != nil {
		return Result[ChangedWithdrawal]{}, err
	}
	w, known := o.State.Withdrawal(sequence)
	if !known {
		return Result[ChangedWithdrawal]{}, referrer.ErrWithdrawalNotFound
	}
	return Result[ChangedWithdrawal]{
		Value: ChangedWithdrawal{Referrer: o.State, Withdrawal: w}, Revision: o.Revision, Position: o.Position,
	}, nil
}

// changeWithdrawal is a decision about a withdrawal.
func (x *executor) changeWithdrawal(ctx context.Context, req Request, transaction string, decide func(referrer.State, int64) ([]event.Event, error)) (Result[ChangedWithdrawal], error) {
	if err := req.Principal.RequireAny(access.ApprovePayouts, access.FollowReferrals); err != nil {
		return Result[ChangedWithdrawal]{}, err
	}
	name, sequence, ok := referrer.ParseTransactionID(transaction)
	if !ok {
		return Result[ChangedWithdrawal]{}, referrer.ErrWithdrawalNotFound
	}
	o, err := execute(ctx, x, req, change[referrer.State]{
		of: ref(referrer.Aggregate, name), contended: true,
		decide: func(s referrer.State) ([]event.Event, error) { return decide(s, sequence) },
	})
	return changedWithdrawal(o, sequence, err)
}

func (x *executor) approveWithdrawal(ctx context.Context, req Request, c ApproveWithdrawal) (Result[ChangedWithdrawal], error) {
	_, by, _ := req.Principal.Actor()
	return x.changeWithdrawal(ctx, req, c.TransactionID, func(s referrer.State, sequence int64) ([]event.Event, error) {
		return s.Approve(sequence, by, x.referrals.Programme.SecondApprovalAbove, req.at())
	})
}

func (x *executor) rejectWithdrawal(ctx context.Context, req Request, c RejectWithdrawal) (Result[ChangedWithdrawal], error) {
	_, by, _ := req.Principal.Actor()
	return x.changeWithdrawal(ctx, req, c.TransactionID, func(s referrer.State, sequence int64) ([]event.Event, error) {
		return s.Reject(sequence, by, c.Reason, req.at())
	})
}

func (x *executor) finishWithdrawal(ctx context.Context, req Request, c FinishWithdrawal) (Result[ChangedWithdrawal], error) {
	done, err := x.changeWithdrawal(ctx, req, c.TransactionID, func(s referrer.State, sequence int64) ([]event.Event, error) {
		return s.Finish(sequence, c.Outcome, req.at())
	})
	if err == nil && !done.Value.Withdrawal.Open() {
		err = x.referrals.Payouts.Forget(ctx, done.Value.Withdrawal.Reference)
	}
	return done, err
}

func (x *executor) sendWithdrawal(ctx context.Context, req Request, c SendWithdrawal) (Result[ChangedWithdrawal], error) {
	// An earlier attempt may have ordered the payment: then the state says so.
	req.Retry = false
	// The event comes first: two who send at once are told apart by it, and a crash
	// leaves a withdrawal that is asked about.
	sent, err := x.changeWithdrawal(ctx, req, c.TransactionID, func(s referrer.State, sequence int64) ([]event.Event, error) {
		return s.Send(sequence, c.TransactionID, req.at())
	})
	if err != nil {
		return sent, err
	}
	w := sent.Value.Withdrawal
	ended, err := x.referrals.Payouts.Pay(ctx, Payout{
		Reference: w.Reference, Amount: w.Amount, Currency: w.Currency, Method: w.PayoutMethod, Email: w.PayoutEmail,
	})
	if err != nil {
		ended = referrer.OutcomeUnknown
	}
	return x.ended(ctx, req, sent, c.TransactionID, ended)
}

func (x *executor) askWithdrawal(ctx context.Context, req Request, c AskWithdrawal) (Result[ChangedWithdrawal], error) {
	known, err := x.changeWithdrawal(ctx, req, c.TransactionID, func(referrer.State, int64) ([]event.Event, error) { return nil, nil })
	if err != nil {
		return known, err
	}
	if s := known.Value.Withdrawal.Status; s != referrer.StatusSent && s != referrer.StatusUncertain {
		return known, nil
	}
	ended, err := x.referrals.Payouts.Ask(ctx, known.Value.Withdrawal.Reference)
	if err != nil {
		return known, err
	}
	return x.ended(ctx, req, known, c.TransactionID, ended)
}

// ended notes how a payment ended, if that is known.
func (x *executor) ended(ctx context.Context, req Request, before Result[ChangedWithdrawal], transaction string, o referrer.Outcome) (Result[ChangedWithdrawal], error) {
	if o == "" {
		return before, nil
	}
	// A command of its own: its event must not have the id of the one before.
	req.ID = event.DeriveID(req.ID, "ended/"+string(o), int(before.Revision))
	return x.finishWithdrawal(ctx, req, FinishWithdrawal{TransactionID: transaction, Outcome: o})
}
