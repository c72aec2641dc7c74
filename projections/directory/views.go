package directory

import (
	"time"

	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/domain/user"
)

// User is a user at one moment.
type User struct {
	ID     id.User
	Status user.Status
	// Active is the place where the person acts: their membership of the
	// organization that they chose. It is zero when they chose none or are no
	// member there.
	Active Membership
	// Unreadable says that the log holds something of the user that this program
	// cannot read, so that the rest is not to be trusted.
	Unreadable bool
}

// Organization is an organization at one moment.
type Organization struct {
	ID         id.Organization
	Status     organization.Status
	Name       string
	Slug       string
	LogoURL    string
	Unreadable bool // see User.Unreadable
}

// Membership is a user's place in an organization.
type Membership struct {
	Organization Organization
	Role         access.Role
	// Since is when the membership began, which names it.
	Since time.Time
}

// Key is an API key at one moment, with what it depends on.
type Key struct {
	ID           id.APIKey
	Organization Organization
	// Owner is zero for an organization's key, and so is Role, the owner's in
	// the organization. Role is empty, too, while the owner is suspended there.
	Owner User
	Role  access.Role
	// Scopes are shared with others and not to be changed.
	Scopes []access.Scope
	// ExpireAt is the first instant at which the key does not work; zero says
	// never. A rotation brings it forward.
	ExpireAt time.Time
	// Revoked and Orphaned say how the key ended: by a decision, or with its
	// owner's membership or account.
	Revoked    bool
	Orphaned   bool
	Unreadable bool // see User.Unreadable
}

func (s *state) viewUser(u *userRecord) User {
	v := User{ID: u.id, Status: u.status, Unreadable: u.unreadable}
	if u.active != nil {
		v.Active, _ = s.viewMembership(u, u.active)
	}
	return v
}

func (s *state) viewMembership(u *userRecord, o *organizationRecord) (Membership, bool) {
	p, ok := s.members[membership{u, o}]
	if !ok || p.suspended {
		return Membership{}, false
	}
	return Membership{Organization: o.view(), Role: p.role, Since: time.UnixMilli(p.since).UTC()}, true
}

func (o *organizationRecord) view() Organization {
	return Organization{
		ID: o.id, Status: o.status, Name: o.name, Slug: o.slug, LogoURL: o.logoURL, Unreadable: o.unreadable,
	}
}

func (s *state) viewKey(k *keyRecord) Key {
	o := s.numberedOrganizations[k.organization-1]
	v := Key{
		ID: s.keys.name(k), Organization: o.view(), Scopes: s.scopes[k.scopes],
		Revoked: k.end == endRevoked, Orphaned: k.end == endOrphaned, Unreadable: k.is(flagUnreadable),
	}
	if k.expireAt != 0 {
		v.ExpireAt = time.UnixMilli(k.expireAt).UTC()
	}
	if k.owner != 0 {
		u := s.numberedUsers[k.owner-1]
		v.Owner = s.viewUser(u)
		if p := s.members[membership{u, o}]; !p.suspended {
			v.Role = p.role
		}
	}
	return v
}
