package referrer_test

import (
	"fmt"
	"math/big"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/referrer"
)

// account is a referrer, and beside it what happened, from which the totals are
// computed in another way than by the package.
type account struct {
	s        referrer.State
	payments map[id.Payment]*referrer.Payment
	// returnedTo counts how often each withdrawal was given back.
	returnedTo map[int64]int
	// denied are payments that earned nothing when they were first looked at.
	denied map[id.Payment]bool
	// kinds are those of the events that happened.
	kinds map[string]bool
	at    time.Time
}

func newAccount() *account {
	return &account{
		payments: map[id.Payment]*referrer.Payment{}, returnedTo: map[int64]int{}, denied: map[id.Payment]bool{}, kinds: map[string]bool{}, at: start,
	}
}

// failing is a test that can fail: of rapid or not.
type failing interface{ Fatalf(string, ...any) }

func (a *account) happen(t failing, events []event.Event, err error) {
	if err != nil {
		return // A refusal changes nothing.
	}
	for _, e := range events {
		a.s = referrer.Apply(a.s, e)
		a.kinds[e.EventType()] = true
		switch e := e.(type) {
		case referrer.CommissionDenied:
			a.denied[e.PaymentID] = true
		case referrer.WithdrawalFailed:
			a.returnedTo[e.Sequence]++
		case referrer.WithdrawalRejected:
			a.returnedTo[e.Sequence]++
		case referrer.WithdrawalStopped:
			a.returnedTo[e.Sequence]++
		case referrer.WithdrawalReturned:
			a.returnedTo[e.Withdrawal]++
		}
	}
	for sequence, n := range a.returnedTo {
		if n > 1 {
			t.Fatalf("withdrawal %d was given back %d times", sequence, n)
		}
	}
}

// check compares the balance with the rule, computed from the payments alone.
func (a *account) check(t failing) {
	var earned, held, withdrawing, withdrawn int64
	for _, p := range a.payments {
		if !p.Due || a.denied[p.ID] {
			continue
		}
		// floor(subtotal × 20 % × (total − returned) ÷ total), by fractions.
		worth := new(big.Rat).Mul(big.NewRat(p.Subtotal, 5), big.NewRat(p.Total-min(p.Returned, p.Total), p.Total))
		n := new(big.Int).Quo(worth.Num(), worth.Denom()).Int64()
		earned += n
		if p.Disputed || a.at.Before(p.PaidAt.AddDate(0, 0, 30)) {
			held += n
		}
	}
	for _, w := range a.s.Withdrawals {
		switch w.Status {
		case referrer.StatusRequested, referrer.StatusApproved, referrer.StatusSent, referrer.StatusUncertain:
			withdrawing += w.Amount
		case referrer.StatusPaid:
			withdrawn += w.Amount
		case referrer.StatusFailed, referrer.StatusRejected, referrer.StatusStopped, referrer.StatusReturned:
		}
	}
	b := a.s.Balance(a.at)
	if b.Earned != earned || b.Held != held || b.Withdrawing != withdrawing || b.Withdrawn != withdrawn {
		t.Fatalf("balance %+v, want earned %d, held %d, withdrawing %d, withdrawn %d", b, earned, held, withdrawing, withdrawn)
	}
	if b.Earned != b.Held+b.Available+b.Withdrawing+b.Withdrawn-b.Carried {
		t.Fatalf("the parts do not sum up: %+v", b)
	}
	if b.Available < 0 || b.Carried < 0 || b.Available > 0 && b.Carried > 0 {
		t.Fatalf("a part is negative: %+v", b)
	}
	open := 0
	for _, w := range a.s.Withdrawals {
		if w.Open() {
			open++
		}
	}
	if open > 1 {
		t.Fatalf("%d withdrawals at a time", open)
	}
}

// For any payments, refunds, disputes and withdrawals in any order, the totals
// are those of the rule computed from the beginning.
func TestTotalsEqualTheRule(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a := newAccount()
		a.happen(t, []event.Event{enrolled}, nil)
		names := make([]id.Payment, 4)
		for i := range names {
			names[i] = id.Payment(fmt.Sprint("pay_", i))
		}
		settle := func(p *referrer.Payment) {
			events, err := a.s.Settle(*p, a.at)
			if err != nil {
				t.Fatal(err)
			}
			a.happen(t, events, nil)
			if again, err := a.s.Settle(*p, a.at); len(again) > 0 || err != nil {
				t.Fatalf("settling again does something: %v, %v", again, err)
			}
		}
		known := func() *referrer.Payment {
			p := a.payments[rapid.SampledFrom(names).Draw(t, "payment")]
			if p == nil {
				t.Skip("not paid")
			}
			return p
		}
		withdrawal := func() int64 {
			if len(a.s.Withdrawals) == 0 {
				t.Skip("none")
			}
			return rapid.SampledFrom(a.s.Withdrawals).Draw(t, "withdrawal").Sequence
		}
		t.Repeat(map[string]func(*rapid.T){
			"": func(t *rapid.T) { a.check(t) },
			"pay": func(t *rapid.T) {
				name := rapid.SampledFrom(names).Draw(t, "payment")
				if a.payments[name] == nil {
					total := rapid.Int64Range(50, 1_000_000).Draw(t, "total")
					p := payment(func(p *referrer.Payment) {
						p.ID, p.Total, p.Subtotal, p.PaidAt = name, total, rapid.Int64Range(50, total).Draw(t, "subtotal"), a.at
						p.RegisteredAt = a.at
						p.Returned = rapid.SampledFrom([]int64{0, 0, total / 3, total}).Draw(t, "returned")
						switch rapid.IntRange(0, 9).Draw(t, "what") {
						case 0:
							p.Currency = "usd"
						case 1:
							p.SameOrganization = true
						case 2:
							p.RegisteredAt = a.at.AddDate(-1, 0, 0)
						}
					})
					a.payments[name] = &p
				}
				settle(a.payments[name])
			},
			"refund": func(t *rapid.T) {
				p := known()
				p.Returned = rapid.Int64Range(0, p.Total).Draw(t, "returned")
				settle(p)
			},
			"dispute": func(t *rapid.T) {
				p := known()
				p.Disputed = rapid.Bool().Draw(t, "disputed")
				settle(p)
			},
			"withhold": func(t *rapid.T) {
				p := known()
				p.Due = rapid.Bool().Draw(t, "due")
				settle(p)
			},
			"wait": func(t *rapid.T) {
				a.at = a.at.Add(time.Duration(rapid.IntRange(1, 40*24).Draw(t, "hours")) * time.Hour)
			},
			"mature": func(t *rapid.T) { a.happen(t, a.s.Mature(a.at), nil) },
			"suspend": func(t *rapid.T) {
				events, err := a.s.Suspend(why, a.at)
				a.happen(t, events, err)
			},
			"reinstate": func(t *rapid.T) {
				events, err := a.s.Reinstate(why, a.at)
				a.happen(t, events, err)
			},
			"enrol": func(t *rapid.T) {
				events, err := a.s.Enrol(referrer.Enrolment{
					UserID: person, TermsAccepted: true, TermsVersion: rapid.SampledFrom([]string{"1", "2"}).Draw(t, "terms"),
					PayoutMethod: rapid.SampledFrom(referrer.Methods()).Draw(t, "method"),
				}, a.at)
				a.happen(t, events, err)
			},
			"withdraw": func(t *rapid.T) {
				events, err := a.s.Withdraw(referrer.Request{
					Amount: rapid.Int64Range(-1, 200_000).Draw(t, "amount"), Currency: "eur", Minimum: 1000,
				}, a.at)
				a.happen(t, events, err)
			},
			"withdraw all": func(t *rapid.T) {
				events, err := a.s.Withdraw(referrer.Request{Amount: a.s.Balance(a.at).Available, Currency: "eur"}, a.at)
				a.happen(t, events, err)
			},
			"approve": func(t *rapid.T) {
				events, err := a.s.Approve(withdrawal(), rapid.SampledFrom([]string{"ada", "grace"}).Draw(t, "by"), 5000, a.at)
				a.happen(t, events, err)
			},
			"reject": func(t *rapid.T) {
				events, err := a.s.Reject(withdrawal(), "grace", why, a.at)
				a.happen(t, events, err)
			},
			"send": func(t *rapid.T) {
				events, err := a.s.Send(withdrawal(), "ref", a.at)
				a.happen(t, events, err)
			},
			"finish": func(t *rapid.T) {
				outcome := rapid.SampledFrom([]referrer.Outcome{
					referrer.OutcomePaid, referrer.OutcomeFailed, referrer.OutcomeUnknown, referrer.OutcomeReturned,
				}).Draw(t, "outcome")
				events, err := a.s.Finish(withdrawal(), outcome, a.at)
				a.happen(t, events, err)
			},
		})
	})
}

// The same for one history in which each kind of event happens.
func TestTotalsEqualTheRuleForAllKindsOfEvents(t *testing.T) {
	t.Parallel()
	a := newAccount()
	do := func(events []event.Event, err error) {
		t.Helper()
		if err != nil || len(events) == 0 {
			t.Errorf("nothing happens: %v", err)
		}
		a.happen(t, events, err)
		a.check(t)
	}
	settle := func(name id.Payment, change func(*referrer.Payment)) {
		t.Helper()
		p := a.payments[name]
		if p == nil {
			made := payment(func(p *referrer.Payment) { p.ID, p.PaidAt, p.RegisteredAt = name, a.at, a.at })
			p = &made
			a.payments[name] = p
		}
		change(p)
		do(a.s.Settle(*p, a.at))
	}
	as := func(*referrer.Payment) {}
	latest := func() int64 { return a.s.Withdrawals[len(a.s.Withdrawals)-1].Sequence }
	withdraw := func(amount int64) {
		t.Helper()
		do(a.s.Withdraw(referrer.Request{Amount: amount, Currency: "eur", Minimum: 1000}, a.at))
	}
	approved := func() {
		t.Helper()
		do(a.s.Approve(latest(), "ada", 0, a.at))
		do(a.s.Approve(latest(), "grace", 0, a.at))
	}
	finish := func(o referrer.Outcome) {
		t.Helper()
		do(a.s.Finish(latest(), o, a.at))
	}

	do([]event.Event{enrolled}, nil)
	do(a.s.Enrol(referrer.Enrolment{UserID: person, TermsAccepted: true, TermsVersion: "2", PayoutMethod: referrer.MethodBankTransfer}, a.at))
	settle("pay_1", as)
	settle("pay_2", func(p *referrer.Payment) { p.Currency = "usd" })
	settle("pay_3", func(p *referrer.Payment) { p.Disputed = true })
	settle("pay_1", func(p *referrer.Payment) { p.Returned = p.Total / 7 })
	settle("pay_1", func(p *referrer.Payment) { p.Returned = 0 })
	a.at = a.at.AddDate(0, 0, 40)
	do(a.s.Mature(a.at), nil)
	settle("pay_3", func(p *referrer.Payment) { p.Disputed = false })
	withdraw(2000)
	do(a.s.Reject(latest(), "grace", why, a.at))
	withdraw(2000)
	approved()
	do(a.s.Send(latest(), "ref", a.at))
	finish(referrer.OutcomeUnknown)
	finish(referrer.OutcomePaid)
	finish(referrer.OutcomeReturned)
	withdraw(3000)
	approved()
	do(a.s.Send(latest(), "ref", a.at))
	finish(referrer.OutcomeFailed)
	do(a.s.Suspend(why, a.at))
	do(a.s.Reinstate(why, a.at))
	withdraw(a.s.Balance(a.at).Available)
	settle("pay_3", func(p *referrer.Payment) { p.Due = false }) // It stops the withdrawal.
	// A reversal after the money was paid out is filled by what is earned later.
	withdraw(a.s.Balance(a.at).Available)
	approved()
	do(a.s.Send(latest(), "ref", a.at))
	finish(referrer.OutcomePaid)
	settle("pay_1", func(p *referrer.Payment) { p.Returned = p.Total })
	if b := a.s.Balance(a.at); b.Carried == 0 || b.Available != 0 {
		t.Errorf("after a reversal: %+v", b)
	}
	settle("pay_4", as)
	a.at = a.at.AddDate(0, 0, 40)
	a.check(t)
	if b := a.s.Balance(a.at); b.Carried != 0 {
		t.Errorf("after another commission: %+v", b)
	}
	for _, schema := range referrer.Aggregate.Schemas {
		if !a.kinds[schema.Type] {
			t.Errorf("%s did not happen", schema.Type)
		}
	}
}
