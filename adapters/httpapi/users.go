package httpapi

import (
	"context"
	"net/http"

	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/domain/personal"
	"github.com/perfectworks/backend/domain/user"
	"github.com/perfectworks/backend/projections/directory"
	"github.com/perfectworks/backend/projections/users"
)

// Profile is an account, as its owner sees it.
type Profile struct {
	ID                   string  `json:"id" example:"user_01jd9z3q5we8x9v6m2k4t7r1b9"`
	Email                string  `json:"email" format:"idn-email" doc:"From the identity provider: the address that it verified last, or the one of the token that registered." example:"ada@example.com"`
	EmailVerified        bool    `json:"emailVerified" example:"true"`
	FirstName            string  `json:"firstName" example:"Ada"`
	LastName             string  `json:"lastName" example:"Lovelace"`
	Locale               *string `json:"locale" example:"en-GB"`
	AvatarURL            *string `json:"avatarUrl" format:"iri" example:"https://example.com/ada.png"`
	ActiveOrganizationID *string `json:"activeOrganizationId" doc:"The organization in which the user acts; null if there is none." example:"org_01jd9z3q5we8x9v6m2k4t7r1b9"`
	CreatedAt            Time    `json:"createdAt"`
	UpdatedAt            Time    `json:"updatedAt"`
}

// unversioned is what of a profile changes without an event of the user's own: by
// what becomes of the active organization, and of the membership in it.
func (p Profile) unversioned() string { return textOf(p.ActiveOrganizationID) }

func (a *API) profileOf(p users.Profile) Profile {
	active, _ := a.activeOf(p.ID)
	return Profile{
		ID: string(p.ID), Email: p.Email.Reveal(), EmailVerified: p.EmailVerified,
		FirstName: p.FirstName.Reveal(), LastName: p.LastName.Reveal(),
		Locale: optional(p.Locale), AvatarURL: optional(p.AvatarURL.Reveal()),
		ActiveOrganizationID: optional(string(active.Organization.ID)),
		CreatedAt:            Time{p.CreatedAt}, UpdatedAt: Time{p.UpdatedAt},
	}
}

// ActiveOrganization is the organization in which a user acts, and their role.
type ActiveOrganization struct {
	Organization OrganizationSummary `json:"organization"`
	Role         string              `json:"role" enum:"owner,admin,billing,member,viewer" example:"owner"`
}

// OrganizationSummary is the short form of an organization.
type OrganizationSummary struct {
	ID      string  `json:"id" example:"org_01jd9z3q5we8x9v6m2k4t7r1b9"`
	Name    string  `json:"name" example:"Acme"`
	Slug    string  `json:"slug" format:"slug" example:"acme"`
	LogoURL *string `json:"logoUrl" format:"iri" example:"https://example.com/logo.png"`
}

func summaryOf(name id.Organization, title, slug, logoURL string) OrganizationSummary {
	return OrganizationSummary{ID: string(name), Name: title, Slug: slug, LogoURL: optional(logoURL)}
}

// optional is null for the empty text.
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// personalText is nil for a field that was left out.
func personalText(s *string) *personal.Text {
	if s == nil {
		return nil
	}
	t := personal.New(*s)
	return &t
}

func textOf(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

var tagUsers = tag{"Users", "The account of the caller."}

func (a *API) registerUsers() {
	register(a, operation{
		id: "registerUser", method: http.MethodPost, path: "/users/client", tag: tagUsers,
		summary: "Create account",
		description: "Creates an account for the person whom the token identifies. Identity and email address come from the token alone. " +
			"If the identity has an account already, the answer is 200 with that account.",
		authorization: anyIdentity(), status: http.StatusCreated, moves: true, message: "the account exists",
		others: []otherAnswer{{http.StatusOK, "the identity had this account already"}},
		fails:  []error{user.ErrEmailTaken, user.ErrEmailMissing, user.ErrEmailInvalid},
	}, a.registerUser)
	register(a, operation{
		id: "getProfile", method: http.MethodGet, path: "/users/profile", tag: tagUsers,
		summary: "Get own profile", description: "An API key needs the scope `profile:read`.",
		authorization: ownDataWithKeys(access.ScopeReadProfile), reads: []string{users.Name}, conditional: true,
		message: "the profile of the caller", fails: []error{user.ErrNotFound},
	}, a.getProfile)
	register(a, operation{
		id: "updateProfile", method: http.MethodPut, path: "/users/profile", tag: tagUsers,
		summary: "Update own profile", description: "Fields that are left out keep their values.",
		authorization: ownData(), message: "the profile was updated", fails: []error{user.ErrNotFound},
	}, a.updateProfile)
	register(a, operation{
		id: "switchActiveOrganization", method: http.MethodPut, path: "/users/active-organization", tag: tagUsers,
		summary:       "Switch active organization",
		description:   "Requests without `X-Organization-Id` then act in this organization. The ETag is that of the profile.",
		authorization: ownData(), moves: true, message: "the active organization was switched",
		fails: []error{organization.ErrNotFound, user.ErrNotFound},
	}, a.switchActiveOrganization)
	register(a, operation{
		id: "getActiveOrganization", method: http.MethodGet, path: "/users/active-organization", tag: tagUsers,
		summary: "Get active organization",
		description: "The active organization and the caller's role in it, or null if there is none. " +
			"For an API key it is the organization of the key, which needs the scope `profile:read`.",
		authorization: ownDataWithKeys(access.ScopeReadProfile), message: "the active organization of the caller",
	}, a.getActiveOrganization)
}

type registerUserInput struct {
	Body struct {
		FirstName       string  `json:"firstName" maxLength:"100" example:"Ada"`
		LastName        string  `json:"lastName" maxLength:"100" example:"Lovelace"`
		Locale          *string `json:"locale,omitempty" nullable:"true" doc:"A BCP 47 language tag." example:"en-GB"`
		ReferralCode    *string `json:"referralCode,omitempty" nullable:"true" maxLength:"64" doc:"The referral code that the user came with." example:"ada2025"`
		ReferralClickID *string `json:"referralClickId,omitempty" nullable:"true" maxLength:"200" doc:"The value of the cookie pw_click, which a referral link has set: it goes before the code, unless the click was too long ago. Without it the cookie of the request counts." example:""`
	} `nameHint:"NewUser"`
}

func (a *API) registerUser(ctx context.Context, x *exchange, in *registerUserInput) (reply[Profile], error) {
	clicked, err := a.clickOf(x, textOf(in.Body.ReferralClickID))
	if err != nil {
		return reply[Profile]{}, err
	}
	req := a.command(ctx, x)
	result, err := a.commands.RegisterUser(ctx, req, commands.RegisterUser{
		FirstName: personal.New(in.Body.FirstName), LastName: personal.New(in.Body.LastName),
		Locale: textOf(in.Body.Locale), ReferralCode: textOf(in.Body.ReferralCode), Click: clicked,
	})
	if err != nil {
		return reply[Profile]{}, err
	}
	out := written(result, a.profileOf(users.Of(result.Value.User)))
	out.location = basePath + "/users/profile"
	if !result.Value.New {
		out.status = http.StatusOK
	}
	return out, nil
}

func (a *API) getProfile(ctx context.Context, x *exchange, _ *struct{}) (reply[Profile], error) {
	p, err := a.queries.Users.ByID(ctx, x.principal.UserID)
	if err != nil {
		return reply[Profile]{}, err
	}
	return reply[Profile]{data: a.profileOf(p), revision: &p.Revision}, nil
}

type updateProfileInput struct {
	Body struct {
		FirstName *string `json:"firstName,omitempty" nullable:"true" maxLength:"100" example:"Ada"`
		LastName  *string `json:"lastName,omitempty" nullable:"true" maxLength:"100" example:"Lovelace"`
		Locale    *string `json:"locale,omitempty" nullable:"true" doc:"A BCP 47 language tag." example:"en-GB"`
		AvatarURL *string `json:"avatarUrl,omitempty" nullable:"true" maxLength:"2048" doc:"An https address." example:"https://example.com/ada.png"`
	} `nameHint:"ProfileChange"`
}

func (a *API) updateProfile(ctx context.Context, x *exchange, in *updateProfileInput) (reply[Profile], error) {
	result, err := withCondition(ctx, a, x, a.commands.UpdateUserProfile, commands.UpdateUserProfile{
		ProfileChange: user.ProfileChange{
			FirstName: personalText(in.Body.FirstName), LastName: personalText(in.Body.LastName),
			Locale: in.Body.Locale, AvatarURL: personalText(in.Body.AvatarURL),
		},
	})
	if err != nil {
		return reply[Profile]{}, err
	}
	return written(result, a.profileOf(users.Of(result.Value))), nil
}

type switchActiveOrganizationInput struct {
	Body struct {
		OrganizationID string `json:"organizationId" example:"org_01jd9z3q5we8x9v6m2k4t7r1b9"`
	} `nameHint:"ActiveOrganizationChoice"`
}

func (a *API) switchActiveOrganization(ctx context.Context, x *exchange, in *switchActiveOrganizationInput) (reply[*ActiveOrganization], error) {
	result, err := withCondition(ctx, a, x, a.commands.SwitchActiveOrganization,
		commands.SwitchActiveOrganization{OrganizationID: id.Organization(in.Body.OrganizationID)})
	if err != nil {
		return reply[*ActiveOrganization]{}, err
	}
	o := result.Value.Organization
	return written(result, &ActiveOrganization{
		Organization: summaryOf(o.ID, o.Profile.Name, o.Slug, o.Profile.LogoURL),
		Role:         string(o.Members.Get(x.principal.UserID).Role),
	}), nil
}

func (a *API) getActiveOrganization(_ context.Context, x *exchange, _ *struct{}) (reply[*ActiveOrganization], error) {
	place, ok := a.placeOf(x.principal)
	if !ok {
		return reply[*ActiveOrganization]{message: "the caller has no active organization"}, nil
	}
	o := place.Organization
	return reply[*ActiveOrganization]{data: &ActiveOrganization{
		Organization: summaryOf(o.ID, o.Name, o.Slug, o.LogoURL),
		Role:         string(place.Role),
	}}, nil
}

// placeOf returns the organization of a key, or the active one of a person.
func (a *API) placeOf(p access.Principal) (directory.Membership, bool) {
	if p.Kind == access.KindUserKey {
		return a.directory.Membership(p.UserID, p.OrganizationID)
	}
	return a.activeOf(p.UserID)
}

// activeOf returns the organization in which a person acts. There is none while
// the one that they chose is deleted, or when they are no longer a member of it.
func (a *API) activeOf(name id.User) (directory.Membership, bool) {
	u, ok := a.directory.User(name)
	if !ok || u.Active.Organization.Status != organization.StatusActive {
		return directory.Membership{}, false
	}
	return u.Active, true
}
