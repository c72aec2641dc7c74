package commands

import (
	"context"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/organization"
)

// RemoveMember ends a membership of the organization that the caller acts in:
// somebody else's, or their own, by leaving. The member's keys there are dead at
// once, and for good; policies do the rest.
//
// It fails with organization.ErrLastOwner when nobody else is an owner.
type RemoveMember struct {
	UserID id.User
}

// RemovedMember is the organization without the member.
type RemovedMember struct {
	Organization organization.State
	// Member is what they were, as far as that is still known: a repeated request
	// finds them gone.
	Member organization.Membership
}

func (x *executor) removeMember(ctx context.Context, req Request, c RemoveMember) (Result[RemovedMember], error) {
	var member organization.Membership
	o, err := x.manageMembers(ctx, req, func(s organization.State) ([]event.Event, error) {
		member = s.Members.Get(c.UserID)
		return s.Remove(req.Principal, c.UserID, req.at())
	})
	if err != nil {
		return Result[RemovedMember]{}, err
	}
	return Result[RemovedMember]{
		Value: RemovedMember{Organization: o.State, Member: member}, Revision: o.Revision, Position: o.Position,
	}, nil
}
