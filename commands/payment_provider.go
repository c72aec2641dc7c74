package commands

import (
	"context"
	"time"

	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/payment"
)

// PaymentProvider is the payment provider as commands need it. Its methods fail
// with ErrPaymentsUnavailable while the provider does not answer, and with
// ErrProviderRefused for what it would refuse again.
type PaymentProvider interface {
	// Live tells whether it takes real money.
	Live() bool
	// OpenCheckout opens the session of a payment. For the same payment it is
	// always the same session, as long as the session can be paid.
	OpenCheckout(context.Context, NewCheckout) (OpenedCheckout, error)
	// Checkout is an opened session again. URL is empty once it is over.
	Checkout(ctx context.Context, sessionID string) (OpenedCheckout, error)
	// Observe fetches what the provider knows of the payment of a session. Its
	// error wraps ErrNoSession for a session that does not exist.
	Observe(ctx context.Context, sessionID string) (ObservedPayment, error)
	// Refund returns money, once for each request.
	Refund(context.Context, NewRefund) error
}

// NewCheckout is what a session is opened for.
type NewCheckout struct {
	PaymentID      id.Payment
	OrganizationID id.Organization
	// Name and Description of the product are for the payer.
	Name, Description string
	// UnitAmount is in the minor unit of Currency.
	UnitAmount int64
	Quantity   int64
	Currency   string
	// SuccessPath and CancelPath are below the public address.
	SuccessPath, CancelPath string
}

// OpenedCheckout is a session of the provider.
type OpenedCheckout struct {
	SessionID string
	// URL is where the payer goes.
	URL      string
	ExpireAt time.Time
}

// ObservedPayment is a payment as the provider shows it, with the payment that
// it was opened for; that is empty for a session of another program.
type ObservedPayment struct {
	PaymentID id.Payment
	payment.Observed
}

// NewRefund returns money of a payment.
type NewRefund struct {
	PaymentID id.Payment
	// RequestID names the request: the provider does it once.
	RequestID string
	IntentID  string
	// Amount is in the minor unit of the payment's currency.
	Amount int64
}

// Refusals that have to do with the provider.
var (
	ErrPaymentsUnavailable = failure.New(failure.Unavailable, "PAYMENTS_UNAVAILABLE",
		"the payment provider does not answer at the moment: try again")
	ErrProviderRefused = failure.New(failure.Unprocessable, "PAYMENT_PROVIDER_REFUSED",
		"the payment provider refuses this")
	ErrNoSession = failure.New(failure.NotFound, "CHECKOUT_SESSION_NOT_FOUND",
		"there is no such checkout session")
)
