package payments_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perfectworks/backend/adapters/postgres/postgrestest"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/payment"
	"github.com/perfectworks/backend/domain/personal"
	"github.com/perfectworks/backend/migrations"
	"github.com/perfectworks/backend/projections/list"
	"github.com/perfectworks/backend/projections/payments"
	"github.com/perfectworks/backend/projections/readmodeltest"
)

var (
	day0 = time.Date(2026, 3, 1, 12, 0, 0, 123e6, time.UTC)
	day1 = day0.AddDate(0, 0, 1)
	day2 = day0.AddDate(0, 0, 2)

	requested = payment.CheckoutRequested{
		PaymentID: "pay_1", OrganizationID: "org_1", UserID: "user_1", ProductID: "tokens", Quantity: 2, UnitAmount: 4900,
		Currency: "eur", Tokens: 2000, OccurredAt: day0,
	}
	opened    = payment.CheckoutSessionOpened{PaymentID: "pay_1", SessionID: "cs_1", ExpireAt: day1, OccurredAt: day0}
	succeeded = payment.Succeeded{
		PaymentID: "pay_1", SessionID: "cs_1", IntentID: "pi_1", ChargeID: "ch_1", InvoiceID: "in_1",
		AmountSubtotal: 9800, AmountTotal: 11662, Currency: "eur", OccurredAt: day1,
	}
)

func newModel(t *testing.T) (*readmodeltest.Model, payments.Queries) {
	t.Helper()
	pool := postgrestest.New(t, postgrestest.WithMigrations(migrations.App, migrations.AppTable))
	return readmodeltest.New(t, pool, payments.Definition()), payments.NewQueries(pool)
}

// After each event the payment that is read is the one that follows from the
// aggregate's state, and what its facts come to is the same.
func TestTheStateGivesTheSamePayment(t *testing.T) {
	t.Parallel()
	readmodeltest.RefusesOthers(t, payments.Definition(), payment.Aggregate.Schemas)
	readmodeltest.Follows(t, payments.Definition(), payment.Aggregate.Schemas)
	m, q := newModel(t)
	s := payment.State{}
	for i, e := range []event.Event{
		requested, opened,
		payment.CheckoutSessionExpired{PaymentID: "pay_1", SessionID: "cs_1", OccurredAt: day1},
		payment.Failed{PaymentID: "pay_1", SessionID: "cs_1", OccurredAt: day1},
		payment.CheckoutSessionCompleted{PaymentID: "pay_1", SessionID: "cs_1", OccurredAt: day1},
		succeeded,
		payment.Quarantined{PaymentID: "pay_1", Reason: payment.QuarantineAmount, OccurredAt: day1},
		payment.Parked{PaymentID: "pay_1", OccurredAt: day1},
		payment.Released{PaymentID: "pay_1", OrganizationID: "org_1", Reason: personal.New("fine"), OccurredAt: day2},
		payment.Fulfilled{PaymentID: "pay_1", TokenTransactionID: "txn_1_1", OccurredAt: day2},
		payment.RefundRequested{PaymentID: "pay_1", OrganizationID: "org_1", RequestID: "r", Amount: 5, OccurredAt: day2},
		payment.RefundRefused{PaymentID: "pay_1", RequestID: "r", OccurredAt: day2},
		payment.Refunded{PaymentID: "pay_1", RefundID: "re_2", Amount: 5, Status: payment.RefundPending, OccurredAt: day2},
		payment.Refunded{PaymentID: "pay_1", RefundID: "re_1", Amount: 7, Status: payment.RefundSucceeded, OccurredAt: day2},
		payment.Refunded{PaymentID: "pay_1", RefundID: "re_2", Amount: 5, Status: payment.RefundFailed, OccurredAt: day2},
		payment.DisputeOpened{PaymentID: "pay_1", DisputeID: "dp_1", Amount: 100, OccurredAt: day2},
		payment.DisputeOpened{PaymentID: "pay_1", DisputeID: "dp_1", Amount: 100, FundsWithdrawn: true, OccurredAt: day2},
		payment.DisputeClosed{PaymentID: "pay_1", DisputeID: "dp_1", Amount: 100, Outcome: payment.DisputeLost, OccurredAt: day2},
		payment.Rejected{PaymentID: "pay_1", OrganizationID: "org_1", OccurredAt: day2},
	} {
		m.Given("payment-pay_1", e)
		s = payment.Apply(s, e)
		want := payments.Of(s)
		want.Revision = event.Revision(i)
		got, err := q.Get(t.Context(), "pay_1")
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("after %T (-state +row): %v\n%s", e, err, diff)
		}
		again := got.State()
		if again.Status() != s.Status() || again.Session(day0) != s.Session(day0) || again.ClawedBack() != s.ClawedBack() ||
			again.Due() != s.Due() || again.Disputed() != s.Disputed() || again.Returned() != s.Returned() {
			t.Errorf("after %T the row comes to something else: %+v, not %+v", e, again, s)
		}
	}
	if got, err := q.OfSession(t.Context(), "cs_1"); got.ID != "pay_1" || err != nil {
		t.Errorf("%+v, %v", got, err)
	}
	for _, name := range []string{"", "cs_2"} {
		if _, err := q.OfSession(t.Context(), name); !errors.Is(err, payment.ErrNotFound) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if all, err := q.Since(t.Context(), day0); len(all) != 1 || err != nil {
		t.Errorf("%v, %v", all, err)
	}
	if all, err := q.Since(t.Context(), day1); len(all) != 0 || err != nil {
		t.Errorf("%v, %v", all, err)
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	m, q := newModel(t)
	for name, facts := range map[string][]event.Event{
		"pay_none":        nil,
		"pay_quarantined": {payment.Quarantined{Reason: payment.QuarantineMode}},
		"pay_parked":      {payment.Parked{}},
		"pay_both":        {payment.Quarantined{Reason: payment.QuarantineMode}, payment.Parked{}},
		"pay_released":    {payment.Parked{}, payment.Released{}},
		"pay_rejected":    {payment.Parked{}, payment.Rejected{}},
		"pay_refunded":    {payment.Parked{}, payment.Refunded{RefundID: "re_1", Amount: 11662, Status: payment.RefundSucceeded}},
		"pay_partly":      {payment.Parked{}, payment.Refunded{RefundID: "re_1", Amount: 11661, Status: payment.RefundSucceeded}},
		"pay_bounced":     {payment.Parked{}, payment.Refunded{RefundID: "re_1", Amount: 11662, Status: payment.RefundFailed}},
	} {
		for _, e := range append([]event.Event{requested, succeeded}, facts...) {
			m.Given("payment-"+name, named(e, name))
		}
	}
	for holding, want := range map[payments.Holding][]string{
		payments.HoldingNone:        {"pay_none"},
		payments.HoldingQuarantined: {"pay_quarantined", "pay_both"},
		payments.HoldingParked:      {"pay_partly", "pay_parked", "pay_bounced"},
		payments.HoldingReleased:    {"pay_released"},
		payments.HoldingRejected:    {"pay_rejected"},
		payments.HoldingRefunded:    {"pay_refunded"},
	} {
		page, err := q.List(t.Context(), list.Request{Filters: map[string][]string{"holding": {string(holding)}}})
		var ids []string
		for _, p := range page.Items {
			ids = append(ids, string(p.ID))
			if p.Holding() != holding {
				t.Errorf("%s is listed as %s and calls itself %s", p.ID, holding, p.Holding())
			}
		}
		if diff := cmp.Diff(want, ids); diff != "" || err != nil {
			t.Errorf("%s: %v\n%s", holding, err, diff)
		}
	}
}

// named is an event about another payment.
func named(e event.Event, name string) event.Event {
	switch e := e.(type) {
	case payment.CheckoutRequested:
		e.PaymentID = id.Payment(name)
		return e
	case payment.Succeeded:
		e.PaymentID = id.Payment(name)
		return e
	case payment.Quarantined:
		e.PaymentID = id.Payment(name)
		return e
	case payment.Parked:
		e.PaymentID = id.Payment(name)
		return e
	case payment.Released:
		e.PaymentID = id.Payment(name)
		return e
	case payment.Rejected:
		e.PaymentID = id.Payment(name)
		return e
	case payment.Refunded:
		e.PaymentID = id.Payment(name)
		return e
	}
	return e
}
