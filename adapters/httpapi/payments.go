package httpapi

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/perfectworks/backend/adapters/stripe"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/payment"
	"github.com/perfectworks/backend/projections/payments"
)

// Payments follows payments at the provider.
type Payments interface {
	// TakeWebhook checks and stores a webhook. It fails with stripe.ErrSignature and
	// stripe.ErrBody.
	TakeWebhook(ctx context.Context, body []byte, signature string) error
	// Refresh looks at a payment at the provider now, and waits until what is new
	// has been noted.
	Refresh(ctx context.Context, name id.Payment) error
}

// Product is something that can be bought.
type Product struct {
	ID          string  `json:"id" example:"tokens-1000"`
	Name        string  `json:"name" example:"1,000 tokens"`
	Description *string `json:"description" nullable:"true" example:"Enough for about 200 pages."`
	Tokens      int64   `json:"tokens" doc:"How many tokens one of it holds." example:"1000"`
	UnitAmount  int64   `json:"unitAmount" doc:"The price of one before tax, in the minor unit of the currency." example:"4900"`
	Currency    string  `json:"currency" doc:"An ISO 4217 code in lower case." example:"eur"`
}

// Products are all that can be bought.
type Products struct {
	Items []Product `json:"items"`
}

func productOf(p payment.Product) Product {
	return Product{
		ID: p.ID, Name: p.Name, Description: optional(p.Description), Tokens: p.Tokens, UnitAmount: p.UnitAmount, Currency: p.Currency,
	}
}

// NewCheckoutSession is where the payer goes.
type NewCheckoutSession struct {
	SessionID string  `json:"sessionId" example:"cs_test_a1B2c3D4"`
	URL       *string `json:"url" nullable:"true" doc:"The checkout page, for a browser; null if the session is over." example:"https://checkout.stripe.com/c/pay/cs_test_a1B2c3D4"`
	ExpiresAt Time    `json:"expiresAt" doc:"When the session ends."`
	Status    string  `json:"status" doc:"open, complete or expired." example:"open"`
}

// CheckoutSession is what became of a checkout.
type CheckoutSession struct {
	SessionID          string  `json:"sessionId" example:"cs_test_a1B2c3D4"`
	PaymentID          string  `json:"paymentId" example:"pay_01jd9z3q5we8x9v6m2k4t7r1b9"`
	ProductID          string  `json:"productId" example:"tokens-1000"`
	Quantity           int64   `json:"quantity" example:"2"`
	Status             string  `json:"status" doc:"open, complete or expired." example:"complete"`
	PaymentStatus      string  `json:"paymentStatus" doc:"unpaid, pending (the money is on its way), failed, paid, quarantined (not as the session says), parked (the organization was deleted), rejected, disputed, partiallyRefunded or refunded." example:"paid"`
	AmountTotal        int64   `json:"amountTotal" doc:"What was paid, with tax; before that, the price without tax. In the minor unit of the currency." example:"9800"`
	Currency           string  `json:"currency" example:"eur"`
	Tokens             int64   `json:"tokens" doc:"How many tokens the payment buys." example:"2000"`
	InvoiceID          *string `json:"invoiceId" nullable:"true" doc:"The payment provider's invoice." example:"in_1Nx2mT9bK4vW8nR3"`
	ExpiresAt          Time    `json:"expiresAt" doc:"When the session ends."`
	FulfilledAt        *Time   `json:"fulfilledAt" nullable:"true" doc:"When the tokens were granted."`
	TokenTransactionID *string `json:"tokenTransactionId" nullable:"true" doc:"The token transaction that granted them." example:"txn_01jd9z3q5we8x9v6m2k4t7r1b9_17"`
	CreatedAt          Time    `json:"createdAt"`
}

func checkoutSessionOf(p payments.Payment, now time.Time) CheckoutSession {
	s := p.State()
	total := s.UnitAmount * s.Quantity
	if s.Paid != nil {
		total = s.Paid.AmountTotal
	}
	return CheckoutSession{
		SessionID: s.SessionID, PaymentID: string(s.ID), ProductID: s.ProductID, Quantity: s.Quantity,
		Status: string(s.Session(now)), PaymentStatus: string(s.Status()), AmountTotal: total, Currency: s.Currency, Tokens: s.Tokens,
		InvoiceID: optional(p.InvoiceID), ExpiresAt: Time{s.ExpireAt}, FulfilledAt: optionalTime(s.FulfilledAt),
		TokenTransactionID: optional(s.TokenTransactionID), CreatedAt: Time{s.RequestedAt},
	}
}

var tagPayments = tag{"Payments", "Buying tokens."}

// maxWebhook bounds the body of a webhook, in bytes. Those of checkouts have a few
// thousand.
const maxWebhook = 512 << 10

func (a *API) registerPayments() {
	register(a, operation{
		id: "listProducts", method: http.MethodGet, path: "/payments/products", tag: tagPayments,
		summary: "List products", description: "What can be bought, with prices before tax.",
		authorization: public(), message: "the products",
	}, a.listProducts)
	register(a, operation{
		id: "openCheckoutSession", method: http.MethodPost, path: "/payments/checkout-session", tag: tagPayments,
		summary: "Open checkout session",
		description: "Begins a payment for tokens, at the price of the catalogue. Send the payer's browser to `url`. " +
			"The payer returns to `successPath` or `cancelPath` below the public address of the product; " +
			"to the first of them `session_id` is added. The tokens are granted once the money is there, whether or not the payer returns.",
		authorization: permitted(access.Checkout), status: http.StatusCreated, message: "the checkout session is open",
		fails: []error{commands.ErrPaymentsUnavailable, commands.ErrProviderRefused, commands.ErrNoSession},
	}, a.openCheckoutSession)
	register(a, operation{
		id: "getCheckoutSession", method: http.MethodGet, path: "/payments/checkout-session/{sessionId}", tag: tagPayments,
		summary: "Get checkout session",
		description: "What became of a checkout, for those who may open one, and for the person who opened it. " +
			"While it is not paid, the payment provider is asked.",
		authorization: permitted(access.Checkout, access.ReadOrganization), reads: []string{payments.Name},
		message: "the checkout session", fails: []error{commands.ErrNoSession},
	}, a.getCheckoutSession)
	register(a, operation{
		id: "takeStripeWebhook", method: http.MethodPost, path: "/payments/webhooks/stripe", tag: tagPayments,
		summary: "Take webhook of the payment provider",
		description: "For Stripe alone: the body must be signed with the secret of the webhook endpoint. " +
			"It is stored and answered; what follows from it comes later. Events of types that are not known are stored as well.",
		authorization: signed(), body: rawBody, maxBody: maxWebhook, consumes: []string{mediaJSON}, tolerant: true, message: "the event was taken",
		example: map[string]any{
			"id": "evt_1Nx2mT9bK4vW8nR3", "object": "event", "type": "checkout.session.completed", "api_version": "2023-10-16", "livemode": false,
			"data": map[string]any{"object": map[string]any{"id": "cs_test_a1B2c3D4", "object": "checkout.session"}},
		},
		fails: []error{stripe.ErrSignature, stripe.ErrBody},
	}, a.takeStripeWebhook)
}

func (a *API) listProducts(context.Context, *exchange, *struct{}) (reply[Products], error) {
	all := Products{Items: []Product{}}
	for _, p := range a.catalogue.Products {
		all.Items = append(all.Items, productOf(p))
	}
	return reply[Products]{data: all}, nil
}

type openCheckoutSessionInput struct {
	Body struct {
		ProductID   string  `json:"productId" maxLength:"100" doc:"One of those that GET /payments/products lists." example:"tokens-1000"`
		Quantity    *int64  `json:"quantity,omitempty" nullable:"true" doc:"From 1, which is the default, to 1000." example:"2"`
		SuccessPath *string `json:"successPath,omitempty" nullable:"true" doc:"Where the payer returns to after paying: a path that begins with a single slash, without a host." example:"/billing/thanks"`
		CancelPath  *string `json:"cancelPath,omitempty" nullable:"true" doc:"Where the payer returns to without paying; of the same form." example:"/billing"`
	} `nameHint:"NewCheckout"`
}

func (a *API) openCheckoutSession(ctx context.Context, x *exchange, in *openCheckoutSessionInput) (reply[NewCheckoutSession], error) {
	c := commands.OpenCheckout{
		ProductID: in.Body.ProductID, Quantity: 1, SuccessPath: textOf(in.Body.SuccessPath), CancelPath: textOf(in.Body.CancelPath),
	}
	if in.Body.Quantity != nil {
		c.Quantity = *in.Body.Quantity
	}
	req := a.command(ctx, x)
	result, err := a.commands.OpenCheckout(ctx, req, c)
	if err != nil {
		return reply[NewCheckoutSession]{}, err
	}
	s := result.Value.Payment
	out := written(result, NewCheckoutSession{
		SessionID: s.SessionID, URL: optional(result.Value.URL), ExpiresAt: Time{s.ExpireAt}, Status: string(s.Session(req.Now)),
	})
	out.revision = nil // What is read under the location has no tag.
	out.location = basePath + "/payments/checkout-session/" + s.SessionID
	return out, nil
}

type checkoutSessionInput struct {
	SessionID string `path:"sessionId" example:"cs_test_a1B2c3D4"`
}

// fulfilTime is how long an answer waits for the tokens of a payment that was
// paid just now.
const fulfilTime = 3 * time.Second

func (a *API) getCheckoutSession(ctx context.Context, x *exchange, in *checkoutSessionInput) (reply[CheckoutSession], error) {
	p, err := a.visiblePayment(ctx, x.principal, in.SessionID)
	if err != nil {
		return reply[CheckoutSession]{}, err
	}
	if unsettled(p) {
		p = a.settled(ctx, x, p)
	}
	return reply[CheckoutSession]{data: checkoutSessionOf(p, time.Now())}, nil
}

// visiblePayment finds the payment of a session for those who may see it.
func (a *API) visiblePayment(ctx context.Context, by access.Principal, sessionID string) (payments.Payment, error) {
	if !isID(sessionID) {
		return payments.Payment{}, commands.ErrNoSession
	}
	p, err := a.queries.Payments.OfSession(ctx, sessionID)
	if errors.Is(err, payment.ErrNotFound) {
		return payments.Payment{}, commands.ErrNoSession
	}
	if err != nil {
		return payments.Payment{}, err
	}
	opened := by.UserID != "" && p.UserID == by.UserID
	if p.OrganizationID != by.OrganizationID || !opened && !by.May(access.Checkout) {
		return payments.Payment{}, commands.ErrNoSession
	}
	return p, nil
}

// unsettled tells whether there may be news of a payment that somebody waits for.
func unsettled(p payments.Payment) bool {
	s := p.State()
	return s.Paid == nil && !s.Failed && !s.Expired || s.Due() && s.TokenTransactionID == ""
}

// settled is a payment after the provider was asked, and once the tokens that it
// pays for are granted, if that does not take long. What does not come in time is
// shown as it is known.
func (a *API) settled(ctx context.Context, x *exchange, p payments.Payment) payments.Payment {
	ctx, cancel := context.WithTimeout(ctx, fulfilTime)
	defer cancel()
	_ = a.wait(ctx, x, func(ctx context.Context) error {
		if err := a.payments.Refresh(ctx, p.ID); err != nil {
			return err
		}
		tick := time.NewTicker(fulfilTick)
		defer tick.Stop()
		for {
			now, err := a.queries.Payments.Get(ctx, p.ID)
			if err != nil {
				return err
			}
			p = now
			if s := p.State(); !s.Due() || s.TokenTransactionID != "" {
				return nil
			}
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-tick.C:
			}
		}
	})
	return p
}

const fulfilTick = 20 * time.Millisecond

// Taken is the answer to a webhook.
type Taken struct {
	Received bool `json:"received" example:"true"`
}

func (a *API) takeStripeWebhook(ctx context.Context, x *exchange, _ *struct{}) (reply[Taken], error) {
	err := a.payments.TakeWebhook(ctx, x.raw, x.http.Header.Get("Stripe-Signature"))
	if errors.Is(err, stripe.ErrSignature) {
		if limited := a.limits.takeAddress(http.Header{}, x.client, 1, time.Now()); limited != nil {
			return reply[Taken]{}, limited
		}
	}
	if err != nil {
		return reply[Taken]{}, err
	}
	return reply[Taken]{data: Taken{Received: true}}, nil
}
