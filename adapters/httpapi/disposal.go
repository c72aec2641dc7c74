package httpapi

import (
	"context"
	"net/http"

	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/projections/organizations"
)

// DeletedOrganization is an organization that was deleted and can be restored.
type DeletedOrganization struct {
	ID        string `json:"id" example:"org_01jd9z3q5we8x9v6m2k4t7r1b9"`
	Status    string `json:"status" enum:"deleted" example:"deleted"`
	DeletedAt Time   `json:"deletedAt"`
	PurgeAt   Time   `json:"purgeAt" doc:"Until then the organization can be restored; then it is deleted permanently."`
}

// PurgedOrganization is an organization that was deleted permanently.
type PurgedOrganization struct {
	ID     string `json:"id" example:"org_01jd9z3q5we8x9v6m2k4t7r1b9"`
	Status string `json:"status" enum:"purged" example:"purged"`
	// Certificate is that of the erasure.
	Certificate ErasureCertificate `json:"certificate" doc:"What was destroyed, what is kept and why, and what remains for how long."`
}

// placeInPath is the path parameter of operations on an organization that need not
// be the active one.
const placeInPath = "organizationId"

func (a *API) registerDisposal() {
	register(a, operation{
		id: "deleteCurrentOrganization", method: http.MethodDelete, path: "/organizations/current", tag: tagOrganizations,
		summary: "Delete active organization",
		description: "For owners. The organization, its members' access and its API keys stop working within a second. " +
			"An owner can restore it until `purgeAt`; then it is deleted permanently. The slug stays reserved until then.",
		authorization: permitted(access.DisposeOrganization), moves: true, message: "the organization was deleted",
		fails: []error{organization.ErrNotFound},
	}, a.deleteOrganization)
	register(a, operation{
		id: "restoreOrganization", method: http.MethodPost, path: "/organizations/{organizationId}/restore", tag: tagOrganizations,
		summary: "Restore deleted organization",
		description: "For owners. Memberships and API keys work again as before the deletion, except for keys that were revoked or have expired. " +
			"Restoring an organization that is not deleted changes nothing.",
		authorization: permittedIn(placeInPath, access.DisposeOrganization), moves: true, message: "the organization was restored",
		fails: []error{organization.ErrGraceExpired, organization.ErrOwnersSuspended},
	}, a.restoreOrganization)
	register(a, operation{
		id: "purgeOrganization", method: http.MethodDelete, path: "/organizations/{organizationId}/permanent", tag: tagOrganizations,
		summary: "Delete organization permanently",
		description: "For owners, once the organization is deleted. This cannot be undone: personal data of the organization is erased, " +
			"and its API keys never work again. The slug is not available to others for 90 days.",
		authorization: permittedIn(placeInPath, access.DisposeOrganization), moves: true, status: http.StatusAccepted,
		message: "the organization is being deleted permanently",
		fails:   []error{organization.ErrNotDeleted},
	}, a.purgeOrganization)
}

type deleteOrganizationInput struct {
	Body struct {
		ConfirmSlug string `json:"confirmSlug" maxLength:"48" doc:"The slug of the organization, to confirm." example:"acme"`
	} `nameHint:"OrganizationDeletion"`
}

func (a *API) deleteOrganization(ctx context.Context, x *exchange, in *deleteOrganizationInput) (reply[DeletedOrganization], error) {
	result, err := withCondition(ctx, a, x, a.commands.DeleteOrganization, commands.DeleteOrganization{ConfirmSlug: in.Body.ConfirmSlug})
	if err != nil {
		return reply[DeletedOrganization]{}, err
	}
	o := result.Value
	return written(result, DeletedOrganization{
		ID: string(o.ID), Status: string(o.Status), DeletedAt: Time{o.DeletedAt}, PurgeAt: Time{o.PurgeAt},
	}), nil
}

type restoreOrganizationInput struct {
	OrganizationID string `path:"organizationId" example:"org_01jd9z3q5we8x9v6m2k4t7r1b9"`
}

func (a *API) restoreOrganization(ctx context.Context, x *exchange, in *restoreOrganizationInput) (reply[Organization], error) {
	result, err := a.commands.RestoreOrganization(ctx, a.command(ctx, x), commands.RestoreOrganization{
		OrganizationID: id.Organization(in.OrganizationID),
	})
	if err != nil {
		return reply[Organization]{}, err
	}
	return written(result, organizationOf(organizations.Of(result.Value), result.Value.Members.Get(x.principal.UserID).Role)), nil
}

type purgeOrganizationInput struct {
	OrganizationID string `path:"organizationId" example:"org_01jd9z3q5we8x9v6m2k4t7r1b9"`
	Body           struct {
		ConfirmSlug string `json:"confirmSlug" maxLength:"48" doc:"The slug of the organization, to confirm." example:"acme"`
	} `nameHint:"OrganizationPurge"`
}

func (a *API) purgeOrganization(ctx context.Context, x *exchange, in *purgeOrganizationInput) (reply[PurgedOrganization], error) {
	result, err := withCondition(ctx, a, x, a.commands.PurgeOrganization, commands.PurgeOrganization{
		OrganizationID: id.Organization(in.OrganizationID), ConfirmSlug: in.Body.ConfirmSlug,
	})
	if err != nil {
		return reply[PurgedOrganization]{}, err
	}
	return written(result, PurgedOrganization{
		ID: string(result.Value.ID), Status: string(result.Value.Status), Certificate: certificateOf(result.Value.Erasure),
	}), nil
}
