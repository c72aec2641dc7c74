package apikey

import (
	"slices"
	"time"

	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/id"
)

// State is a key, folded from its stream.
type State struct {
	ID             id.APIKey
	OrganizationID id.Organization
	OwnerType      OwnerType
	// UserID is the owner of a user key, else empty.
	UserID      id.User
	IssuedBy    id.User
	Scopes      []access.Scope
	Description string
	Live        bool
	Start       string
	Last4       string
	// ExpireAt is the first instant at which the key no longer works; zero says
	// that it never expires.
	ExpireAt time.Time
	// IssuedExpireAt is the expiry from before a rotation brought it forward.
	IssuedExpireAt time.Time
	// PredecessorID and SuccessorID are the neighbours in a rotation; RotatedAt
	// is when the successor was named.
	PredecessorID id.APIKey
	SuccessorID   id.APIKey
	RotatedAt     time.Time
	// Slot is the slot that the key is counted in; zero for none.
	Slot int
	// RevokedAt is zero for a key that was not revoked.
	RevokedAt time.Time
	// MemberSince is when the membership began that a user's key was issued under;
	// zero where that is not known.
	MemberSince time.Time
	// Orphaned says that the key came to its end with its owner's membership or
	// account, and Asleep that the owner is suspended. The key's own stream tells
	// neither; see Under.
	Orphaned  bool
	Asleep    bool
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Apply folds an event into the state. Events of other kinds change nothing.
func Apply(s State, e event.Event) State {
	switch e := e.(type) {
	case Issued:
		return State{
			ID: e.KeyID, OrganizationID: e.OrganizationID,
			OwnerType: e.OwnerType, UserID: e.UserID, IssuedBy: e.IssuedBy,
			Scopes: slices.Clone(e.Scopes), Description: e.Description, Live: e.Live,
			Start: e.Start, Last4: e.Last4, ExpireAt: e.ExpireAt, IssuedExpireAt: e.ExpireAt, PredecessorID: e.PredecessorID,
			Slot: e.Slot, MemberSince: e.MemberSince,
			CreatedAt: e.OccurredAt, UpdatedAt: e.OccurredAt,
		}
	case DescriptionChanged:
		s.Description, s.UpdatedAt = e.Description, e.OccurredAt
	case Rotated:
		s.SuccessorID, s.ExpireAt, s.RotatedAt = e.SuccessorID, e.ExpireAt, e.OccurredAt
		s.UpdatedAt = e.OccurredAt
	case Revoked:
		s.RevokedAt, s.UpdatedAt = e.OccurredAt, e.OccurredAt
	}
	return s
}

// Status tells whether a key works.
type Status string

// The statuses. The empty one is that of a key that does not exist.
const (
	StatusActive  Status = "active"
	StatusExpired Status = "expired"
	StatusRevoked Status = "revoked"
	// StatusSuspended is that of a key whose owner's account is deactivated: it
	// works again once that is restored.
	StatusSuspended Status = "suspended"
)

// Status is the key's status at a time. At the instant of its expiry a key is
// expired; one that was revoked stays revoked.
func (s State) Status(at time.Time) Status {
	switch {
	case s.ID == "":
		return ""
	case !s.RevokedAt.IsZero(), s.Orphaned:
		return StatusRevoked
	case !s.ExpireAt.IsZero() && !at.Before(s.ExpireAt):
		return StatusExpired
	case s.Asleep:
		return StatusSuspended
	default:
		return StatusActive
	}
}

// rotationGrace is how long a key that was rotated keeps its slot for its
// successor: longer than a command is under way.
const rotationGrace = time.Minute

// KeepsSlot tells whether the key keeps a slot of its owner from another key: it
// is counted in it and lives, or ended just now by a rotation, whose successor
// takes the slot.
func (s State) KeepsSlot(n int, from id.APIKey, at time.Time) bool {
	if s.ID == "" || s.Slot != n {
		return false
	}
	promised := s.RevokedAt.IsZero() && s.SuccessorID != "" && s.SuccessorID != from && at.Before(s.RotatedAt.Add(rotationGrace))
	status := s.Status(at)
	return promised || status == StatusActive || status == StatusSuspended
}

// Refusals of this package.
var (
	ErrNotFound = failure.New(failure.NotFound, "API_KEY_NOT_FOUND",
		"there is no such API key")
	ErrRevoked = failure.New(failure.Conflict, "API_KEY_REVOKED",
		"this API key has been revoked")
	ErrExpired = failure.New(failure.Conflict, "API_KEY_EXPIRED",
		"this API key has expired")
	ErrSuspended = failure.New(failure.Conflict, "API_KEY_SUSPENDED",
		"this API key sleeps until its owner's account is restored")
	ErrLimit = failure.New(failure.Conflict, "API_KEY_LIMIT_REACHED",
		"this owner has as many living API keys in the organization as are allowed: revoke one first")
	ErrRotated = failure.New(failure.Conflict, "API_KEY_ROTATED",
		"this API key has been rotated already: rotate its successor")
)
