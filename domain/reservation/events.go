package reservation

import (
	"time"

	"github.com/perfectworks/backend/domain/event"
)

// Aggregate describes the aggregate of a reservation.
var Aggregate = event.Aggregate[ID, State]{
	Category: "reservation",
	Schemas: []event.Schema{
		event.Define[Reserved](event.FieldsAdded),
		event.Define[Released](),
	},
	Apply:      Apply,
	Unfollowed: true,
}

// Reserved gives a value to an owner. OccurredAt is when the command was made.
type Reserved struct {
	Kind      Kind   `json:"kind"`
	ValueHash string `json:"valueHash"`
	// OwnerID is the id of the aggregate that holds the value.
	OwnerID string `json:"ownerId"`
	// Slot is the slot that is taken, of a page of slots; then ValueHash is that of
	// the page. Zero for all other values. Since version 2.
	Slot       int       `json:"slot,omitempty"`
	OccurredAt time.Time `json:"occurredAt"`
}

// Released gives a value up. Its last owner may take it back at any time,
// anybody else from AvailableAt on.
type Released struct {
	Kind        Kind      `json:"kind"`
	ValueHash   string    `json:"valueHash"`
	OwnerID     string    `json:"ownerId"`
	AvailableAt time.Time `json:"availableAt"`
	OccurredAt  time.Time `json:"occurredAt"`
}

// EventType is the stored name.
func (Reserved) EventType() string { return "ValueReserved" }

// EventType is the stored name.
func (Released) EventType() string { return "ValueReleased" }
