package stripe

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	stripego "github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/client"

	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/id"
)

// Options of a Client.
type Options struct {
	// SecretKey is Stripe's, or a restricted one with the rights to write
	// checkout sessions and refunds and to read charges, disputes, payment
	// intents and events.
	SecretKey string
	// PublicURL is the address that return paths are below, without a path.
	PublicURL string
	// AutomaticTax lets Stripe add tax to prices, which are then before tax.
	AutomaticTax bool
	// APIURL is the address of the API: Stripe's when empty, else a sandbox's.
	APIURL string
	// HTTPClient makes the calls; one with a timeout of 20 s when nil.
	HTTPClient *http.Client
}

// Client calls the API. It is safe for concurrent use.
type Client struct {
	options Options
	api     *client.API
}

// The metadata by which objects are recognised. A payer cannot write it, unlike
// client_reference_id, which a payment link takes from its URL.
const (
	paymentMember      = "payment_id"
	organizationMember = "organization_id"
	requestMember      = "refund_request_id"
)

// maxObjects bounds how many objects of one payment are read.
const maxObjects = 500

const callTimeout = 20 * time.Second

// New returns a client. It calls nothing yet.
func New(options Options) *Client {
	if options.HTTPClient == nil {
		options.HTTPClient = &http.Client{Timeout: callTimeout}
	}
	options.PublicURL = strings.TrimSuffix(options.PublicURL, "/")
	config := &stripego.BackendConfig{
		HTTPClient: options.HTTPClient, EnableTelemetry: stripego.Bool(false), MaxNetworkRetries: stripego.Int64(1),
		// Its records quote what is sent.
		LeveledLogger: &stripego.LeveledLogger{Level: stripego.LevelNull},
	}
	if options.APIURL != "" {
		config.URL = stripego.String(options.APIURL)
	}
	backend := stripego.GetBackendWithConfig(stripego.APIBackend, config)
	return &Client{options: options, api: client.New(options.SecretKey, &stripego.Backends{API: backend, Connect: backend, Uploads: backend})}
}

var _ commands.PaymentProvider = (*Client)(nil)

// Live implements commands.PaymentProvider.
func (c *Client) Live() bool { return IsLive(c.options.SecretKey) }

// IsLive tells a secret key of live mode from one of test mode.
func IsLive(secretKey string) bool {
	return strings.HasPrefix(secretKey, "sk_live_") || strings.HasPrefix(secretKey, "rk_live_")
}

// OpenCheckout implements commands.PaymentProvider.
func (c *Client) OpenCheckout(ctx context.Context, n commands.NewCheckout) (commands.OpenedCheckout, error) {
	about := map[string]string{paymentMember: string(n.PaymentID), organizationMember: string(n.OrganizationID)}
	product := &stripego.CheckoutSessionLineItemPriceDataProductDataParams{Name: stripego.String(n.Name)}
	if n.Description != "" {
		product.Description = stripego.String(n.Description)
	}
	price := &stripego.CheckoutSessionLineItemPriceDataParams{
		Currency: stripego.String(n.Currency), UnitAmount: stripego.Int64(n.UnitAmount), ProductData: product,
	}
	p := &stripego.CheckoutSessionParams{
		Mode:              stripego.String(string(stripego.CheckoutSessionModePayment)),
		ClientReferenceID: stripego.String(string(n.PaymentID)),
		SuccessURL:        stripego.String(c.returnTo(n.SuccessPath, true)),
		CancelURL:         stripego.String(c.returnTo(n.CancelPath, false)),
		LineItems:         []*stripego.CheckoutSessionLineItemParams{{Quantity: stripego.Int64(n.Quantity), PriceData: price}},
		PaymentIntentData: &stripego.CheckoutSessionPaymentIntentDataParams{Metadata: about},
		InvoiceCreation:   &stripego.CheckoutSessionInvoiceCreationParams{Enabled: stripego.Bool(true)},
	}
	if c.options.AutomaticTax {
		price.TaxBehavior = stripego.String(string(stripego.PriceTaxBehaviorExclusive))
		p.AutomaticTax = &stripego.CheckoutSessionAutomaticTaxParams{Enabled: stripego.Bool(true)}
	}
	p.Metadata = about
	p.Context = ctx
	p.SetIdempotencyKey("checkout/" + string(n.PaymentID))
	s, err := c.api.CheckoutSessions.New(p)
	if err != nil {
		return commands.OpenedCheckout{}, failed(ctx, "open a checkout session", err)
	}
	return opened(s), nil
}

// returnTo is a path as an address. The provider fills in the session for the
// page of success, so that it can ask what became of it.
func (c *Client) returnTo(path string, success bool) string {
	address := c.options.PublicURL + path
	if !success {
		return address
	}
	address, fragment, hasFragment := strings.Cut(address, "#")
	separator := "?"
	if strings.Contains(address, "?") {
		separator = "&"
	}
	address += separator + "session_id={CHECKOUT_SESSION_ID}"
	if hasFragment {
		address += "#" + fragment
	}
	return address
}

func opened(s *stripego.CheckoutSession) commands.OpenedCheckout {
	return commands.OpenedCheckout{SessionID: s.ID, URL: s.URL, ExpireAt: time.Unix(s.ExpiresAt, 0).UTC()}
}

// Checkout implements commands.PaymentProvider.
func (c *Client) Checkout(ctx context.Context, sessionID string) (commands.OpenedCheckout, error) {
	p := &stripego.CheckoutSessionParams{}
	p.Context = ctx
	s, err := c.api.CheckoutSessions.Get(sessionID, p)
	if err != nil {
		return commands.OpenedCheckout{}, failed(ctx, "fetch a checkout session", err)
	}
	return opened(s), nil
}

// Refund implements commands.PaymentProvider.
func (c *Client) Refund(ctx context.Context, n commands.NewRefund) error {
	// Stripe forgets idempotency keys: an earlier attempt may be older.
	made := false
	err := c.refunds(ctx, n.IntentID, func(r *stripego.Refund) {
		made = made || r.Metadata[requestMember] == n.RequestID
	})
	if err != nil || made {
		return err
	}
	p := &stripego.RefundParams{
		PaymentIntent: stripego.String(n.IntentID), Amount: stripego.Int64(n.Amount),
		Reason: stripego.String(string(stripego.RefundReasonRequestedByCustomer)),
	}
	p.Metadata = map[string]string{paymentMember: string(n.PaymentID), requestMember: n.RequestID}
	p.Context = ctx
	p.SetIdempotencyKey("refund/" + string(n.PaymentID) + "/" + n.RequestID)
	if _, err := c.api.Refunds.New(p); err != nil {
		return failed(ctx, "make a refund", err)
	}
	return nil
}

// CallError is a call that the provider refused, without anything that it
// quotes of the call.
type CallError struct {
	// Act is what was tried.
	Act    string
	Status int
	Type   string
	Code   string
	Param  string
	// RequestID is by which Stripe's support finds the call.
	RequestID string
}

// Error says what was refused, and why.
func (e *CallError) Error() string {
	text := fmt.Sprintf("%s: the payment provider answered %d %s", e.Act, e.Status, e.Type)
	for _, more := range []string{e.Code, e.Param, e.RequestID} {
		if more != "" {
			text += " " + more
		}
	}
	return text
}

// missing tells whether the object does not exist.
func (e *CallError) missing() bool {
	return e.Status == http.StatusNotFound && e.Code == string(stripego.ErrorCodeResourceMissing)
}

// final tells errors that would come again from outages.
func (e *CallError) final() bool {
	return e.Status >= 400 && e.Status < 500 && e.Status != http.StatusTooManyRequests &&
		e.Status != http.StatusConflict && e.Status != http.StatusUnauthorized && e.Status != http.StatusForbidden
}

// failed is an error of the library as one of ours.
func failed(ctx context.Context, act string, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", act, ctx.Err())
	}
	var e *stripego.Error
	if !errors.As(err, &e) {
		// The network's: it names the host, and the path has no secret.
		return fmt.Errorf("%w: %s: %w", commands.ErrPaymentsUnavailable, act, err)
	}
	refused := &CallError{act, e.HTTPStatusCode, string(e.Type), string(e.Code), e.Param, e.RequestID}
	switch {
	case refused.missing():
		return fmt.Errorf("%w: %w", commands.ErrNoSession, refused)
	case refused.final():
		return fmt.Errorf("%w: %w", commands.ErrProviderRefused, refused)
	}
	return fmt.Errorf("%w: %w", commands.ErrPaymentsUnavailable, refused)
}

// paymentOf is the payment that metadata names, if it has the form of one.
func paymentOf(metadata map[string]string) id.Payment {
	if name := id.Payment(metadata[paymentMember]); id.Valid(name) {
		return name
	}
	return ""
}
