package commands

import (
	"context"
	"fmt"

	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/organization"
)

// ForgetInvitation makes the address of an invitation unreadable that ended
// organization.InvitationKept ago: the person need not have an account, with which
// the address would be erased otherwise. It is issued by the clock, does nothing
// before that time, and may be repeated.
type ForgetInvitation struct {
	OrganizationID id.Organization
	InvitationID   id.Invitation
}

// The key is destroyed first: once the event is written, the invitation is not
// found again. An invitation that is over never opens again, so that the decision
// cannot become wrong in between.
func (x *executor) forgetInvitation(ctx context.Context, req Request, c ForgetInvitation) (Result[organization.State], error) {
	if err := req.Principal.Require(access.ManageMembers); err != nil {
		return Result[organization.State]{}, err
	}
	of := ref(organization.Aggregate, c.OrganizationID)
	o, err := load(ctx, x, of, true)
	if err != nil {
		return Result[organization.State]{}, err
	}
	if len(o.State.ForgetInvitation(c.InvitationID, req.at())) == 0 {
		return resultOf(o, nil)
	}
	if err := x.eraser.Forget(ctx, []string{string(c.InvitationID)}); err != nil {
		return Result[organization.State]{}, fmt.Errorf("forget the address of %s: %w", c.InvitationID, err)
	}
	return resultOf(execute(ctx, x, req, change[organization.State]{
		of: of, organization: c.OrganizationID,
		decide: func(s organization.State) ([]event.Event, error) {
			return s.ForgetInvitation(c.InvitationID, req.at()), nil
		},
	}))
}
