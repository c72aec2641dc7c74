package commands

import (
	"context"

	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/erasure"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/organization"
)

// DeleteOrganization deletes the organization that the caller acts in. It can be
// restored for organization.Grace.
type DeleteOrganization struct {
	// ConfirmSlug must be the organization's slug.
	ConfirmSlug string
}

// RestoreOrganization undoes a deletion. It fails with
// organization.ErrGraceExpired once the organization is due to be purged.
type RestoreOrganization struct {
	OrganizationID id.Organization
}

// PurgeOrganization deletes a deleted organization permanently. It fails with
// organization.ErrNotDeleted for one that is not deleted.
type PurgeOrganization struct {
	OrganizationID id.Organization
	// ConfirmSlug must be the organization's slug.
	ConfirmSlug string
}

// PurgeDueOrganization purges a deleted organization if its grace is over, and
// does nothing otherwise. It is for what acts by the clock.
type PurgeDueOrganization struct {
	OrganizationID id.Organization
}

func (x *executor) deleteOrganization(ctx context.Context, req Request, c DeleteOrganization) (Result[organization.State], error) {
	if req.Principal.OrganizationID == "" {
		return Result[organization.State]{}, access.ErrNoActiveOrganization
	}
	return resultOf(x.changeOrganization(ctx, req, req.Principal.OrganizationID, func(s organization.State) ([]event.Event, error) {
		return s.Delete(req.Principal, c.ConfirmSlug, req.at())
	}))
}

func (x *executor) restoreOrganization(ctx context.Context, req Request, c RestoreOrganization) (Result[organization.State], error) {
	return resultOf(x.changeOrganization(ctx, req, c.OrganizationID, func(s organization.State) ([]event.Event, error) {
		return s.Restore(req.Principal, req.at())
	}))
}

func (x *executor) purgeOrganization(ctx context.Context, req Request, c PurgeOrganization) (Result[PurgedOrganization], error) {
	return x.purge(ctx, req, c.OrganizationID, func(s organization.State) ([]event.Event, error) {
		return s.Purge(req.Principal, c.ConfirmSlug, req.at())
	})
}

func (x *executor) purgeDueOrganization(ctx context.Context, req Request, c PurgeDueOrganization) (Result[PurgedOrganization], error) {
	return x.purge(ctx, req, c.OrganizationID, func(s organization.State) ([]event.Event, error) {
		return s.PurgeWhenDue(req.Principal, req.at())
	})
}

// FinishOrganizationErasure does what is left to do for an organization that was
// purged. A policy issues it for each, so that no erasure stays half done.
type FinishOrganizationErasure struct {
	OrganizationID id.Organization
}

// PurgedOrganization is an organization after a purge, with the erasure of its
// personal data. The erasure is empty where nothing was due.
type PurgedOrganization struct {
	organization.State

	Erasure erasure.State
}

func (x *executor) finishErasureOfOrganization(ctx context.Context, req Request, c FinishOrganizationErasure) (Result[PurgedOrganization], error) {
	if err := req.Principal.In(c.OrganizationID).Require(access.DisposeOrganization); err != nil {
		return Result[PurgedOrganization]{}, err
	}
	o, err := load(ctx, x, ref(organization.Aggregate, c.OrganizationID), true)
	if err != nil {
		return Result[PurgedOrganization]{}, err
	}
	return x.finishPurge(ctx, req, o)
}

func (x *executor) purge(ctx context.Context, req Request, organizationID id.Organization, decide func(organization.State) ([]event.Event, error)) (Result[PurgedOrganization], error) {
	o, err := x.changeOrganization(ctx, req, organizationID, decide)
	if err != nil {
		return Result[PurgedOrganization]{}, err
	}
	return x.finishPurge(ctx, req, o)
}

// finishPurge carries out what follows from organization.Purged: it releases the
// slugs, and erases. Each step can be repeated. Until the slugs are released, the
// organization's own stream says how long they are held.
func (x *executor) finishPurge(ctx context.Context, req Request, o outcome[organization.State]) (Result[PurgedOrganization], error) {
	result := Result[PurgedOrganization]{Value: PurgedOrganization{State: o.State}, Revision: o.Revision, Position: o.Position}
	if o.State.Status != organization.StatusPurged {
		return result, nil
	}
	if err := x.releaseFormerSlugs(ctx, req, o.State); err != nil {
		return Result[PurgedOrganization]{}, err
	}
	erased, err := x.erase(ctx, req, erasure.KindOrganization, erasure.OrganizationID(o.State.ID), o.State.ID)
	if err != nil {
		return Result[PurgedOrganization]{}, err
	}
	result.Value.Erasure, result.Position = erased.State, latest(o.Position, erased.Position)
	return result, nil
}

// changeOrganization carries out a decision that uses no new slug.
func (x *executor) changeOrganization(ctx context.Context, req Request, organizationID id.Organization, decide func(organization.State) ([]event.Event, error)) (outcome[organization.State], error) {
	return execute(ctx, x, req, change[organization.State]{
		of: ref(organization.Aggregate, organizationID), organization: organizationID, expected: req.Expected,
		decide: decide,
	})
}
