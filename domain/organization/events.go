package organization

import (
	"time"

	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/personal"
)

// Aggregate describes the aggregate of an organization.
var Aggregate = event.Aggregate[id.Organization, State]{
	Category: "organization",
	Schemas: []event.Schema{
		event.Define[Registered](event.FieldsAdded),
		event.Define[ProfileUpdated](),
		event.Define[SlugChanged](),
		event.Define[FileRetentionChanged](),
		event.Define[SlugClaimLapsed](),
		event.Define[RegistrationLapsed](),
		event.Define[MemberInvited](),
		event.Define[InvitationResent](),
		event.Define[InvitationRevoked](),
		event.Define[InvitationForgotten](),
		event.Define[MemberJoined](event.FieldsAdded),
		event.Define[MemberRoleChanged](),
		event.Define[MemberSuspended](),
		event.Define[MemberReinstated](),
		event.Define[MemberRemoved](),
		event.Define[OwnershipTransferred](),
		event.Define[Deleted](),
		event.Define[Restored](),
		event.Define[Purged](event.FieldsAdded),
	},
	Apply:    Apply,
	NotFound: ErrNotFound,
}

// Registered says that an organization came to be. Its first owner follows in
// the same append as a MemberJoined. OccurredAt, here and in all events, is
// when the command was made: state and read models show this time, in UTC and
// whole milliseconds, not the time of storing.
type Registered struct {
	OrganizationID id.Organization `json:"organizationId"`
	Name           string          `json:"name"`
	Slug           string          `json:"slug"`
	// Email is often a person's: purging the organization erases it.
	Email       personal.Text `json:"email,omitzero" subject:"organizationId"`
	Website     string        `json:"website,omitempty"`
	Description string        `json:"description,omitempty"`
	LogoURL     string        `json:"logoUrl,omitempty"`
	Country     string        `json:"country,omitempty"`
	Timezone    string        `json:"timezone,omitempty"`
	// CreatedBy is who made it, and Slot the one of their slots that it is counted
	// in, from 1 on. Since version 2.
	CreatedBy  id.User   `json:"createdBy,omitempty"`
	Slot       int       `json:"slot,omitempty"`
	OccurredAt time.Time `json:"occurredAt"`
}

// ProfileUpdated carries the whole profile as it is afterwards, so that a
// cleared field is an absent one, and in Changed the names of what differs.
type ProfileUpdated struct {
	OrganizationID id.Organization `json:"organizationId"`
	Name           string          `json:"name"`
	Email          personal.Text   `json:"email,omitzero" subject:"organizationId"`
	Website        string          `json:"website,omitempty"`
	Description    string          `json:"description,omitempty"`
	LogoURL        string          `json:"logoUrl,omitempty"`
	Country        string          `json:"country,omitempty"`
	Timezone       string          `json:"timezone,omitempty"`
	Changed        []string        `json:"changed"`
	OccurredAt     time.Time       `json:"occurredAt"`
}

// SlugChanged moves the organization to another slug. The former one redirects
// here, and is no other tenant's before FormerHeldUntil.
type SlugChanged struct {
	OrganizationID  id.Organization `json:"organizationId"`
	Slug            string          `json:"slug"`
	FormerSlug      string          `json:"formerSlug"`
	FormerHeldUntil time.Time       `json:"formerHeldUntil"`
	OccurredAt      time.Time       `json:"occurredAt"`
}

// RegistrationLapsed takes from an unfinished registration the right to the slot
// that it reserved. Being in the organization's stream, it makes that registration
// fail its revision check, should it still be under way.
type RegistrationLapsed struct {
	OrganizationID id.Organization `json:"organizationId"`
	OccurredAt     time.Time       `json:"occurredAt"`
}

// SlugClaimLapsed takes from the organization the right to a slug that it
// reserved and never used. Being in the organization's stream, it makes the
// command that reserved it fail its revision check, should it still be under
// way.
type SlugClaimLapsed struct {
	OrganizationID id.Organization `json:"organizationId"`
	Slug           string          `json:"slug"`
	OccurredAt     time.Time       `json:"occurredAt"`
}

// MemberJoined makes a user a member.
type MemberJoined struct {
	OrganizationID id.Organization `json:"organizationId"`
	UserID         id.User         `json:"userId"`
	Role           access.Role     `json:"role"`
	// InvitationID is the invitation by which the person joined; the first owner
	// has none.
	InvitationID id.Invitation `json:"invitationId,omitempty"`
	OccurredAt   time.Time     `json:"occurredAt"`
}

// MemberRoleChanged gives a member another role.
type MemberRoleChanged struct {
	OrganizationID id.Organization `json:"organizationId"`
	UserID         id.User         `json:"userId"`
	Role           access.Role     `json:"role"`
	FormerRole     access.Role     `json:"formerRole"`
	OccurredAt     time.Time       `json:"occurredAt"`
}

// MemberRemoved ends a membership, by others or by the member's leaving.
type MemberRemoved struct {
	OrganizationID id.Organization `json:"organizationId"`
	UserID         id.User         `json:"userId"`
	OccurredAt     time.Time       `json:"occurredAt"`
}

// Deleted is a soft deletion: until PurgeAt it can be undone.
type Deleted struct {
	OrganizationID id.Organization `json:"organizationId"`
	PurgeAt        time.Time       `json:"purgeAt"`
	OccurredAt     time.Time       `json:"occurredAt"`
}

// Restored undoes a soft deletion.
type Restored struct {
	OrganizationID id.Organization `json:"organizationId"`
	OccurredAt     time.Time       `json:"occurredAt"`
}

// Purged says that the organization is gone for good.
type Purged struct {
	OrganizationID id.Organization `json:"organizationId"`
	// SlugHeldUntil is until when nobody else gets the slug. Since version 2;
	// before, the slug was free at once.
	SlugHeldUntil time.Time `json:"slugHeldUntil,omitzero"`
	OccurredAt    time.Time `json:"occurredAt"`
}

// EventType is the stored name.
func (Registered) EventType() string { return "OrganizationRegistered" }

// EventType is the stored name.
func (ProfileUpdated) EventType() string { return "OrganizationProfileUpdated" }

// EventType is the stored name.
func (SlugChanged) EventType() string { return "OrganizationSlugChanged" }

// EventType is the stored name.
func (RegistrationLapsed) EventType() string { return "OrganizationRegistrationLapsed" }

// EventType is the stored name.
func (SlugClaimLapsed) EventType() string { return "OrganizationSlugClaimLapsed" }

// EventType is the stored name.
func (MemberJoined) EventType() string { return "MemberJoined" }

// EventType is the stored name.
func (MemberRoleChanged) EventType() string { return "MemberRoleChanged" }

// EventType is the stored name.
func (MemberRemoved) EventType() string { return "MemberRemoved" }

// EventType is the stored name.
func (Deleted) EventType() string { return "OrganizationDeleted" }

// EventType is the stored name.
func (Restored) EventType() string { return "OrganizationRestored" }

// EventType is the stored name.
func (Purged) EventType() string { return "OrganizationPurged" }
