package commands

import (
	"context"

	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/domain/payment"
	"github.com/perfectworks/backend/domain/referrer"
)

// SettleCommission brings the commission on a payment to where the payment wants it
// now. It does nothing for a payment of an organization that nobody registered who
// was referred. It may be repeated at any time.
type SettleCommission struct{ PaymentID id.Payment }

// MatureCommissions records which commissions of a referrer have matured by the
// clock; some of them, if there are many.
type MatureCommissions struct{ ReferrerID id.Referrer }

func (x *executor) settleCommission(ctx context.Context, req Request, c SettleCommission) (Result[referrer.State], error) {
	if err := req.Principal.Require(access.FollowReferrals); err != nil {
		return Result[referrer.State]{}, err
	}
	paid, err := load(ctx, x, ref(payment.Aggregate, c.PaymentID), true)
	if err != nil || paid.State.Paid == nil {
		return Result[referrer.State]{}, err
	}
	payer, err := load(ctx, x, ref(organization.Aggregate, paid.State.OrganizationID), true)
	if err != nil || payer.State.CreatedBy == "" {
		return Result[referrer.State]{}, err
	}
	// The referral is decided when the person registers, but a payment must not
	// overtake that.
	referred, err := x.attributed(ctx, req, payer.State.CreatedBy)
	if err != nil || !referred.State.Earns() {
		return Result[referrer.State]{}, err
	}
	r := referred.State
	_, same := payer.State.Members.Find(r.ReferrerID.Person())
	p := paid.State
	settled := referrer.Payment{
		ID: p.ID, OrganizationID: p.OrganizationID, UserID: r.UserID, RegisteredAt: r.RegisteredAt,
		CampaignID: r.CampaignID, ClickID: r.ClickID, Rule: r.Rule,
		Due: p.Due(), Subtotal: p.Paid.AmountSubtotal, Total: p.Paid.AmountTotal, Returned: p.Returned(),
		Currency: p.Paid.Currency, PaidAt: p.Paid.At, Disputed: p.Disputed(), SameOrganization: same,
	}
	// Repeating it is recognised by the state, not by the ids of events: a payment
	// may have changed between two attempts.
	req.Retry = false
	req.ID = event.DeriveID(req.ID, "settle", int(paid.Revision))
	return resultOf(execute(ctx, x, req, change[referrer.State]{
		of: ref(referrer.Aggregate, r.ReferrerID), organization: p.OrganizationID, contended: true,
		decide: func(s referrer.State) ([]event.Event, error) { return s.Settle(settled, req.at()) },
	}))
}

func (x *executor) matureCommissions(ctx context.Context, req Request, c MatureCommissions) (Result[referrer.State], error) {
	if err := req.Principal.Require(access.FollowReferrals); err != nil {
		return Result[referrer.State]{}, err
	}
	of := ref(referrer.Aggregate, c.ReferrerID)
	known, err := load(ctx, x, of, true)
	if err != nil {
		return Result[referrer.State]{}, err
	}
	req.Retry = false
	req.ID = event.DeriveID(req.ID, "mature", int(known.Revision))
	return resultOf(execute(ctx, x, req, change[referrer.State]{
		of:     of,
		decide: func(s referrer.State) ([]event.Event, error) { return s.Mature(req.at()), nil },
	}))
}
