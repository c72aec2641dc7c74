package commands

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/domain/payment"
)

// PaymentCommands are the use cases of payments for tokens.
type PaymentCommands struct {
	OpenCheckout Handler[OpenCheckout, OpenedPayment]
	// ObservePayment and FulfilPayment follow the provider; MakeRefund asks it.
	ObservePayment Handler[ObservePayment, payment.State]
	FulfilPayment  Handler[FulfilPayment, payment.State]
	MakeRefund     Handler[MakeRefund, payment.State]
	// RefundPayment, ReleasePayment and RejectPayment are decisions of finance.
	RefundPayment  Handler[RefundPayment, payment.State]
	ReleasePayment Handler[ReleasePayment, payment.State]
	RejectPayment  Handler[RejectPayment, payment.State]
}

func (x *executor) paymentCommands(o Observer) PaymentCommands {
	return PaymentCommands{
		OpenCheckout:   observed(o, "OpenCheckout", x.openCheckout),
		ObservePayment: observed(o, "ObservePayment", x.observePayment),
		FulfilPayment:  observed(o, "FulfilPayment", x.fulfilPayment),
		MakeRefund:     observed(o, "MakeRefund", x.makeRefund),
		RefundPayment: observed(o, "RefundPayment", finance(x, func(req Request, c RefundPayment) (id.Payment, decision) {
			return c.PaymentID, func(s payment.State) ([]event.Event, error) {
				return s.RequestRefund(req.ID.String(), c.Amount, c.Reason, req.at())
			}
		})),
		ReleasePayment: observed(o, "ReleasePayment", finance(x, func(req Request, c ReleasePayment) (id.Payment, decision) {
			return c.PaymentID, func(s payment.State) ([]event.Event, error) { return s.Release(c.Reason, req.at()) }
		})),
		RejectPayment: observed(o, "RejectPayment", finance(x, func(req Request, c RejectPayment) (id.Payment, decision) {
			return c.PaymentID, func(s payment.State) ([]event.Event, error) { return s.Reject(c.Reason, req.at()) }
		})),
	}
}

type decision = func(payment.State) ([]event.Event, error)

// finance is a decision about a payment by a person of finance.
func finance[C any](x *executor, of func(Request, C) (id.Payment, decision)) Handler[C, payment.State] {
	return func(ctx context.Context, req Request, c C) (Result[payment.State], error) {
		if err := req.Principal.Require(access.ManagePayments); err != nil {
			return Result[payment.State]{}, err
		}
		name, decide := of(req, c)
		return resultOf(x.changePayment(ctx, req, name, decide))
	}
}

// changePayment changes a payment that exists. Repeating it is recognised by the
// state of the payment, not by the ids of events: one request may write into the
// payment more than once.
func (x *executor) changePayment(ctx context.Context, req Request, name id.Payment, decide decision) (outcome[payment.State], error) {
	req.Retry = false
	of := ref(payment.Aggregate, name)
	known, err := load(ctx, x, of, true)
	if err != nil {
		return outcome[payment.State]{}, err
	}
	if known.State.ID == "" {
		return outcome[payment.State]{}, payment.ErrNotFound
	}
	return execute(ctx, x, req, change[payment.State]{
		of: of, organization: known.State.OrganizationID, expected: req.Expected, decide: decide, name: nameOfFact,
	})
}

// facts is the namespace of the ids of events that tell the provider's facts.
var facts = uuid.MustParse("0b1f6d0e-7a0b-5a8e-9d55-0e2f6b9a1c77")

// FactID is the id of the event that tells a fact of the provider: always the
// same, whoever learns of the fact and how often.
func FactID(fact string) event.ID { return event.ID(uuid.NewSHA1(facts, []byte(fact))) }

// nameOfFact gives events that tell facts their ids.
func nameOfFact(e event.Event) (event.ID, bool) {
	fact := payment.Fact(e)
	return FactID(fact), fact != ""
}

// deleted tells whether an organization was deleted, or never was.
func (x *executor) deleted(ctx context.Context, name id.Organization) (bool, error) {
	o, err := load(ctx, x, ref(organization.Aggregate, name), true)
	switch {
	case errors.Is(err, organization.ErrNotFound):
		return true, nil
	case err != nil:
		return false, err // An outage says nothing of the organization.
	}
	return o.State.Status != organization.StatusActive, nil
}
