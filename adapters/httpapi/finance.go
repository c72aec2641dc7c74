package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/input"
	"github.com/perfectworks/backend/domain/payment"
	"github.com/perfectworks/backend/domain/personal"
	"github.com/perfectworks/backend/domain/tokenaccount"
	"github.com/perfectworks/backend/projections/payments"
	ledger "github.com/perfectworks/backend/projections/tokens"
)

// AdjustedTokens is a token account after a correction by hand.
type AdjustedTokens struct {
	Reference string       `json:"reference" doc:"Names the correction: the transaction has it as its reference." example:"adjustment:0b9f6d0e-7a0b-4a8e-9d55-0e2f6b9a1c77"`
	Amount    int64        `json:"amount" example:"-10"`
	Balance   TokenBalance `json:"balance"`
}

// PaymentRefund is a refund of a payment, as the provider tells it.
type PaymentRefund struct {
	ID     string `json:"id" example:"re_1Nx2mT9bK4vW8nR3"`
	Amount int64  `json:"amount" doc:"In the minor unit of the currency." example:"4900"`
	Status string `json:"status" enum:"pending,succeeded,failed" example:"succeeded"`
}

// PaymentDispute is a dispute about a payment, as the provider tells it.
type PaymentDispute struct {
	ID             string  `json:"id" example:"dp_1Nx2mT9bK4vW8nR3"`
	Amount         int64   `json:"amount" doc:"In the minor unit of the currency." example:"4900"`
	FundsWithdrawn bool    `json:"fundsWithdrawn" doc:"Whether the provider took the money meanwhile."`
	Outcome        *string `json:"outcome" nullable:"true" doc:"Null while it is open." example:"won"`
}

// FinancePayment is a payment as people of finance see it. Amounts are in the minor
// unit of the currency.
type FinancePayment struct {
	ID                 string           `json:"id" example:"pay_01jd9z3q5we8x9v6m2k4t7r1b9"`
	OrganizationID     string           `json:"organizationId" example:"org_01jd9z3q5we8x9v6m2k4t7r1b9"`
	UserID             *string          `json:"userId" nullable:"true" doc:"Who opened the checkout, if it was a person." example:"user_01jd9z3q5we8x9v6m2k4t7r1b9"`
	SessionID          *string          `json:"sessionId" nullable:"true" example:"cs_test_a1B2c3D4"`
	ProductID          string           `json:"productId" example:"tokens-1000"`
	Quantity           int64            `json:"quantity" example:"2"`
	Status             string           `json:"status" enum:"open,complete,expired" example:"complete"`
	PaymentStatus      string           `json:"paymentStatus" example:"quarantined"`
	Holding            string           `json:"holding" doc:"Why the tokens are kept back, or what was decided: none, quarantined, parked, released, rejected or refunded." example:"quarantined"`
	QuarantineReason   *string          `json:"quarantineReason" nullable:"true" doc:"What differs from the checkout session: amount, currency or mode." example:"amount"`
	AmountExpected     int64            `json:"amountExpected" doc:"The price of the checkout session, before tax." example:"9800"`
	AmountSubtotal     int64            `json:"amountSubtotal" doc:"What was paid, before tax." example:"9000"`
	AmountTotal        int64            `json:"amountTotal" doc:"What was paid, with tax." example:"9000"`
	AmountReturned     int64            `json:"amountReturned" doc:"What was refunded or lost by disputes." example:"0"`
	Currency           string           `json:"currency" example:"eur"`
	PaidCurrency       *string          `json:"paidCurrency" nullable:"true" example:"eur"`
	Live               bool             `json:"live" doc:"Whether it is real money."`
	Tokens             int64            `json:"tokens" doc:"How many tokens the payment buys." example:"2000"`
	TokensClawedBack   int64            `json:"tokensClawedBack" doc:"How many of them were taken back." example:"0"`
	Refunds            []PaymentRefund  `json:"refunds"`
	Disputes           []PaymentDispute `json:"disputes"`
	IntentID           *string          `json:"intentId" nullable:"true" example:"pi_1Nx2mT9bK4vW8nR3"`
	ChargeID           *string          `json:"chargeId" nullable:"true" example:"ch_1Nx2mT9bK4vW8nR3"`
	InvoiceID          *string          `json:"invoiceId" nullable:"true" example:"in_1Nx2mT9bK4vW8nR3"`
	TokenTransactionID *string          `json:"tokenTransactionId" nullable:"true" example:"txn_01jd9z3q5we8x9v6m2k4t7r1b9_17"`
	PaidAt             *Time            `json:"paidAt" nullable:"true"`
	FulfilledAt        *Time            `json:"fulfilledAt" nullable:"true"`
	CreatedAt          Time             `json:"createdAt"`
	UpdatedAt          Time             `json:"updatedAt"`
}

// FinancePaymentOf is a payment of the read model as people of finance see it.
func FinancePaymentOf(p payments.Payment, now time.Time) FinancePayment {
	s := p.State()
	out := FinancePayment{
		ID: string(p.ID), OrganizationID: string(p.OrganizationID), UserID: optional(string(p.UserID)), SessionID: optional(p.SessionID),
		ProductID: p.ProductID, Quantity: p.Quantity, Status: string(s.Session(now)), PaymentStatus: string(s.Status()),
		Holding: string(p.Holding()), QuarantineReason: optional(string(p.Quarantine)),
		AmountExpected: p.UnitAmount * p.Quantity, AmountSubtotal: p.AmountSubtotal, AmountTotal: p.AmountTotal, AmountReturned: s.Returned(),
		Currency: p.Currency, PaidCurrency: optional(p.PaidCurrency), Live: p.Live, Tokens: p.Tokens, TokensClawedBack: s.ClawedBack(),
		Refunds: []PaymentRefund{}, Disputes: []PaymentDispute{},
		IntentID: optional(p.IntentID), ChargeID: optional(p.ChargeID), InvoiceID: optional(p.InvoiceID),
		TokenTransactionID: optional(p.TokenTransactionID), PaidAt: optionalTime(p.PaidAt), FulfilledAt: optionalTime(p.FulfilledAt),
		CreatedAt: Time{p.CreatedAt}, UpdatedAt: Time{p.UpdatedAt},
	}
	for _, r := range p.Refunds {
		out.Refunds = append(out.Refunds, PaymentRefund{ID: r.ID, Amount: r.Amount, Status: string(r.Status)})
	}
	for _, d := range p.Disputes {
		out.Disputes = append(out.Disputes, PaymentDispute{
			ID: d.ID, Amount: d.Amount, FundsWithdrawn: d.FundsWithdrawn, Outcome: optional(string(d.Outcome)),
		})
	}
	return out
}

func (a *API) registerFinance() {
	register(a, operation{
		id: "adjustTokens", method: http.MethodPost, path: "/admin/tokens/adjust", tag: tagAdmin, hidden: true,
		summary: "Adjust tokens",
		description: "Corrects the token account of the organization that `X-Organization-Id` names: upwards by a grant, " +
			"downwards by taking available tokens. The reason is kept with the transaction.",
		authorization: permitted(access.AdjustTokens), message: "the token account was adjusted",
		fails: []error{tokenaccount.ErrInsufficient, tokenaccount.ErrReferenceReused, tokenaccount.ErrReferenceTooOld},
	}, a.adjustTokens)
	manage := permitted(access.ManagePayments)
	register(a, operation{
		id: "listPayments", method: http.MethodGet, path: "/admin/payments", tag: tagAdmin, hidden: true,
		summary: "List payments", description: "Those of all organizations. `holding=quarantined,parked` are those that wait for a decision.",
		authorization: manage, reads: []string{payments.Name}, list: &payments.List, message: "the payments",
	}, a.listPayments)
	register(a, operation{
		id: "getPayment", method: http.MethodGet, path: "/admin/payments/{id}", tag: tagAdmin, hidden: true,
		summary: "Get payment", authorization: manage, reads: []string{payments.Name}, message: "the payment",
		fails: []error{payment.ErrNotFound},
	}, a.getPayment)
	register(a, operation{
		id: "refundPayment", method: http.MethodPost, path: "/admin/payments/{id}/refund", tag: tagAdmin, hidden: true,
		summary: "Refund payment",
		description: "Returns an amount, or all that is left. The payment provider is asked by a job; its refund then shows in the payment, " +
			"and the tokens are taken back in proportion.",
		authorization: manage, message: "the refund was requested",
		fails: []error{payment.ErrNotFound, payment.ErrNotPaid, payment.ErrRefundExceeded},
	}, a.refundPayment)
	register(a, operation{
		id: "releasePayment", method: http.MethodPost, path: "/admin/payments/{id}/release", tag: tagAdmin, hidden: true,
		summary: "Release payment", description: "Credits a payment that is quarantined or parked.",
		authorization: manage, message: "the payment was released",
		fails: []error{payment.ErrNotFound, payment.ErrNotWithheld, payment.ErrDecided},
	}, a.releasePayment)
	register(a, operation{
		id: "rejectPayment", method: http.MethodPost, path: "/admin/payments/{id}/reject", tag: tagAdmin, hidden: true,
		summary: "Reject payment", description: "Decides that a payment that is quarantined or parked is never credited. It can still be refunded.",
		authorization: manage, message: "the payment was rejected",
		fails: []error{payment.ErrNotFound, payment.ErrNotWithheld, payment.ErrDecided},
	}, a.rejectPayment)
}

type adjustTokensInput struct {
	Body struct {
		Amount   int64  `json:"amount" doc:"Negative for a correction downwards." example:"-10"`
		Reason   string `json:"reason" maxLength:"2000" doc:"From 3 to 500 characters." example:"Charged twice for a file: ticket 4711"`
		ExpireAt *Time  `json:"expireAt,omitempty" nullable:"true" doc:"When tokens brought in expire; without it, never."`
	} `nameHint:"TokenAdjustment"`
}

func (a *API) adjustTokens(ctx context.Context, x *exchange, in *adjustTokensInput) (reply[AdjustedTokens], error) {
	req := a.command(ctx, x)
	c := commands.AdjustTokensFor(req, in.Body.Amount, personal.New(in.Body.Reason))
	if in.Body.ExpireAt != nil {
		c.ExpireAt = in.Body.ExpireAt.Time
	}
	result, err := a.commands.AdjustTokens(ctx, req, c)
	if err != nil {
		return reply[AdjustedTokens]{}, err
	}
	at := result.Value.At(req.Now)
	out := written(result, AdjustedTokens{
		Reference: c.Reference.ID, Amount: c.Amount,
		Balance: balanceOf(ledger.Balance{Accounts: at.Balance, Grants: at.Grants(), At: req.Now}),
	})
	out.revision = nil // Nothing is read under this path.
	return out, nil
}

func (a *API) listPayments(ctx context.Context, x *exchange, in *ListInput) (reply[Page[FinancePayment]], error) {
	page, err := a.queries.Payments.List(ctx, in.request(x))
	if err != nil {
		return reply[Page[FinancePayment]]{}, err
	}
	now := time.Now()
	return reply[Page[FinancePayment]]{data: pageOf(page, func(p payments.Payment) FinancePayment { return FinancePaymentOf(p, now) })}, nil
}

// PaymentInput names a payment.
type PaymentInput struct {
	ID string `path:"id" example:"pay_01jd9z3q5we8x9v6m2k4t7r1b9"`
}

func (a *API) getPayment(ctx context.Context, _ *exchange, in *PaymentInput) (reply[FinancePayment], error) {
	if !id.Valid(id.Payment(in.ID)) {
		return reply[FinancePayment]{}, payment.ErrNotFound
	}
	p, err := a.queries.Payments.Get(ctx, id.Payment(in.ID))
	if err != nil {
		return reply[FinancePayment]{}, err
	}
	return reply[FinancePayment]{data: FinancePaymentOf(p, time.Now())}, nil
}

type refundPaymentInput struct {
	PaymentInput
	Body struct {
		Amount *int64 `json:"amount,omitempty" nullable:"true" doc:"In the minor unit of the currency; without it, all that is left." example:"4900"`
		Reason string `json:"reason" maxLength:"2000" doc:"From 3 to 500 characters." example:"Bought by mistake: ticket 4711"`
	} `nameHint:"PaymentRefundRequest"`
}

func (a *API) refundPayment(ctx context.Context, x *exchange, in *refundPaymentInput) (reply[FinancePayment], error) {
	c := commands.RefundPayment{PaymentID: id.Payment(in.ID), Reason: personal.New(in.Body.Reason)}
	if in.Body.Amount != nil {
		if *in.Body.Amount <= 0 {
			var wrong failure.Fields
			wrong.Add("amount", input.CodeRange, "must be positive; without it, all that is left is returned")
			return reply[FinancePayment]{}, wrong.Err()
		}
		c.Amount = *in.Body.Amount
	}
	return decided(ctx, a, x, a.commands.RefundPayment, c)
}

type decidePaymentInput struct {
	PaymentInput
	Body struct {
		Reason string `json:"reason" maxLength:"2000" doc:"From 3 to 500 characters." example:"Paid by bank transfer in another currency: ticket 4711"`
	} `nameHint:"PaymentDecision"`
}

func (a *API) releasePayment(ctx context.Context, x *exchange, in *decidePaymentInput) (reply[FinancePayment], error) {
	return decided(ctx, a, x, a.commands.ReleasePayment,
		commands.ReleasePayment{PaymentID: id.Payment(in.ID), Reason: personal.New(in.Body.Reason)})
}

func (a *API) rejectPayment(ctx context.Context, x *exchange, in *decidePaymentInput) (reply[FinancePayment], error) {
	return decided(ctx, a, x, a.commands.RejectPayment,
		commands.RejectPayment{PaymentID: id.Payment(in.ID), Reason: personal.New(in.Body.Reason)})
}

// decided carries out a decision of finance, and answers with the payment.
func decided[C any](ctx context.Context, a *API, x *exchange, decide commands.Handler[C, payment.State], c C) (reply[FinancePayment], error) {
	req := a.command(ctx, x)
	result, err := decide(ctx, req, c)
	if err != nil {
		return reply[FinancePayment]{}, err
	}
	out := written(result, FinancePaymentOf(payments.Of(result.Value), req.Now))
	out.revision = nil // What is read under /admin/payments has no tag.
	return out, nil
}
