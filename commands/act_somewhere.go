package commands

import (
	"context"
	"errors"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/domain/user"
)

// actSomewhere makes an organization the active one of a member who has none. A
// choice counts for nothing once the membership has ended or the organization is
// deleted, though the person's stream may not say so yet.
func (x *executor) actSomewhere(ctx context.Context, req Request, o id.Organization, m organization.Membership) (outcome[user.State], error) {
	return execute(ctx, x, req, change[user.State]{
		of: ref(user.Aggregate, req.Principal.UserID), organization: o,
		decide: func(s user.State) ([]event.Event, error) {
			// The membership is there, whatever became of the person meanwhile.
			if s.Status != user.StatusActive {
				return nil, nil
			}
			if s.ActiveOrganizationID != "" && s.ActiveOrganizationID != o {
				switch acts, err := x.actsIn(ctx, s); {
				case err != nil:
					return nil, err
				case acts:
					return nil, nil
				}
			}
			return s.SwitchActiveOrganization(o, m.JoinedAt, req.at())
		},
	})
}

// actsIn tells whether somebody may act in the organization that they chose.
func (x *executor) actsIn(ctx context.Context, s user.State) (bool, error) {
	active, err := load(ctx, x, ref(organization.Aggregate, s.ActiveOrganizationID), true)
	if err != nil {
		return false, err
	}
	_, err = active.State.RequireMember(s.ID)
	if errors.Is(err, organization.ErrNotFound) {
		return false, nil
	}
	member := active.State.Members.Get(s.ID)
	return err == nil && !s.ActiveSince.Before(member.JoinedAt), err
}
