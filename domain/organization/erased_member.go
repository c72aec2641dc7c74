package organization

import (
	"time"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
)

// RemoveErased ends the membership of a person who was erased. Nobody can refuse
// it: the account, which is suspended before, is no active owner any more. For
// somebody who is no member it does nothing.
func (s State) RemoveErased(member id.User, at time.Time) []event.Event {
	if _, ok := s.Members.Find(member); !ok {
		return nil
	}
	return []event.Event{MemberRemoved{OrganizationID: s.ID, UserID: member, OccurredAt: at}}
}

// RevokeErased ends an open invitation of a person who was erased. For an
// invitation that is over it does nothing.
func (s State) RevokeErased(name id.Invitation, at time.Time) []event.Event {
	if i, ok := s.Invitations.Find(name); !ok || !i.EndedAt.IsZero() {
		return nil
	}
	return []event.Event{InvitationRevoked{OrganizationID: s.ID, InvitationID: name, OccurredAt: at}}
}
