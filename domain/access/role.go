package access

import "slices"

// Role is a member's role in one organization.
type Role string

// The roles.
const (
	Owner   Role = "owner"
	Admin   Role = "admin"
	Billing Role = "billing"
	Member  Role = "member"
	Viewer  Role = "viewer"
)

// Roles returns all roles, as the permission table orders them.
func Roles() []Role { return []Role{Owner, Admin, Billing, Member, Viewer} }

// Valid reports whether r is one of the roles.
func (r Role) Valid() bool { return slices.Contains(Roles(), r) }

// MayGrant reports whether members of this role may give, change or take away
// another role: owners any, all others only those of lower rank. That they may
// manage members at all is another question.
func (r Role) MayGrant(other Role) bool {
	mine, theirs := slices.Index(Roles(), r), slices.Index(Roles(), other)
	return r == Owner && theirs >= 0 || mine >= 0 && mine < theirs
}

// SystemRole is what a system user does for the operator. It counts in every
// organization, and is no membership.
type SystemRole string

// The system roles. Support reads what the others can read, and changes
// nothing.
const (
	SystemAdmin   SystemRole = "admin"
	SystemFinance SystemRole = "finance"
	SystemSupport SystemRole = "support"
)

// SystemRoles returns all system roles, as the permission table orders them.
func SystemRoles() []SystemRole { return []SystemRole{SystemAdmin, SystemFinance, SystemSupport} }

// Valid reports whether r is one of the system roles.
func (r SystemRole) Valid() bool { return slices.Contains(SystemRoles(), r) }
