// Package user is the aggregate of a person with an account.
package user

import (
	"time"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/personal"
)

// Status is where an account is in its life.
type Status string

// The statuses. The empty one is that of somebody who has not registered.
const (
	StatusActive      Status = "active"
	StatusDeactivated Status = "deactivated"
	StatusErased      Status = "erased"
)

// State is a user, folded from the stream.
type State struct {
	ID            id.User
	Status        Status
	SubjectHash   string
	EmailHash     string
	Email         personal.Text
	EmailVerified bool
	// FormerEmailHash is of the verified address before, if there was one: its
	// reservation is given up.
	FormerEmailHash string
	// EmailIssuedAt is when the token that brought the address was issued, or,
	// where that is not known, when the address came.
	EmailIssuedAt time.Time
	FirstName     personal.Text
	LastName      personal.Text
	Locale        string
	AvatarURL     personal.Text
	// ReferralCode and Click are what the person came with: both are empty for most.
	ReferralCode string
	Click        *Click
	// ActiveOrganizationID is where the person acts; empty says nowhere.
	ActiveOrganizationID id.Organization
	// ActiveSince is when that was chosen.
	ActiveSince time.Time
	CreatedAt   time.Time
	UpdatedAt   time.Time
	// PurgeAt is when a deactivated account may be erased, else zero.
	PurgeAt time.Time
	// DeactivatedAt is when the account was last deactivated, also after it was
	// restored; zero if it never was.
	DeactivatedAt time.Time
}

// Apply folds an event into the state. Events of other kinds change nothing.
func Apply(s State, e event.Event) State {
	switch e := e.(type) {
	case Registered:
		issued := e.EmailIssuedAt
		if issued.IsZero() {
			issued = e.OccurredAt
		}
		return State{
			ID: e.UserID, Status: StatusActive,
			SubjectHash: e.SubjectHash, EmailHash: e.EmailHash,
			Email: e.Email, EmailVerified: e.EmailVerified, EmailIssuedAt: issued,
			FirstName: e.FirstName, LastName: e.LastName, Locale: e.Locale,
			ReferralCode: e.ReferralCode, Click: e.Click,
			CreatedAt: e.OccurredAt, UpdatedAt: e.OccurredAt,
		}
	case ProfileUpdated:
		s.FirstName, s.LastName = e.FirstName, e.LastName
		s.Locale, s.AvatarURL = e.Locale, e.AvatarURL
		s.UpdatedAt = e.OccurredAt
	case EmailChanged:
		s.EmailHash, s.Email, s.EmailVerified = e.EmailHash, e.Email, true
		s.FormerEmailHash, s.EmailIssuedAt, s.UpdatedAt = e.FormerEmailHash, e.EmailIssuedAt, e.OccurredAt
	case ActiveOrganizationSwitched:
		s.ActiveOrganizationID, s.ActiveSince, s.UpdatedAt = e.OrganizationID, e.OccurredAt, e.OccurredAt
	case Deactivated:
		s.Status, s.PurgeAt, s.UpdatedAt = StatusDeactivated, e.PurgeAt, e.OccurredAt
		s.DeactivatedAt = e.OccurredAt
	case Restored:
		s.Status, s.PurgeAt, s.UpdatedAt = StatusActive, time.Time{}, e.OccurredAt
	case Erased:
		// The hashes stay, so that the reservations of the values can be released.
		return State{
			ID: s.ID, Status: StatusErased,
			SubjectHash: s.SubjectHash, EmailHash: s.EmailHash, EmailVerified: s.EmailVerified,
			CreatedAt: s.CreatedAt, UpdatedAt: e.OccurredAt,
		}
	}
	return s
}

// Refusals of this package.
var (
	ErrNotFound = failure.New(failure.NotFound, "USER_NOT_FOUND",
		"there is no such user")
	ErrDeactivated = failure.New(failure.Forbidden, "USER_DEACTIVATED",
		"this account is deactivated: restore it first")
	ErrEmailMissing = failure.New(failure.Unprocessable, "EMAIL_MISSING",
		"the identity token names no email address, and an account needs one")
	ErrEmailInvalid = failure.New(failure.Unprocessable, "EMAIL_INVALID",
		"the identity token's email claim is not an email address, and an account needs one")
	ErrEmailTaken = failure.New(failure.Conflict, "EMAIL_TAKEN",
		"another account has this email address")
	ErrEmailNotVerified = failure.New(failure.Forbidden, "EMAIL_NOT_VERIFIED",
		"the email address must be verified first")
)

// RequireActive is nil for an account in use, else the reason why it is not.
func (s State) RequireActive() error {
	switch s.Status {
	case StatusActive:
		return nil
	case StatusDeactivated:
		return ErrDeactivated
	case StatusErased:
	}
	return ErrNotFound
}

// HoldsEmail tells whether the account keeps an address, given by its keyed
// hash, from all others. An address that is not verified keeps nobody away: it
// may belong to somebody else.
func (s State) HoldsEmail(emailHash string) bool {
	return s.Status != StatusErased && s.EmailVerified && s.EmailHash == emailHash
}
