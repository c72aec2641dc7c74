package id

// User is the id of a user.
type User string

// Prefix implements Name.
func (User) Prefix() string { return "user" }
