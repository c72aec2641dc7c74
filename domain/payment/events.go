package payment

import (
	"time"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/personal"
)

// Aggregate describes the aggregate of a payment.
var Aggregate = event.Aggregate[id.Payment, State]{
	Category: "payment",
	Schemas: []event.Schema{
		event.Define[CheckoutRequested](),
		event.Define[CheckoutSessionOpened](),
		event.Define[CheckoutSessionCompleted](),
		event.Define[CheckoutSessionExpired](),
		event.Define[Succeeded](),
		event.Define[Failed](),
		event.Define[Refunded](),
		event.Define[DisputeOpened](),
		event.Define[DisputeClosed](),
		event.Define[Quarantined](),
		event.Define[Parked](),
		event.Define[Released](),
		event.Define[Rejected](),
		event.Define[RefundRequested](),
		event.Define[RefundRefused](),
		event.Define[Fulfilled](),
	},
	Apply:    Apply,
	NotFound: ErrNotFound,
}

// CheckoutRequested freezes what is bought and at which price. Money is in the
// minor unit of the currency.
type CheckoutRequested struct {
	PaymentID      id.Payment      `json:"paymentId"`
	OrganizationID id.Organization `json:"organizationId"`
	// UserID is the person who asked, if it was one.
	UserID     id.User `json:"userId,omitempty"`
	ProductID  string  `json:"productId"`
	Quantity   int64   `json:"quantity"`
	UnitAmount int64   `json:"unitAmount"`
	// Currency is an ISO 4217 code in lower case.
	Currency string `json:"currency"`
	// Tokens is how many the payment buys in all.
	Tokens int64 `json:"tokens"`
	// SuccessPath and CancelPath are below the public address of the product.
	SuccessPath string `json:"successPath"`
	CancelPath  string `json:"cancelPath"`
	// Live tells real money from test money.
	Live       bool      `json:"live"`
	OccurredAt time.Time `json:"occurredAt"`
}

// CheckoutSessionOpened names the provider's session.
type CheckoutSessionOpened struct {
	PaymentID id.Payment `json:"paymentId"`
	SessionID string     `json:"sessionId"`
	// ExpireAt is when the provider ends the session.
	ExpireAt   time.Time `json:"expireAt"`
	OccurredAt time.Time `json:"occurredAt"`
}

// CheckoutSessionCompleted says that the payer went through the session. Money
// may still be on its way.
type CheckoutSessionCompleted struct {
	PaymentID  id.Payment `json:"paymentId"`
	SessionID  string     `json:"sessionId"`
	OccurredAt time.Time  `json:"occurredAt"`
}

// CheckoutSessionExpired says that the session ended without the payer.
type CheckoutSessionExpired struct {
	PaymentID  id.Payment `json:"paymentId"`
	SessionID  string     `json:"sessionId"`
	OccurredAt time.Time  `json:"occurredAt"`
}

// Succeeded says that the money is there.
type Succeeded struct {
	PaymentID id.Payment `json:"paymentId"`
	SessionID string     `json:"sessionId"`
	// IntentID and ChargeID are the provider's, as far as they are known.
	IntentID string `json:"intentId,omitempty"`
	ChargeID string `json:"chargeId,omitempty"`
	// AmountSubtotal is before tax, AmountTotal what was paid.
	AmountSubtotal int64     `json:"amountSubtotal"`
	AmountTotal    int64     `json:"amountTotal"`
	Currency       string    `json:"currency"`
	Live           bool      `json:"live"`
	InvoiceID      string    `json:"invoiceId,omitempty"`
	OccurredAt     time.Time `json:"occurredAt"`
}

// Failed says that an attempt to pay failed. Another may succeed.
type Failed struct {
	PaymentID  id.Payment `json:"paymentId"`
	SessionID  string     `json:"sessionId"`
	OccurredAt time.Time  `json:"occurredAt"`
}

// Refunded is one refund at one status.
type Refunded struct {
	PaymentID  id.Payment   `json:"paymentId"`
	RefundID   string       `json:"refundId"`
	Amount     int64        `json:"amount"`
	Status     RefundStatus `json:"status"`
	OccurredAt time.Time    `json:"occurredAt"`
}

// DisputeOpened says that a payer disputes the payment, or inquires about it.
type DisputeOpened struct {
	PaymentID id.Payment `json:"paymentId"`
	DisputeID string     `json:"disputeId"`
	Amount    int64      `json:"amount"`
	// FundsWithdrawn says that the provider has taken the money meanwhile: an
	// inquiry does not.
	FundsWithdrawn bool      `json:"fundsWithdrawn"`
	OccurredAt     time.Time `json:"occurredAt"`
}

// DisputeClosed is how a dispute ended.
type DisputeClosed struct {
	PaymentID  id.Payment     `json:"paymentId"`
	DisputeID  string         `json:"disputeId"`
	Amount     int64          `json:"amount"`
	Outcome    DisputeOutcome `json:"outcome"`
	OccurredAt time.Time      `json:"occurredAt"`
}

// Quarantined withholds the tokens of a payment that is not as expected.
type Quarantined struct {
	PaymentID  id.Payment       `json:"paymentId"`
	Reason     QuarantineReason `json:"reason"`
	OccurredAt time.Time        `json:"occurredAt"`
}

// Parked withholds the tokens of a payment for a deleted organization.
type Parked struct {
	PaymentID  id.Payment `json:"paymentId"`
	OccurredAt time.Time  `json:"occurredAt"`
}

// Released credits a payment that was withheld.
type Released struct {
	PaymentID      id.Payment      `json:"paymentId"`
	OrganizationID id.Organization `json:"organizationId"`
	// Reason is free text, and so may be about a person.
	Reason     personal.Text `json:"reason,omitzero" subject:"organizationId"`
	OccurredAt time.Time     `json:"occurredAt"`
}

// Rejected decides that a payment is never credited.
type Rejected struct {
	PaymentID      id.Payment      `json:"paymentId"`
	OrganizationID id.Organization `json:"organizationId"`
	Reason         personal.Text   `json:"reason,omitzero" subject:"organizationId"`
	OccurredAt     time.Time       `json:"occurredAt"`
}

// RefundRequested asks the provider to return money. The refund itself is a
// fact of the provider.
type RefundRequested struct {
	PaymentID      id.Payment      `json:"paymentId"`
	OrganizationID id.Organization `json:"organizationId"`
	// RequestID names the request, and keeps the provider from doing it twice.
	RequestID  string        `json:"requestId"`
	Amount     int64         `json:"amount"`
	Reason     personal.Text `json:"reason,omitzero" subject:"organizationId"`
	OccurredAt time.Time     `json:"occurredAt"`
}

// RefundRefused says that the provider refuses what a refund request asks for, as
// when the money went back another way. The amount can be asked for again.
type RefundRefused struct {
	PaymentID  id.Payment `json:"paymentId"`
	RequestID  string     `json:"requestId"`
	OccurredAt time.Time  `json:"occurredAt"`
}

// Fulfilled says that the tokens were granted.
type Fulfilled struct {
	PaymentID id.Payment `json:"paymentId"`
	// TokenTransactionID is the entry of the token account.
	TokenTransactionID string    `json:"tokenTransactionId"`
	OccurredAt         time.Time `json:"occurredAt"`
}

// EventType implements event.Event.
func (CheckoutRequested) EventType() string { return "CheckoutRequested" }

// EventType implements event.Event.
func (CheckoutSessionOpened) EventType() string { return "CheckoutSessionOpened" }

// EventType implements event.Event.
func (CheckoutSessionCompleted) EventType() string { return "CheckoutSessionCompleted" }

// EventType implements event.Event.
func (CheckoutSessionExpired) EventType() string { return "CheckoutSessionExpired" }

// EventType implements event.Event.
func (Succeeded) EventType() string { return "PaymentSucceeded" }

// EventType implements event.Event.
func (Failed) EventType() string { return "PaymentFailed" }

// EventType implements event.Event.
func (Refunded) EventType() string { return "PaymentRefunded" }

// EventType implements event.Event.
func (DisputeOpened) EventType() string { return "DisputeOpened" }

// EventType implements event.Event.
func (DisputeClosed) EventType() string { return "DisputeClosed" }

// EventType implements event.Event.
func (Quarantined) EventType() string { return "PaymentQuarantined" }

// EventType implements event.Event.
func (Parked) EventType() string { return "PaymentParked" }

// EventType implements event.Event.
func (Released) EventType() string { return "PaymentReleased" }

// EventType implements event.Event.
func (Rejected) EventType() string { return "PaymentRejected" }

// EventType implements event.Event.
func (RefundRequested) EventType() string { return "RefundRequested" }

// EventType implements event.Event.
func (RefundRefused) EventType() string { return "RefundRefused" }

// EventType implements event.Event.
func (Fulfilled) EventType() string { return "PaymentFulfilled" }
