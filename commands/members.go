package commands

import (
	"context"

	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/organization"
)

// MemberCommands are the use cases of an organization's members.
type MemberCommands struct {
	InviteMember      Handler[InviteMember, InvitedMember]
	RevokeInvitation  Handler[RevokeInvitation, organization.State]
	JoinOrganization  Handler[JoinOrganization, JoinedOrganization]
	ChangeMemberRole  Handler[ChangeMemberRole, organization.State]
	TransferOwnership Handler[TransferOwnership, organization.State]
	RemoveMember      Handler[RemoveMember, RemovedMember]
	SendInvitation    Handler[SendInvitation, SentInvitation]
	ForgetInvitation  Handler[ForgetInvitation, organization.State]

	SuspendMember   Handler[SuspendMember, organization.State]
	ReinstateMember Handler[ReinstateMember, organization.State]
	EndMembership   Handler[EndMembership, organization.State]
}

func (x *executor) memberCommands(o Observer) MemberCommands {
	return MemberCommands{
		InviteMember:      observed(o, "InviteMember", x.inviteMember),
		RevokeInvitation:  observed(o, "RevokeInvitation", x.revokeInvitation),
		JoinOrganization:  observed(o, "JoinOrganization", x.joinOrganization),
		ChangeMemberRole:  observed(o, "ChangeMemberRole", x.changeMemberRole),
		TransferOwnership: observed(o, "TransferOwnership", x.transferOwnership),
		RemoveMember:      observed(o, "RemoveMember", x.removeMember),
		SendInvitation:    observed(o, "SendInvitation", x.sendInvitation),
		ForgetInvitation:  observed(o, "ForgetInvitation", x.forgetInvitation),

		SuspendMember:   observed(o, "SuspendMember", x.suspendMember),
		ReinstateMember: observed(o, "ReinstateMember", x.reinstateMember),
		EndMembership:   observed(o, "EndMembership", x.endMembership),
	}
}

// Secrets are values that are stored nowhere in the clear, and can be made again.
type Secrets interface {
	// EmailHash returns the keyed hash of an address, as identities have it.
	EmailHash(address string) string
	// InvitationToken returns the token that an invitation is sent with for the
	// n-th time, from 1 on: always the same one.
	InvitationToken(invitation id.Invitation, n int) organization.Token
}

// InvitationIndex finds invitations by their id, which no stream tells.
type InvitationIndex interface {
	// OrganizationOf returns the organization that somebody is invited to; empty
	// if there never was such an invitation. It knows of all that was written
	// before the call.
	OrganizationOf(ctx context.Context, invitation id.Invitation) (id.Organization, error)
}

// manageMembers carries out a decision about the members of the organization that
// the caller acts in. The organization itself knows the caller's rank.
func (x *executor) manageMembers(ctx context.Context, req Request, decide func(organization.State) ([]event.Event, error)) (outcome[organization.State], error) {
	if req.Principal.OrganizationID == "" {
		return outcome[organization.State]{}, access.ErrNoActiveOrganization
	}
	return x.changeOrganization(ctx, req, req.Principal.OrganizationID, decide)
}
