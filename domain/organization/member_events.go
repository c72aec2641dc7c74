package organization

import (
	"time"

	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/personal"
)

// MemberInvited invites the owner of an email address. The token itself goes to
// that address and is stored nowhere.
type MemberInvited struct {
	OrganizationID id.Organization `json:"organizationId"`
	InvitationID   id.Invitation   `json:"invitationId"`
	// Email is encrypted with a key of the invitation's own: the person may have
	// no account.
	Email personal.Text `json:"email,omitzero" subject:"invitationId"`
	// EmailHash is the keyed hash of the folded address.
	EmailHash string      `json:"emailHash"`
	Role      access.Role `json:"role"`
	// InvitedBy is the member who invites; it is empty when a system user does.
	InvitedBy id.User `json:"invitedBy"`
	// TokenHash is the SHA-256 of the token, in lower-case hexadecimal.
	TokenHash string `json:"tokenHash"`
	// ExpireAt is the first instant at which the invitation is over.
	ExpireAt   time.Time `json:"expireAt"`
	OccurredAt time.Time `json:"occurredAt"`
}

// InvitationResent replaces the token of an invitation, and begins its time anew.
type InvitationResent struct {
	OrganizationID id.Organization `json:"organizationId"`
	InvitationID   id.Invitation   `json:"invitationId"`
	// Issue numbers the tokens of the invitation: the first one was 1.
	Issue int `json:"issue"`
	// ResentBy is the member who stands for the invitation from now on; it is
	// empty when a system user does.
	ResentBy   id.User   `json:"resentBy"`
	TokenHash  string    `json:"tokenHash"`
	ExpireAt   time.Time `json:"expireAt"`
	OccurredAt time.Time `json:"occurredAt"`
}

// InvitationRevoked ends an invitation that was not accepted.
type InvitationRevoked struct {
	OrganizationID id.Organization `json:"organizationId"`
	InvitationID   id.Invitation   `json:"invitationId"`
	OccurredAt     time.Time       `json:"occurredAt"`
}

// InvitationForgotten says that the address of an invitation that ended long ago
// was made unreadable: its key was destroyed.
type InvitationForgotten struct {
	OrganizationID id.Organization `json:"organizationId"`
	InvitationID   id.Invitation   `json:"invitationId"`
	OccurredAt     time.Time       `json:"occurredAt"`
}

// MemberSuspended lets a membership sleep while its person's account is
// deactivated: they stay a member, with the same role, and may do nothing.
type MemberSuspended struct {
	OrganizationID id.Organization `json:"organizationId"`
	UserID         id.User         `json:"userId"`
	OccurredAt     time.Time       `json:"occurredAt"`
}

// MemberReinstated ends a suspension.
type MemberReinstated struct {
	OrganizationID id.Organization `json:"organizationId"`
	UserID         id.User         `json:"userId"`
	OccurredAt     time.Time       `json:"occurredAt"`
}

// OwnershipTransferred says why two roles change: the MemberRoleChanged events
// that carry it out follow in the same append.
type OwnershipTransferred struct {
	OrganizationID id.Organization `json:"organizationId"`
	FromUserID     id.User         `json:"fromUserId"`
	ToUserID       id.User         `json:"toUserId"`
	OccurredAt     time.Time       `json:"occurredAt"`
}

// EventType is the stored name.
func (MemberInvited) EventType() string { return "MemberInvited" }

// EventType is the stored name.
func (InvitationResent) EventType() string { return "InvitationResent" }

// EventType is the stored name.
func (InvitationForgotten) EventType() string { return "InvitationForgotten" }

// EventType is the stored name.
func (InvitationRevoked) EventType() string { return "InvitationRevoked" }

// EventType is the stored name.
func (MemberSuspended) EventType() string { return "MemberSuspended" }

// EventType is the stored name.
func (MemberReinstated) EventType() string { return "MemberReinstated" }

// EventType is the stored name.
func (OwnershipTransferred) EventType() string { return "OwnershipTransferred" }
