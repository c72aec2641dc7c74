package commands

import (
	"context"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/domain/user"
)

// SwitchActiveOrganization makes the caller act in another organization from
// now on. To those who are no member of it, it does not exist.
type SwitchActiveOrganization struct {
	OrganizationID id.Organization
}

// SwitchedOrganization is the user, and the organization that is active now.
type SwitchedOrganization struct {
	User         user.State
	Organization organization.State
}

func (x *executor) switchActiveOrganization(ctx context.Context, req Request, c SwitchActiveOrganization) (Result[SwitchedOrganization], error) {
	if err := req.Principal.RequireUser(); err != nil {
		return Result[SwitchedOrganization]{}, err
	}
	// Membership is another stream's matter. Whoever is removed just now is put
	// out of the organization by what follows the removal.
	o, err := load(ctx, x, ref(organization.Aggregate, c.OrganizationID), true)
	if err != nil {
		return Result[SwitchedOrganization]{}, err
	}
	if _, err := o.State.RequireMember(req.Principal.UserID); err != nil {
		return Result[SwitchedOrganization]{}, err
	}
	u, err := execute(ctx, x, req, change[user.State]{
		of: ref(user.Aggregate, req.Principal.UserID), organization: c.OrganizationID, expected: req.Expected,
		decide: func(s user.State) ([]event.Event, error) {
			return s.SwitchActiveOrganization(c.OrganizationID, o.State.Members.Get(s.ID).JoinedAt, req.at())
		},
	})
	if err != nil {
		return Result[SwitchedOrganization]{}, err
	}
	return Result[SwitchedOrganization]{
		Value:    SwitchedOrganization{User: u.State, Organization: o.State},
		Revision: u.Revision, Position: latest(u.Position, o.Position),
	}, nil
}

func latest(a, b event.Position) event.Position {
	if a.Compare(b) < 0 {
		return b
	}
	return a
}
