package tokenaccount

import (
	"time"

	"github.com/perfectworks/backend/domain/id"
)

// OperationStatus is how far an operation has come.
type OperationStatus string

// The statuses of a reservation; refunds and adjustments are done at once.
const (
	StatusHeld     OperationStatus = "held"
	StatusCaptured OperationStatus = "captured"
	StatusReleased OperationStatus = "released"
	StatusTimedOut OperationStatus = "timedOut"
	StatusDone     OperationStatus = "done"
)

// ReleaseReason is why a reservation was released.
type ReleaseReason string

// The reasons.
const (
	ReasonReleased  ReleaseReason = "released"
	ReasonTimedOut  ReleaseReason = "timedOut"
	ReasonSuspended ReleaseReason = "suspended"
)

// Operation is what the account remembers of a reference.
type Operation struct {
	Status OperationStatus `json:"status"`
	// Kind is the type of the event that the reference brought about.
	Kind   string `json:"kind"`
	Amount int64  `json:"amount"`
	// Of is the reservation that a refund gives back.
	Of Reference `json:"of,omitzero"`

	// The rest is that of a reservation.

	Purpose     string       `json:"purpose,omitempty"`
	FileID      string       `json:"fileId,omitempty"`
	UserID      id.User      `json:"userId,omitempty"`
	Allocations []Allocation `json:"allocations,omitempty"`
	Deadline    time.Time    `json:"deadline,omitzero"`
	// Captured is what was consumed, by grant; Refunded is how much of it was
	// given back.
	Captured []Allocation `json:"captured,omitempty"`
	Refunded int64        `json:"refunded,omitempty"`
}

func (o Operation) work() Work { return Work{Purpose: o.Purpose, FileID: o.FileID, UserID: o.UserID} }

func total(allocations []Allocation) int64 {
	var sum int64
	for _, a := range allocations {
		sum += a.Amount
	}
	return sum
}

// divide splits allocations into the first amount tokens and the rest.
func divide(allocations []Allocation, amount int64) (first, rest []Allocation) {
	for _, a := range allocations {
		taken := min(a.Amount, amount)
		amount -= taken
		if taken > 0 {
			first = append(first, Allocation{Grant: a.Grant, Amount: taken})
		}
		if taken < a.Amount {
			rest = append(rest, Allocation{Grant: a.Grant, Amount: a.Amount - taken})
		}
	}
	return first, rest
}

// holdKey orders open reservations by their deadline.
func holdKey(r Reference, deadline time.Time) Reference {
	return Reference{At: deadline, ID: r.ID + "@" + r.At.Format(time.RFC3339Nano)}
}
