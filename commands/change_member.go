package commands

import (
	"context"

	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/organization"
)

// ChangeMemberRole gives a member of the organization that the caller acts in
// another role.
type ChangeMemberRole struct {
	UserID id.User
	Role   *access.Role // nil keeps the one that they have
}

// TransferOwnership makes a member an owner in the place of the caller, who
// becomes an admin.
type TransferOwnership struct {
	UserID id.User
}

func (x *executor) changeMemberRole(ctx context.Context, req Request, c ChangeMemberRole) (Result[organization.State], error) {
	return resultOf(x.manageMembers(ctx, req, func(s organization.State) ([]event.Event, error) {
		role := s.Members.Get(c.UserID).Role
		if c.Role != nil {
			role = *c.Role
		}
		return s.ChangeRole(req.Principal, c.UserID, role, req.at())
	}))
}

func (x *executor) transferOwnership(ctx context.Context, req Request, c TransferOwnership) (Result[organization.State], error) {
	if err := req.Principal.RequireUser(); err != nil {
		return Result[organization.State]{}, err
	}
	return resultOf(x.manageMembers(ctx, req, func(s organization.State) ([]event.Event, error) {
		return s.TransferOwnership(req.Principal.UserID, c.UserID, req.at())
	}))
}
