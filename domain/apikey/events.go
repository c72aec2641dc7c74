package apikey

import (
	"time"

	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
)

// Aggregate describes the aggregate of an API key.
var Aggregate = event.Aggregate[id.APIKey, State]{
	Category: "apiKey",
	Schemas: []event.Schema{
		event.Define[Issued](event.FieldsAdded, event.FieldsAdded),
		event.Define[DescriptionChanged](),
		event.Define[Rotated](),
		event.Define[Revoked](),
	},
	Apply:    Apply,
	NotFound: ErrNotFound,
}

// Issued says that a key came to be. OccurredAt, here and in all events, is
// when the command was made: state and read models show this time, in UTC and
// whole milliseconds, not the time of storing.
type Issued struct {
	KeyID          id.APIKey       `json:"keyId"`
	OrganizationID id.Organization `json:"organizationId"`
	OwnerType      OwnerType       `json:"ownerType"`
	// UserID is the owner of a user key; an organization's key has none.
	UserID id.User `json:"userId,omitempty"`
	// IssuedBy is the person who asked for the key.
	IssuedBy    id.User        `json:"issuedBy"`
	Scopes      []access.Scope `json:"scopes"`
	Description string         `json:"description,omitempty"`
	Live        bool           `json:"live"`
	// SecretHash is the SHA-256 of the secret, in lower-case hexadecimal.
	SecretHash string `json:"secretHash"`
	// Start and Last4 are the characters that a person knows the key by.
	Start string `json:"start"`
	Last4 string `json:"last4"`
	// ExpireAt is the first instant at which the key no longer works; zero says
	// that it never expires.
	ExpireAt time.Time `json:"expireAt,omitzero"`
	// PredecessorID is the key that this one replaces, in a rotation.
	PredecessorID id.APIKey `json:"predecessorId,omitempty"`
	// Slot is the one of its owner's slots that the key is counted in, from 1 on;
	// zero for a key from before keys were counted. Since version 2.
	Slot int `json:"slot,omitempty"`
	// MemberSince is when the membership began that a user's key is issued under:
	// it names the membership. Since version 3.
	MemberSince time.Time `json:"memberSince,omitzero"`
	OccurredAt  time.Time `json:"occurredAt"`
}

// DescriptionChanged carries the new description; empty says cleared.
type DescriptionChanged struct {
	KeyID       id.APIKey `json:"keyId"`
	Description string    `json:"description,omitempty"`
	OccurredAt  time.Time `json:"occurredAt"`
}

// Rotated names the key's successor and when this key stops working.
type Rotated struct {
	KeyID       id.APIKey `json:"keyId"`
	SuccessorID id.APIKey `json:"successorId"`
	ExpireAt    time.Time `json:"expireAt"`
	OccurredAt  time.Time `json:"occurredAt"`
}

// Revoked ends a key at once and for good.
type Revoked struct {
	KeyID      id.APIKey `json:"keyId"`
	OccurredAt time.Time `json:"occurredAt"`
}

// EventType is the stored name.
func (Issued) EventType() string { return "ApiKeyIssued" }

// EventType is the stored name.
func (DescriptionChanged) EventType() string { return "ApiKeyDescriptionChanged" }

// EventType is the stored name.
func (Rotated) EventType() string { return "ApiKeyRotated" }

// EventType is the stored name.
func (Revoked) EventType() string { return "ApiKeyRevoked" }
