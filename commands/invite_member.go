package commands

import (
	"context"

	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/domain/personal"
	"github.com/perfectworks/backend/domain/reservation"
	"github.com/perfectworks/backend/domain/user"
)

// InviteMember invites an email address to the organization that the caller acts
// in. The mail follows from the event, and it alone holds the token.
//
// It fails with organization.ErrEmailInvited when the address has an open
// invitation, unless Resend is set: then that one is sent again with a new token,
// which voids the old one, or is replaced by one to the other role. It fails with
// organization.ErrMemberJoined for a member's verified address. What it answers
// does not depend on whether an address has an account.
type InviteMember struct {
	Email  personal.Text
	Role   access.Role
	Resend bool
}

// InvitedMember is an invitation.
type InvitedMember struct {
	ID         id.Invitation
	Invitation organization.Invitation
}

// RevokeInvitation ends an invitation. Again, it gives the same answer.
type RevokeInvitation struct {
	InvitationID id.Invitation
}

func (x *executor) inviteMember(ctx context.Context, req Request, c InviteMember) (Result[InvitedMember], error) {
	invitationID, err := id.New[id.Invitation](req.IDs())
	if err != nil {
		return Result[InvitedMember]{}, err
	}
	invite := organization.Invite{
		ID: invitationID, Email: c.Email, Role: c.Role, Resend: c.Resend,
		TokenHash: func(name id.Invitation, n int) string { return x.secrets.InvitationToken(name, n).HexHash() },
	}
	email, err := invite.Check()
	if err != nil {
		return Result[InvitedMember]{}, err
	}
	invite.EmailHash = x.secrets.EmailHash(email.Reveal())
	if invite.Holder, err = x.emailHolder(ctx, invite.EmailHash); err != nil {
		return Result[InvitedMember]{}, err
	}
	o, err := x.manageMembers(ctx, req, func(s organization.State) ([]event.Event, error) {
		return s.Invite(req.Principal, invite, req.at())
	})
	if err != nil {
		return Result[InvitedMember]{}, err
	}
	name, i := o.State.LatestInvitationOf(invite.EmailHash)
	return Result[InvitedMember]{
		Value: InvitedMember{ID: name, Invitation: i}, Revision: o.Revision, Position: o.Position,
	}, nil
}

func (x *executor) revokeInvitation(ctx context.Context, req Request, c RevokeInvitation) (Result[organization.State], error) {
	return resultOf(x.manageMembers(ctx, req, func(s organization.State) ([]event.Event, error) {
		return s.RevokeInvitation(req.Principal, c.InvitationID, req.at())
	}))
}

// emailHolder returns the user whose verified address this is; empty if there is
// none. It asks the address's reservation, and then its holder, who may not use
// it.
func (x *executor) emailHolder(ctx context.Context, emailHash string) (id.User, error) {
	held, err := load(ctx, x, ref(reservation.Aggregate, reservation.IDOf(reservation.Email, emailHash)), true)
	if err != nil || held.State.OwnerID == "" {
		return "", err
	}
	holder := id.User(held.State.OwnerID)
	person, err := load(ctx, x, ref(user.Aggregate, holder), true)
	if err != nil || !person.State.HoldsEmail(emailHash) {
		return "", err
	}
	return holder, nil
}
