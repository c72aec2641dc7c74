package commands

import (
	"context"

	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/organization"
)

// UpdateOrganization changes the organization that the caller acts in. The
// organization itself knows whether the caller may.
//
// It fails with organization.ErrSlugTaken when the slug wanted is not free.
type UpdateOrganization struct {
	organization.Change
}

func (x *executor) updateOrganization(ctx context.Context, req Request, c UpdateOrganization) (Result[organization.State], error) {
	organizationID := req.Principal.OrganizationID
	if organizationID == "" {
		return Result[organization.State]{}, access.ErrNoActiveOrganization
	}
	o, err := execute(ctx, x, req, change[organization.State]{
		of: ref(organization.Aggregate, organizationID), organization: organizationID, expected: req.Expected,
		decide: func(s organization.State) ([]event.Event, error) {
			return s.Update(req.Principal, c.Change, req.at())
		},
		claims: func(events []event.Event) []held { return x.slugClaims(req, organizationID, events) },
	})
	if err == nil && c.Slug != nil {
		err = x.releaseFormerSlugs(ctx, req, o.State)
	}
	return resultOf(o, err)
}
