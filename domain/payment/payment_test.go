package payment_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/perfectworks/backend/domain/domaintest"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/payment"
	"github.com/perfectworks/backend/domain/personal"
)

type (
	given = []event.Event
	then  = []event.Event
)

var (
	start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	now   = start.Add(time.Hour)
)

func checkout(change func(*payment.Checkout)) payment.Checkout {
	c := payment.Checkout{
		ID: "pay_1", OrganizationID: "org_1", UserID: "user_1", ProductID: "tokens-1000",
		UnitAmount: 4900, UnitTokens: 1000, Currency: "eur", Quantity: 2,
		SuccessPath: "/billing?ok=1", CancelPath: "/billing",
	}
	if change != nil {
		change(&c)
	}
	return c
}

var requested = payment.CheckoutRequested{
	PaymentID: "pay_1", OrganizationID: "org_1", UserID: "user_1", ProductID: "tokens-1000",
	Quantity: 2, UnitAmount: 4900, Currency: "eur", Tokens: 2000,
	SuccessPath: "/billing?ok=1", CancelPath: "/billing", OccurredAt: start,
}

var (
	opened    = payment.CheckoutSessionOpened{PaymentID: "pay_1", SessionID: "cs_1", ExpireAt: start.Add(24 * time.Hour), OccurredAt: start}
	succeeded = payment.Succeeded{
		PaymentID: "pay_1", SessionID: "cs_1", IntentID: "pi_1", ChargeID: "ch_1",
		AmountSubtotal: 9800, AmountTotal: 11662, Currency: "eur", OccurredAt: now,
	}
	paid        = payment.Paid{IntentID: "pi_1", ChargeID: "ch_1", AmountSubtotal: 9800, AmountTotal: 11662, Currency: "EUR"}
	quarantined = payment.Quarantined{PaymentID: "pay_1", Reason: payment.QuarantineAmount, OccurredAt: now}
	parked      = payment.Parked{PaymentID: "pay_1", OccurredAt: now}
	why         = personal.New("checked by phone")
)

func TestRequest(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*payment.Checkout)
		broken string
	}{
		"as it should be":         {nil, ""},
		"without paths":           {func(c *payment.Checkout) { c.SuccessPath, c.CancelPath = "", "" }, ""},
		"nothing":                 {func(c *payment.Checkout) { c.Quantity = 0 }, "quantity"},
		"less than nothing":       {func(c *payment.Checkout) { c.Quantity = -1 }, "quantity"},
		"too much":                {func(c *payment.Checkout) { c.Quantity = payment.MaxQuantity + 1 }, "quantity"},
		"far too much":            {func(c *payment.Checkout) { c.Quantity = math.MaxInt64 }, "quantity"},
		"a price beyond counting": {func(c *payment.Checkout) { c.UnitAmount = math.MaxInt64 / 2; c.Quantity = 3 }, "quantity"},
		"absolute":                {func(c *payment.Checkout) { c.SuccessPath = "https://evil.example/" }, "successPath"},
		"protocol-relative":       {func(c *payment.Checkout) { c.SuccessPath = "//evil.example/" }, "successPath"},
		"encoded slash":           {func(c *payment.Checkout) { c.CancelPath = "/%2Fevil.example" }, "cancelPath"},
		"backslash":               {func(c *payment.Checkout) { c.CancelPath = `/\evil.example` }, "cancelPath"},
		"encoded backslash":       {func(c *payment.Checkout) { c.CancelPath = "/%5Cevil.example" }, "cancelPath"},
		"upwards":                 {func(c *payment.Checkout) { c.CancelPath = "/a/../b" }, "cancelPath"},
		"encoded dots":            {func(c *payment.Checkout) { c.CancelPath = "/a/%2e%2E/b" }, "cancelPath"},
		"line feed":               {func(c *payment.Checkout) { c.CancelPath = "/a\nb" }, "cancelPath"},
		"tab between slashes":     {func(c *payment.Checkout) { c.CancelPath = "/\t/evil.example" }, "cancelPath"},
		"no slash":                {func(c *payment.Checkout) { c.CancelPath = "billing" }, "cancelPath"},
		"at sign host":            {func(c *payment.Checkout) { c.CancelPath = "@evil.example" }, "cancelPath"},
		"too long":                {func(c *payment.Checkout) { c.CancelPath = "/" + strings.Repeat("a", 500) }, "cancelPath"},
	} {
		_, err := payment.Request(checkout(c.change), start)
		if field, _, _ := strings.Cut(domaintest.Broken(err), " "); field != c.broken {
			t.Errorf("%s: breaks %q, want %q", name, field, c.broken)
		}
	}
	if got, _ := payment.Request(checkout(nil), start); got != requested {
		t.Errorf("got %+v", got)
	}
}

func TestDecisions(t *testing.T) {
	t.Parallel()
	type state = payment.State
	succeed := func(change func(*payment.Paid), deleted bool) func(state) ([]event.Event, error) {
		p := paid
		if change != nil {
			change(&p)
		}
		return func(s state) ([]event.Event, error) { return s.Succeed(p, deleted, now) }
	}
	refund := func(amount int64) func(state) ([]event.Event, error) {
		return func(s state) ([]event.Event, error) { return s.RequestRefund("req_1", amount, why, now) }
	}
	asked := func(id string, amount int64) payment.RefundRequested {
		return payment.RefundRequested{PaymentID: "pay_1", OrganizationID: "org_1", RequestID: id, Amount: amount, Reason: why, OccurredAt: now}
	}
	session := given{requested, opened}
	money := given{requested, opened, succeeded}
	domaintest.Run(t, payment.Apply, []domaintest.Case[state]{
		{Name: "opens a session", Given: given{requested}, When: func(s state) ([]event.Event, error) {
			return s.OpenSession("cs_1", opened.ExpireAt, start)
		}, Then: then{opened}},
		{Name: "opens it once", Given: session, When: func(s state) ([]event.Event, error) {
			return s.OpenSession("cs_1", now, now)
		}},
		{Name: "opens no other", Given: session, When: func(s state) ([]event.Event, error) {
			return s.OpenSession("cs_2", now, now)
		}, Fails: payment.ErrSessionOpened},
		{Name: "opens none for nothing", When: func(s state) ([]event.Event, error) {
			return s.OpenSession("cs_1", now, now)
		}, Fails: payment.ErrNotFound},
		{Name: "is paid", Given: session, When: succeed(func(p *payment.Paid) { p.Currency = "eur" }, false), Then: then{succeeded}},
		{Name: "is paid once", Given: money, When: succeed(nil, true)},
		{Name: "is paid after it expired and failed", Given: append(given{
			payment.CheckoutSessionExpired{PaymentID: "pay_1"}, payment.Failed{PaymentID: "pay_1"},
		}, session...)[2:], When: succeed(func(p *payment.Paid) { p.Currency = "eur" }, false), Then: then{succeeded}},
		{
			Name: "another amount is quarantined", Given: session,
			When: succeed(func(p *payment.Paid) { p.AmountSubtotal = 9799; p.Currency = "eur" }, false),
			Then: then{func() event.Event { e := succeeded; e.AmountSubtotal = 9799; return e }(), quarantined},
		},
		{
			Name: "another currency is quarantined", Given: session,
			When: succeed(func(p *payment.Paid) { p.Currency = "usd" }, false),
			Then: then{
				func() event.Event { e := succeeded; e.Currency = "usd"; return e }(),
				payment.Quarantined{PaymentID: "pay_1", Reason: payment.QuarantineCurrency, OccurredAt: now},
			},
		},
		{
			Name: "another mode is quarantined", Given: session,
			When: succeed(func(p *payment.Paid) { p.Live = true; p.Currency = "eur" }, false),
			Then: then{
				func() event.Event { e := succeeded; e.Live = true; return e }(),
				payment.Quarantined{PaymentID: "pay_1", Reason: payment.QuarantineMode, OccurredAt: now},
			},
		},
		{Name: "is parked for a deleted organization", Given: session, When: succeed(func(p *payment.Paid) { p.Currency = "eur" }, true), Then: then{succeeded, parked}},
		{
			Name: "notes a refund that is refused", Given: append(money[:3:3], asked("req_1", 11662)),
			When: func(s state) ([]event.Event, error) { return s.RefuseRefund("req_1", now) },
			Then: then{payment.RefundRefused{PaymentID: "pay_1", RequestID: "req_1", OccurredAt: now}},
		},
		{
			Name: "notes it once", Given: append(money[:3:3], asked("req_1", 11662), payment.RefundRefused{PaymentID: "pay_1", RequestID: "req_1"}),
			When: func(s state) ([]event.Event, error) { return s.RefuseRefund("req_1", now) },
		},
		{
			Name: "notes none that was not asked for", Given: money,
			When: func(s state) ([]event.Event, error) { return s.RefuseRefund("req_1", now) },
		},
		{
			Name:  "asks again for what was refused",
			Given: append(money[:3:3], asked("req_0", 11662), payment.RefundRefused{PaymentID: "pay_1", RequestID: "req_0"}),
			When:  refund(0), Then: then{asked("req_1", 11662)},
		},
		{Name: "is released", Given: append(money[:3:3], quarantined), When: func(s state) ([]event.Event, error) {
			return s.Release(why, now)
		}, Then: then{payment.Released{PaymentID: "pay_1", OrganizationID: "org_1", Reason: why, OccurredAt: now}}},
		{Name: "is rejected", Given: append(money[:3:3], parked), When: func(s state) ([]event.Event, error) {
			return s.Reject(why, now)
		}, Then: then{payment.Rejected{PaymentID: "pay_1", OrganizationID: "org_1", Reason: why, OccurredAt: now}}},
		{Name: "is not released after it was rejected", Given: append(money[:3:3], parked, payment.Rejected{PaymentID: "pay_1"}), When: func(s state) ([]event.Event, error) {
			return s.Release(why, now)
		}, Fails: payment.ErrDecided},
		{Name: "is rejected once", Given: append(money[:3:3], parked, payment.Rejected{PaymentID: "pay_1"}), When: func(s state) ([]event.Event, error) {
			return s.Reject(why, now)
		}},
		{Name: "is not released when nothing withholds it", Given: money, When: func(s state) ([]event.Event, error) {
			return s.Release(why, now)
		}, Fails: payment.ErrNotWithheld},
		{Name: "needs a reason", Given: append(money[:3:3], parked), When: func(s state) ([]event.Event, error) {
			return s.Release(personal.New(" "), now)
		}, Fails: domaintest.Invalid, Fields: []string{"reason"}},
		{Name: "returns a part", Given: money, When: refund(1), Then: then{asked("req_1", 1)}},
		{Name: "returns all", Given: money, When: refund(0), Then: then{asked("req_1", 11662)}},
		{Name: "returns what is left", Given: append(money[:3:3], asked("req_0", 1662)), When: refund(0), Then: then{asked("req_1", 10000)}},
		{Name: "asks once", Given: append(money[:3:3], asked("req_1", 1662)), When: refund(1662)},
		{Name: "returns no more than was paid", Given: append(money[:3:3], asked("req_0", 1662)), When: refund(10001), Fails: payment.ErrRefundExceeded},
		{Name: "returns nothing when nothing is left", Given: append(money[:3:3], asked("req_0", 11662)), When: refund(0), Fails: payment.ErrRefundExceeded},
		{
			Name: "asks again after a refund failed",
			Given: append(money[:3:3], asked("req_0", 11662),
				payment.Refunded{PaymentID: "pay_1", RefundID: "re_0", Amount: 11662, Status: payment.RefundFailed}),
			When: refund(0), Then: then{asked("req_1", 11662)},
		},
		{Name: "returns nothing negative", Given: money, When: refund(-1), Fails: domaintest.Invalid, Fields: []string{"amount"}},
		{Name: "returns nothing that was not paid", Given: session, When: refund(0), Fails: payment.ErrNotPaid},
		{Name: "is fulfilled", Given: money, When: func(s state) ([]event.Event, error) { return s.Fulfil("tt_1", now) }, Then: then{
			payment.Fulfilled{PaymentID: "pay_1", TokenTransactionID: "tt_1", OccurredAt: now},
		}},
		{Name: "is not fulfilled while withheld", Given: append(money[:3:3], parked), When: func(s state) ([]event.Event, error) {
			return s.Fulfil("tt_1", now)
		}, Fails: payment.ErrNotPaid},
	})
}

func TestShownStatuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		events  given
		session payment.SessionStatus
		money   payment.Status
	}{
		"new":             {given{requested, opened}, payment.SessionOpen, payment.StatusUnpaid},
		"completed":       {given{requested, opened, payment.CheckoutSessionCompleted{}}, payment.SessionComplete, payment.StatusPending},
		"failed":          {given{requested, opened, payment.CheckoutSessionCompleted{}, payment.Failed{}}, payment.SessionComplete, payment.StatusFailed},
		"expired":         {given{requested, opened, payment.CheckoutSessionExpired{}}, payment.SessionExpired, payment.StatusUnpaid},
		"paid":            {given{requested, opened, succeeded}, payment.SessionComplete, payment.StatusPaid},
		"expired, paid":   {given{requested, opened, payment.CheckoutSessionExpired{}, succeeded}, payment.SessionComplete, payment.StatusPaid},
		"quarantined":     {given{requested, opened, succeeded, quarantined}, payment.SessionComplete, payment.StatusQuarantined},
		"parked":          {given{requested, opened, succeeded, parked}, payment.SessionComplete, payment.StatusParked},
		"released":        {given{requested, opened, succeeded, parked, payment.Released{}}, payment.SessionComplete, payment.StatusPaid},
		"rejected":        {given{requested, opened, succeeded, parked, payment.Rejected{}}, payment.SessionComplete, payment.StatusRejected},
		"refunded partly": {given{requested, opened, succeeded, payment.Refunded{RefundID: "r", Amount: 1, Status: payment.RefundSucceeded}}, payment.SessionComplete, payment.StatusPartly},
		"refunded":        {given{requested, opened, succeeded, payment.Refunded{RefundID: "r", Amount: 11662, Status: payment.RefundSucceeded}}, payment.SessionComplete, payment.StatusRefunded},
		"disputed":        {given{requested, opened, succeeded, payment.DisputeOpened{DisputeID: "d", Amount: 1, FundsWithdrawn: true}}, payment.SessionComplete, payment.StatusDisputed},
		"inquiry":         {given{requested, opened, succeeded, payment.DisputeOpened{DisputeID: "d", Amount: 1}}, payment.SessionComplete, payment.StatusPaid},
	} {
		s := domaintest.Fold(payment.Apply, c.events...)
		if s.Session(now) != c.session || s.Status() != c.money {
			t.Errorf("%s: %s and %s, want %s and %s", name, s.Session(now), s.Status(), c.session, c.money)
		}
	}
	s := domaintest.Fold(payment.Apply, requested, opened)
	if s.Session(opened.ExpireAt.Add(-time.Millisecond)) != payment.SessionOpen || s.Session(opened.ExpireAt) != payment.SessionExpired {
		t.Error("a session ends at the instant of its expiry")
	}
}
