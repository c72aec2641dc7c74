package payment

import "slices"

// RefundStatus is how far a refund has come.
type RefundStatus string

// The statuses. A refund that succeeded can still fail: the payer's bank may
// send it back.
const (
	RefundPending   RefundStatus = "pending"
	RefundSucceeded RefundStatus = "succeeded"
	RefundFailed    RefundStatus = "failed"
)

// rank orders statuses by how final they are; an unknown one has rank zero.
func (s RefundStatus) rank() int {
	return 1 + slices.Index([]RefundStatus{RefundPending, RefundSucceeded, RefundFailed}, s)
}

// Valid reports whether s is one of the statuses.
func (s RefundStatus) Valid() bool { return s.rank() > 0 }

// DisputeOutcome is how a dispute ended.
type DisputeOutcome string

// The outcomes. Funds can be reinstated after a dispute was lost, and a loss can
// be overturned; what has gone in our favour does not change any more.
const (
	DisputeLost          DisputeOutcome = "lost"
	DisputeWarningClosed DisputeOutcome = "warningClosed"
	DisputeReinstated    DisputeOutcome = "reinstated"
	DisputeWon           DisputeOutcome = "won"
)

// rank orders outcomes by which of two stands; an unknown one has rank zero.
func (o DisputeOutcome) rank() int {
	return 1 + slices.Index([]DisputeOutcome{DisputeLost, DisputeWarningClosed, DisputeReinstated, DisputeWon}, o)
}

// Valid reports whether o is one of the outcomes.
func (o DisputeOutcome) Valid() bool { return o.rank() > 0 }

// Refund is what is known of one refund.
type Refund struct {
	ID     string
	Amount int64
	Status RefundStatus
}

// Dispute is what is known of one dispute. Outcome is empty while it is open.
type Dispute struct {
	ID             string
	Amount         int64
	FundsWithdrawn bool
	Outcome        DisputeOutcome
}

// holdsFunds tells whether the provider keeps the money for now.
func (d Dispute) holdsFunds() bool { return d.FundsWithdrawn && d.Outcome == "" }

// QuarantineReason is why a payment is not credited.
type QuarantineReason string

// The reasons.
const (
	QuarantineAmount   QuarantineReason = "amount"
	QuarantineCurrency QuarantineReason = "currency"
	QuarantineMode     QuarantineReason = "mode"
)
