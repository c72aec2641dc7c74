package payment

import (
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/id"
)

// State is a payment, folded from its stream: a set of facts.
type State struct {
	ID             id.Payment
	OrganizationID id.Organization
	UserID         id.User
	ProductID      string
	Quantity       int64
	UnitAmount     int64
	Currency       string
	Tokens         int64
	SuccessPath    string
	CancelPath     string
	Live           bool
	RequestedAt    time.Time

	SessionID string
	ExpireAt  time.Time
	Completed bool
	Expired   bool
	Failed    bool
	// Paid is nil until the money is there.
	Paid *Paid
	// Refunds and Disputes are in the order of their ids.
	Refunds  []Refund
	Disputes []Dispute

	// Quarantine is the first reason not to credit the payment, if there is one.
	Quarantine QuarantineReason
	Parked     bool
	// Released and Rejected are the decision of finance about a payment that was
	// withheld.
	Released bool
	Rejected bool
	// RefundRequests are the amounts that were asked of the provider, by request.
	RefundRequests []RefundRequest
	// TokenTransactionID is empty until the tokens were granted.
	TokenTransactionID string
	FulfilledAt        time.Time
	UpdatedAt          time.Time
}

// Paid is the money as the provider counted it.
type Paid struct {
	IntentID       string
	ChargeID       string
	InvoiceID      string
	AmountSubtotal int64
	AmountTotal    int64
	Currency       string
	Live           bool
	At             time.Time
}

// RefundRequest is a refund that we asked for.
type RefundRequest struct {
	ID     string
	Amount int64
	// Refused says that the provider does not make it.
	Refused bool
}

// Refusals of this package.
var (
	ErrNotFound = failure.New(failure.NotFound, "PAYMENT_NOT_FOUND",
		"there is no such payment")
	ErrNotPaid = failure.New(failure.Conflict, "PAYMENT_UNPAID",
		"this payment has not been paid")
	ErrNotWithheld = failure.New(failure.Conflict, "PAYMENT_NOT_WITHHELD",
		"this payment is not quarantined or parked")
	ErrDecided = failure.New(failure.Conflict, "PAYMENT_DECIDED",
		"this payment has been decided about already")
	ErrRefundExceeded = failure.New(failure.Conflict, "PAYMENT_REFUND_EXCEEDED",
		"this would return more than was paid")
	ErrSessionOpened = failure.New(failure.Conflict, "CHECKOUT_SESSION_OPENED",
		"this payment has another checkout session")
)

// Apply folds an event into the state. Events of other kinds change nothing.
func Apply(s State, e event.Event) State {
	switch e := e.(type) {
	case CheckoutRequested:
		return State{
			ID: e.PaymentID, OrganizationID: e.OrganizationID, UserID: e.UserID, ProductID: e.ProductID,
			Quantity: e.Quantity, UnitAmount: e.UnitAmount, Currency: e.Currency, Tokens: e.Tokens,
			SuccessPath: e.SuccessPath, CancelPath: e.CancelPath, Live: e.Live,
			RequestedAt: e.OccurredAt, UpdatedAt: e.OccurredAt,
		}
	case CheckoutSessionOpened:
		s.SessionID, s.ExpireAt, s.UpdatedAt = e.SessionID, e.ExpireAt, e.OccurredAt
	case CheckoutSessionCompleted:
		s.Completed, s.UpdatedAt = true, e.OccurredAt
	case CheckoutSessionExpired:
		s.Expired, s.UpdatedAt = true, e.OccurredAt
	case Succeeded:
		s.Paid = &Paid{
			IntentID: e.IntentID, ChargeID: e.ChargeID, InvoiceID: e.InvoiceID,
			AmountSubtotal: e.AmountSubtotal, AmountTotal: e.AmountTotal, Currency: e.Currency, Live: e.Live, At: e.OccurredAt,
		}
		s.UpdatedAt = e.OccurredAt
	case Failed:
		s.Failed, s.UpdatedAt = true, e.OccurredAt
	case Refunded:
		s.Refunds, s.UpdatedAt = withRefund(s.Refunds, Refund{ID: e.RefundID, Amount: e.Amount, Status: e.Status}), e.OccurredAt
	case DisputeOpened:
		s.Disputes = withDispute(s.Disputes, Dispute{ID: e.DisputeID, Amount: e.Amount, FundsWithdrawn: e.FundsWithdrawn})
		s.UpdatedAt = e.OccurredAt
	case DisputeClosed:
		s.Disputes = withDispute(s.Disputes, Dispute{ID: e.DisputeID, Amount: e.Amount, Outcome: e.Outcome})
		s.UpdatedAt = e.OccurredAt
	case Quarantined:
		s.Quarantine, s.UpdatedAt = e.Reason, e.OccurredAt
	case Parked:
		s.Parked, s.UpdatedAt = true, e.OccurredAt
	case Released:
		s.Released, s.UpdatedAt = true, e.OccurredAt
	case Rejected:
		s.Rejected, s.UpdatedAt = true, e.OccurredAt
	case RefundRequested:
		s.RefundRequests = append(slices.Clone(s.RefundRequests), RefundRequest{ID: e.RequestID, Amount: e.Amount})
		s.UpdatedAt = e.OccurredAt
	case RefundRefused:
		s.RefundRequests = slices.Clone(s.RefundRequests)
		for i, r := range s.RefundRequests {
			s.RefundRequests[i].Refused = r.Refused || r.ID == e.RequestID
		}
		s.UpdatedAt = e.OccurredAt
	case Fulfilled:
		s.TokenTransactionID, s.FulfilledAt, s.UpdatedAt = e.TokenTransactionID, e.OccurredAt, e.OccurredAt
	}
	return s
}

// withRefund advances a refund, or adds it.
func withRefund(refunds []Refund, r Refund) []Refund {
	i, found := slices.BinarySearchFunc(refunds, r, func(a, b Refund) int { return strings.Compare(a.ID, b.ID) })
	if !found {
		return slices.Insert(slices.Clone(refunds), i, r)
	}
	known := refunds[i]
	refunds = slices.Clone(refunds)
	if r.Status.rank() > known.Status.rank() {
		known.Status = r.Status
	}
	known.Amount = max(known.Amount, r.Amount)
	refunds[i] = known
	return refunds
}

// withDispute advances a dispute, or adds it.
func withDispute(disputes []Dispute, d Dispute) []Dispute {
	i, found := slices.BinarySearchFunc(disputes, d, func(a, b Dispute) int { return strings.Compare(a.ID, b.ID) })
	if !found {
		return slices.Insert(slices.Clone(disputes), i, d)
	}
	known := disputes[i]
	disputes = slices.Clone(disputes)
	if d.Outcome.rank() > known.Outcome.rank() {
		known.Outcome = d.Outcome
	}
	known.Amount = max(known.Amount, d.Amount)
	known.FundsWithdrawn = known.FundsWithdrawn || d.FundsWithdrawn
	disputes[i] = known
	return disputes
}

// Withheld tells whether the tokens are kept back although the money is there.
func (s State) Withheld() bool {
	return s.Rejected || (s.Quarantine != "" || s.Parked) && !s.Released
}

// Due tells whether the tokens are to be granted.
func (s State) Due() bool { return s.Paid != nil && !s.Withheld() }

// Returned is how much of the money went back or was lost, at most all of it.
func (s State) Returned() int64 {
	if s.Paid == nil {
		return 0
	}
	var sum int64
	add := func(n int64) { sum = min(s.Paid.AmountTotal, sum+min(n, s.Paid.AmountTotal)) }
	for _, r := range s.Refunds {
		if r.Status == RefundSucceeded {
			add(r.Amount)
		}
	}
	for _, d := range s.Disputes {
		if d.Outcome == DisputeLost {
			add(d.Amount)
		}
	}
	return sum
}

// ClawedBack is how many tokens are taken back: floor(tokens × returned ÷ paid),
// and so all of them when all the money went back.
func (s State) ClawedBack() int64 {
	if !s.Due() || s.Paid.AmountTotal == 0 {
		return 0
	}
	// The product can be larger than an int64.
	n := new(big.Int).Mul(big.NewInt(s.Tokens), big.NewInt(s.Returned()))
	return n.Div(n, big.NewInt(s.Paid.AmountTotal)).Int64()
}

// Disputed tells whether a dispute holds the funds now.
func (s State) Disputed() bool { return slices.ContainsFunc(s.Disputes, Dispute.holdsFunds) }

// SessionStatus is the state of the checkout session, as it is shown.
type SessionStatus string

// The statuses.
const (
	SessionOpen     SessionStatus = "open"
	SessionComplete SessionStatus = "complete"
	SessionExpired  SessionStatus = "expired"
)

// Session is the status of the session: whoever paid or went through it has
// completed it, also when it is said to have expired.
func (s State) Session(at time.Time) SessionStatus {
	switch {
	case s.Completed || s.Paid != nil:
		return SessionComplete
	case s.Expired, !s.ExpireAt.IsZero() && !at.Before(s.ExpireAt):
		return SessionExpired
	default:
		return SessionOpen
	}
}

// Status is the state of the money, as it is shown.
type Status string

// The statuses.
const (
	StatusUnpaid      Status = "unpaid"
	StatusPending     Status = "pending"
	StatusFailed      Status = "failed"
	StatusPaid        Status = "paid"
	StatusQuarantined Status = "quarantined"
	StatusParked      Status = "parked"
	StatusRejected    Status = "rejected"
	StatusDisputed    Status = "disputed"
	StatusPartly      Status = "partiallyRefunded"
	StatusRefunded    Status = "refunded"
)

// Status is the state of the money.
func (s State) Status() Status {
	switch {
	case s.Paid == nil && s.Failed:
		return StatusFailed
	case s.Paid == nil && s.Completed:
		return StatusPending
	case s.Paid == nil:
		return StatusUnpaid
	case s.Paid.AmountTotal > 0 && s.Returned() == s.Paid.AmountTotal:
		return StatusRefunded
	case s.Rejected:
		return StatusRejected
	case s.Quarantine != "" && !s.Released:
		return StatusQuarantined
	case s.Parked && !s.Released:
		return StatusParked
	case s.Disputed():
		return StatusDisputed
	case s.Returned() > 0:
		return StatusPartly
	default:
		return StatusPaid
	}
}
