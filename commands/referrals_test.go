package commands_test

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/campaign"
	"github.com/perfectworks/backend/domain/click"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/domain/payment"
	"github.com/perfectworks/backend/domain/personal"
	"github.com/perfectworks/backend/domain/referral"
	"github.com/perfectworks/backend/domain/referrer"
	"github.com/perfectworks/backend/domain/user"
)

// programme is that of the tests.
var programme = referral.Programme{
	TermsVersion: "1", MinimumPayout: 1000, SecondApprovalAbove: 100_000,
	Rules: []referral.Rule{
		{Version: 1, WindowDays: 30, RateBasisPoints: 1000, Months: 12, HoldDays: 30, Currency: "eur"},
		{Version: 2, WindowDays: 30, RateBasisPoints: 2000, Months: 12, HoldDays: 30, Currency: "eur"},
	},
}

// bank is a provider of payouts.
type bank struct {
	mu   sync.Mutex
	paid []commands.Payout
	// answers is what Pay and Ask return, fails how often Pay does.
	answer referrer.Outcome
	fails  int
}

var errBank = errors.New("the bank does not answer")

func (b *bank) Pay(_ context.Context, p commands.Payout) (referrer.Outcome, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.paid = append(b.paid, p)
	if b.fails > 0 {
		b.fails--
		return "", errBank
	}
	return b.answer, nil
}

func (b *bank) Forget(context.Context, string) error { return nil }

func (b *bank) Ask(context.Context, string) (referrer.Outcome, error) { return b.answer, nil }

// circle is people of the referral programme on a store.
type circle struct {
	*world
	bank *bank
	// together are the organizations that everybody is a member of.
	together *archive
}

func onEachCircle(t *testing.T, test func(*circle)) {
	t.Helper()
	onEachStore(t, func(w *world) { test(newCircle(w)) })
}

func newCircle(w *world) *circle {
	c := &circle{world: w, bank: &bank{}, together: &archive{}}
	c.limit(0)
	return c
}

// limit bounds the campaigns of each referrer.
func (c *circle) limit(campaigns int) {
	c.Commands = commands.New(commands.Deps{
		Streams: c.store, Observer: noObserver{}, Secrets: secrets{}, Memberships: c.together, Eraser: c.together,
		Limits: commands.Limits{Campaigns: campaigns}, Referrals: referralTerms(c.bank),
	})
}

func referralTerms(payouts commands.PayoutProvider) commands.Referrals {
	return commands.Referrals{
		Programme: programme, Payouts: payouts,
		Destinations: campaign.Destinations{Landing: &url.URL{Scheme: "https", Host: "app.example.com", Path: "/"}},
	}
}

// earner is a person who is a referrer.
func (c *circle) earner() (access.Principal, referrer.State) {
	c.Helper()
	p := c.person()
	r := must(c.EnrolReferrer(c.Context(), c.request(p), commands.EnrolReferrer{
		TermsAccepted: true, PayoutMethod: referrer.MethodPayPal, PayoutEmail: personal.New("ada@pay.example"),
	})).in(c).Value
	return p, r
}

// comes registers somebody who comes by a click or with a code.
func (c *circle) comes(p access.Principal, code string, by *user.Click) access.Principal {
	c.Helper()
	r := ada()
	r.ReferralCode, r.Click = code, by
	p.UserID = must(c.RegisterUser(c.Context(), c.request(p), r)).in(c).Value.User.ID
	return p
}

func (c *circle) follower() commands.Request {
	return again(c.request(access.ByPolicy("follow", "", access.FollowReferrals)))
}

// decided is what is decided about somebody who came.
func (c *circle) decided(p access.Principal) referral.State {
	c.Helper()
	req := c.follower()
	first := must(c.AttributeReferral(c.Context(), req, commands.AttributeReferral{UserID: p.UserID})).in(c)
	second := must(c.AttributeReferral(c.Context(), c.follower(), commands.AttributeReferral{UserID: p.UserID})).in(c)
	if first.Value != second.Value || first.Revision != second.Revision {
		c.Errorf("it is decided as %+v, then as %+v", first.Value, second.Value)
	}
	return first.Value
}

func clickOn(link click.Link, at time.Time, rule int) *user.Click {
	return commands.ClickOf("w-1-"+unique(), link, at, rule)
}

func TestAttribution(t *testing.T) {
	t.Parallel()
	onEachCircle(t, func(c *circle) {
		by, r := c.earner()
		camp := must(c.CreateCampaign(c.Context(), c.request(by), commands.CreateCampaign{Name: "Spring", EndAt: start.Add(time.Hour)})).in(c).Value
		own, ofCampaign := click.Link{ReferrerID: r.ID}, click.Link{ReferrerID: r.ID, CampaignID: camp.ID}

		if s := c.decided(c.person()); s.Decided {
			c.Errorf("who came alone was brought: %+v", s)
		}
		byClick := c.comes(stranger(unique()), "", clickOn(ofCampaign, start, 1))
		if s := c.decided(byClick); !s.Earns() || s.ReferrerID != r.ID || s.CampaignID != camp.ID || s.Rule != programme.Rules[0] {
			c.Errorf("by a click: %+v", s)
		}
		if s := c.decided(c.comes(stranger(unique()), " "+strings.ToUpper(r.Code), nil)); !s.Earns() || s.Rule.Version != 2 || s.CampaignID != "" {
			c.Errorf("by the referrer's code: %+v", s)
		}
		if s := c.decided(c.comes(stranger(unique()), camp.Code, nil)); !s.Earns() || s.CampaignID != camp.ID {
			c.Errorf("by the campaign's code: %+v", s)
		}
		_, another := c.earner()
		if s := c.decided(c.comes(stranger(unique()), another.Code, clickOn(own, start, 2))); s.ReferrerID != r.ID {
			c.Errorf("the click goes before the code: %+v", s)
		}
		if s := c.decided(c.comes(stranger(unique()), another.Code, clickOn(own, start.AddDate(0, 0, -30), 2))); s.ReferrerID != another.ID || s.ClickID != "" {
			c.Errorf("the code goes before an old click: %+v", s)
		}
		// A click before the end counts after it, a code does not.
		c.now = start.Add(2 * time.Hour)
		if s := c.decided(c.comes(stranger(unique()), "", clickOn(ofCampaign, start, 1))); !s.Earns() {
			c.Errorf("a click before the end: %+v", s)
		}
		for name, p := range map[referral.Reason]access.Principal{
			referral.ReasonCampaignEnded: c.comes(stranger(unique()), camp.Code, nil),
			referral.ReasonCodeUnknown:   c.comes(stranger(unique()), "nobody-has-it", nil),
			referral.ReasonClickExpired:  c.comes(stranger(unique()), "", clickOn(own, start.AddDate(0, 0, -30), 1)),
		} {
			if s := c.decided(p); s.Reason != name {
				c.Errorf("%s: %+v", name, s)
			}
		}
		if _, err := c.AttributeReferral(c.Context(), c.follower(), commands.AttributeReferral{
			UserID: c.comes(stranger(unique()), "", clickOn(own, start, 9)).UserID,
		}); !errors.Is(err, commands.ErrRuleMissing) {
			c.Errorf("a rule that the programme does not have: %v", err)
		}
		if _, err := c.AttributeReferral(c.Context(), c.request(by), commands.AttributeReferral{UserID: by.UserID}); !errors.Is(err, access.ErrForbidden) {
			c.Errorf("a person attributes: %v", err)
		}
	})
}

func TestPeopleWhoMayNotReferEachOther(t *testing.T) {
	t.Parallel()
	onEachCircle(t, func(c *circle) {
		mailbox := unique()
		by := vouched(stranger(unique()), mailbox+"@gmail.com", start)
		by = c.comes(by, "", nil)
		c.decided(by)
		r := must(c.EnrolReferrer(c.Context(), c.request(by), commands.EnrolReferrer{TermsAccepted: true})).in(c).Value
		own := click.Link{ReferrerID: r.ID}

		alias := c.comes(vouched(stranger(unique()), mailbox+"+x@googlemail.com", start), r.Code, nil)
		if s := c.decided(alias); s.Reason != referral.ReasonSameAddress {
			c.Errorf("an alias: %+v", s)
		}
		// Somebody who has another account already.
		twice := unique()
		c.decided(c.comes(vouched(stranger(unique()), twice+"@gmail.com", start), "", nil))
		if s := c.decided(c.comes(vouched(stranger(unique()), twice+"+2@gmail.com", start), r.Code, nil)); s.Reason != referral.ReasonAlreadyRegistered {
			c.Errorf("a second account: %+v", s)
		}
		// Both are members of an organization.
		c.together.organizations = []id.Organization{"org_1"}
		if s := c.decided(c.comes(stranger(unique()), r.Code, nil)); s.Reason != referral.ReasonSameOrganization {
			c.Errorf("a colleague: %+v", s)
		}
		c.together.organizations = nil
		// A click of one's own, from before the account.
		self := stranger(unique())
		self.UserID = c.comes(self, "", nil).UserID
		mine := must(c.EnrolReferrer(c.Context(), c.request(self), commands.EnrolReferrer{TermsAccepted: true})).in(c).Value
		c.append(user.Aggregate.Stream(self.UserID), user.Registered{
			UserID: self.UserID, Click: clickOn(click.Link{ReferrerID: mine.ID}, start, 1), OccurredAt: start,
		})
		if s := c.decided(self); s.Reason != referral.ReasonSelfReferral {
			c.Errorf("oneself: %+v", s)
		}
		// Who brought the referrer, over two steps.
		first := c.comes(stranger(unique()), "", nil)
		top := must(c.EnrolReferrer(c.Context(), c.request(first), commands.EnrolReferrer{TermsAccepted: true})).in(c).Value
		middle := c.comes(stranger(unique()), top.Code, nil)
		c.decided(middle)
		bottom := must(c.EnrolReferrer(c.Context(), c.request(middle), commands.EnrolReferrer{TermsAccepted: true})).in(c).Value
		c.append(user.Aggregate.Stream(first.UserID), user.Registered{
			UserID: first.UserID, ReferralCode: bottom.Code, OccurredAt: start,
		})
		if s := c.decided(first); s.Reason != referral.ReasonLoop {
			c.Errorf("a loop: %+v", s)
		}
		// A referrer who is suspended.
		finance := access.Principal{Kind: access.KindSystem, UserID: "sysuser_1", SystemRoles: []access.SystemRole{access.SystemFinance}}
		must(c.SuspendReferrer(c.Context(), c.request(finance), commands.SuspendReferrer{ReferrerID: r.ID, Reason: personal.New("reported")})).in(c)
		if s := c.decided(c.comes(stranger(unique()), "", clickOn(own, start, 1))); s.Reason != referral.ReasonReferrerInactive {
			c.Errorf("a suspended referrer: %+v", s)
		}
		if _, err := c.CreateCampaign(c.Context(), c.request(by), commands.CreateCampaign{Name: "a"}); !errors.Is(err, referrer.ErrSuspended) {
			c.Errorf("a campaign of a suspended referrer: %v", err)
		}
	})
}

// pays writes a payment of an organization that somebody registered.
func (c *circle) pays(owner access.Principal, o id.Organization, subtotal int64) id.Payment {
	c.Helper()
	name := id.FromUUID[id.Payment]([16]byte(uuid.New()))
	c.append(payment.Aggregate.Stream(name),
		payment.CheckoutRequested{PaymentID: name, OrganizationID: o, UserID: owner.UserID, Quantity: 1, UnitAmount: subtotal, Currency: "eur", OccurredAt: c.now},
		payment.Succeeded{PaymentID: name, SessionID: "cs_" + string(name), AmountSubtotal: subtotal, AmountTotal: subtotal, Currency: "eur", OccurredAt: c.now})
	return name
}

func (c *circle) settled(name id.Payment) referrer.State {
	c.Helper()
	return must(c.SettleCommission(c.Context(), c.follower(), commands.SettleCommission{PaymentID: name})).in(c).Value
}

// customer is somebody who came with a code and registered an organization.
func (c *circle) customer(code string) (access.Principal, id.Organization) {
	c.Helper()
	p := c.comes(stranger(unique()), code, nil)
	o := must(c.CreateOrganization(c.Context(), c.request(p), named(unique()))).in(c).Value.Organization
	return p, o.ID
}

func TestCommissionsFollowPayments(t *testing.T) {
	t.Parallel()
	onEachCircle(t, func(c *circle) {
		_, r := c.earner()
		p, o := c.customer(r.Code)
		// The payment comes before it was decided who brought the person.
		name := c.pays(p, o, 10_000)
		if b := c.settled(name).Balance(start); b.Held != 2000 || b.Earned != 2000 {
			c.Errorf("%+v", b)
		}
		c.append(payment.Aggregate.Stream(name), payment.Refunded{PaymentID: name, RefundID: "re_1", Amount: 5000, Status: payment.RefundSucceeded, OccurredAt: c.now})
		c.settled(name)
		if b := c.settled(name).Balance(start); b.Earned != 1000 {
			c.Errorf("after a refund, twice: %+v", b)
		}
		c.append(payment.Aggregate.Stream(name), payment.Refunded{PaymentID: name, RefundID: "re_1", Amount: 5000, Status: payment.RefundFailed, OccurredAt: c.now})
		if b := c.settled(name).Balance(start); b.Earned != 2000 {
			c.Errorf("after the refund failed: %+v", b)
		}
		// Others who pay, and organizations that others registered, earn nothing.
		owner, other := c.organization()
		if s := c.settled(c.pays(owner, other.ID, 10_000)); s.ID != "" {
			c.Errorf("a payment of nobody's: %+v", s)
		}
		// An organization that the referrer is a member of.
		q, shared := c.customer(r.Code)
		c.append(organization.Aggregate.Stream(shared), organization.MemberJoined{OrganizationID: shared, UserID: r.UserID, Role: access.Viewer, OccurredAt: c.now})
		denied := c.pays(q, shared, 10_000)
		if d, _ := c.settled(denied).Commission(denied); d.Reason != referrer.ReasonSameOrganization {
			c.Errorf("%+v", d)
		}
		// A refund is followed after the organization was purged.
		c.append(organization.Aggregate.Stream(o), organization.Deleted{OrganizationID: o, OccurredAt: c.now}, organization.Purged{OrganizationID: o, OccurredAt: c.now})
		c.append(payment.Aggregate.Stream(name), payment.DisputeOpened{PaymentID: name, DisputeID: "dp", Amount: 10_000, FundsWithdrawn: true, OccurredAt: c.now})
		if d, _ := c.settled(name).Commission(name); !d.Disputed {
			c.Errorf("%+v", d)
		}
		c.append(payment.Aggregate.Stream(name), payment.DisputeClosed{PaymentID: name, DisputeID: "dp", Amount: 10_000, Outcome: payment.DisputeLost, OccurredAt: c.now})
		if b := c.settled(name).Balance(start); b.Earned != 0 {
			c.Errorf("after a dispute was lost: %+v", b)
		}
	})
}

func TestMaturingAndWithdrawing(t *testing.T) {
	t.Parallel()
	onEachCircle(t, func(c *circle) {
		by, r := c.earner()
		p, o := c.customer(r.Code)
		c.settled(c.pays(p, o, 10_000))
		withdraw := func(amount int64) (commands.Result[commands.ChangedWithdrawal], error) {
			return c.RequestWithdrawal(c.Context(), c.request(by), commands.RequestWithdrawal{Amount: amount})
		}
		if _, err := withdraw(2000); !errors.Is(err, referrer.ErrInsufficient) {
			c.Errorf("before it matures: %v", err)
		}
		// By the clock, though no job ran.
		c.now = start.AddDate(0, 0, 30)
		// Many at once: one is accepted.
		accepted := 0
		for _, err := range together(8, func(int) error { _, err := withdraw(2000); return err }) {
			switch {
			case err == nil:
				accepted++
			case !errors.Is(err, referrer.ErrInProgress):
				c.Error(err)
			}
		}
		if accepted != 1 {
			c.Fatalf("%d withdrawals were accepted", accepted)
		}
		matured := must(c.MatureCommissions(c.Context(), c.follower(), commands.MatureCommissions{ReferrerID: r.ID})).in(c)
		second := must(c.MatureCommissions(c.Context(), c.follower(), commands.MatureCommissions{ReferrerID: r.ID})).in(c)
		if matured.Revision != second.Revision || !matured.Value.Commissions[0].Matured {
			c.Errorf("%+v, then %d", matured.Value.Commissions[0], second.Revision)
		}
		finance := access.Principal{Kind: access.KindSystem, UserID: "sysuser_1", SystemRoles: []access.SystemRole{access.SystemFinance}}
		name := referrer.TransactionID(r.ID, matured.Value.Withdrawals[0].Sequence)
		if _, err := c.SendWithdrawal(c.Context(), c.request(finance), commands.SendWithdrawal{TransactionID: name}); !errors.Is(err, referrer.ErrNotApproved) {
			c.Error(err)
		}
		if _, err := c.ApproveWithdrawal(c.Context(), c.request(by), commands.ApproveWithdrawal{TransactionID: name}); !errors.Is(err, access.ErrForbidden) {
			c.Errorf("the referrer approves: %v", err)
		}
		must(c.ApproveWithdrawal(c.Context(), c.request(finance), commands.ApproveWithdrawal{TransactionID: name})).in(c)
		// The bank breaks off: nobody knows, and it is not sent again.
		c.bank.fails = 1
		req := c.request(finance)
		if w := must(c.SendWithdrawal(c.Context(), req, commands.SendWithdrawal{TransactionID: name})).in(c).Value.Withdrawal; w.Status != referrer.StatusUncertain {
			c.Errorf("%+v", w)
		}
		for _, req := range []commands.Request{req, again(req), c.request(finance)} {
			if _, err := c.SendWithdrawal(c.Context(), req, commands.SendWithdrawal{TransactionID: name}); !errors.Is(err, referrer.ErrSent) {
				c.Error(err)
			}
		}
		if len(c.bank.paid) != 1 || c.bank.paid[0].Amount != 2000 || c.bank.paid[0].Email.Reveal() != "ada@pay.example" {
			c.Errorf("%+v", c.bank.paid)
		}
		ask := func(answer referrer.Outcome) referrer.Withdrawal {
			c.bank.answer = answer
			return must(c.AskWithdrawal(c.Context(), c.follower(), commands.AskWithdrawal{TransactionID: name})).in(c).Value.Withdrawal
		}
		if w := ask(""); w.Status != referrer.StatusUncertain {
			c.Errorf("%+v", w)
		}
		if w := ask(referrer.OutcomePaid); w.Status != referrer.StatusPaid {
			c.Errorf("%+v", w)
		}
		// It comes back, twice.
		for range 2 {
			done := must(c.FinishWithdrawal(c.Context(), c.request(finance), commands.FinishWithdrawal{TransactionID: name, Outcome: referrer.OutcomeReturned})).in(c).Value
			if b := done.Referrer.Balance(c.now); b.Available != 2000 || b.Withdrawn != 0 {
				c.Errorf("%+v", b)
			}
		}
	})
}

// A code that a creation reserved and did not use can be used later; one that was
// used is never given again.
func TestCodesHeal(t *testing.T) {
	t.Parallel()
	onEachCircle(t, func(c *circle) {
		by, _ := c.earner()
		code := "c" + unique()
		abandoned := must(c.CreateCampaign(c.Context(), c.request(by), commands.CreateCampaign{Name: "a", Code: code})).in(c).Value
		if _, err := c.CreateCampaign(c.Context(), c.request(by), commands.CreateCampaign{Name: "b", Code: strings.ToUpper(code)}); !errors.Is(err, campaign.ErrCodeTaken) {
			c.Errorf("a code that is in use: %v", err)
		}
		must(c.EndCampaign(c.Context(), c.request(by), commands.EndCampaign{CampaignID: abandoned.ID})).in(c)
		c.now = start.AddDate(1, 0, 0)
		if _, err := c.CreateCampaign(c.Context(), c.request(by), commands.CreateCampaign{Name: "b", Code: code}); !errors.Is(err, campaign.ErrCodeTaken) {
			c.Errorf("the code of a campaign that ended: %v", err)
		}
		// Repeating a request creates one campaign.
		req := c.request(by)
		one := must(c.CreateCampaign(c.Context(), req, commands.CreateCampaign{Name: "a"})).in(c)
		two := must(c.CreateCampaign(c.Context(), again(req), commands.CreateCampaign{Name: "a"})).in(c)
		if one.Value != two.Value || one.Revision != two.Revision {
			c.Errorf("%+v, then %+v", one, two)
		}
	})
}

func TestSegmentsAreRecordedOnce(t *testing.T) {
	t.Parallel()
	onEachCircle(t, func(c *circle) {
		segment := commands.RecordClicks{Recorded: click.Recorded{Writer: unique(), Segment: 1, OccurredAt: start}}
		req := c.follower()
		first := must(c.RecordClicks(c.Context(), req, segment)).in(c)
		second := must(c.RecordClicks(c.Context(), c.follower(), segment)).in(c)
		if first.Revision != 0 || second.Revision != 0 || first.Position != second.Position {
			c.Errorf("%+v, then %+v", first, second)
		}
		if _, err := c.RecordClicks(c.Context(), c.request(c.person()), segment); !errors.Is(err, access.ErrForbidden) {
			c.Error(err)
		}
	})
}

// An account with a withdrawal under way is not deactivated.
func TestDeactivationWaitsForAWithdrawal(t *testing.T) {
	t.Parallel()
	onEachCircle(t, func(c *circle) {
		by, r := c.earner()
		deactivate := func() error {
			_, err := c.DeactivateUser(c.Context(), c.request(by), commands.DeactivateUser{ConfirmEmail: by.Identity.Email})
			return err
		}
		stream := referrer.Aggregate.Stream(r.ID)
		c.append(stream, referrer.WithdrawalRequested{ReferrerID: r.ID, UserID: by.UserID, Sequence: 1, Amount: 1, OccurredAt: c.now})
		if err := deactivate(); !errors.Is(err, referrer.ErrInProgress) {
			c.Error(err)
		}
		c.append(stream, referrer.WithdrawalRejected{ReferrerID: r.ID, Sequence: 1, OccurredAt: c.now})
		if err := deactivate(); err != nil {
			c.Error(err)
		}
	})
}
