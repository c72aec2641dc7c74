package httpapi

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/input"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/domain/personal"
	"github.com/perfectworks/backend/domain/user"
	"github.com/perfectworks/backend/projections/apikeys"
	"github.com/perfectworks/backend/projections/members"
	"github.com/perfectworks/backend/projections/organizations"
	"github.com/perfectworks/backend/projections/users"
)

// Member is a member of an organization, or an open invitation to it.
type Member struct {
	ID        string  `json:"id" format:"user-or-invitation" doc:"The id of the user, or of the invitation." example:"user_01jd9z3q5we8x9v6m2k4t7r1b9"`
	UserID    *string `json:"userId" doc:"Null for an invitation." example:"user_01jd9z3q5we8x9v6m2k4t7r1b9"`
	FirstName *string `json:"firstName" doc:"Null for an invitation." example:"Ada"`
	LastName  *string `json:"lastName" doc:"Null for an invitation." example:"Lovelace"`
	Email     *string `json:"email" example:"ada@example.com"`
	AvatarURL *string `json:"avatarUrl" example:"https://example.com/ada.png"`
	Role      string  `json:"role" enum:"owner,admin,billing,member,viewer" example:"member"`
	Status    string  `json:"status" enum:"active,suspended,invited" doc:"A member is suspended while their account is deactivated." example:"active"`
	JoinedAt  *Time   `json:"joinedAt" nullable:"true" doc:"Null for an invitation."`
	InvitedAt *Time   `json:"invitedAt" nullable:"true" example:"" doc:"Null for a member."`
	InvitedBy *string `json:"invitedBy" example:"" doc:"The id of the member who sent the invitation; null for a member."`
	ExpireAt  *Time   `json:"expireAt" nullable:"true" example:"" doc:"The instant from which the invitation cannot be accepted; null for a member."`
}

func memberOf(m members.Member) Member {
	out := Member{
		ID: m.ID, UserID: optional(string(m.UserID)),
		FirstName: optional(m.FirstName.Reveal()), LastName: optional(m.LastName.Reveal()),
		Email: optional(m.Email.Reveal()), AvatarURL: optional(m.AvatarURL.Reveal()),
		Role: string(m.Role), Status: string(m.Status),
	}
	if m.Status == members.StatusInvited {
		out.InvitedAt, out.InvitedBy, out.ExpireAt = optionalTime(m.JoinedAt), optional(string(m.InvitedBy)), optionalTime(m.ExpireAt)
	} else {
		out.JoinedAt = optionalTime(m.JoinedAt)
	}
	return out
}

// OwnInvitation is an open invitation, as the person who was invited sees it.
type OwnInvitation struct {
	ID           string              `json:"id" example:"inv_01jd9z3q5we8x9v6m2k4t7r1b9"`
	Organization OrganizationSummary `json:"organization"`
	Role         string              `json:"role" enum:"owner,admin,billing,member,viewer" example:"member"`
	InvitedBy    *string             `json:"invitedBy" doc:"The name of the member who sent the invitation." example:"Ada Lovelace"`
	InvitedAt    Time                `json:"invitedAt"`
	ExpireAt     Time                `json:"expireAt" doc:"The instant from which the invitation cannot be accepted."`
}

func ownInvitationOf(i members.Invitation) OwnInvitation {
	return OwnInvitation{
		ID: string(i.ID), Organization: summaryOf(i.OrganizationID, i.OrganizationName, i.OrganizationSlug, i.LogoURL),
		Role:      string(i.Role),
		InvitedBy: optional(strings.TrimSpace(i.InviterFirstName.Reveal() + " " + i.InviterLastName.Reveal())),
		InvitedAt: Time{i.InvitedAt}, ExpireAt: Time{i.ExpireAt},
	}
}

// JoinedOrganization is the organization that the caller has joined.
type JoinedOrganization struct {
	MemberID     string              `json:"memberId" doc:"The id of the caller." example:"user_01jd9z3q5we8x9v6m2k4t7r1b9"`
	Organization OrganizationSummary `json:"organization"`
	Role         string              `json:"role" enum:"owner,admin,billing,member,viewer" example:"member"`
	JoinedAt     Time                `json:"joinedAt"`
	IsActive     bool                `json:"isActive" doc:"Whether this is now the active organization of the caller." example:"true"`
}

// RemovedMember is a membership or an invitation that ended.
type RemovedMember struct {
	ID     string `json:"id" format:"user-or-invitation" example:"user_01jd9z3q5we8x9v6m2k4t7r1b9"`
	Status string `json:"status" enum:"removed,revoked" doc:"removed for a member, revoked for an invitation." example:"removed"`
	// OrganizationKeys is a pointer so that it can be null.
	OrganizationKeys *[]APIKey `json:"organizationKeys" nullable:"true" doc:"The organization's API keys that the member created and that still work. The member may know them: consider rotating them. Null if they could not be determined in time."`
}

var tagMembers = tag{"Organization members", "The members of the active organization, and invitations to it."}

func (a *API) registerMembers() {
	register(a, operation{
		id: "inviteMember", method: http.MethodPost, path: "/organization-members", tag: tagMembers,
		summary: "Invite member",
		description: "Sends an invitation by email, which can be accepted for 7 days. Only the email contains the token. " +
			"For owners, and for admins up to the role below their own. With `resend`, an open invitation of the address is sent again, " +
			"or replaced if the role differs; the earlier email is then void. Open invitations count as seats.",
		authorization: permitted(access.ManageMembers), status: http.StatusCreated, message: "the invitation was sent",
		fails: []error{
			organization.ErrEmailInvited, organization.ErrMemberJoined, organization.ErrInvitationsExceeded,
			organization.ErrSeatsExceeded, organization.ErrSendingsExceeded, organization.ErrNotFound,
		},
	}, a.inviteMember)
	register(a, operation{
		id: "listMembers", method: http.MethodGet, path: "/organization-members", tag: tagMembers,
		summary:       "List members",
		description:   "The members of the active organization, and the open invitations to it. Search looks in names and email addresses.",
		authorization: permitted(access.ReadOrganization), reads: []string{members.Name, users.Name},
		list: &members.List, message: "the members of the organization",
	}, a.listMembers)
	register(a, operation{
		id: "listOwnInvitations", method: http.MethodGet, path: "/organization-members/invitations", tag: tagMembers,
		summary:       "List own invitations",
		description:   "The open invitations to the caller's email address, which must be verified.",
		authorization: ownData(), reads: []string{members.Name, organizations.Name, users.Name},
		list: &members.InvitationList, message: "the invitations of the caller",
		fails: []error{user.ErrEmailNotVerified},
	}, a.listOwnInvitations)
	register(a, operation{
		id: "getMember", method: http.MethodGet, path: "/organization-members/{memberId}", tag: tagMembers,
		summary: "Get member", description: "A member of the active organization, or an open invitation to it.",
		authorization: permitted(access.ReadOrganization), reads: []string{members.Name, users.Name}, conditional: true,
		message: "the member", fails: []error{organization.ErrMemberNotFound},
	}, a.getMember)
	register(a, operation{
		id: "updateMember", method: http.MethodPut, path: "/organization-members/{memberId}", tag: tagMembers,
		summary: "Change role or transfer ownership",
		description: "Owners can give any role to anyone; admins only roles below their own, to members below their own. " +
			"With `transferOwnership`, the member becomes an owner and the caller an admin.",
		authorization: permitted(access.ManageMembers), moves: true, message: "the member was updated",
		fails: []error{
			organization.ErrMemberNotFound, organization.ErrLastOwner, organization.ErrMemberSuspended, organization.ErrNotFound,
		},
	}, a.updateMember)
	register(a, operation{
		id: "removeMember", method: http.MethodDelete, path: "/organization-members/{memberId}", tag: tagMembers,
		summary: "Remove member, leave, or revoke invitation",
		description: "Owners can remove anyone, admins members below their own role; everyone can remove themselves, but for the last owner. " +
			"The member's API keys stop working everywhere within a second, and for good. With the id of an invitation, revokes it.",
		authorization: permitted(access.LeaveOrganization, access.ManageMembers), moves: true, message: "the member was removed",
		fails: []error{
			organization.ErrMemberNotFound, organization.ErrInvitationNotFound, organization.ErrLastOwner, organization.ErrNotFound,
		},
	}, a.removeMember)
	register(a, operation{
		id: "joinOrganization", method: http.MethodPost, path: "/organization-members/join", tag: tagMembers,
		summary: "Accept invitation",
		description: "With the token from the email, or with the id of an own invitation. " +
			"The caller's email address must be the one that was invited, and verified. " +
			"If the caller has no active organization, this one becomes active. Repeating it gives the same answer.",
		authorization: ownData(), moves: true, message: "the caller is a member of the organization",
		fails: []error{
			user.ErrEmailNotVerified, organization.ErrInvitationNotFound, organization.ErrInvitationEmail,
			organization.ErrInvitationExpired, organization.ErrInvitationRevoked, organization.ErrInviterNotAllowed,
			organization.ErrMemberJoined, user.ErrNotFound,
		},
	}, a.joinOrganization)
}

type inviteMemberInput struct {
	Body struct {
		Email  string `json:"email" maxLength:"254" example:"grace@example.com"`
		Role   string `json:"role" doc:"owner, admin, billing, member or viewer." example:"member"`
		Resend *bool  `json:"resend,omitempty" nullable:"true" doc:"Whether to replace an open invitation of the address." example:"false"`
	} `nameHint:"NewInvitation"`
}

func (a *API) inviteMember(ctx context.Context, x *exchange, in *inviteMemberInput) (reply[Member], error) {
	result, err := a.commands.InviteMember(ctx, a.command(ctx, x), commands.InviteMember{
		Email: personal.New(in.Body.Email), Role: access.Role(in.Body.Role), Resend: in.Body.Resend != nil && *in.Body.Resend,
	})
	if err != nil {
		return reply[Member]{}, err
	}
	i := result.Value.Invitation
	out := written(result, memberOf(members.Member{
		ID: string(result.Value.ID), Role: i.Role, Status: members.StatusInvited, Email: i.Email,
		JoinedAt: i.InvitedAt, InvitedBy: i.InvitedBy, ExpireAt: i.ExpireAt,
	}))
	out.location = basePath + "/organization-members/" + out.data.ID
	return out, nil
}

func (a *API) listMembers(ctx context.Context, x *exchange, in *ListInput) (reply[Page[Member]], error) {
	page, err := a.queries.Members.List(ctx, x.principal.OrganizationID, time.Now(), in.request(x))
	if err != nil {
		return reply[Page[Member]]{}, err
	}
	return reply[Page[Member]]{data: pageOf(page, memberOf)}, nil
}

func (a *API) listOwnInvitations(ctx context.Context, x *exchange, in *ListInput) (reply[Page[OwnInvitation]], error) {
	if !x.principal.Identity.EmailVerified {
		return reply[Page[OwnInvitation]]{}, user.ErrEmailNotVerified
	}
	page, err := a.queries.Members.OfAddress(ctx, x.principal.Identity.EmailHash, time.Now(), in.request(x))
	if err != nil {
		return reply[Page[OwnInvitation]]{}, err
	}
	return reply[Page[OwnInvitation]]{data: pageOf(page, ownInvitationOf)}, nil
}

type memberInput struct {
	ID string `path:"memberId" format:"user-or-invitation" example:"user_01jd9z3q5we8x9v6m2k4t7r1b9"`
}

// checkMemberID refuses what is the id of neither a user nor an invitation.
func checkMemberID(name string) error {
	if !id.Valid(id.User(name)) && !id.Valid(id.Invitation(name)) {
		return organization.ErrMemberNotFound
	}
	return nil
}

func (a *API) getMember(ctx context.Context, x *exchange, in *memberInput) (reply[Member], error) {
	if err := checkMemberID(in.ID); err != nil {
		return reply[Member]{}, err
	}
	m, err := a.queries.Members.Get(ctx, x.principal.OrganizationID, in.ID, time.Now())
	if err != nil {
		return reply[Member]{}, err
	}
	return reply[Member]{data: memberOf(m), revision: &m.Revision}, nil
}

type updateMemberInput struct {
	ID   string `path:"memberId" format:"user-or-invitation" example:"user_01jd9z3q5we8x9v6m2k4t7r1b9"`
	Body struct {
		Role              *string `json:"role,omitempty" nullable:"true" doc:"owner, admin, billing, member or viewer." example:"admin"`
		TransferOwnership *bool   `json:"transferOwnership,omitempty" nullable:"true" doc:"Whether the member becomes an owner in the place of the caller." example:"false"`
	} `nameHint:"MemberChange"`
}

func (a *API) updateMember(ctx context.Context, x *exchange, in *updateMemberInput) (reply[Member], error) {
	if err := checkMemberID(in.ID); err != nil {
		return reply[Member]{}, err
	}
	member := id.User(in.ID)
	transfer := in.Body.TransferOwnership != nil && *in.Body.TransferOwnership
	var result commands.Result[organization.State]
	var err error
	switch {
	case transfer && in.Body.Role != nil && *in.Body.Role != string(access.Owner):
		err = transferredRole()
	case transfer:
		result, err = withCondition(ctx, a, x, a.commands.TransferOwnership, commands.TransferOwnership{UserID: member})
	default:
		change := commands.ChangeMemberRole{UserID: member, Role: (*access.Role)(in.Body.Role)}
		result, err = withCondition(ctx, a, x, a.commands.ChangeMemberRole, change)
	}
	if err != nil {
		return reply[Member]{}, err
	}
	// The names are not the organization's: they stand in the read model. The rest
	// is as the command left it.
	m, err := a.queries.Members.Get(ctx, result.Value.ID, in.ID, time.Now())
	if err != nil {
		a.logger.WarnContext(ctx, "the names of a member could not be read", slog.Any("error", err))
	}
	return written(result, memberOf(withMembership(m, member, result.Value.Members.Get(member)))), nil
}

// withMembership returns a member as the organization has them.
func withMembership(m members.Member, person id.User, as organization.Membership) members.Member {
	m.ID, m.UserID, m.Role, m.JoinedAt, m.Status = string(person), person, as.Role, as.JoinedAt, members.StatusActive
	if as.Suspended {
		m.Status = members.StatusSuspended
	}
	return m
}

func (a *API) removeMember(ctx context.Context, x *exchange, in *memberInput) (reply[RemovedMember], error) {
	if err := checkMemberID(in.ID); err != nil {
		return reply[RemovedMember]{}, err
	}
	if invitation := id.Invitation(in.ID); id.Valid(invitation) {
		result, err := withCondition(ctx, a, x, a.commands.RevokeInvitation, commands.RevokeInvitation{InvitationID: invitation})
		if err != nil {
			return reply[RemovedMember]{}, err
		}
		out := written(result, RemovedMember{ID: in.ID, Status: "revoked", OrganizationKeys: &[]APIKey{}})
		out.message = "the invitation was revoked"
		return out, nil
	}
	result, err := withCondition(ctx, a, x, a.commands.RemoveMember, commands.RemoveMember{UserID: id.User(in.ID)})
	if err != nil {
		return reply[RemovedMember]{}, err
	}
	return written(result, RemovedMember{
		ID: in.ID, Status: "removed", OrganizationKeys: a.keysLeftBy(ctx, id.User(in.ID), result.Value.Organization.ID, result.Position),
	}), nil
}

// keysTimeout bounds how long the answer to a removal waits for the read model of
// keys. The removal itself is done.
const keysTimeout = 2 * time.Second

// keysLeftBy returns the keys of an organization that somebody issued, and that
// work, as of a position; nil if the read model does not get there in time.
func (a *API) keysLeftBy(ctx context.Context, person id.User, o id.Organization, position event.Position) *[]APIKey {
	ctx, cancel := context.WithTimeout(ctx, keysTimeout)
	defer cancel()
	asOf, err := a.fresh.await(ctx, []string{apikeys.Name}, position)
	var keys []apikeys.Key
	if err == nil {
		keys, err = a.queries.APIKeys.LeftBy(ctx, person, o, time.Now())
	}
	if err != nil || !asOf.IsZero() {
		a.logger.WarnContext(ctx, "the keys that a removed member leaves could not be listed", slog.Any("error", err))
		return nil
	}
	out := make([]APIKey, len(keys))
	for i, key := range keys {
		out[i] = apiKeyOf(key)
	}
	return &out
}

type joinOrganizationInput struct {
	Body struct {
		InvitationID *string `json:"invitationId,omitempty" nullable:"true" maxLength:"64" doc:"The id of an own invitation. Either this or token." example:"inv_01jd9z3q5we8x9v6m2k4t7r1b9"`
		Token        *string `json:"token,omitempty" nullable:"true" maxLength:"128" doc:"The token from the email." example:""`
	} `nameHint:"InvitationAcceptance"`
}

func (a *API) joinOrganization(ctx context.Context, x *exchange, in *joinOrganizationInput) (reply[JoinedOrganization], error) {
	result, err := a.commands.JoinOrganization(ctx, a.command(ctx, x), commands.JoinOrganization{
		InvitationID: id.Invitation(textOf(in.Body.InvitationID)), Token: textOf(in.Body.Token),
	})
	if err != nil {
		return reply[JoinedOrganization]{}, err
	}
	o, m := result.Value.Organization, result.Value.Member
	return reply[JoinedOrganization]{
		data: JoinedOrganization{
			MemberID:     string(x.principal.UserID),
			Organization: summaryOf(o.ID, o.Profile.Name, o.Slug, o.Profile.LogoURL),
			Role:         string(m.Role), JoinedAt: Time{m.JoinedAt}, IsActive: result.Value.IsActive,
		},
		position: result.Position,
	}, nil
}

// transferredRole refuses a role beside a transfer, which is always to owner.
func transferredRole() error {
	var wrong failure.Fields
	wrong.Add("role", input.CodeMismatch, "must be owner, or absent, when ownership is transferred")
	return wrong.Err()
}
