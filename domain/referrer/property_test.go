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
	at         time.Time
}

func (a *account) happen(t *rapid.T, events []event.Event, err error) {
	if err != nil {
		return // A refusal changes nothing.
	}
	for _, e := range events {
		a.s = referrer.Apply(a.s, e)
		switch e := e.(type) {
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
func (a *account) check(t *rapid.T) {
	var earned, held, withdrawing, withdrawn int64
	for _, p := range a.payments {
		if !p.Due {
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
		a := &account{payments: map[id.Payment]*referrer.Payment{}, returnedTo: map[int64]int{}, at: start}
		a.s = referrer.Apply(a.s, enrolled)
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
