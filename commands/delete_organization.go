package commands

import (
	"context"

	"github.com/perfectworks/backend/domain/access"
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

func (x *executor) purgeOrganization(ctx context.Context, req Request, c PurgeOrganization) (Result[organization.State], error) {
	return x.purge(ctx, req, c.OrganizationID, func(s organization.State) ([]event.Event, error) {
		return s.Purge(req.Principal, c.ConfirmSlug, req.at())
	})
}

func (x *executor) purgeDueOrganization(ctx context.Context, req Request, c PurgeDueOrganization) (Result[organization.State], error) {
	return x.purge(ctx, req, c.OrganizationID, func(s organization.State) ([]event.Event, error) {
		return s.PurgeWhenDue(req.Principal, req.at())
	})
}

// purge purges an organization and releases its slugs. Should the process die
// between the two, the organization's own stream says how long they are held.
func (x *executor) purge(ctx context.Context, req Request, organizationID id.Organization, decide func(organization.State) ([]event.Event, error)) (Result[organization.State], error) {
	o, err := x.changeOrganization(ctx, req, organizationID, decide)
	if err == nil && o.State.Status == organization.StatusPurged {
		err = x.releaseFormerSlugs(ctx, req, o.State)
	}
	return resultOf(o, err)
}

// changeOrganization carries out a decision that uses no new slug.
func (x *executor) changeOrganization(ctx context.Context, req Request, organizationID id.Organization, decide func(organization.State) ([]event.Event, error)) (outcome[organization.State], error) {
	return execute(ctx, x, req, change[organization.State]{
		of: ref(organization.Aggregate, organizationID), organization: organizationID, expected: req.Expected,
		decide: decide,
	})
}
