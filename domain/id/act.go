package id

// Act names what an operator did.
type Act string

// Prefix implements Name.
func (Act) Prefix() string { return "act" }
