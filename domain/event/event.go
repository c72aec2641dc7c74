// Package event is the vocabulary of facts: what an event is, what is recorded
// around it, and where in the log it stands. It belongs to the shared kernel:
// aggregates, projections and adapters all speak it.
package event

// Event is a fact that happened to one aggregate. Implementations are plain
// structs with JSON tags; once stored, a shape stays readable permanently.
type Event interface {
	// EventType is the name under which the fact is stored, in past tense and
	// PascalCase, for example "OrganizationRegistered". It never changes.
	EventType() string
}
