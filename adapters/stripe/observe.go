package stripe

import (
	"context"
	"errors"
	"fmt"
	"time"

	stripego "github.com/stripe/stripe-go/v76"

	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/payment"
)

// Observe implements commands.PaymentProvider.
func (c *Client) Observe(ctx context.Context, sessionID string) (commands.ObservedPayment, error) {
	p := &stripego.CheckoutSessionParams{}
	p.Context = ctx
	p.AddExpand("payment_intent.latest_charge")
	s, err := c.api.CheckoutSessions.Get(sessionID, p)
	if err != nil {
		return commands.ObservedPayment{}, failed(ctx, "fetch a checkout session", err)
	}
	return c.observed(ctx, s)
}

// observed adds to a session what became of its money.
func (c *Client) observed(ctx context.Context, s *stripego.CheckoutSession) (commands.ObservedPayment, error) {
	o := commands.ObservedPayment{PaymentID: paymentOf(s.Metadata), Observed: payment.Observed{
		SessionID: s.ID, ExpireAt: time.Unix(s.ExpiresAt, 0).UTC(),
		Completed: s.Status == stripego.CheckoutSessionStatusComplete,
		Expired:   s.Status == stripego.CheckoutSessionStatusExpired,
	}}
	pi := s.PaymentIntent
	if s.PaymentStatus == stripego.CheckoutSessionPaymentStatusPaid {
		o.Paid = paidOf(s)
	} else if o.Completed && pi != nil {
		o.Failed = pi.Status == stripego.PaymentIntentStatusRequiresPaymentMethod || pi.Status == stripego.PaymentIntentStatusCanceled
	}
	if pi == nil || o.Paid == nil {
		return o, nil
	}
	err := c.refunds(ctx, pi.ID, func(r *stripego.Refund) { o.Refunds = append(o.Refunds, refundOf(r)) })
	if err != nil {
		return commands.ObservedPayment{}, err
	}
	disputes := &stripego.DisputeListParams{PaymentIntent: stripego.String(pi.ID)}
	disputes.Context, disputes.Limit = ctx, stripego.Int64(pageSize)
	all := c.api.Disputes.List(disputes)
	for n := 0; n < maxObjects && all.Next(); n++ {
		o.Disputes = append(o.Disputes, disputeOf(all.Dispute()))
	}
	if err := all.Err(); err != nil {
		return commands.ObservedPayment{}, failed(ctx, "list the disputes of a payment", err)
	}
	return o, nil
}

const pageSize = 100

func paidOf(s *stripego.CheckoutSession) *payment.Paid {
	paid := &payment.Paid{
		AmountSubtotal: s.AmountSubtotal, AmountTotal: s.AmountTotal, Currency: string(s.Currency), Live: s.Livemode,
	}
	if s.Invoice != nil {
		paid.InvoiceID = s.Invoice.ID
	}
	if s.PaymentIntent != nil {
		paid.IntentID = s.PaymentIntent.ID
		if s.PaymentIntent.LatestCharge != nil {
			paid.ChargeID = s.PaymentIntent.LatestCharge.ID
		}
	}
	return paid
}

func (c *Client) refunds(ctx context.Context, intentID string, each func(*stripego.Refund)) error {
	p := &stripego.RefundListParams{PaymentIntent: stripego.String(intentID)}
	p.Context, p.Limit = ctx, stripego.Int64(pageSize)
	all := c.api.Refunds.List(p)
	for n := 0; n < maxObjects && all.Next(); n++ {
		each(all.Refund())
	}
	if err := all.Err(); err != nil {
		return failed(ctx, "list the refunds of a payment", err)
	}
	return nil
}

func refundOf(r *stripego.Refund) payment.Refund {
	out := payment.Refund{ID: r.ID, Amount: r.Amount, Status: payment.RefundPending}
	switch r.Status {
	case stripego.RefundStatusSucceeded:
		out.Status = payment.RefundSucceeded
	case stripego.RefundStatusFailed, stripego.RefundStatusCanceled:
		out.Status = payment.RefundFailed
	case stripego.RefundStatusPending, stripego.RefundStatusRequiresAction:
	}
	return out
}

// disputeOf reads a dispute. Its balance transactions say what it did with the
// funds: an inquiry has none, a reversal comes with a positive one.
func disputeOf(d *stripego.Dispute) payment.Dispute {
	out := payment.Dispute{ID: d.ID, Amount: d.Amount}
	reinstated := false
	for _, t := range d.BalanceTransactions {
		out.FundsWithdrawn = out.FundsWithdrawn || t.Amount < 0
		reinstated = reinstated || t.Amount > 0
	}
	switch d.Status {
	case stripego.DisputeStatusWon:
		out.Outcome = payment.DisputeWon
	case stripego.DisputeStatusLost:
		out.Outcome = payment.DisputeLost
	case stripego.DisputeStatusWarningClosed, "charge_refunded", "prevented":
		out.Outcome = payment.DisputeWarningClosed
	case stripego.DisputeStatusNeedsResponse, stripego.DisputeStatusUnderReview:
		// The funds are withdrawn with the dispute, if not yet in the books.
		out.FundsWithdrawn = true
	case stripego.DisputeStatusWarningNeedsResponse, stripego.DisputeStatusWarningUnderReview:
	}
	if reinstated && out.Outcome != payment.DisputeWon {
		out.Outcome = payment.DisputeReinstated
	}
	return out
}

// SessionOf finds the session that a webhook is about. It is empty for an object
// that belongs to none.
func (c *Client) SessionOf(ctx context.Context, about Object) (string, error) {
	if about.SessionID != "" {
		return about.SessionID, nil
	}
	intent := about.IntentID
	if intent == "" && about.ChargeID != "" {
		p := &stripego.ChargeParams{}
		p.Context = ctx
		ch, err := c.api.Charges.Get(about.ChargeID, p)
		if err = failedUnlessMissing(ctx, "fetch a charge", err); err != nil {
			return "", err
		}
		if ch != nil && ch.PaymentIntent != nil {
			intent = ch.PaymentIntent.ID
		}
	}
	if intent == "" {
		return "", nil
	}
	p := &stripego.CheckoutSessionListParams{PaymentIntent: stripego.String(intent)}
	p.Context, p.Limit = ctx, stripego.Int64(1)
	all := c.api.CheckoutSessions.List(p)
	if all.Next() {
		return all.CheckoutSession().ID, nil
	}
	return "", failedUnlessMissing(ctx, "find the session of a payment", all.Err())
}

func failedUnlessMissing(ctx context.Context, act string, err error) error {
	if err == nil {
		return nil
	}
	if err = failed(ctx, act, err); errors.Is(err, commands.ErrNoSession) {
		return nil
	}
	return err
}

// Events gives the events since a time that are about payments, the latest
// first, as they are sent to webhooks. Stripe keeps them for thirty days.
func (c *Client) Events(ctx context.Context, since time.Time, each func(body []byte, n Notice) error) error {
	p := &stripego.EventListParams{CreatedRange: &stripego.RangeQueryParams{GreaterThanOrEqual: since.Unix()}}
	p.Context, p.Limit = ctx, stripego.Int64(pageSize)
	all := c.api.Events.List(p)
	for all.Next() {
		n, body, err := noticeOf(all.Event())
		if err != nil {
			return err
		}
		if !n.Relevant() {
			continue
		}
		if err := each(body, n); err != nil {
			return err
		}
	}
	if err := all.Err(); err != nil {
		return failed(ctx, "list the events", err)
	}
	return nil
}

// Sessions gives the sessions that were created since a time, the latest first,
// with what became of each.
func (c *Client) Sessions(ctx context.Context, since time.Time, each func(commands.ObservedPayment) error) error {
	p := &stripego.CheckoutSessionListParams{CreatedRange: &stripego.RangeQueryParams{GreaterThanOrEqual: since.Unix()}}
	p.Context, p.Limit = ctx, stripego.Int64(pageSize)
	p.AddExpand("data.payment_intent.latest_charge")
	all := c.api.CheckoutSessions.List(p)
	for all.Next() {
		o, err := c.observed(ctx, all.CheckoutSession())
		if err != nil {
			return fmt.Errorf("a session of the list: %w", err)
		}
		if err := each(o); err != nil {
			return err
		}
	}
	if err := all.Err(); err != nil {
		return failed(ctx, "list the checkout sessions", err)
	}
	return nil
}
