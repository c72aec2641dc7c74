package event

import "encoding/json"

// Fields is a stored event between two versions of its shape.
type Fields map[string]json.RawMessage

// Upcaster lifts a stored shape from one version to the next. It is pure, and
// may change the given fields in place.
type Upcaster func(Fields) (Fields, error)

// FieldsAdded is the upcaster to a version that only has more fields, each of
// which may be absent.
func FieldsAdded(f Fields) (Fields, error) { return f, nil }

// Schema describes the stored shapes of one event type: the struct that is
// current, and how each earlier version becomes the next.
type Schema struct {
	Type string
	// Version is the current one: one more than there are upcasters.
	Version int
	// Upcasters[i] lifts version i+1 to version i+2.
	Upcasters []Upcaster
	// New returns a pointer to a zero event, to decode into.
	New func() any
	// Value turns what New returned into the event, by value.
	Value func(any) Event
}

// Define describes event type E, which is a struct type, not a pointer. The
// upcasters stand in the order of the versions that they lift.
func Define[E Event](upcasters ...Upcaster) Schema {
	var zero E
	return Schema{
		Type:      zero.EventType(),
		Version:   len(upcasters) + 1,
		Upcasters: upcasters,
		New:       func() any { return new(E) },
		Value:     func(p any) Event { return *p.(*E) }, //nolint:forcetypeassert // New made it.
	}
}
