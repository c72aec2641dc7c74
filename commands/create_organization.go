package commands

import (
	"context"
	"errors"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/domain/user"
)

// CreateOrganization makes an organization of which the caller is the owner.
// It becomes the active one of somebody who has none.
//
// It fails with user.ErrEmailNotVerified, with organization.ErrSlugTaken when the
// slug that was asked for is not free, and with organization.ErrLimit when the
// caller owns as many organizations of their making as are allowed.
type CreateOrganization struct {
	// Slug may be empty: then it follows from the name.
	Slug    string
	Profile organization.ProfileChange
}

// CreatedOrganization is a new organization.
type CreatedOrganization struct {
	Organization organization.State
	// IsActive says that it is the one that the caller acts in.
	IsActive bool
}

func (x *executor) createOrganization(ctx context.Context, req Request, c CreateOrganization) (Result[CreatedOrganization], error) {
	if err := x.mayCreateOrganization(ctx, req); err != nil {
		return Result[CreatedOrganization]{}, err
	}
	organizationID, err := id.New[id.Organization](req.IDs())
	if err != nil {
		return Result[CreatedOrganization]{}, err
	}
	created, err := x.registerInSlot(ctx, req, c, organization.Registration{
		ID: organizationID, Owner: req.Principal.UserID, Slug: c.Slug, Profile: c.Profile,
	})
	if err != nil {
		return Result[CreatedOrganization]{}, err
	}
	owner, err := x.actSomewhere(ctx, req, organizationID, created.State.Members.Get(req.Principal.UserID))
	if err != nil {
		return Result[CreatedOrganization]{}, err
	}
	return Result[CreatedOrganization]{
		Value: CreatedOrganization{
			Organization: created.State,
			IsActive:     owner.State.ActiveOrganizationID == organizationID,
		},
		Revision: created.Revision,
		Position: latest(created.Position, owner.Position),
	}, nil
}

// mayCreateOrganization is nil for a person in good standing whose address is
// verified.
func (x *executor) mayCreateOrganization(ctx context.Context, req Request) error {
	if err := req.Principal.RequireUser(); err != nil {
		return err
	}
	if !req.Principal.Identity.EmailVerified {
		return user.ErrEmailNotVerified
	}
	owner, err := load(ctx, x, ref(user.Aggregate, req.Principal.UserID), true)
	if err != nil {
		return err
	}
	return owner.State.RequireActive()
}

// registerInSlot registers the organization in a slot that is free for it.
func (x *executor) registerInSlot(ctx context.Context, req Request, c CreateOrganization, r organization.Registration) (o outcome[organization.State], err error) {
	q := x.organizationQuota(req, r.Owner, r.ID)
	err = x.inSlot(ctx, req, q, func(n int) (err error) {
		r.Slot = n
		o, err = x.registerOrganization(ctx, req, c, r, q)
		return err
	})
	return o, err
}

// registerOrganization tries one slug after another, unless the caller wants a
// certain one.
func (x *executor) registerOrganization(ctx context.Context, req Request, c CreateOrganization, r organization.Registration, q quota) (outcome[organization.State], error) {
	register := func(slug string) (outcome[organization.State], error) {
		r.Slug = slug
		return execute(ctx, x, req, change[organization.State]{
			of: ref(organization.Aggregate, r.ID), organization: r.ID,
			decide: func(s organization.State) ([]event.Event, error) { return s.Register(r, req.at()) },
			claims: func(events []event.Event) []held {
				return append([]held{slotClaim{q, r.Slot}}, x.slugClaims(req, r.ID, events)...)
			},
		})
	}
	if c.Slug != "" {
		return register(c.Slug)
	}
	name := ""
	if c.Profile.Name != nil {
		name = *c.Profile.Name
	}
	for slug := range organization.SlugCandidates(name, req.Entropy("slug")) {
		if o, err := register(slug); !errors.Is(err, organization.ErrSlugTaken) {
			return o, err
		}
	}
	return outcome[organization.State]{}, organization.ErrSlugTaken
}
