package sandbox

import "slices"

// OpenDispute lets the payer dispute an amount of a charge, all of it when it is
// zero. An inquiry withdraws no funds; EscalateDispute makes a dispute of it.
func (s *Sandbox) OpenDispute(chargeID string, amount int64, inquiry bool) (disputeID string, err error) {
	err = s.do(func(c *change) error {
		ch, err := find[charge](c, chargeID)
		if err != nil {
			return err
		}
		switch {
		case ch.Status != "succeeded":
			return state("charge_not_disputable", "This charge was not paid.")
		case amount == 0:
			amount = ch.Amount
		case amount < 0 || amount > ch.Amount:
			return invalid("amount", "A dispute is about a part of the charge at most.")
		}
		d := &dispute{
			base: c.base("dp", "dispute"), Amount: amount, BalanceTransactions: []balanceTransaction{}, Charge: ch.ID,
			Currency: ch.Currency, IsChargeRefundable: inquiry, Metadata: metadata{}, PaymentIntent: ch.PaymentIntent,
			Reason: "fraudulent", Status: "needs_response",
		}
		if inquiry {
			d.Status = "warning_needs_response"
		}
		ch.Disputed = true
		c.put("charge", ch)
		c.put("dispute", d)
		if !inquiry {
			c.move(d, -amount)
		}
		c.emit("charge.dispute.created", d)
		if !inquiry {
			c.emit("charge.dispute.funds_withdrawn", d)
		}
		disputeID = d.ID
		return nil
	})
	return disputeID, err
}

// move books funds of a dispute: negative when they are withdrawn.
func (c *change) move(d *dispute, amount int64) {
	kind := "dispute"
	if amount > 0 {
		kind = "dispute_reversal"
	}
	d.BalanceTransactions = append(d.BalanceTransactions[:len(d.BalanceTransactions):len(d.BalanceTransactions)], balanceTransaction{
		ID: newID("txn"), Object: "balance_transaction", Amount: amount, Currency: d.Currency, Created: c.at.Unix(),
		Net: amount, ReportingCategory: kind, Source: d.ID, Type: "adjustment",
	})
}

// EscalateDispute makes an inquiry a dispute, which withdraws the funds.
func (s *Sandbox) EscalateDispute(disputeID string) error {
	return s.onDispute(disputeID, func(c *change, d *dispute) error {
		if d.Status != "warning_needs_response" {
			return state("dispute_unexpected_state", "This dispute is not an open inquiry.")
		}
		d.Status, d.IsChargeRefundable = "needs_response", false
		c.move(d, -d.Amount)
		c.emit("charge.dispute.updated", d)
		c.emit("charge.dispute.funds_withdrawn", d)
		return nil
	})
}

// DisputeEnd is how a dispute ends.
type DisputeEnd string

// The ends. An inquiry is closed, other disputes are won or lost.
const (
	DisputeWon    DisputeEnd = "won"
	DisputeLost   DisputeEnd = "lost"
	InquiryClosed DisputeEnd = "warning_closed"
)

// CloseDispute ends a dispute.
func (s *Sandbox) CloseDispute(disputeID string, end DisputeEnd) error {
	return s.onDispute(disputeID, func(c *change, d *dispute) error {
		inquiry := d.Status == "warning_needs_response"
		ends := []DisputeEnd{DisputeWon, DisputeLost}
		if inquiry {
			ends = []DisputeEnd{InquiryClosed}
		}
		if !inquiry && d.Status != "needs_response" || !slices.Contains(ends, end) {
			return state("dispute_unexpected_state", "A dispute that is %s cannot become %s.", d.Status, end)
		}
		d.Status = string(end)
		if end == DisputeWon {
			c.move(d, d.Amount)
		}
		c.emit("charge.dispute.closed", d)
		if end == DisputeWon {
			c.emit("charge.dispute.funds_reinstated", d)
		}
		return nil
	})
}

// ReinstateFunds returns what a dispute that was lost took, which banks do now
// and then.
func (s *Sandbox) ReinstateFunds(disputeID string) error {
	return s.onDispute(disputeID, func(c *change, d *dispute) error {
		var sum int64
		for _, t := range d.BalanceTransactions {
			sum += t.Amount
		}
		if sum >= 0 {
			return state("dispute_unexpected_state", "This dispute holds no funds.")
		}
		c.move(d, -sum)
		c.emit("charge.dispute.funds_reinstated", d)
		return nil
	})
}

func (s *Sandbox) onDispute(disputeID string, act func(*change, *dispute) error) error {
	return s.do(func(c *change) error {
		d, err := find[dispute](c, disputeID)
		if err != nil {
			return err
		}
		if err := act(c, d); err != nil {
			return err
		}
		c.put("dispute", d)
		return nil
	})
}
