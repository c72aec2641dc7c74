package commands

import (
	"context"

	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/organization"
)

// SuspendMember lets a membership sleep: the part of deactivating an account
// that is the organization's to accept. It changes nothing for somebody who is
// suspended already, or no member.
//
// It fails with organization.ErrLastOwner when nobody else is an owner there.
type SuspendMember struct {
	OrganizationID id.Organization
	UserID         id.User
}

// ReinstateMember ends a suspension, when the account is restored. It changes
// nothing for somebody who is not suspended.
type ReinstateMember struct {
	OrganizationID id.Organization
	UserID         id.User
}

// EndMembership ends the membership of somebody who is erased. It changes nothing
// for somebody who is no member.
type EndMembership struct {
	OrganizationID id.Organization
	UserID         id.User
}

func (x *executor) endMembership(ctx context.Context, req Request, c EndMembership) (Result[organization.State], error) {
	return x.changeStanding(ctx, req, c.OrganizationID, c.UserID, func(s organization.State) ([]event.Event, error) {
		return s.End(c.UserID, req.at())
	})
}

func (x *executor) suspendMember(ctx context.Context, req Request, c SuspendMember) (Result[organization.State], error) {
	return x.changeStanding(ctx, req, c.OrganizationID, c.UserID, func(s organization.State) ([]event.Event, error) {
		return s.Suspend(c.UserID, req.at())
	})
}

func (x *executor) reinstateMember(ctx context.Context, req Request, c ReinstateMember) (Result[organization.State], error) {
	return x.changeStanding(ctx, req, c.OrganizationID, c.UserID, func(s organization.State) ([]event.Event, error) {
		return s.Reinstate(c.UserID, req.at())
	})
}

// changeStanding carries out what follows in an organization from a change of a
// person's account.
func (x *executor) changeStanding(ctx context.Context, req Request, o id.Organization, person id.User, decide func(organization.State) ([]event.Event, error)) (Result[organization.State], error) {
	if err := mayChangeAccount(req.Principal, person); err != nil {
		return Result[organization.State]{}, err
	}
	return resultOf(execute(ctx, x, req, change[organization.State]{
		of: ref(organization.Aggregate, o), organization: o, decide: decide,
	}))
}

// mayChangeAccount is nil for the person, and for those who may erase accounts.
func mayChangeAccount(p access.Principal, person id.User) error {
	if p.Kind == access.KindSystem || p.Kind == access.KindPolicy {
		return p.Require(access.EraseUsers)
	}
	if err := p.RequireUser(); err != nil {
		return err
	}
	if p.UserID != person {
		return access.ErrForbidden
	}
	return nil
}
