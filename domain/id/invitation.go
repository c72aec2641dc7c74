package id

// Invitation is the id of an invitation to an organization.
type Invitation string

// Prefix implements Name.
func (Invitation) Prefix() string { return "inv" }
