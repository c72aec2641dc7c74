package event

import (
	"fmt"

	"github.com/google/uuid"
)

// Stream is the name of a stream.
type Stream string

// Ref names a recorded event by where it stands and by its id. It holds nothing
// of what happened.
type Ref struct {
	Stream   Stream   `json:"stream"`
	Revision Revision `json:"revision"`
	ID       ID       `json:"id"`
}

// Ref returns the reference to an event.
func (r Recorded) Ref() Ref { return Ref{Stream: Stream(r.Stream), Revision: r.Revision, ID: r.ID} }

// String is for logs and messages: "<stream>@<revision>".
func (r Ref) String() string { return fmt.Sprintf("%s@%d", r.Stream, r.Revision) }

// MarshalText writes the usual hexadecimal form.
func (i ID) MarshalText() ([]byte, error) { return uuid.UUID(i).MarshalText() }

// UnmarshalText reads what MarshalText wrote.
func (i *ID) UnmarshalText(text []byte) error { return (*uuid.UUID)(i).UnmarshalText(text) }
