package erasure

import (
	"time"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
)

// Aggregate describes the aggregate of an erasure.
var Aggregate = event.Aggregate[ID, State]{
	Category: "erasure",
	Schemas: []event.Schema{
		event.Define[Begun](),
		event.Define[Completed](),
	},
	Apply: Apply,
}

// Begun says that the keys of subjects are about to be destroyed. What the
// subject itself was ended before, in its own stream.
type Begun struct {
	SubjectID ID   `json:"subjectId"`
	Kind      Kind `json:"kind"`
	// Keys names the subjects whose encryption keys are destroyed: the person or
	// the organization, and the invitations with data about them.
	Keys       []string  `json:"keys"`
	OccurredAt time.Time `json:"occurredAt"`
}

// Completed carries the certificate.
type Completed struct {
	SubjectID ID       `json:"subjectId"`
	Kind      Kind     `json:"kind"`
	Keys      []string `json:"keys"`
	// DestroyedAt is when the keys had been destroyed.
	DestroyedAt time.Time `json:"destroyedAt"`
	// Destroyed says what is gone and how, Kept what stays and why.
	Destroyed []Statement `json:"destroyed"`
	Kept      []Statement `json:"kept"`
	// Remains says where traces may exist physically for a while.
	Remains    []Remainder `json:"remains"`
	OccurredAt time.Time   `json:"occurredAt"`
}

// Statement is a sentence of a certificate.
type Statement struct {
	What string `json:"what"`
	// How it was destroyed, or why it is kept.
	Note string `json:"note"`
}

// Remainder is a place where traces may exist physically after an erasure.
type Remainder struct {
	Where string `json:"where"`
	Note  string `json:"note"`
	// Until is the latest time at which they exist.
	Until time.Time `json:"until"`
}

// EventType is the stored name.
func (Begun) EventType() string { return "ErasureBegun" }

// EventType is the stored name.
func (Completed) EventType() string { return "ErasureCompleted" }

// UserID returns the erasure of a person.
func UserID(user id.User) ID { return ID(user) }

// OrganizationID returns the erasure of an organization.
func OrganizationID(organization id.Organization) ID { return ID(organization) }
