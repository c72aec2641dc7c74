package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/referrer"
	"github.com/perfectworks/backend/projections/referrals"
)

// Referrer is the caller as a referrer.
type Referrer struct {
	ID           string  `json:"id" example:"rfr_01jd9z3q5we8x9v6m2k4t7r1b9"`
	ReferralCode string  `json:"referralCode" doc:"It never changes." example:"k7m2p9xd"`
	ReferralURL  string  `json:"referralUrl" example:"https://app.example.com/api/v0/referral-links/k7m2p9xd"`
	Status       string  `json:"status" enum:"active,suspended" doc:"A suspended referrer earns and withdraws nothing." example:"active"`
	TermsVersion string  `json:"termsVersion" doc:"The version of the terms that was accepted last." example:"2026-01"`
	PayoutMethod *string `json:"payoutMethod" enum:"paypal,bankTransfer" nullable:"true" example:"paypal"`
	PayoutEmail  *string `json:"payoutEmail" nullable:"true" example:"ada@example.com"`
	CreatedAt    Time    `json:"createdAt"`
	UpdatedAt    Time    `json:"updatedAt"`
}

func (a *API) referrerOf(r referrals.Referrer) Referrer {
	out := Referrer{
		ID: string(r.ID), ReferralCode: r.Code, ReferralURL: a.referralURL(r.Code), Status: "active", TermsVersion: r.TermsVersion,
		PayoutMethod: optional(string(r.PayoutMethod)), PayoutEmail: optional(r.PayoutEmail.Reveal()),
		CreatedAt: Time{r.EnrolledAt}, UpdatedAt: Time{r.UpdatedAt},
	}
	if r.Suspended {
		out.Status = "suspended"
	}
	return out
}

// Earnings are where a referrer's money is. total = held + available + withdrawing
// + withdrawn − carried.
type Earnings struct {
	Currency    string `json:"currency" doc:"An ISO 4217 code in lower case." example:"eur"`
	Total       int64  `json:"total" doc:"All commissions, less what was reversed: held + available + withdrawing + withdrawn − carried. All amounts are in the minor unit of the currency." example:"10260"`
	Held        int64  `json:"held" doc:"Has not matured, or its payment is disputed." example:"2260"`
	Available   int64  `json:"available" doc:"Can be withdrawn." example:"3000"`
	Withdrawing int64  `json:"withdrawing" doc:"Is reserved for a withdrawal that is under way." example:"0"`
	Withdrawn   int64  `json:"withdrawn" doc:"Was paid out." example:"5000"`
	Carried     int64  `json:"carried" doc:"Was reversed after it had been paid out, and is filled by later commissions." example:"0"`
}

// ReferrerProfile is the caller as a referrer, with their earnings.
type ReferrerProfile struct {
	Referrer
	Earnings Earnings `json:"earnings"`
}

// ReferrerTransaction is an entry of a referrer's account.
type ReferrerTransaction struct {
	ID           string  `json:"id" format:"referrer-transaction" example:"rtx_01jd9z3q5we8x9v6m2k4t7r1b9_3"`
	Type         string  `json:"type" enum:"commission,reversal,withdrawal,return" doc:"A reversal takes a commission back, in part or whole, or undoes that; a return is a withdrawal that was paid and came back." example:"commission"`
	Status       string  `json:"status" enum:"held,available,disputed,reversed,booked,requested,approved,sent,uncertain,paid,failed,rejected,stopped,returned" doc:"Of a commission: held until it matures, available, disputed or reversed as a whole. Of a withdrawal: requested, approved, sent, uncertain while nobody knows whether it was paid, paid, failed, rejected by finance, stopped by a reversal, or returned. All else is booked." example:"held"`
	Amount       int64   `json:"amount" doc:"What the entry adds to the account, in the minor unit of the currency; negative where it takes." example:"1960"`
	Currency     string  `json:"currency" example:"eur"`
	Remaining    *int64  `json:"remaining" nullable:"true" doc:"What is left of a commission after reversals; null for all else." example:"1960"`
	MaturesAt    *Time   `json:"maturesAt" nullable:"true" doc:"When a commission can be withdrawn; null for all else."`
	PaymentID    *string `json:"paymentId" nullable:"true" doc:"The payment that a commission was earned on." example:"pay_01jd9z3q5we8x9v6m2k4t7r1b9"`
	CampaignID   *string `json:"campaignId" nullable:"true" doc:"Null for the referrer's own code." example:"cmp_01jd9z3q5we8x9v6m2k4t7r1b9"`
	WithdrawalID *string `json:"withdrawalId" nullable:"true" doc:"The withdrawal that a return gives back." example:""`
	PayoutMethod *string `json:"payoutMethod" enum:"paypal,bankTransfer" nullable:"true" doc:"Of a withdrawal." example:"paypal"`
	CreatedAt    Time    `json:"createdAt"`
	UpdatedAt    Time    `json:"updatedAt"`
}

func referrerTransactionOf(t referrals.Transaction) ReferrerTransaction {
	out := ReferrerTransaction{
		ID: t.ID, Type: string(t.Type), Status: t.Status, Amount: t.Amount, Currency: t.Currency,
		MaturesAt: optionalTime(t.MaturesAt), PaymentID: optional(string(t.PaymentID)), CampaignID: optional(string(t.CampaignID)),
		WithdrawalID: optional(t.WithdrawalID), PayoutMethod: optional(string(t.PayoutMethod)),
		CreatedAt: Time{t.CreatedAt}, UpdatedAt: Time{t.UpdatedAt},
	}
	if t.Type == referrals.TypeCommission {
		out.Remaining = &t.Remaining
	}
	return out
}

// withdrawalOf is a withdrawal as a command left it.
func withdrawalOf(c commands.ChangedWithdrawal, at time.Time) ReferrerTransaction {
	w := c.Withdrawal
	return ReferrerTransaction{
		ID: referrer.TransactionID(c.Referrer.ID, w.Sequence), Type: string(referrals.TypeWithdrawal), Status: string(w.Status),
		Amount: -w.Amount, Currency: w.Currency, PayoutMethod: optional(string(w.PayoutMethod)),
		CreatedAt: Time{w.RequestedAt}, UpdatedAt: Time{at},
	}
}

var tagReferrers = tag{"Referrers", "Earning commissions on payments of people whom the caller brought."}

func (a *API) registerReferrers() {
	register(a, operation{
		id: "enrolReferrer", method: http.MethodPost, path: "/referrers", tag: tagReferrers,
		summary: "Become referrer",
		description: "Makes the caller a referrer, with a code and a link of their own. If they are one, the answer is 200: " +
			"the present terms are noted as accepted, and where money goes from now on, if that is given.",
		authorization: ownData(), status: http.StatusCreated, message: "the caller is a referrer",
		others: []otherAnswer{{http.StatusOK, "the caller was a referrer already"}},
	}, a.enrolReferrer)
	register(a, operation{
		id: "getReferrerProfile", method: http.MethodGet, path: "/referrers/profile", tag: tagReferrers,
		summary: "Get own referrer profile", description: "The caller as a referrer, with their earnings as they are at this instant.",
		authorization: ownData(), reads: []string{referrals.Name}, message: "the referrer",
		fails: []error{referrer.ErrNotFound},
	}, a.getReferrerProfile)
	register(a, operation{
		id: "listReferrerTransactions", method: http.MethodGet, path: "/referrer-transactions", tag: tagReferrers,
		summary: "List referrer transactions", description: "Commissions, reversals, withdrawals and returns of the caller.",
		authorization: ownData(), reads: []string{referrals.Name}, list: &referrals.TransactionList, message: "the transactions of the caller",
	}, a.listReferrerTransactions)
	register(a, operation{
		id: "getReferrerTransaction", method: http.MethodGet, path: "/referrer-transactions/{id}", tag: tagReferrers,
		summary: "Get referrer transaction", description: "A transaction of the caller.",
		authorization: ownData(), reads: []string{referrals.Name}, message: "the transaction",
		fails: []error{referrals.ErrTransactionNotFound},
	}, a.getReferrerTransaction)
	register(a, operation{
		id: "requestWithdrawal", method: http.MethodPost, path: "/referrer-transactions/withdrawal", tag: tagReferrers,
		summary: "Request withdrawal",
		description: "Reserves an amount of what is available, to be paid out once it is approved. There is one withdrawal at a time. " +
			"The header `Idempotency-Key` is required.",
		keyed: true, authorization: ownData(), status: http.StatusCreated, message: "the withdrawal was requested",
		fails: []error{
			referrer.ErrNotFound, referrer.ErrSuspended, referrer.ErrPayoutMissing, referrer.ErrBelowMinimum,
			referrer.ErrInsufficient, referrer.ErrInProgress,
		},
	}, a.requestWithdrawal)
}

type enrolReferrerInput struct {
	Body struct {
		TermsAccepted bool    `json:"termsAccepted" doc:"Must be true." example:"true"`
		PayoutMethod  *string `json:"payoutMethod,omitempty" nullable:"true" doc:"paypal or bankTransfer." example:"paypal"`
		PayoutEmail   *string `json:"payoutEmail,omitempty" nullable:"true" maxLength:"254" doc:"Where money is sent, or where the details of the transfer are asked for." example:"ada@example.com"`
	} `nameHint:"NewReferrer"`
}

func (a *API) enrolReferrer(ctx context.Context, x *exchange, in *enrolReferrerInput) (reply[Referrer], error) {
	c := commands.EnrolReferrer{TermsAccepted: in.Body.TermsAccepted, PayoutMethod: referrer.Method(textOf(in.Body.PayoutMethod))}
	if email := personalText(in.Body.PayoutEmail); email != nil {
		c.PayoutEmail = *email
	}
	result, err := a.commands.EnrolReferrer(ctx, a.command(ctx, x), c)
	if err != nil {
		return reply[Referrer]{}, err
	}
	out := written(result, a.referrerOf(referrals.Of(result.Value)))
	out.revision = nil // What is read under the location has no tag.
	out.location = basePath + "/referrers/profile"
	if result.Revision > 0 {
		out.status = http.StatusOK
	}
	return out, nil
}

func (a *API) getReferrerProfile(ctx context.Context, x *exchange, _ *struct{}) (reply[ReferrerProfile], error) {
	name := id.ReferrerOf(x.principal.UserID)
	r, err := a.queries.Referrals.Get(ctx, name)
	if err != nil {
		return reply[ReferrerProfile]{}, err
	}
	b, err := a.queries.Referrals.Balance(ctx, name, time.Now())
	if err != nil {
		return reply[ReferrerProfile]{}, err
	}
	return reply[ReferrerProfile]{data: ReferrerProfile{Referrer: a.referrerOf(r), Earnings: a.earningsOf(b)}}, nil
}

func (a *API) earningsOf(b referrer.Balance) Earnings {
	return Earnings{
		Currency: a.referralCurrency, Total: b.Earned, Held: b.Held, Available: b.Available,
		Withdrawing: b.Withdrawing, Withdrawn: b.Withdrawn, Carried: b.Carried,
	}
}

type listReferrerTransactionsInput struct {
	ListInput
	PeriodInput
}

func (a *API) listReferrerTransactions(ctx context.Context, x *exchange, in *listReferrerTransactionsInput) (reply[Page[ReferrerTransaction]], error) {
	var wrong failure.Fields
	period := in.period(&wrong)
	if err := wrong.Err(); err != nil {
		return reply[Page[ReferrerTransaction]]{}, err
	}
	page, err := a.queries.Referrals.Transactions(ctx, id.ReferrerOf(x.principal.UserID), referrals.Period(period), time.Now(), in.request(x))
	if err != nil {
		return reply[Page[ReferrerTransaction]]{}, err
	}
	return reply[Page[ReferrerTransaction]]{data: pageOf(page, referrerTransactionOf)}, nil
}

type referrerTransactionInput struct {
	ID string `path:"id" format:"referrer-transaction" example:"rtx_01jd9z3q5we8x9v6m2k4t7r1b9_3"`
}

func (a *API) getReferrerTransaction(ctx context.Context, x *exchange, in *referrerTransactionInput) (reply[ReferrerTransaction], error) {
	if _, _, ok := referrer.ParseTransactionID(in.ID); !ok {
		return reply[ReferrerTransaction]{}, referrals.ErrTransactionNotFound
	}
	t, err := a.queries.Referrals.Transaction(ctx, id.ReferrerOf(x.principal.UserID), in.ID, time.Now())
	if err != nil {
		return reply[ReferrerTransaction]{}, err
	}
	return reply[ReferrerTransaction]{data: referrerTransactionOf(t)}, nil
}

type requestWithdrawalInput struct {
	Body struct {
		Amount       int64   `json:"amount" doc:"In the minor unit of the currency of the earnings." example:"5000"`
		PayoutMethod *string `json:"payoutMethod,omitempty" nullable:"true" doc:"paypal or bankTransfer; that of the profile by default." example:"paypal"`
	} `nameHint:"NewWithdrawal"`
}

func (a *API) requestWithdrawal(ctx context.Context, x *exchange, in *requestWithdrawalInput) (reply[ReferrerTransaction], error) {
	req := a.command(ctx, x)
	result, err := a.commands.RequestWithdrawal(ctx, req, commands.RequestWithdrawal{
		Amount: in.Body.Amount, Method: referrer.Method(textOf(in.Body.PayoutMethod)),
	})
	if err != nil {
		return reply[ReferrerTransaction]{}, err
	}
	out := written(result, withdrawalOf(result.Value, result.Value.Withdrawal.RequestedAt))
	out.revision = nil
	out.location = basePath + "/referrer-transactions/" + out.data.ID
	return out, nil
}
