package id

// SystemUser is the id of a person who works for the operator.
type SystemUser string

// Prefix implements Name.
func (SystemUser) Prefix() string { return "sysuser" }
