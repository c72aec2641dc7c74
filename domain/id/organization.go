package id

// Organization is the id of an organization.
type Organization string

// Prefix implements Name.
func (Organization) Prefix() string { return "org" }
