package commands_test

import (
	"errors"
	"fmt"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/campaign"
	"github.com/perfectworks/backend/domain/domaintest"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/payment"
	"github.com/perfectworks/backend/domain/personal"
	"github.com/perfectworks/backend/domain/referrer"
)

// financier is a person of finance.
func financier(n int) access.Principal {
	return access.Principal{Kind: access.KindSystem, UserID: id.User(fmt.Sprint("sysuser_", n)), SystemRoles: []access.SystemRole{access.SystemFinance}}
}

// givenBack counts how often the money of a referrer's withdrawals came back.
func givenBack(m *model, of id.Referrer) (n int) {
	for _, e := range m.all("referrer")[referrer.Aggregate.Stream(of)] {
		switch e.Event.(type) {
		case referrer.WithdrawalFailed, referrer.WithdrawalRejected, referrer.WithdrawalStopped, referrer.WithdrawalReturned:
			n++
		}
	}
	return n
}

// All that can become of a withdrawal is told at once and again, in several
// processes: it is sent once at most, and given back once at most.
func TestTheEndsOfAWithdrawalUnderRaces(t *testing.T) {
	t.Parallel()
	onEachCircle(t, func(c *circle) {
		by, r := c.earner()
		p, o := c.customer(r.Code)
		c.settled(c.pays(p, o, 10_000))
		c.now = start.AddDate(0, 0, 30)
		for round := range 8 {
			sentBefore := len(c.bank.paid)
			balance := must(c.MatureCommissions(c.Context(), c.follower(), commands.MatureCommissions{ReferrerID: r.ID})).in(c).Value.Balance(c.now)
			if balance.Available < 1000 {
				break
			}
			w := must(c.RequestWithdrawal(c.Context(), c.request(by), commands.RequestWithdrawal{Amount: 1000})).in(c).Value.Withdrawal
			name := referrer.TransactionID(r.ID, w.Sequence)
			must(c.ApproveWithdrawal(c.Context(), c.request(financier(1)), commands.ApproveWithdrawal{TransactionID: name})).in(c)
			finish := func(o referrer.Outcome) func() error {
				return func() error {
					_, err := c.FinishWithdrawal(c.Context(), c.request(financier(1)), commands.FinishWithdrawal{TransactionID: name, Outcome: o})
					return err
				}
			}
			send := func() error {
				_, err := c.SendWithdrawal(c.Context(), c.request(financier(2)), commands.SendWithdrawal{TransactionID: name})
				return err
			}
			reject := func() error {
				_, err := c.RejectWithdrawal(c.Context(), c.request(financier(2)), commands.RejectWithdrawal{TransactionID: name, Reason: personal.New("reported")})
				return err
			}
			ask := func() error {
				_, err := c.AskWithdrawal(c.Context(), c.follower(), commands.AskWithdrawal{TransactionID: name})
				return err
			}
			all := []func() error{
				send, send, finish(referrer.OutcomePaid), finish(referrer.OutcomeFailed), finish(referrer.OutcomeReturned), finish(referrer.OutcomeUnknown),
				ask, finish(referrer.OutcomeReturned), finish(referrer.OutcomePaid),
			}
			if round%2 == 0 {
				all = append(all, reject, reject)
			}
			c.bank.answer = []referrer.Outcome{"", referrer.OutcomePaid, referrer.OutcomeFailed}[round%3]
			c.bank.fails = round % 2
			for range 2 {
				for _, err := range together(len(all), func(i int) error { return all[i]() }) {
					if err != nil && failure.Of(err) == nil {
						c.Error(err)
					}
				}
			}
			c.bank.fails = 0
			if n := len(c.bank.paid) - sentBefore; n > 1 {
				c.Errorf("round %d: it was sent %d times", round, n)
			}
			// Whatever came of it, it ends.
			for _, end := range []func() error{reject, finish(referrer.OutcomePaid)} {
				if err := end(); err != nil && failure.Of(err) == nil {
					c.Error(err)
				}
			}
			s := must(c.MatureCommissions(c.Context(), c.follower(), commands.MatureCommissions{ReferrerID: r.ID})).in(c).Value
			b := s.Balance(c.now)
			if b.Withdrawing != 0 || b.Earned != b.Held+b.Available+b.Withdrawn || b.Earned != 2000 {
				c.Errorf("round %d: %+v", round, b)
			}
			if m, ok := c.store.(*model); ok {
				ends := 0
				for _, w := range s.Withdrawals {
					if w.Status != referrer.StatusPaid {
						ends++
					}
				}
				if n := givenBack(m, r.ID); n != ends {
					c.Errorf("round %d: %d withdrawals came back, %d times", round, ends, n)
				}
			}
		}
	})
}

// For payments, refunds, disputes, withdrawals and suspensions in any order, told
// late, twice or not at all, the totals are in the end those of the rule, computed
// from what became of the payments.
func TestTotalsFollowPaymentsInAnyOrder(t *testing.T) {
	t.Parallel()
	for seed := range uint64(24) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			c := newCircle(newWorld(t, newModel()))
			totalsFollow(c, rand.New(rand.NewPCG(seed, 13)))
		})
	}
}

func totalsFollow(c *circle, dice *rand.Rand) {
	c.Helper()
	by, r := c.earner()
	type paid struct {
		name      id.Payment
		subtotal  int64
		total     int64
		suspended bool
		state     payment.State
	}
	var payments []*paid
	customers := make([]access.Principal, 2)
	places := make([]id.Organization, 2)
	for i := range customers {
		customers[i], places[i] = c.customer(r.Code)
		c.decided(customers[i])
	}
	suspended := false
	happen := func(p *paid, events ...event.Event) {
		for _, e := range events {
			c.append(payment.Aggregate.Stream(p.name), e)
			p.state = payment.Apply(p.state, e)
		}
	}
	latest := func() string {
		s := must(c.MatureCommissions(c.Context(), c.follower(), commands.MatureCommissions{ReferrerID: r.ID})).in(c).Value
		if len(s.Withdrawals) == 0 {
			return ""
		}
		return referrer.TransactionID(r.ID, s.Withdrawals[len(s.Withdrawals)-1].Sequence)
	}
	refused := func(err error) {
		if err != nil && failure.Of(err) == nil {
			c.Fatal(err)
		}
	}
	for step := range 120 {
		var p *paid
		if len(payments) > 0 {
			p = payments[dice.IntN(len(payments))]
		}
		switch what := dice.IntN(14); {
		case what < 2 || p == nil:
			i := dice.IntN(2)
			subtotal := dice.Int64N(100_000) + 5
			p = &paid{name: id.FromUUID[id.Payment]([16]byte(uuid.New())), subtotal: subtotal, total: subtotal + dice.Int64N(subtotal/4+1)}
			happen(p,
				payment.CheckoutRequested{PaymentID: p.name, OrganizationID: places[i], UserID: customers[i].UserID, Quantity: 1, UnitAmount: subtotal, Currency: "eur", OccurredAt: c.now},
				payment.Succeeded{PaymentID: p.name, SessionID: string(p.name), AmountSubtotal: subtotal, AmountTotal: p.total, Currency: "eur", OccurredAt: c.now})
			payments = append(payments, p)
			// The referral's terms of this payment are those of the moment at which it is
			// first looked at.
			p.suspended = suspended
			c.settled(p.name)
		case what < 5:
			status := []payment.RefundStatus{payment.RefundSucceeded, payment.RefundPending, payment.RefundFailed}[dice.IntN(3)]
			happen(p, payment.Refunded{PaymentID: p.name, RefundID: fmt.Sprint("re_", dice.IntN(3)), Amount: dice.Int64N(p.total) + 1, Status: status, OccurredAt: c.now})
		case what == 5:
			happen(p, payment.DisputeOpened{PaymentID: p.name, DisputeID: fmt.Sprint("dp_", dice.IntN(2)), Amount: dice.Int64N(p.total) + 1, FundsWithdrawn: dice.IntN(3) > 0, OccurredAt: c.now})
		case what == 6:
			outcome := []payment.DisputeOutcome{payment.DisputeWon, payment.DisputeLost}[dice.IntN(2)]
			happen(p, payment.DisputeClosed{PaymentID: p.name, DisputeID: fmt.Sprint("dp_", dice.IntN(2)), Amount: dice.Int64N(p.total) + 1, Outcome: outcome, OccurredAt: c.now})
		case what == 7:
			c.now = c.now.Add(time.Duration(dice.IntN(20*24)) * time.Hour)
		case what == 8:
			if available := latestBalance(c, r.ID).Available; available > 0 {
				_, err := c.RequestWithdrawal(c.Context(), c.request(by), commands.RequestWithdrawal{Amount: dice.Int64N(available) + 1})
				refused(err)
			}
		case what == 9:
			if name := latest(); name != "" {
				for i := range 2 {
					_, err := c.ApproveWithdrawal(c.Context(), c.request(financier(i)), commands.ApproveWithdrawal{TransactionID: name})
					refused(err)
				}
			}
		case what == 10:
			if name := latest(); name != "" {
				_, err := c.SendWithdrawal(c.Context(), c.request(financier(1)), commands.SendWithdrawal{TransactionID: name})
				refused(err)
			}
		case what == 11:
			if name := latest(); name != "" {
				outcome := []referrer.Outcome{referrer.OutcomePaid, referrer.OutcomeFailed, referrer.OutcomeUnknown, referrer.OutcomeReturned}[dice.IntN(4)]
				_, err := c.FinishWithdrawal(c.Context(), c.request(financier(1)), commands.FinishWithdrawal{TransactionID: name, Outcome: outcome})
				refused(err)
			}
		case what == 12:
			if dice.IntN(2) == 0 {
				must(c.SuspendReferrer(c.Context(), c.request(financier(1)), commands.SuspendReferrer{ReferrerID: r.ID, Reason: personal.New("reported")})).in(c)
				suspended = true
			} else {
				must(c.ReinstateReferrer(c.Context(), c.request(financier(1)), commands.ReinstateReferrer{ReferrerID: r.ID, Reason: personal.New("cleared")})).in(c)
				suspended = false
			}
		default: // What follows from a payment may be told late, or twice.
			c.settled(p.name)
			c.settled(p.name)
		}
		if b := latestBalance(c, r.ID); b.Earned != b.Held+b.Available+b.Withdrawing+b.Withdrawn-b.Carried || b.Available < 0 || b.Carried < 0 {
			c.Fatalf("step %d: %+v", step, b)
		}
	}
	var earned, held int64
	for _, p := range payments {
		c.settled(p.name)
		if p.suspended || programme.Rules[1].Commission(p.subtotal, p.total, 0) == 0 {
			continue
		}
		// floor(subtotal × 20 % × (total − returned) ÷ total), by fractions.
		worth := new(big.Rat).Mul(big.NewRat(p.subtotal, 5), big.NewRat(p.total-p.state.Returned(), p.total))
		n := new(big.Int).Quo(worth.Num(), worth.Denom()).Int64()
		earned += n
		if p.state.Disputed() || c.now.Before(p.state.Paid.At.AddDate(0, 0, 30)) {
			held += n
		}
	}
	if b := latestBalance(c, r.ID); b.Earned != earned || b.Held != held {
		c.Errorf("%+v, want earned %d and held %d", b, earned, held)
	}
	sent := map[string]int{}
	for _, p := range c.bank.paid {
		if sent[p.Reference]++; sent[p.Reference] > 1 {
			c.Errorf("%s was sent again", p.Reference)
		}
	}
}

func latestBalance(c *circle, name id.Referrer) referrer.Balance {
	c.Helper()
	return must(c.MatureCommissions(c.Context(), c.follower(), commands.MatureCommissions{ReferrerID: name})).in(c).Value.Balance(c.now)
}

// A code that a dead process reserved and never used is another's after the grace,
// and the dead process's request, repeated then, does not get it back.
func TestAnUnusedCodeLapses(t *testing.T) {
	t.Parallel()
	onEachCircle(t, func(c *circle) {
		by, _ := c.earner()
		other, _ := c.earner()
		code := "c" + unique()
		wanted := commands.CreateCampaign{Name: "a", Code: code}
		lost := c.request(by)
		dying := newCircle(&world{TB: c.TB, store: &faulty{Streams: c.store, at: 3}, now: c.now}) // before the campaign begins
		if _, err := dying.CreateCampaign(c.Context(), lost, wanted); err == nil {
			c.Fatal("the process did not die")
		}
		c.now = start.Add(time.Minute - time.Millisecond)
		if _, err := c.CreateCampaign(c.Context(), c.request(other), wanted); !errors.Is(err, campaign.ErrCodeTaken) {
			c.Errorf("within the grace: %v", err)
		}
		c.now = start.Add(time.Minute)
		got := must(c.CreateCampaign(c.Context(), c.request(other), commands.CreateCampaign{Name: "b", Code: strings.ToUpper(code)})).in(c).Value
		if got.Code != code || got.ReferrerID != id.ReferrerOf(other.UserID) {
			c.Errorf("%+v", got)
		}
		if _, err := c.CreateCampaign(c.Context(), again(lost), wanted); !errors.Is(err, campaign.ErrCodeTaken) {
			c.Errorf("repeated too late: %v", err)
		}
		if m, ok := c.store.(*model); ok && !strings.Contains(m.String(), "CampaignCodeLapsed") {
			c.Error("no claim has lapsed")
		}
	})
}

// A referrer has a number of campaigns that have not ended, and no more.
func TestCampaignsAreLimited(t *testing.T) {
	t.Parallel()
	onEachCircle(t, func(c *circle) {
		c.limit(2)
		by, _ := c.earner()
		create := func(n commands.CreateCampaign) (campaign.State, error) {
			n.Name = "a"
			r, err := c.CreateCampaign(c.Context(), c.request(by), n)
			return r.Value, err
		}
		first, err := create(commands.CreateCampaign{})
		if err != nil {
			c.Fatal(err)
		}
		ends := start.Add(time.Hour)
		if _, err := create(commands.CreateCampaign{EndAt: ends}); err != nil {
			c.Fatal(err)
		}
		code := "c" + unique()
		if _, err := create(commands.CreateCampaign{Code: code}); !errors.Is(err, campaign.ErrLimit) {
			c.Errorf("beyond the limit: %v", err)
		}
		if _, err := create(commands.CreateCampaign{Code: "x"}); domaintest.Diff([]string{"code"}, fieldsOf(err)) != "" {
			c.Errorf("wrong input beyond the limit: %v", err)
		}
		// Each referrer has a quota of their own, and the code was not taken.
		other, _ := c.earner()
		must(c.CreateCampaign(c.Context(), c.request(other), commands.CreateCampaign{Name: "b", Code: code})).in(c)
		// One that ended counts no more, by its referrer or by the clock.
		must(c.EndCampaign(c.Context(), c.request(by), commands.EndCampaign{CampaignID: first.ID})).in(c)
		third, err := create(commands.CreateCampaign{})
		if err != nil || third.Slot != first.Slot {
			c.Errorf("%+v after %+v, %v", third, first, err)
		}
		c.now = ends.Add(-time.Millisecond)
		if _, err := create(commands.CreateCampaign{}); !errors.Is(err, campaign.ErrLimit) {
			c.Errorf("before the end: %v", err)
		}
		c.now = ends
		created := 0
		for _, err := range together(6, func(int) error { _, err := create(commands.CreateCampaign{}); return err }) {
			if err == nil {
				created++
			} else if !errors.Is(err, campaign.ErrLimit) {
				c.Error(err)
			}
		}
		if created != 1 {
			c.Errorf("%d campaigns were created in one slot", created)
		}
	})
}

// fieldsOf are the fields that an error names.
func fieldsOf(err error) (names []string) {
	if f := failure.Of(err); f != nil {
		for _, field := range f.Details {
			names = append(names, field.Field)
		}
	}
	return names
}
