package id

// TokenTransaction is the id of one entry of a token account. It is that of the
// entry's event, so that it can be derived from either.
type TokenTransaction string

// Prefix implements Name.
func (TokenTransaction) Prefix() string { return "txn" }
