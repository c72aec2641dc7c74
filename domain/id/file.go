package id

// File is the id of a file, an uploaded one or one that was made of another.
type File string

// Prefix implements Name.
func (File) Prefix() string { return "file" }
