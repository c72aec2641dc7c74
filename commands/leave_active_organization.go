package commands

import (
	"context"
	"time"

	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/user"
)

// LeaveActiveOrganization writes down what is true already: that somebody does not
// act in an organization any more of which they are no member. It changes nothing
// for somebody who acts elsewhere, or who joined and chose it again.
type LeaveActiveOrganization struct {
	UserID         id.User
	OrganizationID id.Organization
	// EndedAt is when the membership ended.
	EndedAt time.Time
}

func (x *executor) leaveActiveOrganization(ctx context.Context, req Request, c LeaveActiveOrganization) (Result[user.State], error) {
	if err := req.Principal.Require(access.ManageMembers); err != nil {
		return Result[user.State]{}, err
	}
	return resultOf(execute(ctx, x, req, change[user.State]{
		of: ref(user.Aggregate, c.UserID), organization: c.OrganizationID,
		decide: func(s user.State) ([]event.Event, error) {
			return s.LeaveActiveOrganization(c.OrganizationID, c.EndedAt, req.at())
		},
	}))
}
