// Package refusal is the aggregate of what was tried and refused: all that one
// principal tried by one operation in one minute, for one reason. The first time
// is told in full, the rest are counted, so that nobody can fill the log with
// refusals.
package refusal

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
)

// Window is how long refusals of one kind share an aggregate.
const Window = time.Minute

// ID is the id of the refusals of one kind in one window. It follows from them.
type ID string

// Prefix implements id.Name: these ids are no TypeIDs.
func (ID) Prefix() string { return "" }

// Kind is what refusals have in common that share an aggregate.
type Kind struct {
	// Principal names who tried: see access.Principal.ID.
	Principal      string
	OrganizationID id.Organization
	// Operation is the id of an operation of the API, Code and Status are the
	// answer's.
	Operation string
	Code      string
	Status    int
	// Minute is when the window began.
	Minute time.Time
}

// ID returns the id of the aggregate.
func (k Kind) ID() ID {
	sum := sha256.Sum256([]byte(strings.Join([]string{
		k.Principal, string(k.OrganizationID), k.Operation, k.Code, k.Minute.UTC().Format(time.RFC3339),
	}, "\n")))
	return ID(hex.EncodeToString(sum[:16]))
}

// Aggregate describes the aggregate of refusals.
var Aggregate = event.Aggregate[ID, State]{
	Category: "refusal",
	Schemas: []event.Schema{
		event.Define[CommandRefused](),
		event.Define[RefusalsCounted](),
	},
	Apply: Apply,
}

// CommandRefused says that somebody tried what they could not.
type CommandRefused struct {
	RefusalID      ID              `json:"refusalId"`
	OrganizationID id.Organization `json:"organizationId"`
	Operation      string          `json:"operation"`
	Code           string          `json:"code"`
	Status         int             `json:"status"`
	OccurredAt     time.Time       `json:"occurredAt"`
}

// RefusalsCounted says how often the same was tried again in the same window, as
// one process counted it.
type RefusalsCounted struct {
	RefusalID      ID              `json:"refusalId"`
	OrganizationID id.Organization `json:"organizationId"`
	Count          int64           `json:"count"`
	OccurredAt     time.Time       `json:"occurredAt"`
}

// EventType is the stored name.
func (CommandRefused) EventType() string { return "CommandRefused" }

// EventType is the stored name.
func (RefusalsCounted) EventType() string { return "RefusalsCounted" }

// State is the refusals of one kind in one window.
type State struct {
	// Count is how many there were, as far as was told.
	Count int64
}

// Apply folds an event into the state. Events of other kinds change nothing.
func Apply(s State, e event.Event) State {
	switch e := e.(type) {
	case CommandRefused:
		s.Count++
	case RefusalsCounted:
		s.Count += e.Count
	}
	return s
}

// Record tells of refusals of a kind: n of them since this process told last. The
// first of all is told in full.
func (s State) Record(k Kind, n int64, at time.Time) []event.Event {
	var events []event.Event
	if n > 0 && s.Count == 0 {
		events = append(events, CommandRefused{
			RefusalID: k.ID(), OrganizationID: k.OrganizationID, Operation: k.Operation, Code: k.Code, Status: k.Status, OccurredAt: at,
		})
		n--
	}
	if n > 0 {
		events = append(events, RefusalsCounted{RefusalID: k.ID(), OrganizationID: k.OrganizationID, Count: n, OccurredAt: at})
	}
	return events
}
