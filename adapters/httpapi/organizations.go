package httpapi

import (
	"context"
	"net/http"
	"strings"

	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/domain/user"
	"github.com/perfectworks/backend/projections/organizations"
)

// Organization is an organization, as its members see it.
type Organization struct {
	ID          string  `json:"id" example:"org_01jd9z3q5we8x9v6m2k4t7r1b9"`
	Name        string  `json:"name" example:"Acme"`
	Slug        string  `json:"slug" format:"slug" example:"acme"`
	Email       *string `json:"email" format:"idn-email" example:"office@acme.example"`
	Website     *string `json:"website" format:"iri" example:"https://acme.example"`
	Description *string `json:"description" example:"We make everything."`
	LogoURL     *string `json:"logoUrl" format:"iri" example:"https://acme.example/logo.png"`
	Country     *string `json:"country" doc:"ISO 3166-1 alpha-2." example:"NL"`
	Timezone    *string `json:"timezone" doc:"A name of the IANA time zone database." example:"Europe/Amsterdam"`
	// FileRetentionDays is null where files are kept.
	FileRetentionDays *int64  `json:"fileRetentionDays" nullable:"true" doc:"After how many days files are deleted; null if they are kept until somebody deletes them." example:"365"`
	Status            string  `json:"status" enum:"active,deleted" example:"active"`
	Role              *string `json:"role" enum:"owner,admin,billing,member,viewer" doc:"The caller's role; null for a key of the organization." example:"owner"`
	CreatedAt         Time    `json:"createdAt"`
	UpdatedAt         Time    `json:"updatedAt"`
}

func organizationOf(o organizations.Organization, role access.Role) Organization {
	var retention *int64
	if days := int64(o.FileRetention); days > 0 {
		retention = &days
	}
	return Organization{
		FileRetentionDays: retention,
		ID:                string(o.ID), Name: o.Name, Slug: o.Slug,
		Email: optional(o.Email.Reveal()), Website: optional(o.Website), Description: optional(o.Description),
		LogoURL: optional(o.LogoURL), Country: optional(o.Country), Timezone: optional(o.Timezone),
		Status: string(o.Status), Role: optional(string(role)),
		CreatedAt: Time{o.CreatedAt}, UpdatedAt: Time{o.UpdatedAt},
	}
}

// OwnOrganization is an organization in the list of one of its members.
type OwnOrganization struct {
	OrganizationSummary
	Role     string `json:"role" enum:"owner,admin,billing,member,viewer" example:"owner"`
	Status   string `json:"status" enum:"active,deleted" example:"active"`
	IsActive bool   `json:"isActive" doc:"Whether this is the active organization of the caller." example:"true"`
	JoinedAt Time   `json:"joinedAt"`
}

// PublicOrganization is what anybody may know of an organization.
type PublicOrganization struct {
	OrganizationSummary
	Website     *string `json:"website" format:"iri" example:"https://acme.example"`
	Description *string `json:"description" example:"We make everything."`
}

// CreatedOrganization is a new organization.
type CreatedOrganization struct {
	Organization
	IsActive bool `json:"isActive" doc:"Whether this is now the active organization of the caller." example:"true"`
}

var tagOrganizations = tag{"Organizations", "Organizations and the active organization of the caller."}

func (a *API) registerOrganizations() {
	register(a, operation{
		id: "createOrganization", method: http.MethodPost, path: "/organizations", tag: tagOrganizations,
		summary: "Create organization",
		description: "The caller becomes the owner. If the caller has no active organization, the new one becomes active. " +
			"Without a slug, one is derived from the name. The caller's email address must be verified.",
		authorization: ownData(), status: http.StatusCreated, moves: true, message: "the organization was created",
		fails: []error{organization.ErrSlugTaken, organization.ErrLimit, user.ErrEmailNotVerified, user.ErrNotFound},
	}, a.createOrganization)
	register(a, operation{
		id: "listOrganizations", method: http.MethodGet, path: "/organizations", tag: tagOrganizations,
		summary: "List own organizations",
		description: "The organizations of which the caller is a member. " +
			"An API key sees the one that it is bound to, and needs the scope `organization:read`.",
		authorization: ownDataWithKeys(access.ScopeReadOrganization), reads: []string{organizations.Name},
		list: &organizations.MembershipList, message: "the organizations of the caller",
	}, a.listOrganizations)
	register(a, operation{
		id: "getCurrentOrganization", method: http.MethodGet, path: "/organizations/current", tag: tagOrganizations,
		summary: "Get active organization", description: "With the caller's role in it.",
		authorization: permitted(access.ReadOrganization),
		reads:         []string{organizations.Name}, conditional: true, message: "the active organization",
		fails: []error{organization.ErrNotFound},
	}, a.getOrganization)
	register(a, operation{
		id: "getOrganizationBySlug", method: http.MethodGet, path: "/organizations/slug/{slug}", tag: tagOrganizations,
		summary:       "Get public profile of an organization",
		description:   "A former slug redirects to the present one with 301.",
		authorization: public(), reads: []string{organizations.Name}, message: "the public profile of the organization",
		others: []otherAnswer{{http.StatusMovedPermanently, "the organization has a new slug"}},
		fails:  []error{organization.ErrNotFound},
	}, a.getOrganizationBySlug)
	register(a, operation{
		id: "updateCurrentOrganization", method: http.MethodPut, path: "/organizations/current", tag: tagOrganizations,
		summary: "Update active organization",
		description: "For owners and admins. Fields that are left out keep their values. " +
			"A former slug redirects to the new one, and is not available to other organizations for 90 days.",
		authorization: permitted(access.UpdateOrganization), moves: true, message: "the organization was updated",
		fails: []error{organization.ErrSlugTaken, organization.ErrNotFound},
	}, a.updateOrganization)
}

// OrganizationFields are those that can be set, beside the name.
type OrganizationFields struct {
	Slug        *string `json:"slug,omitempty" format:"slug" nullable:"true" minLength:"3" maxLength:"48" doc:"a-z, 0-9 and single dashes, none at either end." example:"acme"`
	Email       *string `json:"email,omitempty" nullable:"true" maxLength:"254" example:"office@acme.example"`
	Website     *string `json:"website,omitempty" nullable:"true" maxLength:"2048" doc:"An https address." example:"https://acme.example"`
	Description *string `json:"description,omitempty" nullable:"true" maxLength:"1000" example:"We make everything."`
	LogoURL     *string `json:"logoUrl,omitempty" nullable:"true" maxLength:"2048" doc:"An https address." example:"https://acme.example/logo.png"`
	Country     *string `json:"country,omitempty" nullable:"true" doc:"ISO 3166-1 alpha-2." example:"NL"`
	Timezone    *string `json:"timezone,omitempty" nullable:"true" doc:"A name of the IANA time zone database." example:"Europe/Amsterdam"`
}

func (f OrganizationFields) change(name *string) organization.ProfileChange {
	return organization.ProfileChange{
		Name: name, Email: personalText(f.Email), Website: f.Website, Description: f.Description,
		LogoURL: f.LogoURL, Country: f.Country, Timezone: f.Timezone,
	}
}

type createOrganizationInput struct {
	Body struct {
		Name string `json:"name" maxLength:"100" example:"Acme"`
		OrganizationFields
	} `nameHint:"NewOrganization"`
}

func (a *API) createOrganization(ctx context.Context, x *exchange, in *createOrganizationInput) (reply[CreatedOrganization], error) {
	result, err := a.commands.CreateOrganization(ctx, a.command(ctx, x), commands.CreateOrganization{
		Slug: textOf(in.Body.Slug), Profile: in.Body.change(&in.Body.Name),
	})
	if err != nil {
		return reply[CreatedOrganization]{}, err
	}
	o := result.Value.Organization
	out := written(result, CreatedOrganization{
		Organization: organizationOf(organizations.Of(o), o.Members.Get(x.principal.UserID).Role),
		IsActive:     result.Value.IsActive,
	})
	out.location = basePath + "/organizations/slug/" + o.Slug
	return out, nil
}

type updateOrganizationInput struct {
	Body struct {
		Name *string `json:"name,omitempty" nullable:"true" maxLength:"100" example:"Acme"`
		OrganizationFields
		FileRetentionDays *int `json:"fileRetentionDays,omitempty" nullable:"true" minimum:"0" maximum:"3650" doc:"Delete files that are older than so many days, those that exist included; 0 to keep them." example:"365"`
	} `nameHint:"OrganizationChange"`
}

func (a *API) updateOrganization(ctx context.Context, x *exchange, in *updateOrganizationInput) (reply[Organization], error) {
	result, err := withCondition(ctx, a, x, a.commands.UpdateOrganization, commands.UpdateOrganization{
		Change: organization.Change{Profile: in.Body.change(in.Body.Name), Slug: in.Body.Slug, FileRetention: in.Body.FileRetentionDays},
	})
	if err != nil {
		return reply[Organization]{}, err
	}
	return written(result, organizationOf(organizations.Of(result.Value), result.Value.Members.Get(x.principal.UserID).Role)), nil
}

func (a *API) listOrganizations(ctx context.Context, x *exchange, in *ListInput) (reply[Page[OwnOrganization]], error) {
	scope := organizations.MembershipScope{UserID: x.principal.UserID}
	if x.principal.Kind == access.KindUserKey {
		scope.OrganizationID = x.principal.OrganizationID
	}
	page, err := a.queries.Organizations.OfUser(ctx, scope, in.request(x))
	if err != nil {
		return reply[Page[OwnOrganization]]{}, err
	}
	place, _ := a.placeOf(x.principal)
	return reply[Page[OwnOrganization]]{data: pageOf(page, func(m organizations.Membership) OwnOrganization {
		return OwnOrganization{
			OrganizationSummary: summaryOf(m.OrganizationID, m.Name, m.Slug, m.LogoURL),
			Role:                string(m.Role), Status: string(m.Status),
			IsActive: m.OrganizationID == place.Organization.ID,
			JoinedAt: Time{m.JoinedAt},
		}
	})}, nil
}

func (a *API) getOrganization(ctx context.Context, x *exchange, _ *struct{}) (reply[Organization], error) {
	o, err := a.queries.Organizations.ByID(ctx, x.principal.OrganizationID)
	if err == nil && o.Status != organization.StatusActive {
		err = organization.ErrNotFound
	}
	if err != nil {
		return reply[Organization]{}, err
	}
	return reply[Organization]{data: organizationOf(o, x.principal.Role), revision: &o.Revision}, nil
}

type organizationBySlugInput struct {
	Slug string `path:"slug" format:"slug" example:"acme"`
}

func (a *API) getOrganizationBySlug(ctx context.Context, _ *exchange, in *organizationBySlugInput) (reply[PublicOrganization], error) {
	if !couldBeSlug(in.Slug) {
		return reply[PublicOrganization]{}, organization.ErrNotFound
	}
	o, err := a.queries.Organizations.BySlug(ctx, in.Slug)
	if err != nil {
		return reply[PublicOrganization]{}, err
	}
	out := reply[PublicOrganization]{data: PublicOrganization{
		OrganizationSummary: summaryOf(o.ID, o.Name, o.Slug, o.LogoURL),
		Website:             optional(o.Website), Description: optional(o.Description),
	}}
	if o.Slug != in.Slug {
		// Not to be remembered: the slug may be somebody else's one day.
		out.status, out.message = http.StatusMovedPermanently, "the organization has a new slug"
		out.location = basePath + "/organizations/slug/" + o.Slug
	}
	return out, nil
}

// couldBeSlug spares the database what it could not even compare.
func couldBeSlug(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-'
	})
}
