package referrer_test

import (
	"testing"
	"time"

	"github.com/perfectworks/backend/domain/domaintest"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/personal"
	"github.com/perfectworks/backend/domain/referral"
	"github.com/perfectworks/backend/domain/referrer"
)

type (
	given = []event.Event
	then  = []event.Event
	state = referrer.State
)

var (
	person = id.FromUUID[id.User]([16]byte{7})
	name   = id.ReferrerOf(person)
	start  = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	now    = start.Add(time.Hour)
	ripe   = start.AddDate(0, 0, 30)
	rule   = referral.Rule{Version: 3, WindowDays: 30, RateBasisPoints: 2000, Months: 12, HoldDays: 30, Currency: "eur"}
	why    = personal.New("asked by phone")

	enrolled = referrer.Enrolled{
		ReferrerID: name, UserID: person, Code: "ada", TermsVersion: "1", PayoutMethod: referrer.MethodPayPal,
		PayoutEmail: personal.New("ada@example.org"), OccurredAt: start,
	}
	earned = referrer.CommissionEarned{
		ReferrerID: name, Sequence: 1, PaymentID: "pay_1", OrganizationID: "org_1", UserID: "user_2", CampaignID: "cmp_1", ClickID: "c",
		RuleVersion: 3, RateBasisPoints: 2000, Base: 50000, Amount: 10000, Currency: "eur", MaturesAt: ripe, OccurredAt: now,
	}
	wanted = referrer.WithdrawalRequested{
		ReferrerID: name, UserID: person, Sequence: 2, Amount: 10000, Currency: "eur",
		PayoutMethod: referrer.MethodPayPal, PayoutEmail: enrolled.PayoutEmail, OccurredAt: ripe,
	}
	approved = referrer.WithdrawalApproved{ReferrerID: name, Sequence: 2, ApprovedBy: "grace", Final: true, OccurredAt: ripe}
	sent     = referrer.WithdrawalSent{ReferrerID: name, Sequence: 2, Reference: "ref", OccurredAt: ripe}
	paid     = referrer.WithdrawalPaid{ReferrerID: name, Sequence: 2, OccurredAt: ripe}
	failed   = referrer.WithdrawalFailed{ReferrerID: name, Sequence: 2, OccurredAt: ripe}
)

func payment(change func(*referrer.Payment)) referrer.Payment {
	p := referrer.Payment{
		ID: "pay_1", OrganizationID: "org_1", UserID: "user_2", RegisteredAt: start, CampaignID: "cmp_1", ClickID: "c", Rule: rule,
		Due: true, Subtotal: 50000, Total: 59500, Currency: "EUR", PaidAt: start,
	}
	if change != nil {
		change(&p)
	}
	return p
}

func settle(change func(*referrer.Payment)) func(state) ([]event.Event, error) {
	return func(s state) ([]event.Event, error) { return s.Settle(payment(change), now) }
}

func TestCommissions(t *testing.T) {
	t.Parallel()
	base := given{enrolled, earned}
	reversed := referrer.CommissionReversed{
		ReferrerID: name, Sequence: 2, PaymentID: "pay_1", CampaignID: "cmp_1", Amount: 5000, Remaining: 5000, Currency: "eur", OccurredAt: now,
	}
	all := reversed
	all.Amount, all.Remaining = 10000, 0
	restored := referrer.CommissionRestored{
		ReferrerID: name, Sequence: 3, PaymentID: "pay_1", CampaignID: "cmp_1", Amount: 5000, Remaining: 10000, Currency: "eur", OccurredAt: now,
	}
	held := referrer.CommissionHeld{ReferrerID: name, PaymentID: "pay_1", OccurredAt: now}
	half := func(p *referrer.Payment) { p.Returned = 29750 }
	denied := func(r referrer.Reason) then {
		return then{referrer.CommissionDenied{
			ReferrerID: name, PaymentID: "pay_1", OrganizationID: "org_1", UserID: "user_2", CampaignID: "cmp_1", Reason: r, OccurredAt: now,
		}}
	}
	domaintest.Run(t, referrer.Apply, []domaintest.Case[state]{
		{Name: "earns on the amount before tax", Given: given{enrolled}, When: settle(nil), Then: then{earned}},
		{Name: "earns once", Given: base, When: settle(nil)},
		{Name: "earns nothing for nobody", When: settle(nil), Fails: referrer.ErrNotFound},
		{Name: "earns nothing before it is due", Given: given{enrolled}, When: settle(func(p *referrer.Payment) { p.Due = false })},
		{Name: "earns nothing in another currency", Given: given{enrolled}, When: settle(func(p *referrer.Payment) { p.Currency = "usd" }), Then: denied(referrer.ReasonCurrency)},
		{Name: "earns until the period is over", Given: given{enrolled}, When: settle(func(p *referrer.Payment) { p.PaidAt = start.AddDate(1, 0, 0) }), Then: denied(referrer.ReasonPeriodOver)},
		{Name: "earns nothing from an organization of its own", Given: given{enrolled}, When: settle(func(p *referrer.Payment) { p.SameOrganization = true }), Then: denied(referrer.ReasonSameOrganization)},
		{Name: "earns nothing while suspended", Given: given{enrolled, referrer.Suspended{}}, When: settle(nil), Then: denied(referrer.ReasonSuspended)},
		{Name: "earns no part of a cent", Given: given{enrolled}, When: settle(func(p *referrer.Payment) { p.Subtotal = 4 }), Then: denied(referrer.ReasonNothing)},
		{Name: "stays denied", Given: append(given{enrolled}, denied(referrer.ReasonCurrency)...), When: settle(nil)},
		{Name: "is reversed in part", Given: base, When: settle(half), Then: then{reversed}},
		{Name: "is reversed once", Given: append(base[:2:2], reversed), When: settle(half)},
		{Name: "is reversed as it is earned", Given: given{enrolled}, When: settle(func(p *referrer.Payment) { p.Returned = p.Total }), Then: then{earned, all}},
		{Name: "is reversed when the payment is withheld", Given: base, When: settle(func(p *referrer.Payment) { p.Due = false }), Then: then{all}},
		{Name: "is restored when a refund fails", Given: append(base[:2:2], reversed), When: settle(nil), Then: then{restored}},
		{Name: "is held while disputed", Given: base, When: settle(func(p *referrer.Payment) { p.Disputed = true }), Then: then{held}},
		{Name: "is held once", Given: append(base[:2:2], held), When: settle(func(p *referrer.Payment) { p.Disputed = true })},
		{Name: "is released", Given: append(base[:2:2], held), When: settle(nil), Then: then{referrer.CommissionReleased{ReferrerID: name, PaymentID: "pay_1", OccurredAt: now}}},
		{
			Name: "stops a withdrawal that was not sent", Given: append(base[:2:2], wanted, approved),
			When: func(s state) ([]event.Event, error) { return s.Settle(payment(half), ripe) },
			Then: then{
				referrer.CommissionReversed{ReferrerID: name, Sequence: 3, PaymentID: "pay_1", CampaignID: "cmp_1", Amount: 5000, Remaining: 5000, Currency: "eur", OccurredAt: ripe},
				referrer.WithdrawalStopped{ReferrerID: name, Sequence: 2, PaymentID: "pay_1", OccurredAt: ripe},
			},
		},
		{
			Name: "stops none that was sent", Given: append(base[:2:2], wanted, approved, sent),
			When: func(s state) ([]event.Event, error) { return s.Settle(payment(half), ripe) },
			Then: then{referrer.CommissionReversed{ReferrerID: name, Sequence: 3, PaymentID: "pay_1", CampaignID: "cmp_1", Amount: 5000, Remaining: 5000, Currency: "eur", OccurredAt: ripe}},
		},
		{Name: "matures at the very instant", Given: base, When: func(s state) ([]event.Event, error) { return s.Mature(ripe), nil }, Then: then{referrer.CommissionMatured{ReferrerID: name, PaymentID: "pay_1", MaturesAt: ripe, OccurredAt: ripe}}},
		{Name: "matures not before", Given: base, When: func(s state) ([]event.Event, error) { return s.Mature(ripe.Add(-1)), nil }},
		{Name: "matures once", Given: append(base[:2:2], referrer.CommissionMatured{PaymentID: "pay_1"}), When: func(s state) ([]event.Event, error) { return s.Mature(ripe), nil }},
		{Name: "matures not while disputed", Given: append(base[:2:2], held), When: func(s state) ([]event.Event, error) { return s.Mature(ripe), nil }},
	})
}

func TestWithdrawals(t *testing.T) {
	t.Parallel()
	base := given{enrolled, earned}
	with := func(more ...event.Event) given { return append(base[:2:2], more...) }
	withdraw := func(amount int64, at time.Time) func(state) ([]event.Event, error) {
		return func(s state) ([]event.Event, error) {
			return s.Withdraw(referrer.Request{Amount: amount, Currency: "eur", Minimum: 5000}, at)
		}
	}
	approve := func(by string, above int64) func(state) ([]event.Event, error) {
		return func(s state) ([]event.Event, error) { return s.Approve(2, by, above, ripe) }
	}
	finish := func(o referrer.Outcome) func(state) ([]event.Event, error) {
		return func(s state) ([]event.Event, error) { return s.Finish(2, o, ripe) }
	}
	reject := func(s state) ([]event.Event, error) { return s.Reject(2, "grace", why, ripe) }
	first := approved
	first.Final = false
	uncertain := referrer.WithdrawalUncertain{ReferrerID: name, Sequence: 2, OccurredAt: ripe}
	rejected := referrer.WithdrawalRejected{ReferrerID: name, UserID: person, Sequence: 2, RejectedBy: "grace", Reason: why, OccurredAt: ripe}
	returned := referrer.WithdrawalReturned{ReferrerID: name, Sequence: 3, Withdrawal: 2, Amount: 10000, Currency: "eur", OccurredAt: ripe}
	bare := enrolled
	bare.PayoutEmail = personal.Text{}
	domaintest.Run(t, referrer.Apply, []domaintest.Case[state]{
		{Name: "reserves what has matured by the clock", Given: base, When: withdraw(10000, ripe), Then: then{wanted}},
		{Name: "reserves nothing that is held", Given: base, When: withdraw(10000, ripe.Add(-1)), Fails: referrer.ErrInsufficient},
		{Name: "reserves no more than there is", Given: base, When: withdraw(10001, ripe), Fails: referrer.ErrInsufficient},
		{Name: "has a minimum", Given: base, When: withdraw(4999, ripe), Fails: referrer.ErrBelowMinimum},
		{Name: "takes the minimum", Given: with(referrer.WithdrawalRejected{}), When: func(s state) ([]event.Event, error) {
			e, err := withdraw(5000, ripe)(s)
			if len(e) != 1 {
				t.Error("no withdrawal of the minimum")
			}
			return nil, err
		}},
		{Name: "refuses zero", Given: base, When: withdraw(0, ripe), Fails: domaintest.Invalid, Fields: []string{"amount"}},
		{Name: "refuses less than zero", Given: base, When: withdraw(-1, ripe), Fails: domaintest.Invalid, Fields: []string{"amount"}},
		{Name: "refuses an unknown method", Given: base, When: func(s state) ([]event.Event, error) {
			return s.Withdraw(referrer.Request{Amount: 6000, Method: "cash"}, ripe)
		}, Fails: domaintest.Invalid, Fields: []string{"payoutMethod"}},
		{Name: "is one at a time", Given: with(wanted), When: withdraw(5000, ripe), Fails: referrer.ErrInProgress},
		{Name: "is for referrers", When: withdraw(5000, ripe), Fails: referrer.ErrNotFound},
		{Name: "is not for the suspended", Given: with(referrer.Suspended{}), When: withdraw(5000, ripe), Fails: referrer.ErrSuspended},
		{Name: "needs an address", Given: given{bare, earned}, When: withdraw(5000, ripe), Fails: referrer.ErrPayoutMissing},
		{Name: "is approved by one", Given: with(wanted), When: approve("grace", 10000), Then: then{approved}},
		{Name: "needs a second above an amount", Given: with(wanted), When: approve("grace", 9999), Then: then{first}},
		{Name: "is not approved by the same again", Given: with(wanted, first), When: approve("grace", 9999), Fails: referrer.ErrApprovedBySame},
		{Name: "is approved by a second", Given: with(wanted, first), When: approve("ada", 9999), Then: then{referrer.WithdrawalApproved{ReferrerID: name, Sequence: 2, ApprovedBy: "ada", Final: true, OccurredAt: ripe}}},
		{Name: "is approved once", Given: with(wanted, approved), When: approve("ada", 10000)},
		{Name: "is not approved after its end", Given: with(wanted, rejected), When: approve("ada", 10000), Fails: referrer.ErrFinished},
		{Name: "is not approved when there is none", Given: base, When: approve("ada", 10000), Fails: referrer.ErrWithdrawalNotFound},
		{Name: "is rejected", Given: with(wanted), When: reject, Then: then{rejected}},
		{Name: "is rejected after approval", Given: with(wanted, approved), When: reject, Then: then{rejected}},
		{Name: "is rejected once", Given: with(wanted, rejected), When: reject},
		{Name: "is not rejected after it was sent", Given: with(wanted, approved, sent), When: reject, Fails: referrer.ErrSent},
		{Name: "is not rejected when it was paid", Given: with(wanted, approved, sent, paid), When: reject, Fails: referrer.ErrFinished},
		{Name: "is rejected with a reason", Given: with(wanted), When: func(s state) ([]event.Event, error) {
			return s.Reject(2, "grace", personal.New(""), ripe)
		}, Fails: domaintest.Invalid, Fields: []string{"reason"}},
		{Name: "is sent", Given: with(wanted, approved), When: func(s state) ([]event.Event, error) { return s.Send(2, "ref", ripe) }, Then: then{sent}},
		{Name: "is sent once", Given: with(wanted, approved, sent), When: func(s state) ([]event.Event, error) { return s.Send(2, "other", ripe) }, Fails: referrer.ErrSent},
		{Name: "is not sent again while uncertain", Given: with(wanted, approved, sent, uncertain), When: func(s state) ([]event.Event, error) { return s.Send(2, "other", ripe) }, Fails: referrer.ErrSent},
		{Name: "is not sent unapproved", Given: with(wanted, first), When: func(s state) ([]event.Event, error) { return s.Send(2, "ref", ripe) }, Fails: referrer.ErrNotApproved},
		{Name: "is paid", Given: with(wanted, approved, sent), When: finish(referrer.OutcomePaid), Then: then{paid}},
		{Name: "is paid after it was uncertain", Given: with(wanted, approved, sent, uncertain), When: finish(referrer.OutcomePaid), Then: then{paid}},
		{Name: "is paid once", Given: with(wanted, approved, sent, paid), When: finish(referrer.OutcomePaid)},
		{Name: "fails", Given: with(wanted, approved, sent), When: finish(referrer.OutcomeFailed), Then: then{failed}},
		{Name: "fails once", Given: with(wanted, approved, sent, failed), When: finish(referrer.OutcomeReturned)},
		{Name: "is not paid after it failed", Given: with(wanted, approved, sent, failed), When: finish(referrer.OutcomePaid), Fails: referrer.ErrFinished},
		{Name: "does not fail after it was paid", Given: with(wanted, approved, sent, paid), When: finish(referrer.OutcomeFailed), Fails: referrer.ErrFinished},
		{Name: "is uncertain", Given: with(wanted, approved, sent), When: finish(referrer.OutcomeUnknown), Then: then{uncertain}},
		{Name: "is uncertain once", Given: with(wanted, approved, sent, uncertain), When: finish(referrer.OutcomeUnknown)},
		{Name: "has no end before it was sent", Given: with(wanted, approved), When: finish(referrer.OutcomePaid), Fails: referrer.ErrNotSent},
		{Name: "is returned", Given: with(wanted, approved, sent, paid), When: finish(referrer.OutcomeReturned), Then: then{returned}},
		{Name: "is returned once", Given: with(wanted, approved, sent, paid, returned), When: finish(referrer.OutcomeReturned)},
		{Name: "was returned, whatever an old file says", Given: with(wanted, approved, sent, paid, returned), When: finish(referrer.OutcomePaid)},
	})
}

func TestEnrol(t *testing.T) {
	t.Parallel()
	enrol := func(change func(*referrer.Enrolment)) func(state) ([]event.Event, error) {
		return func(s state) ([]event.Event, error) {
			n := referrer.Enrolment{
				UserID: person, Code: "ada", TermsAccepted: true, TermsVersion: "1",
				PayoutMethod: referrer.MethodPayPal, PayoutEmail: personal.New("ada@example.org"),
			}
			if change != nil {
				change(&n)
			}
			return s.Enrol(n, start)
		}
	}
	domaintest.Run(t, referrer.Apply, []domaintest.Case[state]{
		{Name: "enrols", When: enrol(nil), Then: then{enrolled}},
		{Name: "enrols once", Given: given{enrolled}, When: enrol(func(n *referrer.Enrolment) { n.Code = "other" })},
		{Name: "keeps what is not given", Given: given{enrolled}, When: enrol(func(n *referrer.Enrolment) { n.PayoutMethod, n.PayoutEmail = "", personal.Text{} })},
		{
			Name: "notes new terms and another address", Given: given{enrolled},
			When: enrol(func(n *referrer.Enrolment) { n.TermsVersion, n.PayoutEmail = "2", personal.New("new@example.org") }),
			Then: then{
				referrer.TermsAccepted{ReferrerID: name, TermsVersion: "2", OccurredAt: start},
				referrer.PayoutChanged{ReferrerID: name, UserID: person, PayoutMethod: referrer.MethodPayPal, PayoutEmail: personal.New("new@example.org"), OccurredAt: start},
			},
		},
		{
			Name: "refuses all that is wrong",
			When: enrol(func(n *referrer.Enrolment) {
				n.TermsAccepted, n.PayoutMethod, n.PayoutEmail = false, "cash", personal.New("nowhere")
			}),
			Fails: domaintest.Invalid, Fields: []string{"termsAccepted", "payoutMethod", "payoutEmail"},
		},
		{Name: "suspends", Given: given{enrolled}, When: func(s state) ([]event.Event, error) { return s.Suspend(why, now) }, Then: then{referrer.Suspended{ReferrerID: name, UserID: person, Reason: why, OccurredAt: now}}},
		{Name: "suspends once", Given: given{enrolled, referrer.Suspended{}}, When: func(s state) ([]event.Event, error) { return s.Suspend(why, now) }},
		{Name: "suspends nobody", When: func(s state) ([]event.Event, error) { return s.Suspend(why, now) }, Fails: referrer.ErrNotFound},
		{Name: "reinstates", Given: given{enrolled, referrer.Suspended{}}, When: func(s state) ([]event.Event, error) { return s.Reinstate(why, now) }, Then: then{referrer.Reinstated{ReferrerID: name, UserID: person, Reason: why, OccurredAt: now}}},
	})
}

func TestTransactionIDs(t *testing.T) {
	t.Parallel()
	text := referrer.TransactionID(name, 12)
	if of, n, ok := referrer.ParseTransactionID(text); of != name || n != 12 || !ok {
		t.Errorf("%s became %s, %d, %t", text, of, n, ok)
	}
	for _, bad := range []string{"", "rtx_", "rtx__1", text + "x", "rtx_abc_1", "txn_" + text[4:], referrer.TransactionID(name, 0), "rtx_" + string(name) + "_1", text[:len(text)-2] + "012"} {
		if _, _, ok := referrer.ParseTransactionID(bad); ok {
			t.Errorf("%q is an id", bad)
		}
	}
}
