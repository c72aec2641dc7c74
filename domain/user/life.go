package user

import (
	"time"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/input"
	"github.com/perfectworks/backend/domain/personal"
	"github.com/perfectworks/backend/domain/reservation"
)

// DefaultGrace is how long a deactivated account can be restored.
const DefaultGrace = 30 * 24 * time.Hour

// Refusals of the end of an account.
var (
	ErrSoleOwner = failure.New(failure.Conflict, "SOLE_OWNER",
		"the account is the only active owner of an organization: make somebody else an owner, or delete the organization")
	ErrNotDeactivated = failure.New(failure.Conflict, "USER_NOT_DEACTIVATED",
		"only a deactivated account can be deleted for good: deactivate it first")
	ErrGraceExpired = failure.New(failure.Gone, "USER_GRACE_EXPIRED",
		"the time in which the account could be restored is over")
)

// ConfirmEmail returns nil if a text is the account's email address, in any
// spelling that stands for the same address.
func (s State) ConfirmEmail(text personal.Text) error {
	var wrong failure.Fields
	switch {
	case text.IsZero():
		wrong.Add("confirmEmail", input.CodeRequired, "must be the email address of the account")
	case reservation.FoldEmail(text.Reveal()) != reservation.FoldEmail(s.Email.Reveal()):
		wrong.Add("confirmEmail", input.CodeMismatch, "is not the email address of the account")
	}
	return wrong.Err()
}

// Deactivate begins the grace after which the person may be erased. An account
// that is deactivated already stays as it is. That the memberships are suspended
// is for the caller to see to.
func (s State) Deactivate(grace time.Duration, at time.Time) ([]event.Event, error) {
	if s.Status == StatusDeactivated {
		return nil, nil
	}
	if err := s.RequireActive(); err != nil {
		return nil, err
	}
	return []event.Event{Deactivated{UserID: s.ID, PurgeAt: at.Add(grace), OccurredAt: at}}, nil
}

// Restore ends a deactivation within its grace, which is over at the instant
// PurgeAt. An account in use stays as it is.
func (s State) Restore(at time.Time) ([]event.Event, error) {
	switch {
	case s.Status == StatusActive:
		return nil, nil
	case s.Status != StatusDeactivated:
		return nil, ErrNotFound
	case !at.Before(s.PurgeAt):
		return nil, ErrGraceExpired
	}
	return []event.Event{Restored{UserID: s.ID, OccurredAt: at}}, nil
}

// Erase ends a deactivated account for good, within its grace or after it. For
// one that was erased it does nothing.
func (s State) Erase(at time.Time) ([]event.Event, error) {
	switch s.Status {
	case StatusErased:
		return nil, nil
	case StatusDeactivated:
		return []event.Event{Erased{UserID: s.ID, OccurredAt: at}}, nil
	case StatusActive:
		return nil, ErrNotDeactivated
	}
	return nil, ErrNotFound
}

// EraseAgain ends an account whose key is destroyed though its stream does not say
// so, as after the restore of a log from before the erasure. It asks nothing more of
// the account: nobody can read it any more. For one that was erased, or never
// existed, it does nothing.
func (s State) EraseAgain(at time.Time) []event.Event {
	if s.Status == "" || s.Status == StatusErased {
		return nil
	}
	return []event.Event{Erased{UserID: s.ID, OccurredAt: at}}
}

// PurgeDue reports whether the grace of a deactivated account is over.
func (s State) PurgeDue(at time.Time) bool {
	return s.Status == StatusDeactivated && !at.Before(s.PurgeAt)
}
