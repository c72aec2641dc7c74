package tokenaccount

import (
	"time"

	"github.com/perfectworks/backend/domain/id"
)

// Saved is a state in the form that a snapshot stores.
type Saved struct {
	OrganizationID id.Organization  `json:"organizationId"`
	Balance        Balance          `json:"balance"`
	Sequence       int64            `json:"sequence"`
	LastHash       string           `json:"lastHash"`
	LastAt         time.Time        `json:"lastAt"`
	Suspended      bool             `json:"suspended"`
	Grants         []Grant          `json:"grants"`
	Operations     []SavedOperation `json:"operations"`
}

// SavedOperation is an operation with its reference.
type SavedOperation struct {
	Reference Reference `json:"reference"`
	Operation Operation `json:"operation"`
}

// Holds are the references of the reservations that are open.
func (s Saved) Holds() []Reference {
	var open []Reference
	for _, o := range s.Operations {
		if o.Operation.Status == StatusHeld {
			open = append(open, o.Reference)
		}
	}
	return open
}

// Save returns all that the state holds.
func (s State) Save() Saved {
	saved := Saved{
		OrganizationID: s.OrganizationID, Balance: s.Balance,
		Sequence: s.Sequence, LastHash: s.LastHash, LastAt: s.LastAt, Suspended: s.Suspended,
		Grants: s.Grants(),
	}
	for _, g := range s.grants.closed.all() {
		saved.Grants = append(saved.Grants, g)
	}
	for r, o := range s.operations.all() {
		saved.Operations = append(saved.Operations, SavedOperation{Reference: r, Operation: o})
	}
	return saved
}

// Load returns the state that was saved.
func Load(saved Saved) State {
	s := State{
		OrganizationID: saved.OrganizationID, Balance: saved.Balance,
		Sequence: saved.Sequence, LastHash: saved.LastHash, LastAt: saved.LastAt, Suspended: saved.Suspended,
	}
	for _, g := range saved.Grants {
		s.grants = s.grants.with(g)
	}
	for _, o := range saved.Operations {
		s.operations = s.operations.put(o.Reference, o.Operation)
		if o.Operation.Status == StatusHeld {
			s.holds = s.holds.put(holdKey(o.Reference, o.Operation.Deadline), o.Reference)
		}
	}
	return s
}
