package commands

import (
	"context"

	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/erasure"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/domain/user"
)

// RepeatUserErasure erases an account again whose key is destroyed though the log
// does not say so: it was restored from before the erasure. It is issued by the
// clock, and may be repeated.
type RepeatUserErasure struct {
	UserID id.User
}

// RepeatOrganizationErasure is RepeatUserErasure for an organization.
type RepeatOrganizationErasure struct {
	OrganizationID id.Organization
}

func (x *executor) repeatUserErasure(ctx context.Context, req Request, c RepeatUserErasure) (Result[erasure.State], error) {
	if err := req.Principal.Require(access.EraseUsers); err != nil {
		return Result[erasure.State]{}, err
	}
	o, err := settle(ctx, x, req, ref(user.Aggregate, c.UserID), "", func(s user.State) ([]event.Event, error) {
		return s.EraseAgain(req.at()), nil
	})
	if err != nil || o.State.Status != user.StatusErased {
		return Result[erasure.State]{}, err
	}
	return resultOf(x.finishUserErasure(ctx, req, o))
}

func (x *executor) repeatOrganizationErasure(ctx context.Context, req Request, c RepeatOrganizationErasure) (Result[PurgedOrganization], error) {
	if err := req.Principal.In(c.OrganizationID).Require(access.DisposeOrganization); err != nil {
		return Result[PurgedOrganization]{}, err
	}
	o, err := settle(ctx, x, req, ref(organization.Aggregate, c.OrganizationID), c.OrganizationID, func(s organization.State) ([]event.Event, error) {
		return s.PurgeAgain(req.at()), nil
	})
	if err != nil {
		return Result[PurgedOrganization]{}, err
	}
	return x.finishPurge(ctx, req, o)
}
