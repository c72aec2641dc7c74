package access

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

// Valid tells whether r is one of the roles.
func (r Role) Valid() bool {
	switch r {
	case Owner, Admin, Billing, Member, Viewer:
		return true
	}
	return false
}
