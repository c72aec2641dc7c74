package id

// Payment is the id of a payment.
type Payment string

// Prefix implements Name.
func (Payment) Prefix() string { return "pay" }
