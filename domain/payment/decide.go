package payment

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/input"
	"github.com/perfectworks/backend/domain/personal"
)

// Bounds of a checkout.
const (
	// MaxQuantity is how much of a product one checkout can buy.
	MaxQuantity = 1000
	// maxPath bounds a return path, in bytes.
	maxPath = 500
	// maxReason bounds a reason, in characters.
	maxReason = 500
)

// Checkout is what is to be bought. Price and tokens come from the catalogue,
// never from the caller.
type Checkout struct {
	ID             id.Payment
	OrganizationID id.Organization
	UserID         id.User
	ProductID      string
	// UnitAmount is the price of one, in the minor unit of Currency; UnitTokens
	// is how many tokens it holds.
	UnitAmount  int64
	UnitTokens  int64
	Currency    string
	Quantity    int64
	SuccessPath string
	CancelPath  string
	Live        bool
}

// Request begins a payment. Its id is new, so that there is no state to look at.
func Request(c Checkout, at time.Time) (CheckoutRequested, error) {
	var wrong failure.Fields
	if c.Quantity < 1 || c.Quantity > MaxQuantity {
		wrong.Add("quantity", input.CodeRange, "must be between 1 and 1000")
	} else if c.UnitAmount > math.MaxInt64/c.Quantity || c.UnitTokens > math.MaxInt64/c.Quantity {
		wrong.Add("quantity", input.CodeRange, "is more than can be counted")
	} else if c.UnitAmount*c.Quantity > MaxAmount {
		wrong.Add("quantity", input.CodeRange, "costs more than can be paid at once: 99999999 minor units")
	}
	path(&wrong, "successPath", c.SuccessPath)
	path(&wrong, "cancelPath", c.CancelPath)
	if err := wrong.Err(); err != nil {
		return CheckoutRequested{}, err
	}
	return CheckoutRequested{
		PaymentID: c.ID, OrganizationID: c.OrganizationID, UserID: c.UserID,
		ProductID: c.ProductID, Quantity: c.Quantity, UnitAmount: c.UnitAmount, Currency: c.Currency,
		Tokens: c.UnitTokens * c.Quantity, SuccessPath: c.SuccessPath, CancelPath: c.CancelPath,
		Live: c.Live, OccurredAt: at,
	}, nil
}

// path checks a path below the public address: what a browser could take for
// another host is refused, and so is what only looks like a path after decoding.
// An empty path stands for the default.
func path(wrong *failure.Fields, field, value string) {
	decoded := strings.ToLower(value)
	switch {
	case value == "":
	case len(value) > maxPath:
		wrong.Add(field, input.CodeTooLong, "must have at most 500 bytes")
	case value[0] != '/',
		strings.HasPrefix(value, "//"),
		strings.HasPrefix(decoded, "/%2f"),
		strings.HasPrefix(decoded, "/%5c"),
		strings.Contains(value, "\\"),
		strings.Contains(value, ".."),
		strings.Contains(decoded, "%2e"),
		strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r >= 0x7f }):
		wrong.Add(field, input.CodeFormat, "must be a path that begins with a single slash, without a host")
	}
}

// OpenSession names the provider's session. Repeating it changes nothing; it
// fails with ErrSessionOpened for another session.
func (s State) OpenSession(sessionID string, expireAt, at time.Time) ([]event.Event, error) {
	switch {
	case s.ID == "":
		return nil, ErrNotFound
	case s.SessionID == sessionID:
		return nil, nil
	case s.SessionID != "":
		return nil, ErrSessionOpened
	}
	return []event.Event{CheckoutSessionOpened{
		PaymentID: s.ID, SessionID: sessionID, ExpireAt: expireAt.UTC().Truncate(time.Millisecond), OccurredAt: at,
	}}, nil
}

// Complete notes that the payer went through the session.
func (s State) Complete(at time.Time) ([]event.Event, error) {
	return s.note(s.Completed, CheckoutSessionCompleted{PaymentID: s.ID, SessionID: s.SessionID, OccurredAt: at})
}

// Expire notes that the session ended.
func (s State) Expire(at time.Time) ([]event.Event, error) {
	return s.note(s.Expired, CheckoutSessionExpired{PaymentID: s.ID, SessionID: s.SessionID, OccurredAt: at})
}

// Fail notes that an attempt to pay failed.
func (s State) Fail(at time.Time) ([]event.Event, error) {
	return s.note(s.Failed, Failed{PaymentID: s.ID, SessionID: s.SessionID, OccurredAt: at})
}

// note records a fact that is not known yet.
func (s State) note(known bool, fact event.Event) ([]event.Event, error) {
	switch {
	case s.ID == "":
		return nil, ErrNotFound
	case known:
		return nil, nil
	}
	return []event.Event{fact}, nil
}

// Succeed notes that the money is there, and withholds the tokens when it is
// not as the session says, or when the organization was deleted meanwhile.
func (s State) Succeed(p Paid, organizationDeleted bool, at time.Time) ([]event.Event, error) {
	events, err := s.note(s.Paid != nil, Succeeded{
		PaymentID: s.ID, SessionID: s.SessionID, IntentID: p.IntentID, ChargeID: p.ChargeID, InvoiceID: p.InvoiceID,
		AmountSubtotal: p.AmountSubtotal, AmountTotal: p.AmountTotal, Currency: p.Currency, Live: p.Live, OccurredAt: at,
	})
	if len(events) == 0 {
		return nil, err
	}
	if reason := s.unexpected(p); reason != "" {
		events = append(events, Quarantined{PaymentID: s.ID, Reason: reason, OccurredAt: at})
	}
	if organizationDeleted {
		events = append(events, Parked{PaymentID: s.ID, OccurredAt: at})
	}
	return events, nil
}

// unexpected is how a payment differs from its session. Amounts are compared
// before tax, which the session does not know. A total below that is a discount,
// which is never given.
func (s State) unexpected(p Paid) QuarantineReason {
	switch {
	case p.Live != s.Live:
		return QuarantineMode
	case !strings.EqualFold(p.Currency, s.Currency):
		return QuarantineCurrency
	case p.AmountSubtotal != s.UnitAmount*s.Quantity, p.AmountTotal < p.AmountSubtotal:
		return QuarantineAmount
	}
	return ""
}

// NoteRefund notes a refund at a status. What is known already, or is older than
// what is known, changes nothing.
func (s State) NoteRefund(r Refund, at time.Time) ([]event.Event, error) {
	refunds := withRefund(s.Refunds, r)
	known := slices.Equal(refunds, s.Refunds)
	// The event says what is known now, which can be more than what was said.
	r = refunds[slices.IndexFunc(refunds, func(o Refund) bool { return o.ID == r.ID })]
	return s.note(known, Refunded{PaymentID: s.ID, RefundID: r.ID, Amount: r.Amount, Status: r.Status, OccurredAt: at})
}

// NoteDispute notes a dispute. What is known already, or is older than what is
// known, changes nothing.
func (s State) NoteDispute(d Dispute, at time.Time) ([]event.Event, error) {
	if s.ID == "" {
		return nil, ErrNotFound
	}
	var events []event.Event
	opened := d
	opened.Outcome = ""
	// The events say what is known now, which can be more than what was said.
	known := func(disputes []Dispute) Dispute {
		return disputes[slices.IndexFunc(disputes, func(o Dispute) bool { return o.ID == d.ID })]
	}
	if with := withDispute(s.Disputes, opened); !slices.Equal(with, s.Disputes) {
		k := known(with)
		events = append(events, DisputeOpened{
			PaymentID: s.ID, DisputeID: k.ID, Amount: k.Amount, FundsWithdrawn: k.FundsWithdrawn, OccurredAt: at,
		})
		s.Disputes = with
	}
	if with := withDispute(s.Disputes, d); d.Outcome != "" && !slices.Equal(with, s.Disputes) {
		k := known(with)
		events = append(events, DisputeClosed{
			PaymentID: s.ID, DisputeID: k.ID, Amount: k.Amount, Outcome: k.Outcome, OccurredAt: at,
		})
	}
	return events, nil
}

// Release credits a payment that was withheld.
func (s State) Release(reason personal.Text, at time.Time) ([]event.Event, error) {
	reason, err := s.decision(reason, s.Released, s.Rejected)
	if err != nil || s.Released {
		return nil, err
	}
	return []event.Event{Released{PaymentID: s.ID, OrganizationID: s.OrganizationID, Reason: reason, OccurredAt: at}}, nil
}

// Reject decides that a payment that was withheld is never credited.
func (s State) Reject(reason personal.Text, at time.Time) ([]event.Event, error) {
	reason, err := s.decision(reason, s.Rejected, s.Released)
	if err != nil || s.Rejected {
		return nil, err
	}
	return []event.Event{Rejected{PaymentID: s.ID, OrganizationID: s.OrganizationID, Reason: reason, OccurredAt: at}}, nil
}

// decision checks whether finance can decide about a withheld payment: same says
// that they did so already, other that they decided the opposite.
func (s State) decision(reason personal.Text, same, other bool) (personal.Text, error) {
	switch {
	case s.ID == "":
		return personal.Text{}, ErrNotFound
	case same:
		return personal.Text{}, nil
	case other:
		return personal.Text{}, ErrDecided
	case s.Quarantine == "" && !s.Parked:
		return personal.Text{}, ErrNotWithheld
	}
	return reasonOf(reason)
}

// RequestRefund asks for money to be returned: an amount, or all that is left
// when it is zero. A request that is known changes nothing.
func (s State) RequestRefund(requestID string, amount int64, reason personal.Text, at time.Time) ([]event.Event, error) {
	switch {
	case s.ID == "":
		return nil, ErrNotFound
	case s.Paid == nil:
		return nil, ErrNotPaid
	}
	left := s.Paid.AmountTotal - max(s.Returned(), s.requested())
	for _, r := range s.RefundRequests {
		if r.ID == requestID {
			return nil, nil
		}
	}
	reason, err := reasonOf(reason)
	if err != nil {
		return nil, err
	}
	if amount == 0 {
		amount = left
	}
	var wrong failure.Fields
	if amount < 0 {
		wrong.Add("amount", input.CodeRange, "must be positive")
		return nil, wrong.Err()
	}
	if amount > left || left == 0 {
		return nil, ErrRefundExceeded
	}
	return []event.Event{RefundRequested{
		PaymentID: s.ID, OrganizationID: s.OrganizationID,
		RequestID: requestID, Amount: amount, Reason: reason, OccurredAt: at,
	}}, nil
}

// RefuseRefund notes that the provider refuses a refund request. It changes nothing
// for a request that is not known, or known to be refused.
func (s State) RefuseRefund(requestID string, at time.Time) ([]event.Event, error) {
	known := slices.ContainsFunc(s.RefundRequests, func(r RefundRequest) bool { return r.ID == requestID && !r.Refused })
	return s.note(!known, RefundRefused{PaymentID: s.ID, RequestID: requestID, OccurredAt: at})
}

// requested is how much has been asked back, but for refunds that were refused or
// failed.
func (s State) requested() int64 {
	var sum int64
	for _, r := range s.RefundRequests {
		if !r.Refused {
			sum += r.Amount
		}
	}
	for _, r := range s.Refunds {
		if r.Status == RefundFailed {
			sum -= r.Amount
		}
	}
	return max(sum, 0)
}

// Fulfil notes the entry of the token account that granted the tokens.
func (s State) Fulfil(transactionID string, at time.Time) ([]event.Event, error) {
	if s.ID != "" && !s.Due() {
		return nil, ErrNotPaid
	}
	return s.note(s.TokenTransactionID != "", Fulfilled{
		PaymentID: s.ID, TokenTransactionID: transactionID, OccurredAt: at,
	})
}

// reasonOf checks the reason that a person gives.
func reasonOf(reason personal.Text) (personal.Text, error) {
	var wrong failure.Fields
	checked := input.Line(&wrong, "reason", reason.Reveal(), 3, maxReason)
	return personal.New(checked), wrong.Err()
}
