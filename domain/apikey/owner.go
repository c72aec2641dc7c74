// Package apikey is the aggregate of API keys: what is known of a key, and
// what may be done with it. The key itself is a Secret, which is shown once and
// stored nowhere.
package apikey

import "github.com/perfectworks/backend/domain/access"

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
