package sandbox

import "net/http"

// Pay pays a session at once, as with a card.
func (s *Sandbox) Pay(sessionID string) error {
	return s.do(func(c *change) error {
		return c.through(sessionID, func(cs *session, pi *intent) error {
			ch := c.charged(pi, "succeeded")
			pi.Status, pi.AmountReceived, pi.LastError = "succeeded", pi.Amount, nil
			c.complete(cs, "paid")
			c.invoice(cs, pi, ch)
			c.put("charge", ch)
			c.put("payment_intent", pi)
			c.put("checkout.session", cs)
			c.emit("charge.succeeded", ch)
			c.emit("payment_intent.succeeded", pi)
			c.emit("checkout.session.completed", cs)
			return nil
		})
	})
}

// Decline refuses a payer's card. The session stays open for another attempt.
func (s *Sandbox) Decline(sessionID string) error {
	return s.do(func(c *change) error {
		return c.through(sessionID, func(cs *session, pi *intent) error {
			ch := c.charged(pi, "failed")
			c.failed(pi, ch, "card_declined", "Your card was declined.")
			c.put("charge", ch)
			c.put("payment_intent", pi)
			c.put("checkout.session", cs)
			c.emit("charge.failed", ch)
			c.emit("payment_intent.payment_failed", pi)
			return nil
		})
	})
}

// PayLater completes a session whose money is on its way, as with a bank debit.
// Settle ends it.
func (s *Sandbox) PayLater(sessionID string) error {
	return s.do(func(c *change) error {
		return c.through(sessionID, func(cs *session, pi *intent) error {
			ch := c.charged(pi, "pending")
			pi.Status, pi.LastError = "processing", nil
			c.complete(cs, "unpaid")
			c.put("charge", ch)
			c.put("payment_intent", pi)
			c.put("checkout.session", cs)
			c.emit("charge.pending", ch)
			c.emit("payment_intent.processing", pi)
			c.emit("checkout.session.completed", cs)
			return nil
		})
	})
}

// Settle says whether the money of a session that is paid later has come.
func (s *Sandbox) Settle(sessionID string, arrived bool) error {
	return s.do(func(c *change) error {
		cs, err := find[session](c, sessionID)
		if err != nil {
			return err
		}
		if cs.Status != "complete" || cs.PaymentStatus != "unpaid" || cs.PaymentIntent == nil {
			return state("checkout_session_unexpected_state", "No payment of this session is on its way.")
		}
		pi, err := find[intent](c, *cs.PaymentIntent)
		if err != nil {
			return err
		}
		if pi.Status != "processing" || pi.LatestCharge == nil {
			return state("payment_intent_unexpected_state", "No payment of this session is on its way.")
		}
		ch, err := find[charge](c, *pi.LatestCharge)
		if err != nil {
			return err
		}
		outcome, kind, chargeKind := "checkout.session.async_payment_succeeded", "payment_intent.succeeded", "charge.succeeded"
		if arrived {
			ch.Status, ch.Paid, ch.Captured, ch.AmountCaptured = "succeeded", true, true, ch.Amount
			pi.Status, pi.AmountReceived = "succeeded", pi.Amount
			cs.PaymentStatus = "paid"
			c.invoice(cs, pi, ch)
		} else {
			outcome, kind, chargeKind = "checkout.session.async_payment_failed", "payment_intent.payment_failed", "charge.failed"
			ch.Status = "failed"
			c.failed(pi, ch, "debit_not_authorized", "The bank did not allow the debit.")
		}
		c.put("charge", ch)
		c.put("payment_intent", pi)
		c.put("checkout.session", cs)
		c.emit(chargeKind, ch)
		c.emit(kind, pi)
		c.emit(outcome, cs)
		return nil
	})
}

// through is an attempt to pay an open session. Its payment intent is made with
// the first one.
func (c *change) through(sessionID string, attempt func(*session, *intent) error) error {
	cs, err := find[session](c, sessionID)
	if err != nil {
		return err
	}
	if cs.Status != "open" || c.at.Unix() >= cs.ExpiresAt {
		return state("checkout_session_not_open", "This session is not open any more.")
	}
	var pi *intent
	if cs.PaymentIntent != nil {
		if pi, err = find[intent](c, *cs.PaymentIntent); err != nil {
			return err
		}
	} else {
		pi = &intent{
			base: c.base("pi", "payment_intent"), Amount: cs.AmountTotal, Currency: cs.Currency,
			Metadata: cs.IntentMetadata, PaymentMethods: cs.PaymentMethods, Status: "requires_payment_method",
		}
		cs.PaymentIntent = &pi.ID
		c.emit("payment_intent.created", pi)
	}
	return attempt(cs, pi)
}

func (c *change) complete(cs *session, paymentStatus string) {
	email, name := "payer@example.com", "Sandbox Payer"
	if cs.CustomerEmail != nil {
		email = *cs.CustomerEmail
	}
	cs.CustomerDetails = &customerDetails{Email: &email, Name: &name}
	cs.Status, cs.PaymentStatus, cs.URL = "complete", paymentStatus, nil
}

func (c *change) charged(pi *intent, status string) *charge {
	email, name := "payer@example.com", "Sandbox Payer"
	ch := &charge{
		base: c.base("ch", "charge"), Amount: pi.Amount, Currency: pi.Currency, Metadata: pi.Metadata,
		PaymentIntent: pi.ID, Status: status, BillingDetails: customerDetails{Email: &email, Name: &name},
	}
	if status == "succeeded" {
		ch.Paid, ch.Captured, ch.AmountCaptured = true, true, pi.Amount
	}
	pi.LatestCharge = &ch.ID
	return ch
}

func (c *change) failed(pi *intent, ch *charge, code, message string) {
	ch.FailureCode, ch.FailureMessage = &code, &message
	pi.Status, pi.LastError = "requires_payment_method", &paymentError{"card_error", code, message}
}

// invoice makes the invoice of a session that asked for one.
func (c *change) invoice(cs *session, pi *intent, ch *charge) {
	if !cs.InvoiceCreation.Enabled {
		return
	}
	in := &invoice{
		base: c.base("in", "invoice"), AmountPaid: cs.AmountTotal, Charge: &ch.ID, Currency: cs.Currency,
		Metadata: metadata{}, Paid: true, PaymentIntent: &pi.ID, Status: "paid",
		Subtotal: cs.AmountSubtotal, Total: cs.AmountTotal,
	}
	in.Number = "SANDBOX-" + in.ID[len(in.ID)-8:]
	in.HostedURL = c.s.options.PageURL + "/invoices/" + in.ID
	cs.Invoice, pi.Invoice, ch.Invoice = &in.ID, &in.ID, &in.ID
	c.put("invoice", in)
	c.emit("invoice.paid", in)
}

// Refund returns an amount of a charge, or all that is left when it is zero. A
// pending refund is ended by SettleRefund; without pending it succeeds at once,
// and can still fail by SettleRefund.
func (s *Sandbox) Refund(chargeID string, amount int64, pending bool) (refundID string, err error) {
	err = s.do(func(c *change) error {
		r, err := c.refund(chargeID, amount, pending, nil, metadata{})
		if err == nil {
			refundID = r.ID
		}
		return err
	})
	return refundID, err
}

func (c *change) refund(chargeID string, amount int64, pending bool, reason *string, m metadata) (*refund, error) {
	ch, err := find[charge](c, chargeID)
	if err != nil {
		return nil, err
	}
	left := ch.Amount - ch.AmountRefunded
	switch {
	case ch.Status != "succeeded":
		return nil, state("charge_not_refundable", "This charge was not paid.")
	case left == 0:
		return nil, state("charge_already_refunded", "Charge %s has already been refunded.", ch.ID)
	case amount == 0:
		amount = left
	case amount < 0:
		return nil, invalid("amount", "Invalid positive integer")
	case amount > left:
		return nil, &Error{http.StatusBadRequest, invalidRequest, "amount_too_large", "amount", "Refund amount is greater than unrefunded amount on charge."}
	}
	r := &refund{
		base: c.base("re", "refund"), Amount: amount, Charge: ch.ID, Currency: ch.Currency, Metadata: m,
		PaymentIntent: ch.PaymentIntent, Reason: reason, Status: "succeeded",
	}
	if pending {
		r.Status = "pending"
	}
	ch.AmountRefunded += amount
	ch.Refunded = ch.AmountRefunded == ch.Amount
	c.put("refund", r)
	c.put("charge", ch)
	c.emit("refund.created", r)
	c.emit("charge.refunded", ch)
	return r, nil
}

// SettleRefund says how a refund ended. One that succeeded can fail later, when
// the payer's bank sends it back.
func (s *Sandbox) SettleRefund(refundID string, arrived bool) error {
	return s.do(func(c *change) error {
		r, err := find[refund](c, refundID)
		if err != nil {
			return err
		}
		switch {
		case r.Status == "failed", arrived && r.Status != "pending":
			return state("refund_unexpected_state", "This refund has ended.")
		case arrived:
			r.Status = "succeeded"
		default:
			why := "expired_or_canceled_card"
			r.Status, r.FailureReason = "failed", &why
			ch, err := find[charge](c, r.Charge)
			if err != nil {
				return err
			}
			ch.AmountRefunded -= r.Amount
			ch.Refunded = false
			c.put("charge", ch)
		}
		c.put("refund", r)
		c.emit("refund.updated", r)
		c.emit("charge.refund.updated", r)
		return nil
	})
}
