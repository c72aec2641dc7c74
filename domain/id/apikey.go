package id

// APIKey is the id of an API key. It is not the key itself.
type APIKey string

// Prefix implements Name.
func (APIKey) Prefix() string { return "key" }
