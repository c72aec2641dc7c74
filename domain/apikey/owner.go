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
	// Active tells whether the account is in use.
	Active bool
	// DeactivatedAt is when it was last deactivated, also after it was restored.
	DeactivatedAt time.Time
	// MemberSince is when the present membership of the key's organization
	// began; zero for somebody who is no member.
	MemberSince time.Time
}

// Orphan returns the key as its owner leaves it: a user's key ends for good with
// the membership and the account that it was issued under, also when the owner
// joins again or the account is restored.
func (s State) Orphan(o Owner) State {
	s.Orphaned = s.OwnerType == OwnerUser &&
		(!o.Active || o.MemberSince.IsZero() ||
			s.CreatedAt.Before(o.MemberSince) || !s.CreatedAt.After(o.DeactivatedAt))
	return s
}
