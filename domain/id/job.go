package id

// Job is the id of one operation on a file.
type Job string

// Prefix implements Name.
func (Job) Prefix() string { return "job" }
