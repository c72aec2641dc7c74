package payment_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/perfectworks/backend/domain/domaintest"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/payment"
)

func TestObserve(t *testing.T) {
	t.Parallel()
	taxed := paid
	taxed.Currency = "eur"
	whole := payment.Observed{
		SessionID: "cs_1", ExpireAt: opened.ExpireAt, Completed: true, Paid: &taxed,
		Refunds:  []payment.Refund{{ID: "re_1", Amount: 100, Status: payment.RefundSucceeded}},
		Disputes: []payment.Dispute{{ID: "dp_1", Amount: 50, FundsWithdrawn: true, Outcome: payment.DisputeLost}},
	}
	s := domaintest.Fold(payment.Apply, requested)
	events, err := s.Observe(whole, false, now)
	want := []event.Event{
		payment.CheckoutSessionOpened{PaymentID: "pay_1", SessionID: "cs_1", ExpireAt: opened.ExpireAt, OccurredAt: now},
		payment.CheckoutSessionCompleted{PaymentID: "pay_1", SessionID: "cs_1", OccurredAt: now},
		succeeded,
		payment.Refunded{PaymentID: "pay_1", RefundID: "re_1", Amount: 100, Status: payment.RefundSucceeded, OccurredAt: now},
		payment.DisputeOpened{PaymentID: "pay_1", DisputeID: "dp_1", Amount: 50, FundsWithdrawn: true, OccurredAt: now},
		payment.DisputeClosed{PaymentID: "pay_1", DisputeID: "dp_1", Amount: 50, Outcome: payment.DisputeLost, OccurredAt: now},
	}
	if diff := cmp.Diff(want, events); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	// Seen again, all of it or a part of it from before, it says nothing new.
	after := domaintest.Fold(payment.Apply, append([]event.Event{requested}, events...)...)
	for name, again := range map[string]payment.Observed{
		"the same":  whole,
		"the start": {SessionID: "cs_1", ExpireAt: opened.ExpireAt},
		"a refund from before": {
			SessionID: "cs_1", Refunds: []payment.Refund{{ID: "re_1", Amount: 100, Status: payment.RefundPending}},
		},
	} {
		if events, err := after.Observe(again, true, now); len(events) != 0 || err != nil {
			t.Errorf("%s: %v, %v", name, events, err)
		}
	}
	// What is not as the session says is withheld.
	discounted := taxed
	discounted.AmountTotal = 1
	for name, c := range map[string]struct {
		paid    payment.Paid
		deleted bool
		last    event.Event
	}{
		"a discount":             {discounted, false, quarantined},
		"a deleted organization": {taxed, true, parked},
	} {
		events, err := s.Observe(payment.Observed{SessionID: "cs_1", Paid: &c.paid}, c.deleted, now)
		if err != nil || events[len(events)-1] != c.last {
			t.Errorf("%s: %v, %v", name, events, err)
		}
	}
	if _, err := after.Observe(payment.Observed{SessionID: "cs_2", Completed: true}, false, now); !errors.Is(err, payment.ErrSessionOpened) {
		t.Errorf("the session of another payment: %v", err)
	}
	if _, err := (payment.State{}).Observe(whole, false, now); !errors.Is(err, payment.ErrNotFound) {
		t.Errorf("a payment that does not exist: %v", err)
	}
}

// Two facts never have one name, and the provider's facts all have one.
func TestFacts(t *testing.T) {
	t.Parallel()
	seen := map[string]event.Event{}
	for _, e := range []event.Event{
		payment.CheckoutSessionOpened{SessionID: "a"},
		payment.CheckoutSessionCompleted{SessionID: "a"},
		payment.CheckoutSessionExpired{SessionID: "a"},
		payment.Failed{SessionID: "a"},
		payment.Succeeded{SessionID: "a"},
		payment.Succeeded{SessionID: "b"},
		payment.Refunded{RefundID: "a", Status: payment.RefundPending},
		payment.Refunded{RefundID: "a", Status: payment.RefundSucceeded},
		payment.Refunded{RefundID: "a", Status: payment.RefundFailed},
		payment.Refunded{RefundID: "b", Status: payment.RefundFailed},
		payment.DisputeOpened{DisputeID: "a"},
		payment.DisputeOpened{DisputeID: "a", FundsWithdrawn: true},
		payment.DisputeClosed{DisputeID: "a", Outcome: payment.DisputeLost},
		payment.DisputeClosed{DisputeID: "a", Outcome: payment.DisputeWon},
		payment.Quarantined{PaymentID: "a"},
		payment.Parked{PaymentID: "a"},
	} {
		name := payment.Fact(e)
		if other, taken := seen[name]; taken || name == "" {
			t.Errorf("%#v and %#v are both %q", e, other, name)
		}
		seen[name] = e
	}
	for _, e := range []event.Event{requested, payment.Released{}, payment.Rejected{}, payment.RefundRequested{}, payment.Fulfilled{}} {
		if name := payment.Fact(e); name != "" {
			t.Errorf("%#v is our own, and is called %q", e, name)
		}
	}
}
