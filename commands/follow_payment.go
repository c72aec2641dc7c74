package commands

import (
	"context"
	"errors"

	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/payment"
	"github.com/perfectworks/backend/domain/personal"
	"github.com/perfectworks/backend/domain/tokenaccount"
)

// ObservePayment fetches what the provider knows of the payment of a session,
// and notes what is new. It fails with payment.ErrNotFound for a session that is
// not of a payment of this product: another program may use the same account.
type ObservePayment struct{ SessionID string }

// FulfilPayment brings the token account to where a payment wants it: the tokens
// are granted once the payment is due, and taken back or frozen as its refunds
// and disputes ask for. It may be repeated at any time.
type FulfilPayment struct{ PaymentID id.Payment }

// MakeRefund asks the provider to return what a refund request of the payment
// asks for, once. It fails with ErrProviderRefused, which it notes.
type MakeRefund struct {
	PaymentID id.Payment
	RequestID string
}

// RefundPayment returns an amount of a payment, or all that is left when it is
// zero. The money goes later; its refund is a fact of the provider.
type RefundPayment struct {
	PaymentID id.Payment
	Amount    int64
	Reason    personal.Text
}

// ReleasePayment credits a payment that was quarantined or parked.
type ReleasePayment struct {
	PaymentID id.Payment
	Reason    personal.Text
}

// RejectPayment decides that a quarantined or parked payment is never credited.
type RejectPayment struct {
	PaymentID id.Payment
	Reason    personal.Text
}

func (x *executor) observePayment(ctx context.Context, req Request, c ObservePayment) (Result[payment.State], error) {
	if err := req.Principal.Require(access.FollowPayments); err != nil {
		return Result[payment.State]{}, err
	}
	seen, err := x.payments.Observe(ctx, c.SessionID)
	if err != nil {
		return Result[payment.State]{}, err
	}
	if seen.PaymentID == "" {
		return Result[payment.State]{}, payment.ErrNotFound
	}
	known, err := load(ctx, x, ref(payment.Aggregate, seen.PaymentID), true)
	if err != nil {
		return Result[payment.State]{}, err
	}
	deleted, err := x.deleted(ctx, known.State.OrganizationID)
	if err != nil {
		return Result[payment.State]{}, err
	}
	return resultOf(x.changePayment(ctx, req, seen.PaymentID, func(s payment.State) ([]event.Event, error) {
		return s.Observe(seen.Observed, deleted, req.at())
	}))
}

func (x *executor) fulfilPayment(ctx context.Context, req Request, c FulfilPayment) (Result[payment.State], error) {
	if err := req.Principal.Require(access.FollowPayments); err != nil {
		return Result[payment.State]{}, err
	}
	known, err := load(ctx, x, ref(payment.Aggregate, c.PaymentID), true)
	if err != nil {
		return Result[payment.State]{}, err
	}
	s := known.State
	if !s.Due() {
		return resultOf(known, nil)
	}
	account := req
	account.Principal, account.Expected = req.Principal.In(s.OrganizationID), nil
	grant := GrantOf(s)
	granted, err := x.tokens.GrantTokens(ctx, account, GrantTokens{
		Grant: grant, Source: tokenaccount.SourcePurchase, Amount: s.Tokens,
	})
	if err != nil {
		return Result[payment.State]{}, err
	}
	if len(s.Refunds) > 0 || len(s.Disputes) > 0 {
		// A command of its own: its events must not have the ids of the grant's.
		account.ID = event.DeriveID(req.ID, "align", int(known.Revision))
		_, err = x.tokens.AlignGrant(ctx, account, AlignGrant{
			Grant: grant, Version: int64(known.Revision), ClawedBack: s.ClawedBack(), Disputed: s.Disputed(),
		})
		if err != nil {
			return Result[payment.State]{}, err
		}
	}
	entry := ""
	if g, ok := granted.Value.Grant(grant); ok {
		entry = tokenaccount.TransactionID(s.OrganizationID, g.Sequence)
	}
	done, err := x.changePayment(ctx, req, c.PaymentID, func(s payment.State) ([]event.Event, error) {
		return s.Fulfil(entry, req.at())
	})
	done.Position = latest(done.Position, granted.Position)
	return resultOf(done, err)
}

// GrantOf is the reference of the grant that a payment pays for.
func GrantOf(s payment.State) tokenaccount.Reference {
	return tokenaccount.Reference{ID: "payment:" + string(s.ID), At: s.RequestedAt}
}

func (x *executor) makeRefund(ctx context.Context, req Request, c MakeRefund) (Result[payment.State], error) {
	if err := req.Principal.Require(access.FollowPayments); err != nil {
		return Result[payment.State]{}, err
	}
	known, err := load(ctx, x, ref(payment.Aggregate, c.PaymentID), true)
	if err != nil {
		return Result[payment.State]{}, err
	}
	s := known.State
	for _, r := range s.RefundRequests {
		if r.ID != c.RequestID || r.Refused || s.Paid == nil {
			continue
		}
		err := x.payments.Refund(ctx, NewRefund{
			PaymentID: s.ID, RequestID: r.ID, IntentID: s.Paid.IntentID, Amount: r.Amount,
		})
		if errors.Is(err, ErrProviderRefused) {
			// The amount can be asked for again. That it was refused is an error all the
			// same: finance waits for the money to go.
			_, noted := x.changePayment(ctx, req, c.PaymentID, func(s payment.State) ([]event.Event, error) {
				return s.RefuseRefund(c.RequestID, req.at())
			})
			if noted != nil {
				return Result[payment.State]{}, noted
			}
		}
		if err != nil {
			return Result[payment.State]{}, err
		}
		return x.observePayment(ctx, req, ObservePayment{SessionID: s.SessionID})
	}
	return resultOf(known, nil)
}
