package payment_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/payment"
	"github.com/perfectworks/backend/domain/tokenaccount"
)

// fact is something that the provider tells, in one of many orders.
type fact struct {
	name string
	tell func(payment.State) ([]event.Event, error)
}

// The money of the scenarios: 1000 tokens for 700, of which refunds return 100
// twice. The dispute is about all of it.
const (
	tokens  = 1000
	price   = 700
	partial = 100
)

func noteRefund(id string, status payment.RefundStatus) func(payment.State) ([]event.Event, error) {
	return func(s payment.State) ([]event.Event, error) {
		return s.NoteRefund(payment.Refund{ID: id, Amount: partial, Status: status}, now)
	}
}

func noteDispute(d payment.Dispute) func(payment.State) ([]event.Event, error) {
	d.ID, d.Amount = "dp_1", price
	return func(s payment.State) ([]event.Event, error) { return s.NoteDispute(d, now) }
}

var facts = []fact{
	{"completed", func(s payment.State) ([]event.Event, error) { return s.Complete(now) }},
	{"paid", func(s payment.State) ([]event.Event, error) {
		return s.Succeed(payment.Paid{AmountSubtotal: price, AmountTotal: price, Currency: "eur"}, false, now)
	}},
	{"failed", func(s payment.State) ([]event.Event, error) { return s.Fail(now) }},
	{"expired", func(s payment.State) ([]event.Event, error) { return s.Expire(now) }},
	{"refund 1", noteRefund("re_1", payment.RefundSucceeded)},
	{"refund 2", noteRefund("re_2", payment.RefundSucceeded)},
	{"refund 2 failed", noteRefund("re_2", payment.RefundFailed)},
	{"dispute opened", noteDispute(payment.Dispute{FundsWithdrawn: true})},
	{"dispute won", noteDispute(payment.Dispute{Outcome: payment.DisputeWon})},
	{"dispute lost", noteDispute(payment.Dispute{Outcome: payment.DisputeLost})},
	{"dispute reinstated", noteDispute(payment.Dispute{Outcome: payment.DisputeReinstated})},
}

// rule says what must come of a set of facts, from the prose of the contract and
// not from the code: the state of the session, the tokens taken back, and
// whether the rest is frozen.
func rule(set map[string]bool) (paid bool, clawed int64, frozen bool) {
	if !set["paid"] {
		return false, 0, false
	}
	returned := 0
	if set["refund 1"] {
		returned += partial
	}
	if set["refund 2"] && !set["refund 2 failed"] {
		returned += partial
	}
	favourable := set["dispute won"] || set["dispute reinstated"]
	if set["dispute lost"] && !favourable {
		returned = price // All of the money is gone, whatever was refunded of it.
	}
	return true, int64(tokens * returned / price), set["dispute opened"] && !favourable && !set["dispute lost"]
}

// fataler is the part of testing.TB that millions of checks can afford.
type fataler interface {
	Fatalf(format string, args ...any)
}

// books is a payment with the token account that follows it.
type books struct {
	payment  payment.State
	revision int64
	account  tokenaccount.State
}

func opening() books {
	return books{payment: payment.Apply(payment.Apply(payment.State{}, payment.CheckoutRequested{
		PaymentID: "pay_1", OrganizationID: "org_1", Quantity: 1, UnitAmount: price, Currency: "eur", Tokens: tokens, OccurredAt: start,
	}), payment.CheckoutSessionOpened{PaymentID: "pay_1", SessionID: "cs_1", ExpireAt: now, OccurredAt: start}), revision: 1}
}

// tell gives the payment a fact, and lets the account follow as the policy does.
func (b books) tell(tb fataler, f fact, follow bool) books {
	events, err := f.tell(b.payment)
	if err != nil {
		tb.Fatalf("%s: %v", f.name, err)
	}
	for _, e := range events {
		b.payment = payment.Apply(b.payment, e)
		b.revision++
	}
	if !follow || len(events) == 0 || !b.payment.Due() {
		return b
	}
	ctx := tokenaccount.Context{OrganizationID: "org_1", At: now}
	grant := tokenaccount.Reference{ID: "pay_1", At: start}
	apply := func(events []event.Event, err error) {
		if err != nil {
			tb.Fatalf("%s: %v", f.name, err)
		}
		for _, e := range events {
			b.account = tokenaccount.Apply(b.account, e)
		}
	}
	apply(b.account.Bring(ctx, tokenaccount.Granting{Grant: grant, Source: tokenaccount.SourcePurchase, Amount: b.payment.Tokens}))
	apply(b.account.Align(ctx, tokenaccount.Alignment{
		Grant: grant, Version: b.revision, ClawedBack: b.payment.ClawedBack(), Disputed: b.payment.Disputed(),
	}))
	return b
}

func (b books) check(tb fataler, told []fact, follow bool) {
	set := map[string]bool{}
	for _, f := range told {
		set[f.name] = true
	}
	paid, clawed, frozen := rule(set)
	s := b.payment
	if s.Due() != paid || s.ClawedBack() != clawed || paid && s.Disputed() != frozen {
		tb.Fatalf("after %v: due %t, clawed back %d, disputed %t; want %t, %d, %t",
			names(told), s.Due(), s.ClawedBack(), s.Disputed(), paid, clawed, frozen)
	}
	wantSession := payment.SessionExpired // by the clock
	if set["completed"] || paid {
		wantSession = payment.SessionComplete
	}
	if got := s.Session(now); got != wantSession {
		tb.Fatalf("after %v: the session is %s, want %s", names(told), got, wantSession)
	}
	if !follow {
		return
	}
	balance, left := b.account.Balance, int64(0)
	if paid {
		left = tokens - clawed
	}
	want := tokenaccount.Balance{Issued: 0, Available: left, ClawedBack: clawed}
	if frozen {
		want.Available, want.Frozen = 0, left
	}
	if paid {
		want.Issued = -tokens
	}
	if balance != want {
		tb.Fatalf("after %v: the account has %+v, want %+v", names(told), balance, want)
	}
}

func names(told []fact) []string {
	out := make([]string, len(told))
	for i, f := range told {
		out[i] = f.name
	}
	return out
}

// permute tells facts in every order of every subset of up to most, and checks
// the state after each. It shares the work of equal beginnings.
func permute(tb fataler, b books, told []fact, most int, follow bool) (orders int) {
	b.check(tb, told, follow)
	if len(told) == most {
		return 1
	}
	for _, f := range facts {
		if !slices.ContainsFunc(told, func(o fact) bool { return o.name == f.name }) {
			orders += permute(tb, b.tell(tb, f, follow), append(told[:len(told):len(told)], f), most, follow)
		}
	}
	return orders + 1
}

// Every order of every set of facts ends as the rule says.
func TestEveryOrderEndsTheSame(t *testing.T) {
	t.Parallel()
	if n := permute(t, opening(), nil, 5, true); n < 60_000 {
		t.Errorf("only %d orders were tried", n)
	}
}

// The same for longer orders, of the payment alone: each of the two million
// orders of up to seven facts.
func TestEveryOrderOfSevenFacts(t *testing.T) {
	t.Parallel()
	if n := permute(t, opening(), nil, 7, false); n < 2_000_000 {
		t.Errorf("only %d orders were tried", n)
	}
}

// Longer histories, with facts told more than once.
func TestOrderWithRepetitions(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		b := opening()
		var told []fact
		for range rapid.IntRange(1, 30).Draw(rt, "facts") {
			f := rapid.SampledFrom(facts).Draw(rt, "fact")
			b = b.tell(t, f, true)
			told = append(told, f)
			b.check(t, told, true)
		}
	})
}

// The proportion is exact however large the numbers are, and rounds down.
func TestClawbackIsProportionalAndRoundsDown(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		total := rapid.Int64Range(1, 1<<62).Draw(t, "paid")
		n := rapid.Int64Range(1, tokenaccount.MaxAmount).Draw(t, "tokens")
		s := payment.State{ID: "pay_1", Tokens: n, Paid: &payment.Paid{AmountTotal: total}}
		before := int64(0)
		for i := range rapid.IntRange(1, 5).Draw(t, "refunds") {
			events, err := s.NoteRefund(payment.Refund{
				ID: fmt.Sprint("re_", i), Amount: rapid.Int64Range(0, total).Draw(t, "amount"), Status: payment.RefundSucceeded,
			}, time.Time{})
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range events {
				s = payment.Apply(s, e)
			}
			clawed := s.ClawedBack()
			switch {
			case clawed < before || clawed > n:
				t.Fatalf("clawed back went from %d to %d of %d", before, clawed, n)
			case s.Returned() == total && clawed != n:
				t.Fatalf("all was returned, but only %d of %d tokens", clawed, n)
			case s.Returned() < total && clawed == n && n > 1 && total < 1<<31 && (total-s.Returned())*n >= total:
				t.Fatalf("not all was returned, but all tokens")
			}
			before = clawed
		}
	})
}
