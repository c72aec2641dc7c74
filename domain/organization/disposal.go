package organization

import (
	"time"

	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/input"
)

// Grace is how long a deleted organization can be restored. After it the
// organization is purged.
const Grace = 30 * 24 * time.Hour

// Refusals of deletion, restoration and purge.
var (
	ErrNotDeleted = failure.New(failure.Conflict, "NOT_SOFT_DELETED",
		"the organization must be deleted before it can be deleted permanently")
	ErrOwnersSuspended = failure.New(failure.Conflict, "OWNERS_SUSPENDED",
		"the account of every owner is deactivated: one of them must be restored first")
	ErrGraceExpired = failure.New(failure.Gone, "ORGANIZATION_GRACE_EXPIRED",
		"the time in which the organization could be restored is over")
)

// Delete deletes the organization so that it can be restored until the grace is
// over. Members and keys sleep until then; the slug stays reserved.
func (s State) Delete(by access.Principal, confirmSlug string, at time.Time) ([]event.Event, error) {
	if s.Status != StatusActive {
		return nil, ErrNotFound
	}
	if err := s.authorize(by, access.DisposeOrganization); err != nil {
		return nil, err
	}
	if err := s.confirm(confirmSlug); err != nil {
		return nil, err
	}
	return []event.Event{Deleted{OrganizationID: s.ID, PurgeAt: at.Add(Grace), OccurredAt: at}}, nil
}

// Restore undoes a deletion within its grace. Restoring an organization that is
// not deleted changes nothing.
func (s State) Restore(by access.Principal, at time.Time) ([]event.Event, error) {
	if s.Status != StatusActive && s.Status != StatusDeleted {
		return nil, ErrNotFound
	}
	if err := s.authorize(by, access.DisposeOrganization); err != nil {
		return nil, err
	}
	switch {
	case s.Status == StatusActive:
		return nil, nil
	case !at.Before(s.PurgeAt):
		return nil, ErrGraceExpired
	case s.Owners() == 0:
		return nil, ErrOwnersSuspended
	}
	return []event.Event{Restored{OrganizationID: s.ID, OccurredAt: at}}, nil
}

// Purge deletes a deleted organization for good. Owners and system users need
// not wait for the end of the grace, and confirm by the slug.
func (s State) Purge(by access.Principal, confirmSlug string, at time.Time) ([]event.Event, error) {
	if s.Status != StatusActive && s.Status != StatusDeleted {
		return nil, ErrNotFound
	}
	if err := s.authorize(by, access.DisposeOrganization); err != nil {
		return nil, err
	}
	if s.Status != StatusDeleted {
		return nil, ErrNotDeleted
	}
	if err := s.confirm(confirmSlug); err != nil {
		return nil, err
	}
	return s.purged(at), nil
}

// PurgeWhenDue purges a deleted organization whose grace is over. In any other
// state it does nothing: the organization may have been restored meanwhile.
func (s State) PurgeWhenDue(by access.Principal, at time.Time) ([]event.Event, error) {
	if s.Status != StatusDeleted || at.Before(s.PurgeAt) {
		return nil, nil
	}
	if err := s.authorize(by, access.DisposeOrganization); err != nil {
		return nil, err
	}
	return s.purged(at), nil
}

// PurgeAgain purges an organization whose key is destroyed though its stream does not
// say so, as after the restore of a log from before the erasure. For one that is
// purged, or never existed, it does nothing.
func (s State) PurgeAgain(at time.Time) []event.Event {
	if s.Status == "" || s.Status == StatusPurged {
		return nil
	}
	return s.purged(at)
}

// purged ends the organization. Links to its slug lead nowhere from now on, and
// must not lead to somebody else too soon.
func (s State) purged(at time.Time) []event.Event {
	return []event.Event{Purged{OrganizationID: s.ID, SlugHeldUntil: at.Add(SlugQuarantine), OccurredAt: at}}
}

// authorize returns nil if a principal may do something in the organization,
// whether or not it is deleted: a member by the role that they have at this
// revision, system users and policies by their own permissions. For everybody
// else the organization does not exist.
func (s State) authorize(by access.Principal, perm access.Permission) error {
	switch by.Kind {
	case access.KindSystem, access.KindPolicy:
		return by.In(s.ID).Require(perm)
	case access.KindUser:
		m, ok := s.Members.Find(by.UserID)
		if !ok || m.Suspended {
			return ErrNotFound
		}
		return m.Role.Require(perm)
	case access.KindUserKey, access.KindOrganizationKey:
	}
	return access.ErrCredentialNotAllowed
}

// confirm returns nil for the slug of the organization, exactly.
func (s State) confirm(slug string) error {
	var wrong failure.Fields
	if slug != s.Slug {
		wrong.Add("confirmSlug", input.CodeMismatch, "must be the slug of the organization, exactly")
	}
	return wrong.Err()
}
