// Package apikey is the aggregate of API keys: what is known of a key, and
// what may be done with it. The key itself is a Secret, which is shown once and
// stored nowhere.
package apikey

import (
	"time"

	"github.com/perfectworks/backend/domain/access"
)

// OwnerType says whose key it is: a person's, in one organization, or the
// organization's own.
type OwnerType string

// The types of owner.
const (
	OwnerUser         OwnerType = "user"
	OwnerOrganization OwnerType = "organization"
)

// Kind is the kind of principal that a key of this owner makes; empty for an
// unknown type of owner.
func (o OwnerType) Kind() access.Kind {
	switch o {
	case OwnerUser:
		return access.KindUserKey
	case OwnerOrganization:
		return access.KindOrganizationKey
	}
	return ""
}

// Owner is the person to whom a user's key belongs, as they are now.
type Owner struct {
	// Erased says that the account is gone, Asleep that it or the membership is
	// suspended.
	Erased bool
	Asleep bool
	// MemberSince is when the present membership of the key's organization
	// began; zero for somebody who is no member.
	MemberSince time.Time
}

// Under returns the key as its owner leaves it. A user's key ends for good with
// the account and with the membership that it was issued under, also when the
// owner joins again. While the owner is suspended it sleeps.
func (s State) Under(o Owner) State {
	if s.OwnerType != OwnerUser {
		return s
	}
	s.Orphaned = o.Erased || !s.issuedUnder(o.MemberSince)
	s.Asleep = o.Asleep
	return s
}

// issuedUnder tells whether the key was issued under the membership that began at
// a time. Keys from before version 3 of Issued do not name theirs: they are from
// no later one.
func (s State) issuedUnder(since time.Time) bool {
	if since.IsZero() {
		return false
	}
	if s.MemberSince.IsZero() {
		return !s.CreatedAt.Before(since)
	}
	return s.MemberSince.Equal(since)
}
