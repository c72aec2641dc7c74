package commands

import (
	"context"
	"fmt"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/input"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/domain/user"
)

// JoinOrganization accepts an invitation: by its token, or by its id for somebody
// whose verified address was invited. In both cases the request's own token must
// vouch for that address. A second time it gives the same answer. The organization
// becomes the active one of somebody who has none.
//
// It fails with user.ErrEmailNotVerified, and as organization.State.Join does.
type JoinOrganization struct {
	// InvitationID and Token: one of both.
	InvitationID id.Invitation
	Token        string
}

// JoinedOrganization is an organization, and its member who joined.
type JoinedOrganization struct {
	Organization organization.State
	Member       organization.Membership
	// IsActive says that the person acts in the organization from now on, when
	// nothing else is said.
	IsActive bool
}

func (x *executor) joinOrganization(ctx context.Context, req Request, c JoinOrganization) (Result[JoinedOrganization], error) {
	if err := req.Principal.RequireUser(); err != nil {
		return Result[JoinedOrganization]{}, err
	}
	token, err := c.check()
	if err != nil {
		return Result[JoinedOrganization]{}, err
	}
	if !req.Principal.Identity.EmailVerified {
		return Result[JoinedOrganization]{}, user.ErrEmailNotVerified
	}
	organizationID, err := x.invitations.OrganizationOf(ctx, c.InvitationID)
	if err != nil {
		return Result[JoinedOrganization]{}, fmt.Errorf("find an invitation: %w", err)
	}
	if organizationID == "" {
		return Result[JoinedOrganization]{}, organization.ErrInvitationNotFound
	}
	a := organization.Acceptance{
		InvitationID: c.InvitationID, UserID: req.Principal.UserID, EmailHash: req.Principal.Identity.EmailHash,
	}
	if !token.IsZero() {
		a.TokenHash, a.Genuine = token.HexHash(), x.genuine(token)
	}
	o, err := execute(ctx, x, req, change[organization.State]{
		of: ref(organization.Aggregate, organizationID), organization: organizationID,
		decide: func(s organization.State) ([]event.Event, error) { return s.Join(a, req.at()) },
	})
	if err != nil {
		return Result[JoinedOrganization]{}, err
	}
	joined := Result[JoinedOrganization]{
		Value: JoinedOrganization{
			Organization: o.State, Member: o.State.Members.Get(a.UserID), IsActive: req.Principal.OrganizationID == organizationID,
		},
		Revision: o.Revision, Position: o.Position,
	}
	if req.Principal.OrganizationID != "" {
		return joined, nil
	}
	person, err := x.actSomewhere(ctx, req, organizationID, joined.Value.Member)
	if err != nil {
		return Result[JoinedOrganization]{}, err
	}
	joined.Value.IsActive = person.State.ActiveOrganizationID == organizationID
	joined.Position = latest(joined.Position, person.Position)
	return joined, nil
}

// check reads the input. An invitation's id follows from its token.
func (c *JoinOrganization) check() (organization.Token, error) {
	var wrong failure.Fields
	switch {
	case c.InvitationID == "" && c.Token == "":
		wrong.Add("invitationId", input.CodeRequired, "must be given, or token")
	case c.InvitationID != "" && c.Token != "":
		wrong.Add("token", input.CodeFormat, "must not come with invitationId")
	}
	if err := wrong.Err(); err != nil {
		return organization.Token{}, err
	}
	if c.Token == "" {
		if !id.Valid(c.InvitationID) {
			return organization.Token{}, organization.ErrInvitationNotFound
		}
		return organization.Token{}, nil
	}
	token, ok := organization.ParseToken(c.Token)
	if !ok {
		return organization.Token{}, organization.ErrInvitationNotFound
	}
	c.InvitationID = token.InvitationID()
	return token, nil
}

// genuine tells whether a token was ever sent, which nobody else can know.
func (x *executor) genuine(token organization.Token) bool {
	for n := range organization.MaxIssues {
		if x.secrets.InvitationToken(token.InvitationID(), n+1) == token {
			return true
		}
	}
	return false
}
